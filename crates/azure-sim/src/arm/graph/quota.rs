//! How many queries a user may ask in a while.

use std::collections::HashMap;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::arm::error::ArmError;
use crate::switches::ResourceGraphQuota;
use crate::world::World;

/// Queries in each [`WINDOW`], as the guidance on throttled requests has it.
const QUERIES: u32 = 15;
/// In seconds at speed 1.
const WINDOW: f64 = 5.0;

/// Of each user, when the present window ends, and how many queries are left in it.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    users: HashMap<Uuid, (DateTime<Utc>, u32)>,
}

/// What is left for a user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    queries: u32,
    resets_after: TimeDelta,
}

impl Quotas {
    /// Takes one query of the user's, or refuses it with 429.
    pub(super) fn take(&mut self, user: Uuid, world: &World) -> Result<Left, ArmError> {
        let (now, window, counts) = world.look(|cloud, now| {
            (now, cloud.latencies.scaled(WINDOW), cloud.switches.resource_graph_quota == ResourceGraphQuota::Fifteen)
        });
        let entry = self.users.entry(user).or_insert((now + window, QUERIES));
        if entry.0 <= now {
            *entry = (now + window, QUERIES);
        }
        let resets_after = entry.0 - now;
        if counts && entry.1 == 0 {
            let message = "Please provide below info when asking for support: the client application has been throttled \
                           and should not attempt to repeat the request until an amount of time has elapsed.";
            let left = Left { queries: 0, resets_after };
            let refused = ArmError::new(StatusCode::TOO_MANY_REQUESTS, "RateLimiting", message);
            return Err(refused.with_headers(left.headers()));
        }
        entry.1 = entry.1.saturating_sub(u32::from(counts));
        Ok(Left { queries: entry.1, resets_after })
    }
}

impl Left {
    pub(super) fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-ms-user-quota-remaining", HeaderValue::from(self.queries));
        // Rounded up, so that who waits as long as told is let in.
        let seconds = (self.resets_after + TimeDelta::milliseconds(999)).num_seconds().clamp(0, 359_999);
        let text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
        headers.extend(HeaderValue::from_str(&text).ok().map(|text| (RESETS_AFTER, text)));
        headers
    }
}

const RESETS_AFTER: axum::http::HeaderName = axum::http::HeaderName::from_static("x-ms-user-quota-resets-after");

//! How many requests the resource manager takes: a bucket of tokens for each principal, subscription and kind of request.
//! https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling

use std::collections::HashMap;

use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// What a request counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Reads,
    Writes,
    Deletes,
}

impl Kind {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Reads,
            Method::DELETE => Self::Deletes,
            _ => Self::Writes,
        }
    }

    /// The last word of the header.
    fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Deletes => "deletes",
        }
    }

    /// How many fit into the bucket, and how many a second flow back in.
    fn bucket(self) -> (f64, f64) {
        match self {
            Self::Reads => (250.0, 25.0),
            Self::Writes | Self::Deletes => (200.0, 10.0),
        }
    }
}

/// Whose bucket: the principal's, in a subscription or for what has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Payer {
    pub(crate) account: Uuid,
    /// In lower case; `None` at the tenant.
    pub(crate) subscription: Option<String>,
    pub(crate) kind: Kind,
}

/// What is left after a request was paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) header: String,
    pub(crate) tokens: u32,
    /// When there was none to pay with: how long until there is.
    pub(crate) wait: Option<TimeDelta>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: DateTime<Utc>,
}

/// So many buckets are kept whatever is in them. Callers name subscriptions as they like.
const KEPT: usize = 256;

impl Bucket {
    /// What is in it by now.
    fn tokens_at(&self, now: DateTime<Utc>, kind: Kind, speed: f64) -> f64 {
        let (full, a_second) = kind.bucket();
        let passed = (now - self.at).as_seconds_f64().max(0.0);
        (self.tokens + passed * a_second * speed).min(full)
    }
}

/// The buckets that are not full, and some that are.
#[derive(Debug, Default)]
pub(crate) struct RateLimits {
    buckets: HashMap<Payer, Bucket>,
}

impl RateLimits {
    /// Takes a token. At a higher `speed` they flow back faster.
    pub(crate) fn pay(&mut self, payer: Payer, now: DateTime<Utc>, speed: f64) -> Left {
        let kind = payer.kind;
        let (full, a_second) = kind.bucket();
        if self.buckets.len() >= KEPT && !self.buckets.contains_key(&payer) {
            self.buckets.retain(|payer, bucket| bucket.tokens_at(now, payer.kind, speed) < payer.kind.bucket().0);
        }
        let scope = if payer.subscription.is_some() { "subscription" } else { "tenant" };
        let header = format!("x-ms-ratelimit-remaining-{scope}-{}", kind.name());
        let bucket = self.buckets.entry(payer).or_insert(Bucket { tokens: full, at: now });
        *bucket = Bucket { tokens: bucket.tokens_at(now, kind, speed), at: now };
        if bucket.tokens < 1.0 {
            let seconds = (1.0 - bucket.tokens) / (a_second * speed);
            let wait = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default();
            return Left { header, tokens: 0, wait: Some(TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX)) };
        }
        bucket.tokens -= 1.0;
        Left { header, tokens: whole(bucket.tokens), wait: None }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bucket holds from 0 to 250")]
fn whole(tokens: f64) -> u32 {
    tokens.clamp(0.0, 250.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(account: u128, subscription: Option<&str>) -> Payer {
        Payer { account: Uuid::from_u128(account), subscription: subscription.map(str::to_owned), kind: Kind::Reads }
    }

    #[test]
    fn a_bucket_empties_and_fills_again_and_each_principal_has_its_own() {
        let now = Utc::now();
        let mut limits = RateLimits::default();
        for left in (0..250).rev() {
            let paid = limits.pay(reads(1, Some("s")), now, 1.0);
            assert_eq!((paid.tokens, paid.wait), (left, None));
        }
        let refused = limits.pay(reads(1, Some("s")), now, 1.0);
        assert_eq!((refused.tokens, refused.wait), (0, Some(TimeDelta::milliseconds(40))));
        assert_eq!(limits.pay(reads(2, Some("s")), now, 1.0).tokens, 249);
        assert_eq!(limits.pay(reads(1, Some("t")), now, 1.0).tokens, 249);
        let at_the_tenant = limits.pay(reads(1, None), now, 1.0);
        assert_eq!(at_the_tenant.header, "x-ms-ratelimit-remaining-tenant-reads");
        // Twenty-five a second, and never more than fit.
        assert_eq!(limits.pay(reads(1, Some("s")), now + TimeDelta::seconds(2), 1.0).tokens, 49);
        assert_eq!(limits.pay(reads(1, Some("s")), now + TimeDelta::hours(2), 1.0).tokens, 249);
    }

    #[test]
    fn full_buckets_are_forgotten_once_there_are_many_and_others_are_not() {
        let mut now = Utc::now();
        let mut limits = RateLimits::default();
        for number in 0..10_000 {
            limits.pay(reads(1, Some("empty")), now, 1.0);
            limits.pay(reads(1, Some(&number.to_string())), now, 1.0);
            now += TimeDelta::milliseconds(20);
        }
        assert!(limits.buckets.len() <= KEPT, "{}", limits.buckets.len());
        assert!(limits.pay(reads(1, Some("empty")), now, 1.0).tokens < 10, "one every 40 ms flows back, and two go");
    }

    #[test]
    fn at_a_higher_speed_the_bucket_fills_faster() {
        let now = Utc::now();
        let mut limits = RateLimits::default();
        for _ in 0..250 {
            limits.pay(reads(1, None), now, 100.0);
        }
        assert_eq!(limits.pay(reads(1, None), now + TimeDelta::milliseconds(40), 100.0).tokens, 99);
    }
}

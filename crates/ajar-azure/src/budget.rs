//! One budget for each subscription: after a 429 nothing more is sent for it until Azure takes calls again.
//!
//! Azure counts calls by subscription and identity. What one call learns holds for all others, reads and writes alike:
//! sending them on would only lengthen the pause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::limits::Limits;
use crate::policies::{correlation_id, is, quota_used_up, retry_after, wanted};

/// Until when a subscription is left alone.
#[derive(Clone, Debug)]
struct Pause {
    until: Instant,
    /// What Azure said, for people.
    told: DateTime<Utc>,
    /// Azure's id of the call that it refused.
    correlation_id: Option<String>,
}

/// Holds back what is sent to subscriptions that are paused, and pauses them.
#[derive(Debug)]
pub(crate) struct Budget {
    limits: Limits,
    pauses: Mutex<HashMap<String, Pause>>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, pauses: Mutex::default() }
    }

    fn pause(&self, subscription: &str) -> Option<Pause> {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pauses.retain(|_, pause| pause.until > now);
        pauses.get(subscription).cloned()
    }

    fn note(&self, subscription: String, asked: Option<Duration>, correlation_id: Option<String>) {
        let asked = asked.unwrap_or_default().max(self.limits.first_wait);
        let until = Instant::now() + asked.min(self.limits.longest_pause);
        let told = TimeDelta::from_std(asked).ok().and_then(|asked| Utc::now().checked_add_signed(asked));
        let pause = Pause { until, told: told.unwrap_or(DateTime::<Utc>::MAX_UTC), correlation_id };
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two answers the one that asks for more time knows more.
        let known = pauses.entry(subscription).or_insert_with(|| pause.clone());
        if pause.until > known.until {
            *known = pause;
        }
    }
}

/// The subscription of a resource manager's URL, in lower case; empty for what belongs to none, but for Resource Graph,
/// which has a quota of its own.
fn subscription(url: &Url) -> String {
    let mut segments = url.path_segments().into_iter().flatten();
    match segments.next() {
        Some(word) if word.eq_ignore_ascii_case("subscriptions") => segments.next().unwrap_or_default(),
        Some(word) if word.eq_ignore_ascii_case("providers") => segments.next().unwrap_or_default(),
        Some(_) | None => "",
    }
    .to_ascii_lowercase()
}

#[async_trait]
impl Policy for Budget {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let subscription = subscription(request.url());
        if let Some(pause) = self.pause(&subscription) {
            if pause.until > Instant::now() + self.limits.patience {
                let Pause { told, correlation_id, .. } = pause;
                return Err(Paused { retry_at: told, correlation_id }.into());
            }
            wanted(ctx).wait(sleep_until(pause.until)).await?;
        }
        let response = next[0].send(ctx, request, &next[1..]).await?;
        let headers = response.headers();
        if is(response.status(), 429) || quota_used_up(headers).is_some() {
            self.note(subscription, retry_after(headers, Utc::now()), correlation_id(headers));
        }
        Ok(response)
    }
}

/// A call that was not sent because its subscription is paused, as it travels through azure_core's errors.
#[derive(Debug, thiserror::Error)]
#[error("Azure asked to wait until {retry_at}")]
pub(crate) struct Paused {
    pub(crate) retry_at: DateTime<Utc>,
    /// Of the call for which Azure asked to wait.
    pub(crate) correlation_id: Option<String>,
}

impl From<Paused> for Error {
    fn from(paused: Paused) -> Self {
        Self::new(ErrorKind::Other, paused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_known_in_any_casing_and_tenants_have_none() {
        let of = |path: &str| subscription(&format!("https://management.azure.com{path}").parse().unwrap());
        assert_eq!(of("/subscriptions/ABC/resourceGroups/g"), "abc");
        assert_eq!(of("/SUBSCRIPTIONS/abc"), "abc");
        assert_eq!(of("/subscriptions"), "");
        assert_eq!(of("/tenants"), "");
        assert_eq!(of("/providers/Microsoft.ResourceGraph/resources"), "microsoft.resourcegraph");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_by_itself_and_never_lasts_longer_than_its_bound() {
        let budget = Budget::new(Limits::default());
        budget.note("a".into(), Some(Duration::from_hours(24)), Some("of the first".into()));
        budget.note("a".into(), Some(Duration::from_secs(1)), Some("of the second".into()));
        let Pause { told, correlation_id, .. } = budget.pause("a").unwrap();
        assert!(told > Utc::now() + TimeDelta::hours(23), "{told}");
        assert_eq!(correlation_id.as_deref(), Some("of the first"), "whose time it is");
        assert!(budget.pause("b").is_none());
        tokio::time::advance(Limits::default().longest_pause).await;
        assert!(budget.pause("a").is_none());
    }

    #[test]
    fn a_wait_beyond_all_time_is_no_panic() {
        let budget = Budget::new(Limits::default());
        budget.note("a".into(), Some(Duration::MAX), None);
        assert_eq!(budget.pause("a").unwrap().told, DateTime::<Utc>::MAX_UTC);
    }
}

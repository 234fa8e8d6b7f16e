//! One budget for each subscription: after a 429 nothing more is sent for it until Azure takes calls again.
//!
//! Azure counts calls by subscription and identity. What one call learns holds for all others, reads and writes alike:
//! sending them on would only lengthen the pause. It holds for the next process as well, if somebody [keeps](KeepPauses) it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{Context, Request};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::limits::Limits;
use crate::policies::{correlation_id, is, quota_used_up, retry_after, wanted};

/// Until when a subscription is left alone, as another process can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptPause {
    /// Since when, by this machine's clock.
    pub since: DateTime<Utc>,
    /// By the same clock.
    pub until: DateTime<Utc>,
    /// From when on Azure said that it answers again; may be later.
    pub told: DateTime<Utc>,
    /// Azure's id of the call that it refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl KeptPause {
    /// What is left of it, if it is in force at `now`. One of a time to come, or one that lasts longer than any may, is none:
    /// the clock was another one, and nobody is to be locked out by that.
    fn left(&self, now: DateTime<Utc>, longest: Duration) -> Option<Duration> {
        let lasts = (self.until - self.since).to_std().ok().filter(|lasts| *lasts <= longest)?;
        let left = (self.until - now).to_std().ok()?;
        (self.since <= now && !left.is_zero()).then_some(left.min(lasts))
    }
}

/// Keeps until when subscriptions are left alone, for the processes that come after this one.
#[async_trait]
pub trait KeepPauses: std::fmt::Debug + Send + Sync {
    /// What is kept of a subscription, by its id in lower case; empty for what belongs to none.
    async fn kept(&self, subscription: &str) -> Option<KeptPause>;

    /// Keeps it, and returns when that is done or failed.
    async fn keep(&self, subscription: &str, pause: KeptPause);
}

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
    keeper: OnceLock<Arc<dyn KeepPauses>>,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, pauses: Mutex::default(), keeper: OnceLock::new() }
    }

    /// Has pauses kept, unless somebody keeps them already.
    pub(crate) fn keep_with(&self, keeper: Arc<dyn KeepPauses>) {
        drop(self.keeper.set(keeper));
    }

    async fn pause(&self, subscription: &str) -> Option<Pause> {
        if let Some(pause) = self.known(subscription) {
            return Some(pause);
        }
        let kept = self.keeper.get()?.kept(subscription).await?;
        let left = kept.left(Utc::now(), self.limits.longest_pause)?;
        Some(Pause { until: Instant::now() + left, told: kept.told, correlation_id: kept.correlation_id })
    }

    /// What this process was told itself.
    fn known(&self, subscription: &str) -> Option<Pause> {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        pauses.retain(|_, pause| pause.until > now);
        pauses.get(subscription).cloned()
    }

    /// What is to be kept of it: a pause that is told of, and not waited out, unless a longer one is known.
    fn note(&self, subscription: String, asked: Option<Duration>, correlation_id: Option<String>) -> Option<KeptPause> {
        let asked = asked.unwrap_or_default().max(self.limits.first_wait);
        let lasts = asked.min(self.limits.longest_pause);
        let (until, since) = (Instant::now() + lasts, Utc::now());
        let told = TimeDelta::from_std(asked).ok().and_then(|asked| since.checked_add_signed(asked));
        let told = told.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two answers the one that asks for more time knows more.
        if pauses.get(&subscription).is_some_and(|known| known.until >= until) {
            return None;
        }
        pauses.insert(subscription, Pause { until, told, correlation_id: correlation_id.clone() });
        let until = since + TimeDelta::from_std(lasts).ok()?;
        (lasts > self.limits.patience).then_some(KeptPause { since, until, told, correlation_id })
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
        if let Some(pause) = self.pause(&subscription).await {
            if pause.until > Instant::now() + self.limits.patience {
                let Pause { told, correlation_id, .. } = pause;
                return Err(Paused { retry_at: told, correlation_id }.into());
            }
            wanted(ctx).wait(sleep_until(pause.until)).await?;
        }
        let response = next[0].send(ctx, request, &next[1..]).await?;
        let headers = response.headers();
        if is(response.status(), 429) || quota_used_up(headers).is_some() {
            let kept = self.note(subscription.clone(), retry_after(headers, Utc::now()), correlation_id(headers));
            if let (Some(keeper), Some(pause)) = (self.keeper.get(), kept) {
                keeper.keep(&subscription, pause).await;
            }
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
    use ajar_core::failure::Failure;

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
        let Pause { told, correlation_id, .. } = budget.pause("a").await.unwrap();
        assert!(told > Utc::now() + TimeDelta::hours(23), "{told}");
        assert_eq!(correlation_id.as_deref(), Some("of the first"), "whose time it is");
        assert!(budget.pause("b").await.is_none());
        tokio::time::advance(Limits::default().longest_pause).await;
        assert!(budget.pause("a").await.is_none());
    }

    #[derive(Debug, Default)]
    struct Drawer(Mutex<HashMap<String, KeptPause>>);

    #[async_trait]
    impl KeepPauses for Drawer {
        async fn kept(&self, subscription: &str) -> Option<KeptPause> {
            self.0.lock().unwrap().get(subscription).cloned()
        }

        async fn keep(&self, subscription: &str, pause: KeptPause) {
            self.0.lock().unwrap().insert(subscription.to_owned(), pause);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_process_asks_a_subscription_no_sooner_than_this_one() {
        let drawer = Arc::new(Drawer::default());
        let process = |replies: Vec<crate::scripted::Reply>| {
            let script = crate::scripted::Scripted::new(replies);
            let client = crate::scripted::client(&script).keeping_pauses(Arc::clone(&drawer) as Arc<dyn KeepPauses>);
            (script, client)
        };
        let vm = "/subscriptions/S/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap();
        let throttled = crate::scripted::json(429, "")
            .with("retry-after", "3600")
            .with("x-ms-correlation-request-id", "of-the-call");
        let (_, first) = process(vec![throttled]);
        let told = first.virtual_machine(&vm).await.unwrap_err();
        let (script, next) = process(Vec::new());
        let again = next.virtual_machine(&vm).await.unwrap_err();
        let [first, second] = [told.failure, again.failure].map(|failure| {
            let Failure::Throttled { retry_at } = failure else { panic!("{failure:?}") };
            retry_at
        });
        assert!((second - first).abs() < TimeDelta::seconds(1), "the same time is told: {first}, {second}");
        assert_eq!(again.correlation_id.as_deref(), Some("of-the-call"));
        assert!(script.sent().is_empty(), "and without a call");
        // What is over is over by the clock of the machine.
        let kept = |since: TimeDelta, lasts: TimeDelta| {
            let since = Utc::now() + since;
            let pause = KeptPause { since, until: since + lasts, told: since + lasts, correlation_id: None };
            drawer.0.lock().unwrap().insert("s".into(), pause);
        };
        let (minutes, hours) = (TimeDelta::minutes, TimeDelta::hours);
        for (since, lasts) in [(minutes(-6), minutes(5)), (minutes(1), minutes(5)), (hours(-1), hours(24 * 365))] {
            kept(since, lasts);
            let (script, client) = process(vec![crate::scripted::json(200, "{}")]);
            client.virtual_machine(&vm).await.unwrap();
            assert_eq!(script.sent().len(), 1, "{since} {lasts}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_out_is_not_kept() {
        let drawer = Arc::new(Drawer::default());
        let short = crate::scripted::json(429, "").with("retry-after", "5");
        let script = crate::scripted::Scripted::new([short, crate::scripted::json(200, "{}")]);
        let client = crate::scripted::client(&script).keeping_pauses(Arc::clone(&drawer) as Arc<dyn KeepPauses>);
        let vm = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap();
        client.virtual_machine(&vm).await.unwrap();
        assert!(drawer.0.lock().unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_pause_is_not_kept_in_place_of_a_longer_one() {
        let budget = Budget::new(Limits::default());
        let longest = Limits::default().longest_pause;
        let note = |asked: Duration, id: &str| budget.note("a".into(), Some(asked), Some(id.into()));
        let first = note(longest / 2, "first").expect("it is told of");
        assert_eq!(note(longest / 4, "shorter"), None, "two calls were under way");
        let longer = note(longest, "longer").expect("it asks for more time");
        for (kept, lasts, id) in [(first, longest / 2, "first"), (longer, longest, "longer")] {
            assert_eq!((kept.until - kept.since).to_std(), Ok(lasts));
            assert_eq!((kept.told, kept.correlation_id.as_deref()), (kept.until, Some(id)));
        }
        tokio::time::advance(longest).await;
        assert!(note(longest / 4, "later").is_some(), "the others are over");
    }

    #[tokio::test]
    async fn a_wait_beyond_all_time_is_no_panic() {
        let budget = Budget::new(Limits::default());
        budget.note("a".into(), Some(Duration::MAX), None);
        assert_eq!(budget.pause("a").await.unwrap().told, DateTime::<Utc>::MAX_UTC);
    }
}

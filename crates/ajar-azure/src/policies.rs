//! The pipeline policies of our own: who we are, when to send again, and where a token may go.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{Secret, TokenCredential, TokenRequestOptions};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{AUTHORIZATION, HeaderName, Headers, USER_AGENT, WWW_AUTHENTICATE};
use azure_core::http::policies::{Policy, PolicyResult};
use azure_core::http::{ClientMethodOptions, Context, Request, StatusCode};
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use url::Url;

use crate::arm_error;
use crate::connection;
use crate::limits::Limits;
use crate::sign_in;
use crate::wanted::Wanted;

/// Calls ourselves `ajar/VERSION`, in place of azure_core's long name.
#[derive(Debug)]
pub(crate) struct OurName;

#[async_trait]
impl Policy for OurName {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        request.insert_header(USER_AGENT, connection::USER_AGENT);
        next[0].send(ctx, request, &next[1..]).await
    }
}

/// When to send a request again. azure_core's own retry does not look at the method, and waits out any `Retry-After`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resend {
    what: What,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
enum What {
    /// Whatever can be asked twice: after transport errors and statuses that pass, with growing waits.
    Reads,
    /// Only what Azure says it did not apply: 429, if no long wait is asked for.
    Writes,
    /// The machine's own identity: what its service says is to be asked for again. That nobody is there to ask lasts.
    /// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance
    Identity,
}

impl Resend {
    /// So often at the most after what says nothing of when it passes.
    const MOST: u32 = 4;

    pub(crate) fn reads(limits: Limits) -> Self {
        Self { what: What::Reads, limits }
    }

    pub(crate) fn writes(limits: Limits) -> Self {
        Self { what: What::Writes, limits }
    }

    pub(crate) fn identity(limits: Limits) -> Self {
        Self { what: What::Identity, limits }
    }

    /// How long to wait before sending again for the `sent`th time, `since` the first; `None` to let the result stand.
    fn wait(self, sent: u32, since: Duration, result: &PolicyResult) -> Option<Duration> {
        let response = match result {
            Ok(response) => response,
            Err(error) => {
                let passing = matches!(error.kind(), ErrorKind::Io | ErrorKind::Connection);
                let again = matches!(self.what, What::Reads) && passing && self.is_worth_it(sent, since);
                return again.then(|| self.backoff(sent));
            }
        };
        // What asks for no wait, or for next to none, is not sent again at once all the same.
        let wait = retry_after(response.headers(), Utc::now()).unwrap_or_default().max(self.backoff(sent));
        if wait > self.limits.patience {
            return None;
        }
        let again = match (self.what, u16::from(response.status())) {
            // Azure counts, and takes the call when it has counted so far: there is an end to that.
            (_, 429) => since + wait <= self.limits.throttled,
            (What::Reads, status) => passes(status) && self.is_worth_it(sent, since),
            (What::Identity, status) => is_asked_again(status) && self.is_worth_it(sent, since),
            (What::Writes, _) => false,
        };
        again.then_some(wait)
    }

    fn is_worth_it(self, sent: u32, since: Duration) -> bool {
        sent <= Self::MOST && since < self.limits.long_enough
    }

    /// Doubled each time, and never more than a few seconds.
    fn backoff(self, sent: u32) -> Duration {
        self.limits.first_wait * 2_u32.pow((sent - 1).min(Self::MOST))
    }
}

pub(crate) fn is(status: StatusCode, code: u16) -> bool {
    u16::from(status) == code
}

/// Whether the service that tells managed identities says by that status to be asked again.
pub(crate) fn is_asked_again(status: u16) -> bool {
    matches!(status, 404 | 410 | 429 | 500..)
}

fn passes(status: u16) -> bool {
    matches!(status, 408 | 500 | 502 | 503 | 504)
}

#[async_trait]
impl Policy for Resend {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        let wanted = wanted(ctx);
        let mut sent = 0;
        let began = Instant::now();
        loop {
            let result = next[0].send(ctx, request, &next[1..]).await;
            sent += 1;
            let Some(wait) = self.wait(sent, began.elapsed(), &result) else { return result };
            tracing::debug!(?wait, sent, "sending again");
            // Of writes only those are sent again that Azure says it did not apply.
            wanted.came_back();
            wanted.wait(tokio::time::sleep(wait)).await?;
        }
    }
}

/// Whether the call is still wanted. Reads are until their future is dropped.
pub(crate) fn wanted(ctx: &Context) -> Wanted {
    ctx.value::<Wanted>().cloned().unwrap_or_default()
}

/// What Azure asks to wait, a date counted from the answer's own `Date` and from `now` without one: `retry-after-ms`,
/// `x-ms-retry-after-ms` or `Retry-After` (seconds or a date), and what Resource Graph says in its own way.
pub(crate) fn retry_after(headers: &Headers, now: DateTime<Utc>) -> Option<Duration> {
    let number = |name| header(headers, name)?.trim().parse::<u64>().ok();
    let date = || {
        let at = |name| Some(DateTime::parse_from_rfc2822(header(headers, name)?).ok()?.to_utc());
        (at("retry-after")? - at("date").unwrap_or(now)).to_std().ok()
    };
    number("retry-after-ms")
        .or_else(|| number("x-ms-retry-after-ms"))
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
        .or_else(date)
        .or_else(|| quota_used_up(headers))
}

/// How long until Resource Graph takes queries of the user again, where an answer tells that none is left: it counts by
/// user, and says so by headers of its own.
/// https://learn.microsoft.com/azure/governance/resource-graph/concepts/guidance-for-throttled-requests
pub(crate) fn quota_used_up(headers: &Headers) -> Option<Duration> {
    let is_used_up = header(headers, "x-ms-user-quota-remaining")?.trim() == "0";
    let resets_after = header(headers, "x-ms-user-quota-resets-after").filter(|_| is_used_up)?;
    resets_after
        .trim()
        .split(':')
        .try_fold(Duration::ZERO, |sum, part| sum.checked_mul(60)?.checked_add(Duration::from_secs(part.parse().ok()?)))
}

/// Azure's id of the call that has these headers in its answer.
pub(crate) fn correlation_id(headers: &Headers) -> Option<String> {
    header(headers, "x-ms-correlation-request-id").or_else(|| header(headers, "x-ms-request-id")).map(str::to_owned)
}

/// A response header.
pub(crate) fn header<'a>(headers: &'a Headers, name: &'static str) -> Option<&'a str> {
    headers.get_optional_str(&HeaderName::from_static(name))
}

/// In a token request's context: the token that the resource manager has just refused. A credential that caches must
/// not give it out again.
#[derive(Debug)]
pub(crate) struct RejectedToken(pub(crate) Secret);

/// In a token request's context: what the resource manager wants the token to hold, as its challenge says it (base64 of
/// JSON).
#[derive(Debug)]
pub(crate) struct WantedClaims(pub(crate) String);

/// In a token request's context: the resource manager that the token would go to. An account has none for another
/// cloud's.
#[derive(Debug)]
pub(crate) struct Destination(pub(crate) Url);

/// Adds the token, and renews it once when it is refused: a 401 was not applied, whatever the method. Who cannot be told
/// that it was refused gives the same one again (the Azure CLI, the services of managed identities): then Azure is asked
/// once more with that, a little later, because it may be Azure that erred.
#[derive(Debug)]
pub(crate) struct Authorize {
    credential: Arc<dyn TokenCredential>,
    scope: String,
    resource_manager: Url,
    /// Before the same token is shown again.
    pause: Duration,
    rejected: Mutex<Option<Secret>>,
}

impl Authorize {
    pub(crate) fn new(
        credential: Arc<dyn TokenCredential>,
        scope: String,
        resource_manager: Url,
        pause: Duration,
    ) -> Self {
        Self { credential, scope, resource_manager, pause, rejected: Mutex::default() }
    }

    /// A token of the resource manager.
    pub(crate) async fn token(&self, claims: Option<&str>) -> azure_core::Result<Secret> {
        let rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut context = Context::new();
        context.insert(Destination(self.resource_manager.clone()));
        if let Some(token) = rejected {
            context.insert(RejectedToken(token));
        }
        if let Some(claims) = claims {
            context.insert(WantedClaims(claims.to_owned()));
        }
        let options = TokenRequestOptions { method_options: ClientMethodOptions { context } };
        Ok(self.credential.get_token(&[&self.scope], Some(options)).await?.token)
    }

    /// It was refused: another is wanted the next time.
    pub(crate) fn reject(&self, token: Secret) {
        *self.rejected.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    }

    /// Azure takes it after all.
    fn admit(&self, token: &Secret) {
        let mut rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner);
        rejected.take_if(|rejected| rejected == token);
    }
}

#[async_trait]
impl Policy for Authorize {
    async fn send(&self, ctx: &Context, request: &mut Request, next: &[Arc<dyn Policy>]) -> PolicyResult {
        if request.url().origin() != self.resource_manager.origin() {
            let message = format!("refused to send a token to {}", connection::host(request.url()));
            return Err(Error::with_message(ErrorKind::Other, message));
        }
        let wanted = wanted(ctx);
        let token = wanted.wait(self.token(None)).await??;
        bear(request, &token);
        wanted.check()?;
        let response = next[0].send(ctx, request, &next[1..]).await?;
        if !is(response.status(), 401) {
            return Ok(response);
        }
        wanted.came_back();
        self.reject(token.clone());
        let challenge = response.headers().get_optional_str(&WWW_AUTHENTICATE);
        let claims = challenge.filter(|challenge| is_claims_challenge(challenge)).map(arm_error::claims);
        if claims == Some("") {
            return Ok(response);
        }
        let fresh = wanted.wait(self.token(claims)).await?;
        let fresh = fresh.map_err(|error| sign_in::after_call(error, correlation_id(response.headers())))?;
        if fresh == token {
            if claims.is_some() {
                return Ok(response);
            }
            wanted.wait(tokio::time::sleep(self.pause)).await?;
        }
        bear(request, &fresh);
        wanted.check()?;
        let response = next[0].send(ctx, request, &next[1..]).await?;
        if is(response.status(), 401) {
            wanted.came_back();
            self.reject(fresh);
        } else {
            self.admit(&fresh);
        }
        Ok(response)
    }
}

fn bear(request: &mut Request, token: &Secret) {
    request.insert_header(AUTHORIZATION, format!("Bearer {}", token.secret()));
}

/// The `error` of a challenge for other claims.
pub(crate) const CLAIMS_CHALLENGE: &str = "insufficient_claims";

/// Whether a `WWW-Authenticate` header asks for claims that no token in hand has (continuous access evaluation).
pub(crate) fn is_claims_challenge(www_authenticate: &str) -> bool {
    www_authenticate.contains(CLAIMS_CHALLENGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let now: DateTime<Utc> = "2021-01-01T00:00:00Z".parse().unwrap();
        for (name, value, millis) in [
            ("retry-after", "3", Some(3_000)),
            ("retry-after", "Fri, 01 Jan 2021 00:00:10 GMT", Some(10_000)),
            ("retry-after", "Thu, 31 Dec 2020 23:59:50 GMT", None),
            ("retry-after-ms", "50", Some(50)),
            ("x-ms-retry-after-ms", "70", Some(70)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
        ] {
            let mut headers = Headers::new();
            headers.insert(name, value);
            assert_eq!(retry_after(&headers, now), millis.map(Duration::from_millis), "{name}: {value}");
        }
        assert_eq!(retry_after(&Headers::new(), now), None);
    }

    #[test]
    fn the_quota_of_resource_graph_asks_to_wait_only_once_it_is_used_up() {
        for (remaining, resets_after, seconds) in [
            ("0", "00:00:05", Some(5)),
            ("0", "01:02:03", Some(3_723)),
            ("1", "00:00:05", None),
            ("0", "soon", None),
            ("0", "4294967295:4294967295:4294967295:4294967295:4294967295:4294967295:4294967295:9:9:9:9:9:9", None),
        ] {
            let mut headers = Headers::new();
            headers.insert("x-ms-user-quota-remaining", remaining);
            headers.insert("x-ms-user-quota-resets-after", resets_after);
            let told = quota_used_up(&headers);
            assert_eq!(told, seconds.map(Duration::from_secs), "{remaining} {resets_after}");
            assert_eq!(retry_after(&headers, Utc::now()), told);
        }
    }
}

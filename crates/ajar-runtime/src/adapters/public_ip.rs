//! This machine's public address, as several sources see it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ajar_azure::Cloud;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::source::{LONGEST_ANSWER, SourceAddress, SourceDispute, parse_answer, weigh};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::redirect::Policy;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// What a source may take, the first time and when none has answered. Some networks are slow, or lose what is first sent.
const BUDGETS: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(6)];

/// The pause before all are asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// How long the others are waited for once two agree and nothing can change that: they only add to the confidence, and
/// a slow one must not hold up the click.
const STRAGGLERS: Duration = Duration::from_millis(200);

/// Asks all endpoints of a cloud at once and takes what two of them agree on.
///
/// The HTTP proxy is never used: SSH and RDP do not go through it, so what a proxy's address is says nothing about
/// what the VM will see. IPv4 only, because JIT refuses IPv6.
pub struct PublicIpEndpoints {
    http: reqwest::Client,
    endpoints: Vec<Url>,
}

impl PublicIpEndpoints {
    /// For the endpoints of `cloud`, trusting what the cloud trusts with its own.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the cloud's certificates are not usable.
    pub fn new(cloud: &Cloud) -> Result<Self, Trouble> {
        let unusable = |error: reqwest::Error| Failure::Internal { detail: error.to_string() };
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            // A connection for each: one that breaks takes no other source along, should they share a host.
            .http1_only()
            .https_only(true)
            .redirect(Policy::none())
            .local_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
            .user_agent(concat!("ajar/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = cloud.public_ip_ca_pem() {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?;
            builder = builder.tls_certs_only(certificates);
        }
        Ok(Self { http: builder.build().map_err(unusable)?, endpoints: cloud.public_ip_endpoints.clone() })
    }

    async fn ask(&self, endpoint: &Url, budget: Duration) -> Option<Ipv4Addr> {
        let answer = self.http.get(endpoint.clone()).timeout(budget).send().await.ok()?;
        if answer.status() != reqwest::StatusCode::OK {
            return None;
        }
        parse_answer(&short_body(answer).await?)
    }
}

/// The body if it is short: a captive portal's page is not read to its end.
async fn short_body(mut answer: reqwest::Response) -> Option<String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return None;
        }
    }
    String::from_utf8(body).ok()
}

impl PublicIpEndpoints {
    /// What the sources answer when they are asked once.
    async fn answers(&self, budget: Duration) -> Vec<Ipv4Addr> {
        let asked = self.endpoints.iter().map(|endpoint| self.ask(endpoint, budget));
        let mut pending: FuturesUnordered<_> = asked.collect();
        let mut answers = Vec::new();
        let mut stragglers = None;
        loop {
            let next = match stragglers {
                None => pending.next().await,
                Some(until) => timeout_at(until, pending.next()).await.unwrap_or_default(),
            };
            let Some(answer) = next else { break };
            answers.extend(answer);
            if stragglers.is_none() && is_decided(&answers, pending.len()) {
                stragglers = Some(Instant::now() + STRAGGLERS);
            }
        }
        answers
    }

    /// Asks them and weighs their answers.
    ///
    /// # Errors
    /// [`Failure::SourceUncertain`], [`Failure::SourceUnknown`].
    pub async fn detect(&self) -> Result<SourceAddress, Trouble> {
        let mut answers = Vec::new();
        for (round, budget) in BUDGETS.into_iter().enumerate() {
            if round > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            answers = self.answers(budget).await;
            if !answers.is_empty() {
                break;
            }
        }
        weigh(&answers).map_err(|dispute| match dispute {
            SourceDispute::Disagree(seen) => Failure::SourceUncertain { seen }.into(),
            SourceDispute::NoAnswer => Failure::SourceUnknown.into(),
        })
    }
}

/// Whether the address that leads stays in the lead whatever the sources still asked may say.
fn is_decided(answers: &[Ipv4Addr], pending: usize) -> bool {
    let votes = |address: Ipv4Addr| answers.iter().filter(|answer| **answer == address).count();
    let Some(leader) = answers.iter().copied().max_by_key(|answer| votes(*answer)) else { return false };
    let runner_up = answers.iter().filter(|answer| **answer != leader).map(|answer| votes(*answer)).max();
    votes(leader) >= 2 && votes(leader) > runner_up.unwrap_or(0) + pending
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
    const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);

    #[test]
    fn the_lead_is_decided_when_nothing_that_may_still_come_can_change_it() {
        assert!(is_decided(&[A, A], 1));
        assert!(is_decided(&[B, A, A], 0));
        assert!(!is_decided(&[A, A], 2), "two others might agree on something else");
        assert!(!is_decided(&[A], 0), "one alone is not confirmed");
        assert!(!is_decided(&[A, B], 1));
        assert!(!is_decided(&[], 3));
    }
}

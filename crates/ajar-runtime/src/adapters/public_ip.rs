//! This machine's public address, as several sources see it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ajar_azure::Cloud;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::source::{LONGEST_ANSWER, SourceAddress, SourceDispute, parse_answer, weigh};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use reqwest::redirect::Policy;
use url::Url;

use crate::ports::PublicIp;

/// What a source may take.
const BUDGET: Duration = Duration::from_secs(2);

/// Asks all endpoints of a cloud at once and takes what two of them agree on.
///
/// The HTTP proxy is never used: SSH and RDP do not go through it, so what a proxy's address is says nothing about
/// what the VM will see. IPv4 only, because JIT refuses IPv6.
pub struct PublicIpEndpoints {
    http: reqwest::Client,
    endpoints: Vec<Url>,
}

impl PublicIpEndpoints {
    /// For the endpoints of `cloud`, trusting what the cloud trusts.
    ///
    /// # Errors
    /// [`Failure::Internal`] if the cloud's certificates are not usable.
    pub fn new(cloud: &Cloud) -> Result<Self, Trouble> {
        let unusable = |error: reqwest::Error| Failure::Internal { detail: error.to_string() };
        let mut builder = reqwest::Client::builder()
            .no_proxy()
            .https_only(true)
            .redirect(Policy::none())
            .timeout(BUDGET)
            .local_address(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
            .user_agent(concat!("ajar/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &cloud.ca_bundle_pem {
            let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(unusable)?;
            builder = builder.tls_certs_only(certificates);
        }
        Ok(Self { http: builder.build().map_err(unusable)?, endpoints: cloud.public_ip_endpoints.clone() })
    }

    async fn ask(&self, endpoint: &Url) -> Option<Ipv4Addr> {
        let answer = self.http.get(endpoint.clone()).send().await.ok()?;
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

#[async_trait]
impl PublicIp for PublicIpEndpoints {
    async fn detect(&self) -> Result<SourceAddress, Trouble> {
        let mut pending: FuturesUnordered<_> = self.endpoints.iter().map(|endpoint| self.ask(endpoint)).collect();
        let mut answers = Vec::new();
        while let Some(answer) = pending.next().await {
            answers.extend(answer);
        }
        weigh(&answers).map_err(|dispute| match dispute {
            SourceDispute::Disagree(seen) => Failure::SourceUncertain { seen }.into(),
            SourceDispute::NoAnswer => Failure::SourceUnknown.into(),
        })
    }
}

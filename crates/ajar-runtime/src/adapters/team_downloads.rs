//! Files of teams that have an address.

use std::sync::OnceLock;
use std::time::Duration;

use ajar_azure::innermost;
use ajar_core::team::{MAX_TEAM_BYTES, TeamProblem, TeamUrl};
use async_trait::async_trait;
use reqwest::header::{ETAG, HeaderMap, HeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::ports::{Downloaded, TeamDownloads, Validators};

/// How long a file may take, from the first packet to the last.
const BUDGET: Duration = Duration::from_secs(10);

/// No server that means well leads on more often.
const REDIRECTS: usize = 5;

/// Asks for the files of teams over TLS, by the system's trust and its proxy. Nobody who is led to from there hears the address
/// that was asked first: what follows its path may be as good as a password.
#[derive(Default)]
pub struct HttpsTeamDownloads {
    /// Made when it is first needed: the system's certificates take their time to be read.
    client: OnceLock<Client>,
}

impl HttpsTeamDownloads {
    /// Trusting these certificates alone, in PEM.
    ///
    /// # Errors
    /// Those of reading them.
    pub fn trusting(pem: &[u8]) -> reqwest::Result<Self> {
        let client = builder().no_proxy().tls_certs_only(reqwest::Certificate::from_pem_bundle(pem)?).build()?;
        Ok(Self { client: OnceLock::from(client) })
    }

    fn client(&self) -> Result<Client, TeamProblem> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = builder().build().map_err(unreachable)?;
        Ok(self.client.get_or_init(|| client).clone())
    }
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .https_only(true)
        .redirect(Policy::limited(REDIRECTS))
        .referer(false)
        .timeout(BUDGET)
        .user_agent(concat!("ajar/", env!("CARGO_PKG_VERSION")))
}

#[async_trait]
impl TeamDownloads for HttpsTeamDownloads {
    async fn download(&self, url: &TeamUrl, known: &Validators) -> Result<Downloaded, TeamProblem> {
        let mut asking = self.client()?.get(url.reveal());
        let conditions = [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)];
        for (name, value) in conditions {
            if let Some(value) = value {
                asking = asking.header(name, value);
            }
        }
        let mut answer = asking.send().await.map_err(unreachable)?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if *known != Validators::default() => return Ok(Downloaded::Same),
            other => return Err(TeamProblem::Status(other.as_u16())),
        }
        let validators = validators(answer.headers());
        let mut bytes = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(unreachable)? {
            bytes.extend_from_slice(&part);
            if bytes.len() > MAX_TEAM_BYTES {
                return Err(TeamProblem::TooLong);
            }
        }
        Ok(Downloaded::New { bytes, validators })
    }
}

fn validators(headers: &HeaderMap) -> Validators {
    /// Nobody has to repeat more than that.
    const LONGEST: usize = 1_024;
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= LONGEST).then(|| value.to_owned())
    };
    Validators { etag: text(ETAG), last_modified: text(LAST_MODIFIED) }
}

/// What went wrong, without the address.
fn unreachable(error: reqwest::Error) -> TeamProblem {
    let error = error.without_url();
    if error.is_timeout() { TeamProblem::Silent } else { TeamProblem::Unreachable(innermost(&error).to_string()) }
}

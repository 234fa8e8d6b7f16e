//! An account of the Azure CLI. What stands in for `az` is this program once more: it asks Entra as `az` does, with MSAL's
//! caches, and says what `az` 2.91 was seen to say.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ajar_azure::{ArmClient, Call, Cloud, SignIn, http_client_within};
use futures::{FutureExt, StreamExt, stream};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

use crate::azure::{Azure, browser};
use crate::calls::{Called, make};
use crate::cell::Judged;
use crate::faults::Variant;
use crate::run::{Job, fleet, limits, strike};
use crate::{child, entra};

/// What is struck: Entra, which `az` asks, and Azure, to which its token is shown.
pub(crate) const COLUMNS: [Called; 2] = [Called::ToolToken, Called::ToolRead];

/// So many cells at a time: each has processes of its own.
const AT_ONCE: usize = 8;

/// Where what stands in for `az` writes what it says.
const SAYS: &str = "AJAR_TEST_AZ_SAYS";

/// What stands in for `az` keeps its caches there.
const CACHES: &str = "AJAR_TEST_AZ_CACHES";

/// The harness of tests writes to standard output, so what is said goes by files.
const SCRIPT: &str = "#!/bin/sh\n\
    AJAR_TEST_AZ_SAYS=$(mktemp -d) || exit 1\n\
    AJAR_TEST_AZ_ASKED=\"$*\"\n\
    export AJAR_TEST_AZ_SAYS AJAR_TEST_AZ_ASKED\n\
    \"$AJAR_TEST_AZ_PROGRAM\" --exact what_stands_in_for_the_azure_cli >/dev/null 2>&1 </dev/null\n\
    cat \"$AJAR_TEST_AZ_SAYS/out\"\n\
    cat \"$AJAR_TEST_AZ_SAYS/errors\" >&2\n\
    test -s \"$AJAR_TEST_AZ_SAYS/out\"\n\
    status=$?\n\
    rm -r \"$AJAR_TEST_AZ_SAYS\"\n\
    exit $status\n";

fn jobs(variants: &[Variant]) -> Vec<Job> {
    let all = variants.iter().flat_map(|variant| COLUMNS.iter().map(move |called| (variant.clone(), *called)));
    all.enumerate().map(|(number, (variant, called))| Job { variant, called, number }).collect()
}

/// Starts this program once more, with a folder first in its path that has an `az`, and gives what it found.
pub(crate) async fn all(variants: &[Variant]) -> Vec<Judged> {
    let jobs = jobs(variants);
    let azure = Azure::start_with(limits(), Some(fleet(&jobs))).await;
    let folder = tempfile::tempdir().unwrap();
    let az = folder.path().join("az");
    std::fs::write(&az, SCRIPT).unwrap();
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
    let mut child = child::of(&azure, "the_cells_of_the_azure_cli");
    child.env("PATH", std::env::join_paths(path).unwrap());
    child.env("AJAR_TEST_AZ_PROGRAM", std::env::current_exe().unwrap()).env(CACHES, folder.path());
    child::cells(child, jobs.len()).await
}

/// What the child does.
pub(crate) async fn child(variants: Vec<Variant>) {
    let Some((cloud, sim)) = child::simulator() else { return };
    let cells = stream::iter(jobs(&variants)).map(async |job| {
        let (called, number, subject) = (job.called, job.number, job.subject());
        let az = SignIn::AzureCli { tenant_id: Some(entra::tenant(number)), username: None };
        let http = http_client_within(&cloud, limits()).unwrap();
        let credential = az.credential(&cloud, http.clone()).unwrap().in_tenant(None);
        let client = ArmClient::new(&cloud, credential, http).unwrap().acting_as(&az, None);
        let path = if called == Called::ToolToken {
            format!("/{}/", entra::tenant(number))
        } else {
            format!("/subscriptions/{}", job.subscription())
        };
        let work = async move { make(&client, Call::Vm, &subject).await }.boxed();
        let mut cell = strike(&sim, job, json!({ "path": path }), work).await;
        cell.journal = sim.journal(&path, 0).await;
        cell.judged()
    });
    let mut cells = cells.buffer_unordered(AT_ONCE);
    while let Some(cell) = cells.next().await {
        child::tell(&cell);
    }
}

/// What `az account get-access-token` does, and says in place of a token.
pub(crate) async fn stand_in() {
    let Some(says) = std::env::var_os(SAYS).map(PathBuf::from) else { return };
    let (cloud, _) = child::simulator().unwrap();
    let asked = std::env::var("AJAR_TEST_AZ_ASKED").unwrap();
    let after = |name: &str| asked.split(' ').skip_while(|argument| *argument != name).nth(1).unwrap().to_owned();
    let az = Az { cloud, tenant: after("--tenant"), scope: after("--scope") };
    let (out, errors) = match az.token().await {
        Ok(token) => (token.to_string(), String::new()),
        Err(errors) => (String::new(), errors),
    };
    std::fs::write(says.join("errors"), errors).unwrap();
    std::fs::write(says.join("out"), out).unwrap();
}

struct Az {
    cloud: Cloud,
    tenant: String,
    scope: String,
}

impl Az {
    fn cache(&self, kind: &str) -> PathBuf {
        PathBuf::from(std::env::var_os(CACHES).unwrap()).join(format!("{}.{kind}", self.tenant))
    }

    /// The token that is in its cache, or one of Entra's.
    async fn token(&self) -> Result<Value, String> {
        if let Ok(token) = std::fs::read(self.cache("token")) {
            return Ok(serde_json::from_slice(&token).unwrap());
        }
        let (status, body) = self.answer().await?;
        if status >= 500 {
            return Err(raised(&format!("msal.exceptions.MsalServiceError: HTTP Error: {status}")));
        }
        let no_json = |_| raised("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)");
        let answer: Value = serde_json::from_str(&body).map_err(no_json)?;
        if answer["error"].is_string() {
            let description = answer["error_description"].as_str().unwrap_or("None");
            return Err(format!(
                "ERROR: {description}\nRun the command below to authenticate interactively:\naz login\n"
            ));
        }
        let Some(token) = answer["access_token"].as_str() else { return Err(raised("KeyError: 'access_token'")) };
        let ends = now() + answer["expires_in"].as_u64().unwrap_or(3_600);
        let token = json!({ "accessToken": token, "expires_on": ends, "tokenType": "Bearer" });
        std::fs::write(self.cache("token"), token.to_string()).unwrap();
        Ok(token)
    }

    /// Entra's answer; what it refused a moment ago is not asked for again (MSAL, `RetryAfterParser`).
    async fn answer(&self) -> Result<(u16, String), String> {
        let known = std::fs::read_to_string(self.cache("refusal")).ok();
        let known = known.and_then(|known| serde_json::from_str::<(u64, u16, String)>(&known).ok());
        if let Some((_, status, body)) = known.filter(|(until, ..)| now() < *until) {
            return Ok((status, body));
        }
        let url = format!("{}{}/oauth2/v2.0/token", self.cloud.authority, self.tenant);
        let number = self.tenant.rsplit('-').next().unwrap().parse().unwrap();
        let client_id = entra::client_id(number);
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &client_id),
            ("client_secret", entra::SECRET),
            ("scope", &self.scope),
        ];
        let aborted = |error: reqwest::Error| {
            let broke = if error.is_body() || error.is_decode() { "ChunkedEncodingError" } else { "ConnectionError" };
            raised(&format!(
                "requests.exceptions.{broke}: ('Connection aborted.', RemoteDisconnected('Remote end closed'))"
            ))
        };
        let answer = browser(&self.cloud).post(url).form(&form).send().await.map_err(aborted)?;
        let status = answer.status().as_u16();
        if (300..400).contains(&status) {
            return Err(raised("requests.exceptions.TooManyRedirects: Exceeded 30 redirects."));
        }
        let asked = answer.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
        let body = answer.text().await.map_err(aborted)?;
        if status == 429 || status >= 500 || asked.is_some() {
            let refusal = json!([now() + asked.unwrap_or(5).min(3_600), status, body]);
            std::fs::write(self.cache("refusal"), refusal.to_string()).unwrap();
        }
        Ok((status, body))
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// As `az` tells what it does not expect.
fn raised(error: &str) -> String {
    format!(
        "ERROR: The command failed with an unexpected error. Here is the traceback:\nTraceback (most recent call last):\n  \
         File \"msal/application.py\", line 1, in x\n    x: y\n{error}\nTo check existing issues, please visit: \
         https://github.com/Azure/azure-cli/issues\n"
    )
}

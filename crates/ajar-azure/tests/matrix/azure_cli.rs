//! An account of the Azure CLI. What the client runs as `az` is a script that hands its question on, and says what it is told:
//! a process of its own with as little in it as can be. The process of the cells answers, with what `az` 2.91 was seen to ask
//! of Entra and to say, and with MSAL's caches.

use std::cmp::Reverse;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ajar_azure::{ArmClient, Call, Cloud, SignIn, http_client_within};
use futures::{FutureExt, StreamExt, stream};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;

use crate::azure::{Azure, browser};
use crate::calls::{Called, make};
use crate::cell::Judged;
use crate::faults::Variant;
use crate::run::{Job, fleet, limits, strike};
use crate::{child, entra};

/// What is struck: Entra, which `az` asks, and Azure, to which its token is shown.
pub(crate) const COLUMNS: [Called; 2] = [Called::ToolToken, Called::ToolRead];

/// So many cells at a time: most of them wait.
const AT_ONCE: usize = 24;

/// The folder in which questions and answers are handed on, and `az` keeps its caches.
const FOLDER: &str = "AJAR_TEST_AZ";

/// The other end of the pipe is opened first, so that who has the answer need not wait for somebody who may have been killed.
const SCRIPT: &str = "#!/bin/sh\n\
    here=$(mktemp -d \"$AJAR_TEST_AZ/XXXXXX\") && mkfifo \"$here/status\" || exit 1\n\
    exec 3<>\"$here/status\"\n\
    printf '%s\\n' \"$here $*\" >\"$AJAR_TEST_AZ/asked\"\n\
    read -r status <&3\n\
    cat \"$here/out\"\n\
    cat \"$here/errors\" >&2\n\
    exit \"$status\"\n";

fn jobs(variants: &[Variant]) -> Vec<Job> {
    let all = variants.iter().flat_map(|variant| COLUMNS.iter().map(move |called| (variant.clone(), *called)));
    let mut jobs: Vec<_> = all.enumerate().map(|(number, (variant, called))| Job { variant, called, number }).collect();
    jobs.sort_by_key(|job| Reverse(job.waits()));
    jobs
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
    child.env("PATH", std::env::join_paths(path).unwrap()).env(FOLDER, folder.path());
    child::cells(child, jobs.len()).await
}

/// What the child does.
pub(crate) async fn child(variants: Vec<Variant>) {
    let Some((cloud, sim)) = child::simulator() else { return };
    tokio::spawn(answer(Questions::open(), cloud.clone()));
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

/// What is asked of `az`, a line each.
struct Questions {
    folder: PathBuf,
    lines: tokio::io::Lines<BufReader<pipe::Receiver>>,
    /// So that they do not end while nobody asks.
    _open: pipe::Sender,
}

impl Questions {
    fn open() -> Self {
        let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
        let asked = folder.join("asked");
        make_pipe(&asked);
        let receiver = pipe::OpenOptions::new().open_receiver(&asked).unwrap();
        let open = pipe::OpenOptions::new().open_sender(&asked).unwrap();
        Self { folder, lines: BufReader::new(receiver).lines(), _open: open }
    }
}

fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Answers all that run as `az`, each by itself.
async fn answer(mut questions: Questions, cloud: Cloud) {
    while let Some(question) = questions.lines.next_line().await.unwrap() {
        let (cloud, caches) = (cloud.clone(), questions.folder.clone());
        tokio::spawn(async move {
            let (here, asked) = question.split_once(' ').unwrap();
            let after = |name: &str| asked.split(' ').skip_while(|word| *word != name).nth(1).unwrap().to_owned();
            let az = Az { cloud, caches, tenant: after("--tenant"), scope: after("--scope") };
            let (status, out, errors) = match az.token().await {
                Ok(token) => ("0\n", token.to_string(), String::new()),
                Err(errors) => ("1\n", String::new(), errors),
            };
            let here = Path::new(here);
            std::fs::write(here.join("out"), out).unwrap();
            std::fs::write(here.join("errors"), errors).unwrap();
            // Nobody is there any more where the client has given up on it.
            if let Ok(mut waiting) = pipe::OpenOptions::new().open_sender(here.join("status")) {
                waiting.write_all(status.as_bytes()).await.unwrap();
            }
        });
    }
}

/// What `az account get-access-token` does, and says in place of a token.
struct Az {
    cloud: Cloud,
    caches: PathBuf,
    tenant: String,
    scope: String,
}

impl Az {
    fn cache(&self, kind: &str) -> PathBuf {
        self.caches.join(format!("{}.{kind}", self.tenant))
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

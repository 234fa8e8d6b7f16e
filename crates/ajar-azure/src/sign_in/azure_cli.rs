//! Tokens of whoever is signed in to the Azure CLI.

use std::ffi::{OsStr, OsString};
use std::io;
use std::pin::pin;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ajar_core::failure::Failure;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

use super::family::Family;
use super::token_cache::{TokenAsk, TokenSource};
use super::{causes, first_line};

/// `az` is Python and may have to renew its own token; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(30);

/// Where Homebrew puts `az`. An application started from the Dock does not have it in its PATH.
const HOMEBREW: &str = "/opt/homebrew/bin:/usr/local/bin";

#[derive(Debug)]
pub(super) struct AzureCli {
    credential: Arc<AzureCliCredential>,
}

impl AzureCli {
    pub(super) fn new(tenant_id: Option<String>, executor: Arc<dyn Executor>) -> Result<Self, Failure> {
        let options = AzureCliCredentialOptions { tenant_id, executor: Some(executor), ..Default::default() };
        let credential = AzureCliCredential::new(Some(options))
            .map_err(|error| Failure::NotSignedIn { detail: first_line(&error) })?;
        Ok(Self { credential })
    }
}

#[async_trait]
impl TokenSource for AzureCli {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Failure> {
        ask.takes_no_claims()?;
        self.credential.get_token(&[&ask.scope], None).await.map_err(|error| failure(&error))
    }
}

fn failure(error: &Error) -> Failure {
    if let Some(io) = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
        return Failure::NotSignedIn { detail: format!("the Azure CLI could not be asked: {io}") };
    }
    let cause = causes(error).filter_map(|cause| cause.downcast_ref::<Error>()).last().unwrap_or(error);
    if matches!(cause.kind(), ErrorKind::DataConversion) && !cause.to_string().contains("expires_on") {
        // The text of such an error may quote what could not be read, and that is where the token is.
        return Failure::NotSignedIn { detail: "the Azure CLI gave an answer that is no token".to_owned() };
    }
    let line = first_line(cause);
    Failure::NotSignedIn { detail: line.strip_prefix("ERROR: ").map_or(line.clone(), str::to_owned) }
}

/// Runs `az` through the shell that azure_identity chose: without a window, no longer than [`LIMIT`], and not beyond
/// the caller's interest. Shell and `az` end together.
#[derive(Debug)]
pub(super) struct AzProcess;

#[async_trait]
impl Executor for AzProcess {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = tokio::process::Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if cfg!(target_os = "macos") {
            command.env("PATH", extended_path(std::env::var_os("PATH")));
        }
        let (child, family) = Family::start(&mut command)?;
        let mut output = pin!(child.wait_with_output());
        // Dropped before the child: while that is not reaped, its id is nobody else's.
        let family = family;
        let Ok(output) = tokio::time::timeout(LIMIT, output.as_mut()).await else {
            let late = format!("no answer within {} seconds", LIMIT.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, late));
        };
        family.leave_alone();
        output
    }
}

fn extended_path(path: Option<OsString>) -> OsString {
    let mut path = path.unwrap_or_default();
    if !path.is_empty() {
        path.push(":");
    }
    path.push(HOMEBREW);
    path
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Answers as `az` would, and notes what it was asked.
    #[derive(Debug)]
    struct FakeAz {
        answer: Mutex<Option<io::Result<Output>>>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Executor for FakeAz {
        async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
            self.asked.lock().unwrap().push(args.join(OsStr::new(" ")).to_string_lossy().into_owned());
            self.answer.lock().unwrap().take().expect("asked twice")
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an answer of the executor, beside errors")]
    fn exited(code: i32, stdout: &str, stderr: &str) -> io::Result<Output> {
        #[cfg(unix)]
        let status = std::os::unix::process::ExitStatusExt::from_raw(code << 8);
        #[cfg(windows)]
        let status = std::os::windows::process::ExitStatusExt::from_raw(code.cast_unsigned());
        Ok(Output { status, stdout: stdout.into(), stderr: stderr.into() })
    }

    fn az(answer: io::Result<Output>) -> Arc<FakeAz> {
        Arc::new(FakeAz { answer: Mutex::new(Some(answer)), asked: Mutex::default() })
    }

    const SCOPE: &str = "https://management.azure.com/.default";

    async fn detail(answer: io::Result<Output>) -> String {
        let source = AzureCli::new(None, az(answer)).unwrap();
        let Failure::NotSignedIn { detail } = source.fetch(&TokenAsk::of(SCOPE)).await.unwrap_err() else {
            panic!("another failure")
        };
        detail
    }

    #[tokio::test]
    async fn az_is_asked_for_the_scope_and_the_tenant() {
        let stdout = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
        let az = az(exited(0, stdout, ""));
        let source = AzureCli::new(Some("contoso.example".into()), Arc::clone(&az) as Arc<dyn Executor>).unwrap();
        assert_eq!(source.fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(), "t0ken");
        let asked = az.asked.lock().unwrap()[0].clone();
        assert!(asked.contains(&format!("--scope {SCOPE} --tenant contoso.example")), "{asked}");
    }

    #[tokio::test]
    async fn what_az_says_first_is_what_the_user_reads() {
        let stderr = "ERROR: Please run 'az login' to setup account.\nmore\n";
        assert_eq!(detail(exited(1, "", stderr)).await, "Please run 'az login' to setup account.");
        assert_eq!(detail(exited(127, "", "sh: az: not found")).await, ajar_core::failure::NO_AZURE_CLI);
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_read_is_not_shown() {
        for stdout in [r#"{"accessToken":"t0ken"}"#, r#""t0ken""#, "t0ken"] {
            assert!(!detail(exited(0, stdout, "")).await.contains("t0ken"), "{stdout}");
        }
        let old = r#"{"accessToken":"t0ken","tokenType":"Bearer"}"#;
        assert!(detail(exited(0, old, "")).await.contains("2.54.0"));
    }

    #[tokio::test]
    async fn an_az_that_hangs_is_no_sign_in() {
        let hung = Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within 30 seconds"));
        assert_eq!(detail(hung).await, "the Azure CLI could not be asked: no answer within 30 seconds");
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_process_that_hangs_is_given_up_after_its_limit() {
        let began = tokio::time::Instant::now();
        let hang = [OsStr::new("-c"), OsStr::new("exec tail -f /dev/null")];
        let error = AzProcess.run(OsStr::new("/bin/sh"), &hang).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= LIMIT);
    }

    /// Starts a shell that runs a process of its own, as `az` is one. Gives the shell once that process runs, and what
    /// comes when it is gone.
    #[cfg(unix)]
    async fn shell_with_a_child() -> (impl Future<Output = io::Result<Output>>, tokio::sync::oneshot::Receiver<()>) {
        use std::io::{BufRead, BufReader, Read};

        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("held-open");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let path = fifo.clone();
        let mut run = Box::pin(async move {
            let script = "cd /bin && sh -c 'echo here; sleep 60; true' >\"$1\"; true";
            AzProcess.run(OsStr::new("/bin/sh"), &["-c".as_ref(), script.as_ref(), "sh".as_ref(), path.as_ref()]).await
        });
        let (here, is_here) = tokio::sync::oneshot::channel();
        let (gone, is_gone) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut held = BufReader::new(std::fs::File::open(fifo).unwrap());
            held.read_line(&mut String::new()).unwrap();
            here.send(()).unwrap();
            // Ends when nobody holds the other end any more.
            held.read_to_end(&mut Vec::new()).unwrap();
            gone.send(()).unwrap();
            drop(folder);
        });
        tokio::select! {
            ended = &mut run => panic!("{ended:?}"),
            is_here = is_here => is_here.unwrap(),
        }
        (run, is_gone)
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_the_shell_started_ends_with_it_when_nobody_waits_any_more() {
        let (run, is_gone) = shell_with_a_child().await;
        drop(run);
        tokio::time::timeout(LIMIT, is_gone).await.expect("it still runs").unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_the_shell_started_ends_with_it_at_the_limit() {
        let (run, is_gone) = shell_with_a_child().await;
        tokio::time::pause();
        assert_eq!(run.await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        tokio::time::resume();
        tokio::time::timeout(LIMIT, is_gone).await.expect("it still runs").unwrap();
    }

    #[test]
    fn homebrews_folders_follow_the_path_there_is() {
        assert_eq!(extended_path(Some("/usr/bin".into())), OsString::from(format!("/usr/bin:{HOMEBREW}")));
        assert_eq!(extended_path(None), OsString::from(HOMEBREW));
    }
}

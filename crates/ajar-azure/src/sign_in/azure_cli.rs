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

use super::az_accounts::{self, AzAccount};
use super::family::Family;
use super::token_cache::{TokenAsk, TokenSource};
use super::{causes, first_line};

/// `az` is Python and may have to renew its own token; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(30);

/// Where Homebrew puts `az`. An application started from the Dock does not have it in its PATH.
const HOMEBREW: &str = "/opt/homebrew/bin:/usr/local/bin";

#[derive(Debug)]
pub(super) struct AzureCli {
    tenant_id: Option<String>,
    /// Which of its accounts, where it has several.
    username: Option<String>,
    executor: Arc<dyn Executor>,
}

impl AzureCli {
    pub(super) fn new(
        tenant_id: Option<String>,
        username: Option<String>,
        executor: Arc<dyn Executor>,
    ) -> Result<Self, Failure> {
        let source = Self { tenant_id, username, executor };
        // What can't be a tenant is found out now and not at the first call.
        source.credential(source.tenant_id.clone(), None)?;
        Ok(source)
    }

    /// For one tenant, or for one subscription and with it for the user that it belongs to.
    fn credential(
        &self,
        tenant_id: Option<String>,
        subscription: Option<String>,
    ) -> Result<Arc<AzureCliCredential>, Failure> {
        let options = AzureCliCredentialOptions { tenant_id, subscription, executor: Some(Arc::clone(&self.executor)) };
        AzureCliCredential::new(Some(options)).map_err(|error| Failure::not_signed_in(first_line(&error)))
    }

    /// `az` picks the user by the subscription. It takes a tenant or a subscription, not both.
    async fn subscription_of(&self, username: &str, tenant: Option<&str>) -> Result<Option<String>, Failure> {
        let accounts = az_accounts::listed(&*self.executor).await?;
        let mut own = accounts.into_iter().filter(|account| account.user.eq_ignore_ascii_case(username)).peekable();
        if own.peek().is_none() {
            return Err(Failure::not_signed_in(format!("the Azure CLI is not signed in as {username}")));
        }
        let of_tenant =
            |account: &AzAccount| tenant.is_none_or(|tenant| account.tenant_id.eq_ignore_ascii_case(tenant));
        Ok(own.filter(of_tenant).find_map(|account| account.subscriptions.into_iter().next()))
    }
}

#[async_trait]
impl TokenSource for AzureCli {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Failure> {
        ask.takes_no_claims()?;
        let tenant = ask.tenant.clone().or_else(|| self.tenant_id.clone());
        let subscription = match &self.username {
            Some(username) => self.subscription_of(username, tenant.as_deref()).await?,
            None => None,
        };
        let tenant = if subscription.is_some() { None } else { tenant };
        let token = self.credential(tenant, subscription)?.get_token(&[&ask.scope], None).await;
        token.map_err(|error| failure(&error, "Azure CLI"))
    }
}

/// What a tool that was asked for a token said instead.
pub(super) fn failure(error: &Error, tool: &str) -> Failure {
    if let Some(io) = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
        return Failure::not_signed_in(format!("the {tool} could not be asked: {io}"));
    }
    let cause = causes(error).filter_map(|cause| cause.downcast_ref::<Error>()).last().unwrap_or(error);
    if matches!(cause.kind(), ErrorKind::DataConversion) && !cause.to_string().contains("expires_on") {
        // The text of such an error may quote what could not be read, and that is where the token is.
        return Failure::not_signed_in(format!("the {tool} gave an answer that is no token"));
    }
    let line = first_line(cause);
    Failure::not_signed_in(line.strip_prefix("ERROR: ").unwrap_or(&line))
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
pub(super) mod fake {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// Answers as `az` or `azd` would, and notes what it was asked.
    #[derive(Debug)]
    pub(crate) struct FakeTool {
        answers: Mutex<VecDeque<io::Result<Output>>>,
        asked: Mutex<Vec<String>>,
    }

    impl FakeTool {
        /// All that it was asked, line by line.
        pub(crate) fn asked(&self) -> String {
            self.asked.lock().unwrap().join("\n")
        }
    }

    #[async_trait]
    impl Executor for FakeTool {
        async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
            self.asked.lock().unwrap().push(args.join(OsStr::new(" ")).to_string_lossy().into_owned());
            self.answers.lock().unwrap().pop_front().expect("asked more often than expected")
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an answer of the executor, beside errors")]
    pub(crate) fn exited(code: i32, stdout: &str, stderr: &str) -> io::Result<Output> {
        #[cfg(unix)]
        let status = std::os::unix::process::ExitStatusExt::from_raw(code << 8);
        #[cfg(windows)]
        let status = std::os::windows::process::ExitStatusExt::from_raw(code.cast_unsigned());
        Ok(Output { status, stdout: stdout.into(), stderr: stderr.into() })
    }

    pub(crate) fn tool(answer: io::Result<Output>) -> Arc<FakeTool> {
        tool_that_says([answer])
    }

    pub(crate) fn tool_that_says(answers: impl IntoIterator<Item = io::Result<Output>>) -> Arc<FakeTool> {
        Arc::new(FakeTool { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::fake::{exited, tool, tool_that_says};
    use super::*;

    const SCOPE: &str = "https://management.azure.com/.default";

    async fn detail(answer: io::Result<Output>) -> String {
        let source = AzureCli::new(None, None, tool(answer)).unwrap();
        let Failure::NotSignedIn { detail, .. } = source.fetch(&TokenAsk::of(SCOPE)).await.unwrap_err() else {
            panic!("another failure")
        };
        detail
    }

    #[tokio::test]
    async fn az_is_asked_for_the_scope_and_the_tenant() {
        let stdout = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
        let az = tool_that_says([exited(0, stdout, ""), exited(0, stdout, "")]);
        let own = Some("contoso.example".into());
        let source = AzureCli::new(own, None, Arc::clone(&az) as Arc<dyn Executor>).unwrap();
        assert_eq!(source.fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(), "t0ken");
        source.fetch(&TokenAsk { tenant: Some("fabrikam.example".into()), ..TokenAsk::of(SCOPE) }).await.unwrap();
        let asked = az.asked();
        for tenant in ["contoso", "fabrikam"] {
            assert!(asked.contains(&format!("--scope {SCOPE} --tenant {tenant}.example")), "{asked}");
        }
    }

    #[tokio::test]
    async fn of_several_users_of_az_the_one_that_is_meant_is_asked_for_by_a_subscription() {
        let list = r#"[{"id":"5-1","tenantId":"t1","cloudName":"AzureCloud","user":{"name":"ada@x.example"}},
            {"id":"5-2","tenantId":"t1","cloudName":"AzureCloud","user":{"name":"grace@x.example"}},
            {"id":"5-3","tenantId":"t2","cloudName":"AzureCloud","user":{"name":"grace@x.example"}}]"#;
        let token = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
        let ask = TokenAsk { tenant: Some("t2".into()), ..TokenAsk::of(SCOPE) };
        let az = tool_that_says([exited(0, list, ""), exited(0, token, "")]);
        let grace = AzureCli::new(None, Some("Grace@x.example".into()), Arc::clone(&az) as Arc<dyn Executor>).unwrap();
        grace.fetch(&ask).await.unwrap();
        assert!(az.asked().contains("--subscription \"5-3\"") && !az.asked().contains("--tenant"), "{}", az.asked());
        let nobody = AzureCli::new(None, Some("edsger@x.example".into()), tool(exited(0, list, ""))).unwrap();
        let Failure::NotSignedIn { detail, .. } = nobody.fetch(&ask).await.unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!(detail, "the Azure CLI is not signed in as edsger@x.example");
    }

    #[tokio::test]
    async fn claims_are_nothing_that_az_can_be_asked_for_in_silence() {
        let source = AzureCli::new(None, None, tool_that_says([])).unwrap();
        let ask = TokenAsk { claims: Some("e30=".into()), tenant: Some("t1".into()), ..TokenAsk::of(SCOPE) };
        let expected =
            Failure::ClaimsRequired { claims: "e30=".into(), scope: SCOPE.into(), tenant: Some("t1".into()) };
        assert_eq!(source.fetch(&ask).await.unwrap_err(), expected);
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

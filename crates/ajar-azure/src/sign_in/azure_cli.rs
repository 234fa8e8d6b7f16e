//! Tokens of whoever is signed in to the Azure CLI.

use std::ffi::{OsStr, OsString};
use std::io;
use std::pin::pin;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ajar_core::failure::{Failure, TokenTool, Trouble};
use ajar_core::launch::OF_THE_APP_IMAGE;
use ajar_core::message;
use async_trait::async_trait;
use azure_core::credentials::AccessToken;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};
use tokio::process::Command;

use super::az_accounts;
use super::family::Family;
use super::token_cache::{TokenAsk, TokenSource};
use super::tool_answer::Answers;
use super::{first_line, tool_failure};

/// `az` is Python and may have to renew its own token; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(30);

/// Where Homebrew puts `az`. An application started from the Dock does not have it in its PATH.
const HOMEBREW: &str = "/opt/homebrew/bin:/usr/local/bin";

/// How programs end on Windows where `PATHEXT` does not say.
const ENDINGS: &str = ".COM;.EXE;.BAT;.CMD";

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
        let source = Self { tenant_id, username, executor: Arc::new(Answers(executor)) };
        // What can't be a tenant is found out now and not at the first call.
        source.credential(Named::Tenant(source.tenant_id.clone()))?;
        Ok(source)
    }

    fn credential(&self, named: Named) -> Result<Arc<AzureCliCredential>, Failure> {
        let (tenant_id, subscription) = match named {
            Named::Tenant(tenant) => (tenant, None),
            Named::Subscription(id) => (None, Some(id)),
        };
        let options = AzureCliCredentialOptions { tenant_id, subscription, executor: Some(Arc::clone(&self.executor)) };
        AzureCliCredential::new(Some(options)).map_err(|error| Failure::not_signed_in(first_line(&error)))
    }

    /// What `az` is to be asked for so that it acts as `username`: it picks its user by the subscription, and as its default
    /// one where it is told none. It takes a tenant or a subscription, not both.
    async fn acting_as(&self, username: &str, tenant: Option<String>) -> Result<Named, Failure> {
        let mut own = az_accounts::listed(&*self.executor).await?;
        own.retain(|listed| listed.is_of(username));
        if own.is_empty() {
            return Err(Failure::not_signed_in(message::account::az_is_not(username)));
        }
        let is_default = own.iter().any(|listed| listed.is_default);
        own.retain(|listed| tenant.as_deref().is_none_or(|tenant| listed.is_in(tenant)));
        let place = own.iter().position(|listed| listed.is_default).unwrap_or(0);
        match (own.into_iter().nth(place), tenant) {
            (Some(listed), _) => Ok(Named::Subscription(listed.id)),
            (None, Some(tenant)) if !is_default => {
                Err(Failure::not_signed_in(message::account::az_is_not_in(username, &tenant)))
            }
            (None, tenant) => Ok(Named::Tenant(tenant)),
        }
    }
}

/// What `az` is asked for a token of.
#[derive(Debug)]
enum Named {
    /// One, or its user's default one.
    Tenant(Option<String>),
    Subscription(String),
}

#[async_trait]
impl TokenSource for AzureCli {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        ask.takes_no_claims()?;
        let tenant = ask.tenant.clone().or_else(|| self.tenant_id.clone());
        let named = match &self.username {
            Some(username) => self.acting_as(username, tenant.clone()).await?,
            None => Named::Tenant(tenant.clone()),
        };
        let token = tool_failure::token_of(TokenTool::AzureCli, &*self.credential(named)?, &ask.scope).await;
        token.map_err(|mut trouble| {
            if let Failure::NotSignedIn { detail, tenant: wants, .. } = &mut trouble.failure
                && detail.contains(OF_ENTRA)
            {
                *wants = tenant;
            }
            trouble
        })
    }
}

/// What Entra's own sentences have: it is a sign-in that is there which it refuses.
const OF_ENTRA: &str = "AADSTS";

/// Runs `az`, or the tool that it names, through the shell that azure_identity chose: without a window, no longer than
/// [`LIMIT`], and not beyond the caller's interest. Shell and tool end together.
#[derive(Debug)]
pub(super) struct AzProcess(pub(super) &'static str);

#[async_trait]
impl Executor for AzProcess {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut path = std::env::var_os("PATH");
        if cfg!(target_os = "macos") {
            let extended = extended_path(path);
            command.env("PATH", &extended);
            path = Some(extended);
        }
        // What a shell says of a program that is not there, it says in any language, and of one that is there, too, where
        // something that this needs is not.
        if !is_on_path(self.0, path, &endings()) {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} not found on PATH", self.0)));
        }
        leave_app_image(&mut command, std::env::var_os("APPIMAGE").is_some());
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

/// How the names of programs end.
fn endings() -> String {
    if cfg!(windows) { std::env::var("PATHEXT").unwrap_or_else(|_| ENDINGS.to_owned()) } else { String::new() }
}

/// Whether a shell finds a program of that name in those folders, with one of those endings; without folders it has some of
/// its own.
fn is_on_path(name: &str, folders: Option<OsString>, endings: &str) -> bool {
    let Some(folders) = folders else { return true };
    std::env::split_paths(&folders)
        .any(|folder| endings.split(';').any(|ending| folder.join(format!("{name}{ending}")).is_file()))
}

/// `az` is Python, and not the image's. Elsewhere whoever starts Ajar may have set these for `az`.
fn leave_app_image(command: &mut Command, is_one: bool) {
    for name in OF_THE_APP_IMAGE.iter().filter(|_| is_one) {
        command.env_remove(name);
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
        let failure = source.fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let (Failure::NotSignedIn { detail, .. } | Failure::TokenToolFailed { detail, .. }) = failure else {
            panic!("another failure: {failure:?}")
        };
        detail
    }

    #[tokio::test]
    async fn the_tenant_that_refuses_what_az_has_is_the_one_to_sign_in_to() {
        let mfa = "ERROR: AADSTS50076: You must use multi-factor authentication.\n";
        let nobody = "ERROR: Please run 'az login' to setup account.\n";
        for (said, wants) in [(mfa, Some("t2")), (nobody, None)] {
            let source = AzureCli::new(None, None, tool(exited(1, "", said))).unwrap();
            let ask = TokenAsk { tenant: Some("t2".into()), ..TokenAsk::of(SCOPE) };
            let Failure::NotSignedIn { tenant, .. } = source.fetch(&ask).await.unwrap_err().failure else {
                panic!("another failure")
            };
            assert_eq!(tenant.as_deref(), wants, "{said}");
        }
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
        let Failure::NotSignedIn { detail, .. } = nobody.fetch(&ask).await.unwrap_err().failure else {
            panic!("another failure")
        };
        assert_eq!(detail, "The Azure CLI is not signed in as edsger@x.example.");
    }

    /// `az` acts as ada when nothing else is said. Grace has a subscription in one tenant and nothing but herself in another.
    const ADA_IS_DEFAULT: &str = r#"[
        {"id":"5-1","tenantId":"t1","isDefault":true,"tenantDefaultDomain":"contoso.example","user":{"name":"ada@x.example"}},
        {"id":"5-2","tenantId":"t2","tenantDefaultDomain":"fabrikam.example","user":{"name":"grace@x.example"}},
        {"id":"t3","tenantId":"t3","tenantDefaultDomain":null,"user":{"name":"grace@x.example"}}]"#;

    /// How `az` is asked for a token of that user in a tenant, or what is said instead.
    async fn asked_as(username: &str, tenant: Option<&str>) -> String {
        let token = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
        let az = tool_that_says([exited(0, ADA_IS_DEFAULT, ""), exited(0, token, "")]);
        let source = AzureCli::new(None, Some(username.into()), Arc::clone(&az) as Arc<dyn Executor>).unwrap();
        let ask = TokenAsk { tenant: tenant.map(Into::into), ..TokenAsk::of(SCOPE) };
        match source.fetch(&ask).await {
            Ok(_) => az.asked().split_once(SCOPE).unwrap().1.trim().replace('"', ""),
            Err(Trouble { failure: Failure::NotSignedIn { detail, .. }, .. }) => detail,
            Err(failure) => panic!("another failure: {failure:?}"),
        }
    }

    #[tokio::test]
    async fn a_user_of_az_who_is_named_never_gets_the_token_of_its_default_user() {
        let not_in = "grace@x.example is signed in to the Azure CLI, but not to the tenant";
        for tenant in ["t1", "contoso.example", "other.example"] {
            let said = asked_as("grace@x.example", Some(tenant)).await;
            assert!(said.starts_with(&format!("{not_in} {tenant}. ")), "{said}");
            assert!(said.contains(&format!("“az login --tenant {tenant}”")), "{said}");
        }
        assert_eq!(asked_as("grace@x.example", Some("Fabrikam.example")).await, "--subscription 5-2");
        assert_eq!(asked_as("grace@x.example", Some("t3")).await, "--subscription t3", "the tenant stands for her");
        assert_eq!(asked_as("grace@x.example", None).await, "--subscription 5-2");
    }

    #[tokio::test]
    async fn the_default_user_of_az_is_asked_for_by_a_tenant_that_it_does_not_list() {
        assert_eq!(asked_as("Ada@x.example", Some("other.example")).await, "--tenant other.example");
        assert_eq!(asked_as("Ada@x.example", Some("t1")).await, "--subscription 5-1");
        assert_eq!(asked_as("Ada@x.example", None).await, "--subscription 5-1");
    }

    #[tokio::test]
    async fn claims_are_nothing_that_az_can_be_asked_for_in_silence() {
        let source = AzureCli::new(None, None, tool_that_says([])).unwrap();
        let ask = TokenAsk { claims: Some("e30=".into()), tenant: Some("t1".into()), ..TokenAsk::of(SCOPE) };
        let expected =
            Failure::ClaimsRequired { claims: "e30=".into(), scope: SCOPE.into(), tenant: Some("t1".into()) };
        assert_eq!(source.fetch(&ask).await.unwrap_err().failure, expected);
    }

    #[tokio::test]
    async fn what_az_says_first_is_what_the_user_reads() {
        let stderr = "ERROR: Please run 'az login' to setup account.\nmore\n";
        assert_eq!(detail(exited(1, "", stderr)).await, "Please run 'az login' to setup account.");
    }

    #[tokio::test]
    async fn an_az_that_does_not_find_what_it_needs_is_told_with_its_own_words() {
        for (said, told) in [
            (
                "/usr/bin/env: 'python3': No such file or directory\n",
                "/usr/bin/env: 'python3': No such file or directory",
            ),
            ("", "no reason given"),
        ] {
            assert_eq!(detail(exited(127, "", said)).await, format!("the Azure CLI broke ({told})"));
        }
    }

    #[tokio::test]
    async fn a_token_counts_with_whatever_az_writes_around_it() {
        let token = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;
        for around in [format!("\u{feff}{token}\r\n"), format!("WARNING: Verification is disabled.\n{token}\n")] {
            let source = AzureCli::new(None, None, tool(exited(0, &around, ""))).unwrap();
            assert_eq!(source.fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(), "t0ken", "{around}");
        }
    }

    #[tokio::test]
    async fn a_token_that_cannot_be_read_is_not_shown() {
        for stdout in [r#"{"accessToken":"t0ken"}"#, r#""t0ken""#, "t0ken"] {
            assert!(!detail(exited(0, stdout, "")).await.contains("t0ken"), "{stdout}");
        }
        let old = r#"{"accessToken":"t0ken","tokenType":"Bearer"}"#;
        assert!(detail(exited(0, old, "")).await.contains("2.54"));
    }

    #[tokio::test]
    async fn an_az_that_is_not_there_is_told_as_that_in_any_language() {
        let absent = || Err(io::Error::new(io::ErrorKind::NotFound, "az not found on PATH"));
        assert_eq!(detail(absent()).await, ajar_core::failure::NO_AZURE_CLI);
        let Failure::NotSignedIn { detail, .. } = az_accounts::listed(&*tool(absent())).await.unwrap_err() else {
            panic!("another failure")
        };
        assert_eq!(detail, ajar_core::failure::NO_AZURE_CLI);
    }

    #[test]
    fn a_program_is_looked_for_in_each_folder_with_each_ending() {
        let [empty, full] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        std::fs::write(full.path().join("az.cmd"), "").unwrap();
        let both = std::env::join_paths([empty.path(), full.path()]).unwrap();
        assert!(is_on_path("az", Some(both.clone()), ".exe;.cmd"));
        assert!(is_on_path("az.cmd", Some(both.clone()), ""));
        assert!(!is_on_path("az", Some(both.clone()), ""));
        assert!(!is_on_path("azd", Some(both), ".exe;.cmd"));
        assert!(!is_on_path("az", Some(empty.path().into()), ".exe;.cmd"));
        assert!(is_on_path("az", None, ""), "nobody knows where the shell looks");
    }

    #[tokio::test]
    async fn an_az_that_hangs_is_no_sign_in() {
        let hung = Err(io::Error::new(io::ErrorKind::TimedOut, "no answer within 30 seconds"));
        assert_eq!(detail(hung).await, "the Azure CLI could not be asked: no answer within 30 seconds");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_that_is_in_no_folder_of_the_path_is_not_run() {
        let script = ["-c", "exit 0"].map(OsStr::new);
        let error = AzProcess("no-such-az").run(OsStr::new("/bin/sh"), &script).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (io::ErrorKind::NotFound, "no-such-az not found on PATH")
        );
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_process_that_hangs_is_given_up_after_its_limit() {
        let began = tokio::time::Instant::now();
        let hang = [OsStr::new("-c"), OsStr::new("exec tail -f /dev/null")];
        let error = AzProcess("sh").run(OsStr::new("/bin/sh"), &hang).await.unwrap_err();
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
            AzProcess("sh")
                .run(OsStr::new("/bin/sh"), &["-c".as_ref(), script.as_ref(), "sh".as_ref(), path.as_ref()])
                .await
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
    fn in_an_app_image_az_inherits_none_of_its_variables_and_elsewhere_all() {
        let removed = |is_one| {
            let mut command = Command::new("az");
            leave_app_image(&mut command, is_one);
            command.as_std().get_envs().filter(|(_, value)| value.is_none()).count()
        };
        assert_eq!((removed(true), removed(false)), (OF_THE_APP_IMAGE.len(), 0));
    }

    #[test]
    fn homebrews_folders_follow_the_path_there_is() {
        assert_eq!(extended_path(Some("/usr/bin".into())), OsString::from(format!("/usr/bin:{HOMEBREW}")));
        assert_eq!(extended_path(None), OsString::from(HOMEBREW));
    }
}

//! The Azure CLI, and its like, as processes: run through a shell, bounded, and ended whole.

use std::ffi::{OsStr, OsString};
use std::io;
use std::pin::pin;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use ajar_core::launch::OF_THE_APP_IMAGE;
use async_trait::async_trait;
use azure_identity::Executor;
use tokio::process::Command;

use super::az_cloud::{self, Az};
use super::family::Family;

/// `az` is Python and may have to renew its own token; more than this is a hang.
const LIMIT: Duration = Duration::from_secs(30);

/// Where Homebrew puts `az`. An application started from the Dock does not have it in its PATH.
const HOMEBREW: &str = "/opt/homebrew/bin:/usr/local/bin";

/// How programs end on Windows where `PATHEXT` does not say.
const ENDINGS: &str = ".COM;.EXE;.BAT;.CMD";

/// Runs `az`, or the tool that it names, through the shell that azure_identity chose: without a window, no longer than
/// [`LIMIT`], and not beyond the caller's interest. Shell and tool end together.
#[derive(Debug)]
pub(super) struct AzProcess {
    tool: &'static str,
    cloud: Option<String>,
}

impl AzProcess {
    pub(super) fn new(tool: &'static str) -> Self {
        Self { tool, cloud: None }
    }
}

impl Az for AzProcess {
    fn in_cloud(self: Arc<Self>, name: Option<&str>) -> Arc<dyn Executor> {
        Arc::new(Self { tool: self.tool, cloud: name.map(str::to_owned) })
    }
}

#[async_trait]
impl Executor for AzProcess {
    async fn run(&self, program: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
        let mut command = for_az(program);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let path = path_of_az().or_else(|| std::env::var_os("PATH"));
        // What a shell says of a program that is not there, it says in any language, and of one that is there, too, where
        // something that this needs is not.
        if !is_on_path(self.tool, path, &endings()) {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{} not found on PATH", self.tool)));
        }
        command.envs(self.cloud.iter().map(|name| (az_cloud::VARIABLE, name)));
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

/// A program that is `az`, or has to find it.
pub(crate) fn for_az(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.envs(path_of_az().map(|path| ("PATH", path)));
    leave_app_image(&mut command, std::env::var_os("APPIMAGE").is_some());
    command
}

/// Where `az` is looked for, where that is not the path there is.
fn path_of_az() -> Option<OsString> {
    cfg!(target_os = "macos").then(|| extended_path(std::env::var_os("PATH")))
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
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_cloud_of_az_is_named_to_it_by_its_variable() {
        let az = Arc::new(AzProcess::new(if cfg!(windows) { "cmd" } else { "sh" }));
        let (shell, print) =
            if cfg!(windows) { ("cmd", "/C echo %AZURE_CLOUD_NAME%") } else { ("/bin/sh", "-c printenv") };
        let arguments: Vec<_> = print.splitn(2, ' ').map(OsStr::new).collect();
        let output = az.in_cloud(Some("Ours")).run(OsStr::new(shell), &arguments).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.lines().any(|line| line.trim_start_matches("AZURE_CLOUD_NAME=").trim_end() == "Ours"), "{said}");
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

    #[cfg(unix)]
    #[tokio::test]
    async fn a_program_that_is_in_no_folder_of_the_path_is_not_run() {
        let script = ["-c", "exit 0"].map(OsStr::new);
        let error = AzProcess::new("no-such-az").run(OsStr::new("/bin/sh"), &script).await.unwrap_err();
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
        let error = AzProcess::new("sh").run(OsStr::new("/bin/sh"), &hang).await.unwrap_err();
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
            AzProcess::new("sh")
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

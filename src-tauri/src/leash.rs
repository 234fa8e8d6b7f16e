//! The tray's hold on its window, which is a process of its own: a line on its standard input brings the window to the
//! front, which it answers by a line of its own; the end of input closes it.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long a window may take to close when the tray ends.
const PATIENCE: Duration = Duration::from_secs(3);

/// The way to the window.
#[derive(Clone, Debug)]
pub(crate) struct Leash {
    wishes: mpsc::UnboundedSender<Wish>,
    open: watch::Receiver<bool>,
    failed: watch::Receiver<String>,
}

#[derive(Debug)]
enum Wish {
    Show,
    Close,
}

impl Leash {
    /// Holds a window that is started with these arguments when it is first wanted. The task ends after
    /// [`Leash::close`], when the window has.
    pub(crate) fn new(arguments: Vec<OsString>) -> (Self, JoinHandle<()>) {
        let (wishes, inbox) = mpsc::unbounded_channel();
        let (opened, open) = watch::channel(false);
        let (failing, failed) = watch::channel(String::new());
        (Self { wishes, open, failed }, tokio::spawn(Holder { arguments, inbox, opened, failing }.run()))
    }

    /// Brings up the window.
    pub(crate) fn show(&self) {
        // At the very end nobody holds the window any more.
        drop(self.wishes.send(Wish::Show));
    }

    /// Closes the window for good.
    pub(crate) fn close(&self) {
        drop(self.wishes.send(Wish::Close));
    }

    /// Waits until the window that is open now, or comes up next, is closed.
    pub(crate) async fn closed(&mut self) {
        if self.open.wait_for(|open| *open).await.is_err() || self.open.wait_for(|open| !*open).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until a window that is wanted cannot be started; why.
    pub(crate) async fn failed(&mut self) -> String {
        match self.failed.changed().await {
            Ok(()) => self.failed.borrow_and_update().clone(),
            Err(_) => std::future::pending().await,
        }
    }
}

struct Holder {
    arguments: Vec<OsString>,
    inbox: mpsc::UnboundedReceiver<Wish>,
    opened: watch::Sender<bool>,
    failing: watch::Sender<String>,
}

/// How a window came to its end.
enum End {
    /// It was closed.
    Closed,
    /// It was closed, and wanted again too late for it to know.
    WantedAgain,
    /// The tray ends.
    Quit,
}

impl Holder {
    async fn run(mut self) {
        while let Some(Wish::Show) = self.inbox.recv().await {
            loop {
                match self.show().await {
                    Ok(End::WantedAgain) => {}
                    Ok(End::Closed) => break,
                    Ok(End::Quit) => return,
                    Err(error) => {
                        tracing::error!(%error, "the window could not be started");
                        self.failing.send_replace(error.to_string());
                        break;
                    }
                }
            }
        }
    }

    /// Shows a window until its end.
    async fn show(&mut self) -> io::Result<End> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("the window cannot be talked to"));
        };
        tracing::debug!(pid = child.id(), "the window is started");
        self.opened.send_replace(true);
        let end = self.hold(child, stdin, stdout).await;
        self.opened.send_replace(false);
        Ok(end)
    }

    async fn hold(&mut self, mut child: Child, mut stdin: ChildStdin, stdout: ChildStdout) -> End {
        let mut answers = BufReader::new(stdout).lines();
        let mut unanswered = 0_u32;
        loop {
            tokio::select! {
                status = child.wait() => {
                    match status {
                        Ok(status) if status.success() => {}
                        Ok(status) => tracing::warn!(%status, "the window ended by itself"),
                        Err(error) => tracing::warn!(%error, "the window’s end was not seen"),
                    }
                    return if unanswered == 0 { End::Closed } else { End::WantedAgain };
                }
                Ok(Some(_)) = answers.next_line() => unanswered = unanswered.saturating_sub(1),
                wish = self.inbox.recv() => match wish {
                    Some(Wish::Show) => {
                        unanswered += 1;
                        // A window that is just closing doesn't hear it; its end comes next.
                        drop(stdin.write_all(b"show\n").await);
                    }
                    Some(Wish::Close) | None => break,
                },
            }
        }
        drop(stdin);
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
        End::Quit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_window_that_cannot_be_started_is_told_of_each_time_it_is_wanted() {
        // No argument can have a NUL in it, so there is nothing to be started.
        let (mut leash, held) = Leash::new(vec!["\0".into()]);
        for _ in 0..2 {
            leash.show();
            assert!(!leash.failed().await.is_empty());
        }
        leash.close();
        held.await.unwrap();
    }
}

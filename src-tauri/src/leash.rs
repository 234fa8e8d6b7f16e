//! The tray's hold on its window, which is a process of its own: a line on its standard input brings the window to the
//! front, the end closes it.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// How long a window may take to close when the tray ends.
const PATIENCE: Duration = Duration::from_secs(3);

/// The way to the window.
#[derive(Clone, Debug)]
pub(crate) struct Leash {
    wishes: mpsc::UnboundedSender<Wish>,
    open: watch::Receiver<bool>,
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
        (Self { wishes, open }, tokio::spawn(Holder { arguments, inbox, opened }.run()))
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
}

struct Holder {
    arguments: Vec<OsString>,
    inbox: mpsc::UnboundedReceiver<Wish>,
    opened: watch::Sender<bool>,
}

impl Holder {
    async fn run(mut self) {
        while let Some(Wish::Show) = self.inbox.recv().await {
            match self.spawn() {
                Ok((child, stdin)) => {
                    self.opened.send_replace(true);
                    let again = self.hold(child, stdin).await;
                    self.opened.send_replace(false);
                    if !again {
                        return;
                    }
                }
                Err(error) => tracing::error!(%error, "the window could not be started"),
            }
        }
    }

    fn spawn(&self) -> io::Result<(Child, ChildStdin)> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.args(&self.arguments).stdin(Stdio::piped()).spawn()?;
        let stdin = child.stdin.take().ok_or_else(|| io::Error::other("no way to tell the window anything"))?;
        tracing::debug!(pid = child.id(), "the window is started");
        Ok((child, stdin))
    }

    /// Until the window ends; whether another may follow.
    async fn hold(&mut self, mut child: Child, mut stdin: ChildStdin) -> bool {
        loop {
            tokio::select! {
                status = child.wait() => {
                    match status {
                        Ok(status) if status.success() => {}
                        Ok(status) => tracing::warn!(%status, "the window ended by itself"),
                        Err(error) => tracing::warn!(%error, "the window’s end was not seen"),
                    }
                    return true;
                }
                wish = self.inbox.recv() => match wish {
                    // A window that is just closing doesn't hear it; its end comes next.
                    Some(Wish::Show) => drop(stdin.write_all(b"show\n").await),
                    Some(Wish::Close) | None => break,
                },
            }
        }
        drop(stdin);
        if tokio::time::timeout(PATIENCE, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
        false
    }
}

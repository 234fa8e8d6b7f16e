//! What outlives this process: at hand in memory, written to `state.json` in order and without holding up the engine.

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::files::{State, StateFile};

/// See the module.
pub(super) struct Remembered {
    state: State,
    changes: mpsc::UnboundedSender<Change>,
    writer: JoinHandle<()>,
}

struct Change {
    make: Box<dyn FnOnce(&mut State) + Send>,
    written: oneshot::Sender<()>,
}

/// Done once a change is on the disk, or could not be brought there.
pub(super) type Written = oneshot::Receiver<()>;

impl Remembered {
    pub(super) fn read(file: StateFile) -> Self {
        let state = file.read();
        let (changes, to_write) = mpsc::unbounded_channel();
        Self { state, changes, writer: tokio::spawn(write(file, to_write)) }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Changes what is remembered: here at once, on the disk soon.
    pub(super) fn change(&mut self, change: impl Fn(&mut State) + Send + 'static) -> Written {
        change(&mut self.state);
        let (written, on_disk) = oneshot::channel();
        drop(self.changes.send(Change { make: Box::new(change), written }));
        on_disk
    }

    /// Waits until everything is on the disk.
    pub(super) async fn close(self) {
        drop(self.changes);
        if let Err(error) = self.writer.await {
            tracing::warn!(%error, "state.json was not written to the end");
        }
    }
}

/// One change after the other. A file system that fails keeps nobody from working; but a host that is killed then, between
/// sending a request and its answer, leaves no trace of it, and the next one can only know it by the policy.
async fn write(file: StateFile, mut changes: mpsc::UnboundedReceiver<Change>) {
    while let Some(Change { make, written }) = changes.recv().await {
        let file = file.clone();
        match tokio::task::spawn_blocking(move || file.change(make)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "state.json could not be written"),
            Err(error) => tracing::warn!(%error, "state.json was not written"),
        }
        // Not everybody waits for it.
        let _nobody_waits = written.send(());
    }
}

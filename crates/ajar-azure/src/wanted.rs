//! Whether a write is still wanted: between the click and the wire lie token fetches and waits that Azure asks for.

use std::sync::Arc;

use azure_core::error::{Error, ErrorKind};
use tokio::sync::watch;

/// Says of a write whether it may still be sent. Asked each time just before the request is handed to the transport;
/// what has been handed over runs to its end. Clones speak of the same write.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    withdrawn: Arc<watch::Sender<bool>>,
}

impl Wanted {
    /// Wanted, until it is withdrawn.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on nothing is sent (again), and waits before sending end.
    pub fn withdraw(&self) {
        self.withdrawn.send_replace(true);
    }

    /// Whether it may be sent.
    pub fn is_wanted(&self) -> bool {
        !*self.withdrawn.borrow()
    }

    /// Returns when it is withdrawn.
    async fn withdrawn(&self) {
        // The sender is our own, so there is no other end than this.
        drop(self.withdrawn.subscribe().wait_for(|withdrawn| *withdrawn).await);
    }

    pub(crate) fn check(&self) -> azure_core::Result<()> {
        if self.is_wanted() { Ok(()) } else { Err(Withdrawn.into()) }
    }

    /// What `before` comes to, unless the write is withdrawn meanwhile.
    pub(crate) async fn wait<T>(&self, before: impl Future<Output = T>) -> azure_core::Result<T> {
        tokio::select! {
            biased;
            () = self.withdrawn() => Err(Withdrawn.into()),
            result = before => Ok(result),
        }
    }
}

/// A write that was withdrawn before it was sent, as it travels through azure_core's errors.
#[derive(Debug, thiserror::Error)]
#[error("no longer wanted")]
struct Withdrawn;

impl From<Withdrawn> for Error {
    fn from(withdrawn: Withdrawn) -> Self {
        Self::new(ErrorKind::Other, withdrawn)
    }
}

/// Whether an error of azure_core is that a write was withdrawn.
pub(crate) fn is_withdrawn(error: &Error) -> bool {
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source())
        .any(<dyn std::error::Error>::is::<Withdrawn>)
}

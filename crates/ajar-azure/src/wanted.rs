//! Whether a write is still wanted, and whether it has left: between the click and the wire lie token fetches and waits
//! that Azure asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use azure_core::error::{Error, ErrorKind};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::watch;

/// Says of a write whether it may still be sent. Asked each time just before the request is handed to the transport;
/// what has been handed over runs to its end. Clones speak of the same write.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// More than one where a request carries the wishes of several.
    wishes: Vec<Wish>,
}

#[derive(Clone, Debug, Default)]
struct Wish {
    withdrawn: Arc<watch::Sender<bool>>,
    left: Arc<AtomicBool>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { wishes: vec![Wish::default()] }
    }
}

impl Wanted {
    /// Wanted, until it is withdrawn.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another write that is withdrawn together with this one, and leaves by itself.
    #[must_use]
    pub fn another(&self) -> Self {
        let another = |wish: &Wish| Wish { withdrawn: Arc::clone(&wish.withdrawn), left: Arc::default() };
        Self { wishes: self.wishes.iter().map(another).collect() }
    }

    /// One write for all of these: it is withdrawn as soon as one of them is, and they leave with it.
    pub fn of_all<'w>(all: impl IntoIterator<Item = &'w Self>) -> Self {
        Self { wishes: all.into_iter().flat_map(|wanted| wanted.wishes.iter().cloned()).collect() }
    }

    /// From now on nothing is sent (again), and waits before sending end.
    pub fn withdraw(&self) {
        for wish in &self.wishes {
            wish.withdrawn.send_replace(true);
        }
    }

    /// Whether it may be sent.
    pub fn is_wanted(&self) -> bool {
        self.wishes.iter().all(|wish| !*wish.withdrawn.borrow())
    }

    /// Takes it as handed to the transport, unless it is withdrawn; whether it may go. Who withdraws it afterwards finds
    /// that it [has left](Self::has_left).
    pub fn leave(&self) -> bool {
        // Whoever withdraws it waits for this look at it to be over.
        let looks: Vec<_> = self.wishes.iter().map(|wish| wish.withdrawn.borrow()).collect();
        let is_wanted = looks.iter().all(|withdrawn| !**withdrawn);
        if is_wanted {
            self.wishes.iter().for_each(|wish| wish.left.store(true, Ordering::Release));
        }
        is_wanted
    }

    /// Whether it was handed to the transport, and Azure has not said since that it was not applied.
    pub fn has_left(&self) -> bool {
        self.wishes.iter().any(|wish| wish.left.load(Ordering::Acquire))
    }

    /// Azure has said that it was not applied, and may be sent again.
    pub(crate) fn came_back(&self) {
        self.wishes.iter().for_each(|wish| wish.left.store(false, Ordering::Release));
    }

    /// Returns when it is withdrawn.
    async fn withdrawn(&self) {
        let one = async |wish: &Wish| {
            // The sender is our own, so there is no other end than this.
            drop(wish.withdrawn.subscribe().wait_for(|withdrawn| *withdrawn).await);
        };
        let mut all: FuturesUnordered<_> = self.wishes.iter().map(one).collect();
        all.next().await;
    }

    /// As [`Self::leave`], for pipelines.
    pub(crate) fn check(&self) -> azure_core::Result<()> {
        if self.leave() { Ok(()) } else { Err(Withdrawn.into()) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_writes_that_are_withdrawn_together_each_tells_by_itself_whether_it_has_left() {
        let (one, other) = (Wanted::new(), Wanted::new().another());
        let other_of_one = one.another();
        assert!(one.leave() && one.has_left() && !other_of_one.has_left());
        one.withdraw();
        assert!(!other_of_one.is_wanted() && !other_of_one.leave() && !other_of_one.has_left());
        assert!(one.has_left(), "what has left is not called back");
        assert!(other.is_wanted());
    }

    #[tokio::test]
    async fn what_is_sent_for_several_is_withdrawn_with_one_of_them_and_leaves_for_all() {
        let (one, other) = (Wanted::new(), Wanted::new());
        let both = Wanted::of_all([&one, &other]);
        assert!(both.leave() && one.has_left() && other.has_left());
        both.came_back();
        assert!(!one.has_left() && !other.has_left());
        other.withdraw();
        both.withdrawn().await;
        assert!(!both.is_wanted() && !both.leave() && !one.has_left() && one.is_wanted());
    }
}

//! The engine, through its handle.

mod addresses_left;
mod after_use;
mod attempts;
mod cancelling;
mod closing;
mod deallocating;
mod diagnosis;
mod favourites;
mod followers;
mod host_keys;
mod inventory;
mod journal;
mod many;
mod moving;
mod network;
mod private_way;
mod recents;
mod refreshing;
mod refusals;
mod remembering;
mod removing;
mod renewing;
mod rights;
mod settings;
mod signing_in;
mod signing_out;
mod teams;
mod together;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{AttemptNumber, AttemptView, FailureView, OutcomeView, Snapshot};
use ajar_runtime::engine::{self, EngineHandle, Parts};

use crate::world::World;

/// An engine in a world.
pub(crate) struct Running {
    pub(crate) engine: EngineHandle,
}

pub(crate) fn name(text: &str) -> ProfileName {
    text.parse().unwrap()
}

/// The wish to open a favourite with its client.
pub(crate) fn connect(text: &str) -> Connect {
    Connect::new(name(text))
}

impl Running {
    pub(crate) fn start(world: &Arc<World>) -> Self {
        Self { engine: engine::start(world.parts()) }
    }

    /// An engine in a process that ends with what it was started for.
    pub(crate) fn for_a_moment(world: &Arc<World>) -> Self {
        Self { engine: engine::start(Parts { stays: false, ..world.parts() }) }
    }

    /// Drops the way to the engine, and waits until it has ended and all is on the disk.
    pub(crate) async fn end(self) {
        let mut snapshots = self.engine.snapshots();
        drop(self.engine);
        while snapshots.changed().await.is_ok() {}
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.engine.snapshots().borrow().clone()
    }

    pub(crate) async fn connect(&self, favourite: &str) -> AttemptNumber {
        let reply = self.engine.ask(Request::Connect(connect(favourite))).await;
        let Reply::Attempt { number } = reply else { panic!("{reply:?}") };
        number
    }

    pub(crate) async fn ask(&self, request: Request) -> Reply {
        self.engine.ask(request).await
    }

    pub(crate) async fn done(&self, request: Request) {
        assert_eq!(self.engine.ask(request).await, Reply::Done);
    }

    pub(crate) async fn refused(&self, request: Request) -> FailureView {
        let reply = self.engine.ask(request).await;
        let Reply::Refused { failure } = reply else { panic!("{reply:?}") };
        *failure
    }

    /// Waits for a snapshot. Time is paused, so the limit costs nothing.
    pub(crate) async fn until(&self, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.engine.snapshots();
        let found = snapshots.wait_for(|snapshot| wanted(snapshot));
        let found = tokio::time::timeout(Duration::from_hours(24), found).await;
        found.expect("it never came true").expect("the engine has ended").clone()
    }

    /// Waits for the end of an attempt.
    pub(crate) async fn ended(&self, number: AttemptNumber) -> AttemptView {
        let snapshot = self.until(|snapshot| find(snapshot, number).is_some_and(|view| view.outcome.is_some())).await;
        find(&snapshot, number).unwrap().clone()
    }

    /// Connects, and waits until that has worked.
    pub(crate) async fn connected(&self, favourite: &str) -> AttemptView {
        let number = self.connect(favourite).await;
        let view = self.ended(number).await;
        assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:#?}");
        view
    }
}

pub(crate) fn find(snapshot: &Snapshot, number: AttemptNumber) -> Option<&AttemptView> {
    snapshot.attempts.iter().find(|attempt| attempt.number == number)
}

//! Following one attempt from host to host.

use std::sync::{Arc, OnceLock};

use ajar_core::failure::{Failure, Trouble};
use ajar_core::protocol::{Connect, Launch, Reply};
use ajar_core::snapshot::{AttemptNumber, AttemptView, FailureView, Snapshot};
use tokio::sync::{oneshot, watch};

use crate::adapters::words;
use crate::engine::engine_gone;

/// Follows one attempt from host to host.
#[derive(Debug)]
pub struct Following {
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    pub(super) last: Option<AttemptView>,
    /// Which clients the engine is to start.
    pub(super) launch: Launch,
    /// Why there is no engine any more.
    pub(super) gone: Gone,
}

/// How far a followed attempt has come.
#[derive(Clone, Debug)]
pub(super) enum Progress {
    Asking,
    Number(AttemptNumber),
    Ended(Box<AttemptView>),
    Refused(Box<FailureView>),
}

impl Following {
    /// The attempt, each time it has changed; the last time with its outcome, and from then on at once.
    ///
    /// # Errors
    /// The engine's refusal, or that the engine is gone for good.
    pub async fn next(&mut self) -> Result<AttemptView, FailureView> {
        loop {
            let progress = self.progress.borrow_and_update().clone();
            let number = match progress {
                Progress::Refused(failure) => return Err(*failure),
                Progress::Ended(view) => return Ok(*view),
                Progress::Number(number) => Some(number),
                Progress::Asking => None,
            };
            let view =
                find(self.snapshots.borrow_and_update().as_deref(), number).map(|view| as_asked(view, self.launch));
            if view.is_some() && view != self.last {
                self.last.clone_from(&view);
            } else {
                self.changed().await?;
                continue;
            }
            if let Some(view) = view {
                return Ok(view);
            }
        }
    }

    async fn changed(&mut self) -> Result<(), FailureView> {
        tokio::select! {
            changed = self.progress.changed() => changed,
            changed = self.snapshots.changed() => changed,
        }
        .map_err(|_| self.gone.in_words())
    }
}

/// Why a face has no engine any more, once that is so.
#[derive(Clone, Debug, Default)]
pub(super) struct Gone(Arc<OnceLock<Trouble>>);

impl Gone {
    pub(super) fn because_of(&self, trouble: Trouble) {
        // The first trouble is the one that ends the face.
        drop(self.0.set(trouble));
    }

    pub(super) fn in_words(&self) -> FailureView {
        self.0.get().map_or_else(engine_gone, |trouble| words(trouble, "Ajar"))
    }
}

fn as_asked(view: &AttemptView, launch: Launch) -> AttemptView {
    if launch.is_for(view.protocol) { view.clone() } else { view.clone().without_client() }
}

fn find(snapshot: Option<&Snapshot>, number: Option<AttemptNumber>) -> Option<&AttemptView> {
    let number = number?;
    let snapshot = snapshot?;
    snapshot.attempts.iter().chain(&snapshot.superseded).find(|attempt| attempt.number == number)
}

/// An attempt that this face asked for: asked for again if the host goes away before it has ended.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) connect: Connect,
    pub(super) progress: watch::Sender<Progress>,
}

impl Followed {
    /// Notes how the attempt has ended, by a snapshot that is at least as new as the attempt's number; whether it goes
    /// on, and somebody wants to know.
    pub(super) fn goes_on(&self, snapshot: Option<&Snapshot>) -> bool {
        let number = match *self.progress.borrow() {
            Progress::Asking => return !self.progress.is_closed(),
            Progress::Number(number) => number,
            Progress::Ended(_) | Progress::Refused(_) => return false,
        };
        let ended = match find(snapshot, Some(number)).map(|view| as_asked(view, self.connect.launches())) {
            Some(view) if view.outcome.is_none() => return !self.progress.is_closed(),
            Some(view) => Progress::Ended(Box::new(view)),
            None => {
                let unseen = words(&Failure::EndUnseen.into(), self.connect.name.as_str());
                Progress::Refused(Box::new(unseen))
            }
        };
        self.progress.send_replace(ended);
        false
    }
}

/// Who waits for an answer.
#[derive(Debug)]
pub(super) enum Asker {
    /// Somebody who asked for something done at once.
    Once(oneshot::Sender<Reply>),
    /// Somebody who follows an attempt. Without an answer nothing changes: the next host is asked again.
    Follower(watch::Sender<Progress>),
}

impl Asker {
    /// Gives the answer. To be called after the snapshot that shows what came of the request is published.
    pub(super) fn answered(self, reply: Reply) {
        match self {
            // Who does not wait any more does not want to know.
            Self::Once(asker) => drop(asker.send(reply)),
            Self::Follower(progress) => {
                progress.send_replace(match reply {
                    Reply::Attempt { number } => Progress::Number(number),
                    Reply::Refused { failure } => Progress::Refused(failure),
                    Reply::Done
                    | Reply::Left
                    | Reply::Deallocation { .. }
                    | Reply::SigningIn { .. }
                    | Reply::SignedOut { .. }
                    | Reply::ActsByDefault { .. }
                    | Reply::Rights { .. }
                    | Reply::ActivityLog { .. }
                    | Reply::Diagnosis { .. }
                    | Reply::Inherited { .. }
                    | Reply::Vms { .. }
                    | Reply::History { .. }
                    | Reply::Exported { .. } => Progress::Refused(Box::new(engine_gone())),
                });
            }
        }
    }
}

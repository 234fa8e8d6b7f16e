//! A face: the way to the engine, whichever process hosts it. It hosts it itself if nobody else does.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::protocol::{Connect, HostMessage, Reply, Request};
use ajar_core::snapshot::{AttemptNumber, AttemptView, FailureView, Snapshot};
use interprocess::local_socket::tokio::{Listener, Stream};
use tokio::sync::{mpsc, oneshot, watch};

use super::attached::attach;
use super::election::{Elected, elect};
use super::serving::serve;
use crate::engine::{self, EngineHandle, Parts, engine_gone};
use crate::files::Folder;

/// What makes an engine, when this process is to host it.
pub type MakeParts = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Parts, Trouble>> + Send>> + Send + Sync>;

/// What it takes to open a face.
pub struct Opening {
    /// The user's files; faces of the same folder share an engine.
    pub folder: Folder,
    /// Called only if this process is to host the engine.
    pub parts: MakeParts,
}

/// The way to the engine. Dropping it ends the engine if it is hosted here.
#[derive(Clone, Debug)]
pub struct Face {
    wishes: mpsc::Sender<Wish>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
}

#[derive(Debug)]
enum Wish {
    Ask(Request, oneshot::Sender<Reply>),
    Follow(Followed),
}

/// An attempt that this face asked for: asked for again if the host goes away before it has ended.
#[derive(Debug)]
struct Followed {
    connect: Connect,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Debug)]
enum Progress {
    Asking,
    Number(AttemptNumber),
    Refused(Box<FailureView>),
}

/// Follows one attempt from host to host.
#[derive(Debug)]
pub struct Following {
    progress: watch::Receiver<Progress>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    last: Option<AttemptView>,
}

impl Following {
    /// The attempt, each time it has changed; the last time with its outcome.
    ///
    /// # Errors
    /// The engine's refusal, or that the engine is gone for good.
    pub async fn next(&mut self) -> Result<AttemptView, FailureView> {
        loop {
            if let Progress::Refused(failure) = &*self.progress.borrow_and_update() {
                return Err((**failure).clone());
            }
            if let Some(view) = self.current()
                && self.last.as_ref() != Some(&view)
            {
                self.last = Some(view.clone());
                return Ok(view);
            }
            let alive = tokio::select! {
                changed = self.progress.changed() => changed.is_ok(),
                changed = self.snapshots.changed() => changed.is_ok(),
            };
            if !alive {
                return Err(engine_gone());
            }
        }
    }

    fn current(&mut self) -> Option<AttemptView> {
        let Progress::Number(number) = *self.progress.borrow() else { return None };
        let snapshot = self.snapshots.borrow_and_update();
        snapshot.as_ref()?.attempts.iter().find(|attempt| attempt.number == number).cloned()
    }
}

impl Face {
    /// Attaches to the engine, or hosts it.
    ///
    /// # Errors
    /// What keeps this process from doing either.
    pub async fn open(opening: Opening) -> Result<Self, Trouble> {
        let (wishes, inbox) = mpsc::channel(32);
        let (published, snapshots) = watch::channel(None);
        let (opened, ready) = oneshot::channel();
        let work = Work { opening, inbox, published, followed: Vec::new(), opened: Some(opened) };
        tokio::spawn(work.run());
        ready.await.map_err(|_| internal(&"the engine did not come up"))??;
        Ok(Self { wishes, snapshots })
    }

    /// Asks for something that is done at once.
    pub async fn ask(&self, request: Request) -> Reply {
        // A host that goes away takes the answer along; the next one is asked again. All requests bear that.
        for _ in 0..3 {
            let (reply, answer) = oneshot::channel();
            if self.wishes.send(Wish::Ask(request.clone(), reply)).await.is_err() {
                break;
            }
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
        Reply::Refused { failure: Box::new(engine_gone()) }
    }

    /// Asks to open a favourite, and follows the attempt even if the host goes away.
    pub async fn connect(&self, connect: Connect) -> Following {
        let (progress, followed) = watch::channel(Progress::Asking);
        // If the engine is gone, following says so.
        drop(self.wishes.send(Wish::Follow(Followed { connect, progress })).await);
        let mut snapshots = self.snapshots.clone();
        snapshots.mark_changed();
        Following { progress: followed, snapshots, last: None }
    }

    /// The state as last heard.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.snapshots.borrow().clone()
    }

    /// Waits for the next snapshot that `wanted` accepts, the present one included; `None` if the engine is gone.
    pub async fn wait_for(&self, wanted: impl Fn(&Snapshot) -> bool) -> Option<Arc<Snapshot>> {
        let mut snapshots = self.snapshots.clone();
        let found =
            snapshots.wait_for(|snapshot| snapshot.as_ref().is_some_and(|snapshot| wanted(snapshot))).await.ok()?;
        found.clone()
    }

    /// The state, now and whenever it changes.
    pub fn snapshots(&self) -> watch::Receiver<Option<Arc<Snapshot>>> {
        self.snapshots.clone()
    }
}

fn internal(detail: &impl ToString) -> Trouble {
    Failure::Internal { detail: detail.to_string() }.into()
}

/// The task behind a face.
struct Work {
    opening: Opening,
    inbox: mpsc::Receiver<Wish>,
    published: watch::Sender<Option<Arc<Snapshot>>>,
    followed: Vec<Followed>,
    opened: Option<oneshot::Sender<Result<(), Trouble>>>,
}

/// Why a term as host or attached face is over.
enum Over {
    /// Nobody uses the face any more.
    Closed,
    /// The host went away.
    HostGone,
}

impl Work {
    async fn run(mut self) {
        loop {
            match self.term().await {
                Ok(Over::Closed) => return,
                Ok(Over::HostGone) => tracing::info!("the engine’s host went away"),
                Err(trouble) => {
                    if let Some(opened) = self.opened.take() {
                        drop(opened.send(Err(trouble)));
                    } else {
                        tracing::error!(failure = %trouble.failure, "the engine could not be taken over");
                    }
                    return;
                }
            }
        }
    }

    async fn term(&mut self) -> Result<Over, Trouble> {
        match elect(&self.opening.folder).await.map_err(|error| internal(&error))? {
            Elected::Host { lock, listener } => {
                let parts = (self.opening.parts)().await?;
                Ok(self.host(lock, listener, engine::start(parts)).await)
            }
            Elected::Attached(stream) => match self.attached(stream).await {
                Ok(over) => Ok(over),
                Err(error) if error.kind() == io::ErrorKind::Other => Err(internal(&error)),
                Err(_) => Ok(Over::HostGone),
            },
        }
    }

    async fn host(&mut self, lock: File, listener: Listener, engine: EngineHandle) -> Over {
        let serving = tokio::spawn(serve(lock, listener, engine.clone()));
        let mut snapshots = engine.snapshots();
        snapshots.mark_changed();
        self.resume(|request, reply| pass_on(engine.clone(), request, reply));
        loop {
            tokio::select! {
                wish = self.inbox.recv() => {
                    let Some(wish) = wish else { break };
                    let (request, reply) = self.take(wish);
                    pass_on(engine.clone(), request, reply);
                }
                Ok(()) = snapshots.changed() => {
                    let snapshot = Arc::clone(&snapshots.borrow_and_update());
                    self.publish(snapshot);
                }
            }
        }
        serving.abort();
        // Its end lets go of the lock; faces that are attached take over then.
        drop(serving.await);
        Over::Closed
    }

    async fn attached(&mut self, stream: Stream) -> io::Result<Over> {
        let (mut attachment, mut listening) = attach(stream).await?;
        let mut again = Vec::new();
        self.resume(|request, reply| again.push((request, reply)));
        for (request, reply) in again {
            attachment.ask(request, reply).await?;
        }
        loop {
            tokio::select! {
                wish = self.inbox.recv() => {
                    let Some(wish) = wish else { return Ok(Over::Closed) };
                    let (request, reply) = self.take(wish);
                    attachment.ask(request, reply).await?;
                }
                message = listening.recv() => match message {
                    Some(HostMessage::Snapshot { snapshot }) => self.publish(Arc::from(snapshot)),
                    Some(HostMessage::Reply { id, reply }) => attachment.answered(id, reply),
                    Some(HostMessage::Hello { .. }) | None => return Ok(Over::HostGone),
                }
            }
        }
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.published.send_replace(Some(snapshot));
        if let Some(opened) = self.opened.take() {
            drop(opened.send(Ok(())));
        }
    }

    fn take(&mut self, wish: Wish) -> (Request, oneshot::Sender<Reply>) {
        match wish {
            Wish::Ask(request, reply) => (request, reply),
            Wish::Follow(followed) => {
                let asked = (Request::Connect(followed.connect.clone()), note_number(&followed.progress));
                self.followed.push(followed);
                asked
            }
        }
    }

    /// Asks a new host for the attempts that the last one did not bring to an end.
    fn resume(&mut self, mut ask: impl FnMut(Request, oneshot::Sender<Reply>)) {
        let last = self.published.borrow().clone();
        let ended = |number: AttemptNumber| {
            let attempts = last.iter().flat_map(|snapshot| &snapshot.attempts);
            attempts.into_iter().any(|attempt| attempt.number == number && attempt.outcome.is_some())
        };
        self.followed.retain(|followed| {
            let done = match *followed.progress.borrow() {
                Progress::Asking => false,
                Progress::Number(number) => ended(number),
                Progress::Refused(_) => true,
            };
            !done && followed.progress.receiver_count() > 0
        });
        for followed in &self.followed {
            followed.progress.send_replace(Progress::Asking);
            ask(Request::Connect(followed.connect.clone()), note_number(&followed.progress));
        }
    }
}

/// A way for the answer to a `Connect` that notes the attempt's number. An answer that never comes changes nothing: the
/// next host is asked again.
fn note_number(progress: &watch::Sender<Progress>) -> oneshot::Sender<Reply> {
    let (reply, answer) = oneshot::channel();
    let progress = progress.clone();
    tokio::spawn(async move {
        let noted = match answer.await {
            Ok(Reply::Attempt { number }) => Progress::Number(number),
            Ok(Reply::Refused { failure }) => Progress::Refused(failure),
            Ok(Reply::Done) => Progress::Refused(Box::new(engine_gone())),
            Err(_) => return,
        };
        progress.send_replace(noted);
    });
    reply
}

fn pass_on(engine: EngineHandle, request: Request, reply: oneshot::Sender<Reply>) {
    tokio::spawn(async move { drop(reply.send(engine.ask(request).await)) });
}

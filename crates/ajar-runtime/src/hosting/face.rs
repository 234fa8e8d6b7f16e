//! A face: the way to the engine, whichever process hosts it. It hosts it itself if nobody else does.

use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ajar_core::failure::{Failure, Trouble};
use ajar_core::message;
use ajar_core::protocol::{Connect, HostMessage, Reply, Request};
use ajar_core::snapshot::{FailureView, Snapshot};
use interprocess::local_socket::tokio::{Listener, Stream};
use tokio::sync::{mpsc, oneshot, watch};

use super::attached::{NoTalk, attach};
use super::election::{Elected, elect, listen};
use super::following::{Asker, Followed, Following, Gone, Progress};
use super::serving::serve;
use crate::engine::{self, EngineHandle, Parts};
use crate::files::Folder;

/// How often in a row a host may be attached to that goes away, or cannot be understood, before it has said anything.
const FRUITLESS: u32 = 10;

/// The pause after that, so that a host that cannot be understood is not asked without end or rest.
const REST: Duration = Duration::from_millis(50);

/// How long one request is asked again while hosts come and go.
const PATIENCE: Duration = Duration::from_secs(20);

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
    first: Arc<Snapshot>,
    gone: Gone,
}

#[derive(Debug)]
enum Wish {
    Ask(Request, oneshot::Sender<Reply>),
    Follow(Followed),
    Close,
}

/// A face on its way to the engine. Dropping it gives up; [`Arriving::give_up`] also waits until nothing of it is left.
#[derive(Debug)]
pub struct Arriving {
    wishes: mpsc::Sender<Wish>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    ready: oneshot::Receiver<Result<Arc<Snapshot>, Trouble>>,
    gone: Gone,
}

impl Arriving {
    /// Waits for the face; to be called once it has not been waited for to the end.
    ///
    /// # Errors
    /// What keeps this process from both attaching and hosting.
    pub async fn face(&mut self) -> Result<Face, Trouble> {
        let first = (&mut self.ready).await.map_err(|_| internal(&"the engine did not come up"))??;
        let (wishes, snapshots, gone) = (self.wishes.clone(), self.snapshots.clone(), self.gone.clone());
        Ok(Face { wishes, snapshots, first, gone })
    }

    /// Waits until what was begun has ended: an engine that was being made is gone, with its files, and another process
    /// may host.
    pub async fn give_up(self) {
        let Self { wishes, mut snapshots, ready, .. } = self;
        drop((wishes, ready));
        while snapshots.changed().await.is_ok() {}
    }
}

impl Face {
    /// Begins to attach to the engine, or to host it.
    pub fn begin(opening: Opening) -> Arriving {
        let (wishes, inbox) = mpsc::channel(32);
        let (published, snapshots) = watch::channel(None);
        let (opened, ready) = oneshot::channel();
        let gone = Gone::default();
        let (opened, told) = (Some(opened), gone.clone());
        let work = Work { opening, inbox, published, followed: Vec::new(), opened, heard: false, gone: told };
        tokio::spawn(work.run());
        Arriving { wishes, snapshots, ready, gone }
    }

    /// Attaches to the engine, or hosts it.
    ///
    /// # Errors
    /// What keeps this process from doing either.
    pub async fn open(opening: Opening) -> Result<Self, Trouble> {
        Self::begin(opening).face().await
    }

    /// Ends this way to the engine for all clones of it, and the engine if it is hosted here: waits until attached faces
    /// have heard the last of it, all is on the disk and another process may host.
    pub async fn close(self) {
        let Self { wishes, mut snapshots, .. } = self;
        // One that has ended already needs no telling.
        drop(wishes.send(Wish::Close).await);
        drop(wishes);
        while snapshots.changed().await.is_ok() {}
    }

    /// Asks for something that is done at once. What came of it is in [`Face::snapshot`] when the answer is there.
    pub async fn ask(&self, request: Request) -> Reply {
        // A host that goes away takes the answer along; the next one is asked again. Doing a thing twice does no harm.
        let (asked_at, was_there) = (Instant::now(), is_there(&request, &self.snapshot()));
        let mut asked_again = false;
        while asked_at.elapsed() < PATIENCE {
            let (reply, answer) = oneshot::channel();
            if self.wishes.send(Wish::Ask(request.clone(), reply)).await.is_err() {
                break;
            }
            match answer.await {
                Ok(answer) if asked_again => return unless_done_already(answer, was_there),
                Ok(answer) => return answer,
                Err(_) => asked_again = true,
            }
        }
        Reply::Refused { failure: Box::new(self.why_gone()) }
    }

    /// Whether there is no engine any more, nor will be.
    pub fn is_gone(&self) -> bool {
        self.snapshots.has_changed().is_err()
    }

    /// Why there is no engine any more, for who has heard the last of it.
    pub fn why_gone(&self) -> FailureView {
        self.gone.in_words()
    }

    /// Asks to open a favourite, and follows the attempt even if the host goes away.
    pub async fn connect(&self, connect: Connect) -> Following {
        let (launch, gone) = (connect.launches(), self.gone.clone());
        let (progress, followed) = watch::channel(Progress::Asking);
        // If the engine is gone, following says so.
        drop(self.wishes.send(Wish::Follow(Followed { connect, progress })).await);
        Following { progress: followed, snapshots: self.snapshots.clone(), last: None, launch, gone }
    }

    /// The state as last heard.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.borrow().as_ref().map_or_else(|| Arc::clone(&self.first), Arc::clone)
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

/// Whether it is there, what is to be taken away; nothing is to be by most requests.
fn is_there(request: &Request, snapshot: &Snapshot) -> bool {
    if let Request::Remove { name } = request {
        snapshot.favourites.iter().any(|known| known.name == *name)
    } else if let Request::SignOut { name } = request {
        snapshot.accounts.iter().any(|known| known.name == *name)
    } else {
        false
    }
}

/// The answer of a host to something that the last one may have done and not answered any more: what is not there, and was
/// before, is gone as it was meant to be.
fn unless_done_already(answer: Reply, was_there: bool) -> Reply {
    let is_refused = |code: &str| matches!(&answer, Reply::Refused { failure } if failure.code == code);
    if was_there && is_refused("unknownFavourite") {
        Reply::Done
    } else if was_there && is_refused("nothingToSignOut") {
        let removed = vec![message::account::removed_by_last_host().to_owned()];
        Reply::SignedOut { removed, remains: Vec::new(), acts: None, left: None }
    } else {
        answer
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
    opened: Option<Opened>,
    /// Whether a snapshot has come since the last election.
    heard: bool,
    gone: Gone,
}

/// Tells whoever opens the face how that ended; closed when it is not wanted any more.
type Opened = oneshot::Sender<Result<Arc<Snapshot>, Trouble>>;

/// Works on until nobody waits for the face to open; nothing then.
async fn unless_given_up<T>(opened: &mut Option<Opened>, work: impl Future<Output = T>) -> Option<T> {
    let Some(opened) = opened else { return Some(work.await) };
    tokio::select! {
        biased;
        () = opened.closed() => None,
        done = work => Some(done),
    }
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
        let mut fruitless = 0;
        let trouble = loop {
            self.heard = false;
            match self.term().await {
                Ok(Over::Closed) => return,
                Ok(Over::HostGone) if self.heard => {
                    tracing::info!("the engine’s host went away");
                    fruitless = 0;
                }
                Ok(Over::HostGone) if fruitless < FRUITLESS => {
                    fruitless += 1;
                    tokio::time::sleep(REST).await;
                }
                Ok(Over::HostGone) => break internal(&"what the engine’s host says cannot be understood"),
                Err(trouble) => break trouble,
            }
        };
        tracing::error!(failure = %trouble.failure, "there is no engine to be had");
        match self.opened.take() {
            Some(opened) => drop(opened.send(Err(trouble))),
            None => self.gone.because_of(trouble),
        }
    }

    async fn term(&mut self) -> Result<Over, Trouble> {
        let Opening { folder, parts } = &self.opening;
        let Some(elected) = unless_given_up(&mut self.opened, elect(folder)).await else { return Ok(Over::Closed) };
        match elected? {
            Elected::Host(lock) => {
                // First the engine: who cannot make one does not let others attach to it.
                let Some(parts) = unless_given_up(&mut self.opened, parts()).await else { return Ok(Over::Closed) };
                let parts = parts?;
                let listener = listen(folder)?;
                self.host(lock, listener, engine::start(parts)).await
            }
            Elected::Attached(stream) => match self.attached(stream).await {
                Ok(over) => Ok(over),
                Err(NoTalk::Gone) => Ok(Over::HostGone),
                Err(NoTalk::Failed(failure)) => Err(failure.into()),
            },
        }
    }

    async fn host(&mut self, lock: File, listener: Listener, engine: EngineHandle) -> Result<Over, Trouble> {
        tracing::info!("this process hosts the engine");
        let (open, is_open) = watch::channel(());
        let serving = tokio::spawn(serve(listener, engine.clone(), is_open));
        let mut snapshots = engine.snapshots();
        snapshots.mark_changed();
        let (answers, mut answered) = mpsc::unbounded_channel();
        let pass_on = move |request, asker: Asker| {
            let (engine, answers) = (engine.clone(), answers.clone());
            tokio::spawn(async move { drop(answers.send((asker, engine.ask(request).await))) });
        };
        self.resume(&pass_on);
        let over = loop {
            tokio::select! {
                wish = self.inbox.recv() => {
                    let Some((request, asker)) = wish.and_then(|wish| self.take(wish)) else { break Ok(Over::Closed) };
                    pass_on(request, asker);
                }
                Some((asker, reply)) = answered.recv() => {
                    // The engine publishes before it answers, and so do we.
                    self.publish(&Arc::clone(&snapshots.borrow_and_update()));
                    asker.answered(reply);
                    self.settle_followed();
                }
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        break Err(internal(&"the engine has stopped"));
                    }
                    self.publish(&Arc::clone(&snapshots.borrow_and_update()));
                }
            }
        };
        drop(open);
        drop(serving.await);
        drop(pass_on);
        // The engine ends when nobody can ask it any more. Only then may another process host one.
        while snapshots.changed().await.is_ok() {}
        drop(lock);
        over
    }

    async fn attached(&mut self, stream: Stream) -> Result<Over, NoTalk> {
        let Some(met) = unless_given_up(&mut self.opened, attach(stream)).await else { return Ok(Over::Closed) };
        let (mut attachment, mut listening) = met?;
        let again = std::cell::RefCell::new(Vec::new());
        self.resume(&|request, asker| again.borrow_mut().push((request, asker)));
        for (request, asker) in again.into_inner() {
            attachment.ask(request, asker).await?;
        }
        loop {
            tokio::select! {
                wish = self.inbox.recv() => {
                    let taken = wish.and_then(|wish| self.take(wish));
                    let Some((request, asker)) = taken else { return Ok(Over::Closed) };
                    attachment.ask(request, asker).await?;
                }
                message = listening.recv() => match message {
                    Some(HostMessage::Snapshot { snapshot }) => self.publish(&Arc::from(snapshot)),
                    Some(HostMessage::Reply { id, reply }) => {
                        attachment.answered(id, reply);
                        self.settle_followed();
                    }
                    Some(HostMessage::Hello { .. }) | None => return Ok(Over::HostGone),
                }
            }
        }
    }

    fn publish(&mut self, snapshot: &Arc<Snapshot>) {
        self.heard = true;
        self.published.send_if_modified(|last| {
            let news = last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, snapshot));
            if news {
                *last = Some(Arc::clone(snapshot));
            }
            news
        });
        self.settle_followed();
        if let Some(opened) = self.opened.take() {
            drop(opened.send(Ok(Arc::clone(snapshot))));
        }
    }

    fn settle_followed(&mut self) {
        let snapshot = self.published.borrow().clone();
        self.followed.retain(|followed| followed.goes_on(snapshot.as_deref()));
    }

    /// What is to be asked for a wish; nothing when the face is closed.
    fn take(&mut self, wish: Wish) -> Option<(Request, Asker)> {
        Some(match wish {
            Wish::Close => return None,
            Wish::Ask(request, reply) => (request, Asker::Once(reply)),
            Wish::Follow(followed) => {
                let asked = (Request::Connect(followed.connect.clone()), Asker::Follower(followed.progress.clone()));
                self.followed.push(followed);
                asked
            }
        })
    }

    /// Asks a new host for the attempts that the last one did not bring to an end.
    fn resume(&mut self, ask: &impl Fn(Request, Asker)) {
        self.settle_followed();
        for followed in &self.followed {
            followed.progress.send_replace(Progress::Asking);
            let connect = Connect { again: true, ..followed.connect.clone() };
            ask(Request::Connect(connect), Asker::Follower(followed.progress.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::words;

    #[test]
    fn what_the_last_host_did_and_did_not_answer_is_done_and_not_refused_by_the_next() {
        let refused = |failure: Failure| Reply::Refused { failure: Box::new(words(&failure.into(), "web")) };
        let unknown = || refused(Failure::UnknownFavourite { name: "web".into(), similar: Vec::new() });
        let nothing = || refused(Failure::NothingToSignOut { name: "ada".into(), known: Vec::new() });
        assert_eq!(unless_done_already(unknown(), false), unknown(), "it was never there");
        assert_eq!(unless_done_already(nothing(), false), nothing());
        assert_eq!(unless_done_already(unknown(), true), Reply::Done);
        assert!(matches!(unless_done_already(nothing(), true), Reply::SignedOut { .. }));
        let settings = || refused(Failure::Settings { path: "config.toml".into(), detail: "no".into() });
        assert_eq!(unless_done_already(settings(), true), settings(), "any other refusal stands");
    }
}

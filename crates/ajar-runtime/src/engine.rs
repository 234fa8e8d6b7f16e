//! The engine: one task that owns all state, runs the effects of attempts and publishes snapshots.
//!
//! Only this task changes anything. Requests, results and time come in one after the other; after each the enabled
//! effects are started and the snapshot is published if it differs from the last one.

mod account_views;
mod acting;
mod activity;
mod after_use;
mod asking;
mod attempts;
mod az;
mod connections;
mod deallocating;
mod diagnosis;
mod editing;
mod effects;
mod followers;
mod held;
mod history;
mod host_keys;
mod inventory;
mod network;
mod publish;
mod recents;
mod refresh;
mod refusals;
mod reloading;
mod remembered;
mod renewing;
mod requests;
mod rights;
mod settings;
mod signing_in;
mod signing_out;
mod systems;
mod teams;
mod together;
mod tunnels;
mod turns;
mod undoing;
mod windows;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ajar_core::account::{Acting, Defaults};
use ajar_core::failure::Failure;
use ajar_core::journal::Opening;
use ajar_core::protocol::{Reply, Request};
use ajar_core::settings::{Favourite, Settings};
use ajar_core::snapshot::{AttemptNumber, FailureView, HostView, Snapshot};
use ajar_core::vm::{CloudVm, PowerState};
use ajar_core::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::adapters::words;
use crate::files::{
    FileStamp, FileWatch, Folder, InventoryFiles, JournalFile, SettingsFile, SshFolder, StateFile, TeamFiles,
};
use crate::ports::{AzAccount, Ports};
use after_use::InUse;
use attempts::Attempts;
pub use connections::LOOK_EVERY;
use connections::Looks;
use deallocating::Deallocations;
use effects::{Happened, WeakDetection};
pub(crate) use followers::FaceId;
use held::HeldWindows;
use inventory::KnownVms;
use network::Network;
use refresh::Refresh;
use remembered::Remembered;
use signing_in::SigningIn;
use teams::Teams;
use together::Together;
use tunnels::Tunnels;
use undoing::Undoable;
use windows::Closed;

/// The longest the engine sleeps while anything is open or under way, so that a resumed laptop is noticed soon.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// How long an engine that ends waits for answers to requests that are on their way, so that what it leaves behind is
/// settled. Shorter than its host waits for it.
const LAST_ANSWERS: Duration = Duration::from_secs(4);

/// A timer that comes so much later than it should, by the wall clock, comes after a sleep of the machine.
const RESUMED_AFTER: TimeDelta = TimeDelta::minutes(1);

/// A clock skew that differs less than this from the one in use is the same: it is measured in whole seconds.
const SKEW_NOISE: TimeDelta = TimeDelta::seconds(2);

/// A request with the way back.
struct Asked {
    /// Who asks. As long as it is here the face has not gone: that is heard of behind what it asked for, never before.
    presence: Arc<Presence>,
    request: Request,
    reply: oneshot::Sender<Reply>,
}

/// The way of one face to an engine in this process; clones are the same face. When the last of them is dropped the face
/// has gone, and with the last face the engine ends.
#[derive(Clone, Debug)]
pub struct EngineHandle {
    asks: mpsc::Sender<Asked>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    presence: Arc<Presence>,
}

/// That a face is there. However it goes, the engine hears of it.
#[derive(Debug)]
struct Presence {
    face: FaceId,
    faces: Arc<AtomicU64>,
    happened: mpsc::UnboundedSender<Happened>,
}

impl Presence {
    fn new(faces: Arc<AtomicU64>, happened: mpsc::UnboundedSender<Happened>) -> Arc<Self> {
        let face = FaceId(faces.fetch_add(1, Ordering::Relaxed));
        Arc::new(Self { face, faces, happened })
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // An engine that has ended follows nobody's wishes.
        drop(self.happened.send(Happened::FaceGone(self.face)));
    }
}

impl EngineHandle {
    /// The way of another face.
    #[must_use]
    pub fn of_another_face(&self) -> Self {
        let presence = Presence::new(Arc::clone(&self.presence.faces), self.presence.happened.clone());
        Self { presence, ..self.clone() }
    }

    /// Asks for something and waits for the answer. Attempts and sign-ins are followed in the snapshots; the answer is
    /// there at once but for what has to be looked up first.
    pub async fn ask(&self, request: Request) -> Reply {
        self.asked(request).await.await
    }

    /// Asks for something; what comes then is the answer. What is asked next is taken in after it, though the answer may
    /// come before.
    pub async fn asked(&self, request: Request) -> impl Future<Output = Reply> + Send + 'static + use<> {
        let (reply, answer) = oneshot::channel();
        let presence = Arc::clone(&self.presence);
        // An engine that has ended drops it, and with it the way back.
        drop(self.asks.send(Asked { presence, request, reply }).await);
        async move { answer.await.unwrap_or_else(|_| Reply::Refused { failure: Box::new(engine_gone()) }) }
    }

    /// The state, now and whenever it changes.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshots.clone()
    }
}

/// The words for an engine that has gone away.
pub(crate) fn engine_gone() -> FailureView {
    words(&Failure::Internal { detail: "the engine went away".into() }.into(), "Ajar")
}

/// What an engine is made of.
pub struct Parts {
    /// The world.
    pub ports: Ports,
    /// The user's files.
    pub folder: Folder,
    /// ssh's own, in which the favourites may be hosts; `None` where the system does not tell of a home.
    pub ssh_folder: Option<SshFolder>,
    /// The cloud of favourites that name none; `None` where the settings say it that cannot be read yet.
    pub cloud: Option<String>,
    /// Whether the environment has a service principal.
    pub environment: bool,
    /// Whether it is the built-in one.
    pub demo: bool,
    /// Whether the process stays until somebody ends it. One that ends with what it was started for begins nothing by itself.
    pub stays: bool,
    /// The shortest time between two looks at what this machine is connected to: [`LOOK_EVERY`].
    pub look_every: Duration,
}

struct Engine {
    ports: Ports,
    settings_file: SettingsFile,
    settings: Settings,
    settings_problem: Option<FailureView>,
    /// Why the file is not changed, if a later Ajar wrote it.
    settings_read_only: Option<FailureView>,
    settings_seen: Option<FileStamp>,
    /// As long as it is there, changes to the settings are heard of.
    _settings_watch: Option<FileWatch>,
    ssh_folder: Option<SshFolder>,
    /// Whether this process stays until somebody ends it.
    stays: bool,
    journal: JournalFile,
    /// What was opened lately, here or by hosts before, the newest first.
    lately: Vec<Opening>,
    remembered: Remembered,
    /// What was done to favourites and can be undone.
    undoable: Undoable,
    /// Changes to the settings that wait until another process has let go of them.
    put_off: VecDeque<Asked>,
    host: HostView,
    defaults: Defaults,
    signing_in: Option<SigningIn>,
    /// How many sign-ins there have been; begins at the clock, as the numbers of attempts do.
    sign_ins: u64,
    /// Who is signed in to the Azure CLI, as it last said.
    az: Option<Result<Vec<AzAccount>, Failure>>,
    /// Who acted last on each VM: still does for one that has lost its favourite and not yet its window.
    acted: HashMap<CloudVm, Acting>,
    attempts: Attempts,
    deallocations: Deallocations,
    held: HeldWindows,
    /// The windows that Azure closed before their time.
    closed: Vec<Closed>,
    /// The VMs that policies guard, as Azure has shown them, and with them what is open.
    guarded: HashSet<CloudVm>,
    /// Whether the favourites' VMs run, as Azure last said.
    powers: HashMap<CloudVm, PowerState>,
    /// The VMs that access is being asked for just now.
    initiating: Vec<CloudVm>,
    together: Together,
    /// The ways through Azure Bastion hosts.
    tunnels: Tunnels,
    /// Since when the settings file says nothing, though it said something before.
    emptied: Option<Instant>,
    /// Sign-ins under way, and what they have being kept.
    signing: JoinSet<()>,
    /// Sign-ins of which nothing is to be kept, on their way out.
    forgetting: JoinSet<()>,
    /// Whether this machine is elsewhere than what is open lets in.
    network: Network,
    /// The VMs that Ajar has started.
    in_use: InUse,
    /// Looks at what this machine is connected to.
    looks: Looks,
    /// The last look for this machine's public address in each cloud, as long as somebody waits for it.
    detections: HashMap<String, WeakDetection>,
    happened: mpsc::UnboundedSender<Happened>,
    published: watch::Sender<Arc<Snapshot>>,
    window_wanted: u64,
    /// Azure's time minus ours, as far as it is worth speaking of.
    skew: TimeDelta,
    refresh: Option<Refresh>,
    known_vms: KnownVms,
    teams: Teams,
    /// VMs that were opened without being favourites, by what they are called meanwhile.
    guests: Vec<Favourite>,
    /// Whether anybody has wanted to know how things stand: from then on a new favourite is looked at by itself.
    looked: bool,
    /// What kept the last refresh from being complete.
    refresh_problem: Option<FailureView>,
}

/// Starts an engine on the current tokio runtime.
pub fn start(parts: Parts) -> EngineHandle {
    let (asks, asked) = mpsc::channel(32);
    let (happened, happenings) = mpsc::unbounded_channel();
    let defaults = Defaults { cloud: parts.cloud, environment: parts.environment };
    let host = HostView {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
        cloud: Settings::default().default_cloud(&defaults).to_owned(),
        account: String::new(),
        demo: parts.demo,
    };
    let (published, snapshots) = watch::channel(Arc::new(publish::empty(host.clone())));
    let first = u64::try_from(parts.ports.clock.now().timestamp_millis()).unwrap_or(0);
    let presence = Presence::new(Arc::default(), happened.clone());
    let told = happened.clone();
    let settings_watch = FileWatch::on(&parts.folder.settings(), move || drop(told.send(Happened::SettingsTouched)));
    let journal = JournalFile::new(parts.folder.journal());
    let base = parts.folder.settings().parent().map(Into::into).unwrap_or_default();
    let mut engine = Engine {
        settings_file: SettingsFile::of(&parts.folder),
        settings: Settings::default(),
        undoable: Undoable::default(),
        settings_problem: None,
        settings_read_only: None,
        settings_seen: None,
        _settings_watch: settings_watch,
        ssh_folder: parts.ssh_folder,
        stays: parts.stays,
        lately: journal.lately(),
        journal,
        remembered: Remembered::read(StateFile::new(parts.folder.state())),
        put_off: VecDeque::new(),
        host,
        defaults,
        signing_in: None,
        sign_ins: first,
        az: None,
        acted: HashMap::new(),
        // Numbers begin at the clock, so that those of a host that went away are not used again.
        attempts: Attempts::starting_at(AttemptNumber(first)),
        deallocations: Deallocations::starting_at(first),
        held: HeldWindows::default(),
        closed: Vec::new(),
        guarded: HashSet::new(),
        powers: HashMap::new(),
        initiating: Vec::new(),
        together: Together::default(),
        tunnels: Tunnels::default(),
        emptied: None,
        signing: JoinSet::new(),
        forgetting: JoinSet::new(),
        network: Network::default(),
        in_use: InUse::default(),
        looks: Looks::each(parts.look_every),
        detections: HashMap::new(),
        ports: parts.ports,
        happened,
        published,
        window_wanted: 0,
        skew: TimeDelta::zero(),
        refresh: None,
        known_vms: KnownVms::new(InventoryFiles::new(parts.folder.inventory())),
        teams: Teams::new(TeamFiles::new(parts.folder.teams()), base),
        guests: Vec::new(),
        looked: false,
        refresh_problem: None,
    };
    engine.reload_settings();
    engine.hold_remembered();
    engine.watch_remembered();
    engine.publish();
    tokio::spawn(engine.run(asked, happenings));
    EngineHandle { asks, snapshots, presence }
}

impl Engine {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>, mut happenings: mpsc::UnboundedReceiver<Happened>) {
        loop {
            let (wake, began) = (self.time_to_wake(), self.ports.clock.now());
            tokio::select! {
                ask = asked.recv() => match ask {
                    Some(asked) => {
                        self.correct_clock();
                        self.take_up(asked);
                    }
                    None => break,
                },
                Some(happened) = happenings.recv() => {
                    self.correct_clock();
                    self.take_in(happened);
                    // What came at the same time is told as one: a refresh of many favourites brings much at once.
                    while let Ok(happened) = happenings.try_recv() {
                        self.take_in(happened);
                    }
                    self.advance();
                }
                () = sleep_for(wake) => {
                    self.notice_resume(self.ports.clock.now() - began, wake.unwrap_or_default());
                    let now = self.now();
                    self.attempts.tick(now);
                    self.advance();
                }
            }
        }
        self.end(happenings).await;
    }

    /// Stops what can be stopped, and takes in what Azure still answers. Whoever holds a receiver of the snapshots sees
    /// them end once all is on the disk.
    async fn end(mut self, mut happenings: mpsc::UnboundedReceiver<Happened>) {
        self.refresh = None;
        self.network = Network::default();
        self.signing_in = None;
        self.attempts.end();
        self.end_deallocations();
        // What a sign-in that is given up has just put away is heard of, and forgotten.
        let answers = async {
            while self.waits_for_answers() || !happenings.is_empty() {
                tokio::select! {
                    Some(happened) = happenings.recv() => self.take_in(happened),
                    Some(_) = self.signing.join_next() => {}
                    Some(_) = self.forgetting.join_next() => {}
                    else => break,
                }
            }
        };
        if tokio::time::timeout(LAST_ANSWERS, answers).await.is_err() {
            tracing::warn!("a request is still unanswered; the next engine looks for it");
        }
        let Self { remembered, published, .. } = self;
        remembered.close().await;
        drop(published);
    }

    /// Whether something is on its way of which it is to be known how it ended.
    fn waits_for_answers(&self) -> bool {
        let is_asked = !self.initiating.is_empty() || self.deallocations.are_on_their_way();
        is_asked || !self.signing.is_empty() || !self.forgetting.is_empty()
    }

    /// Azure's time, as well as we know it.
    fn now(&self) -> DateTime<Utc> {
        self.ports.clock.now() + self.skew
    }

    /// Takes over what Azure's last answer told of its clock. Each answer tells a little else; following that would make
    /// time wobble and every snapshot a new one.
    fn correct_clock(&mut self) {
        let told = self.ports.accounts.clock_skew().unwrap_or_default();
        let by = told - self.skew;
        if by.abs() >= SKEW_NOISE {
            self.skew = told;
            for working in self.attempts.all() {
                working.attempt.correct_clock(by);
            }
        }
    }

    /// Looks at Azure anew where this machine has slept meanwhile, which is seen by the wall clock: timers stand still then.
    /// What was open may be so no more, and the network may be another.
    fn notice_resume(&mut self, passed: TimeDelta, waited: Duration) {
        let waited = TimeDelta::from_std(waited).unwrap_or(TimeDelta::MAX);
        if passed > waited.checked_add(&RESUMED_AFTER).unwrap_or(TimeDelta::MAX) {
            tracing::debug!(%passed, "resumed");
            self.begin_refresh();
            self.network_changed();
        }
    }

    fn zone(&self) -> Zone {
        self.ports.clock.zone(self.ports.clock.now())
    }

    /// Starts what has become possible, takes stock of what has ended, publishes.
    fn advance(&mut self) {
        self.start_effects();
        self.take_stock();
        if self.follow_network() {
            self.start_effects();
            self.take_stock();
        }
        self.look_at_connections();
        self.tidy_tunnels();
        self.publish();
    }

    /// How long nothing happens by itself. With nothing open and nothing under way: for ever.
    fn time_to_wake(&self) -> Option<Duration> {
        let now = self.now();
        let wait = |at: DateTime<Utc>| (at - now).to_std().unwrap_or(Duration::ZERO);
        let forget = self.closed.iter().map(|closed| closed.view.end_time_utc).min();
        let unused = self.next_unused_tunnel();
        [self.attempts.wake_at(), self.held.next_change(now), self.together.wake_at(), forget, unused]
            .into_iter()
            .flatten()
            .map(wait)
            .chain(self.next_look(now))
            .min()
            // However far the wall clock may have been set back.
            .map(|wait| wait.min(LONGEST_SLEEP))
    }
}

async fn sleep_for(wake: Option<Duration>) {
    match wake {
        Some(wake) => tokio::time::sleep(wake).await,
        None => std::future::pending().await,
    }
}

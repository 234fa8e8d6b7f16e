//! Where this machine is: its public address may become another while something is open, and what is open lets one in.
//!
//! It is found out anew when the system tells of another network, after a sleep, and when somebody looks; and only while something
//! is open that is to follow this machine. What is found is for telling: access is asked for by attempts, which find it out
//! themselves at that moment.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use ajar_core::failure::Trouble;
use ajar_core::message::{network as words, sources};
use ajar_core::network::{Known, LeftBehind, OnNewAddress, Then, left_behind};
use ajar_core::protocol::Connect;
use ajar_core::snapshot::LeftBehindView;
use ajar_core::source::SourceAddress;
use ajar_core::vm::CloudVm;
use tokio::task::AbortHandle;

use super::Engine;
use super::effects::Happened;
use super::held::Held;
use crate::files::State;
use crate::ports::NetworkWatch;

/// How long after a change it is looked: one change of a network is several of its parts.
const SETTLED_AFTER: Duration = Duration::from_millis(750);

/// When it is looked again where an address could not be established: a new network takes a while to let one through, and some ask
/// for a sign-in first.
const AGAIN_AFTER: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(40),
    Duration::from_mins(1),
];

/// What is heard of the network.
pub(super) enum NetworkNews {
    /// It has become another one.
    Changed,
    /// It is time to look.
    Due,
    /// A cloud was asked where this machine is, in the look of this number.
    Seen(u64, String, Result<SourceAddress, Trouble>),
}

/// See the module.
#[derive(Default)]
pub(super) struct Network {
    watch: Option<NetworkWatch>,
    /// The next look.
    due: Option<Due>,
    /// Looks so far, and those under way by their clouds. An older one than the last of its cloud tells nothing any more.
    looks: u64,
    looking: HashMap<String, Looking>,
    /// Why it is not known where this machine is, by the clouds that were asked.
    unknown: HashMap<String, Trouble>,
    /// How often in a row that could not be found out.
    failures: usize,
}

struct Due {
    _task: Task,
    /// Whether it comes after a change, and not after a failure.
    after_change: bool,
}

struct Looking {
    number: u64,
    _task: Task,
    /// Whether somebody waits for it.
    is_wanted: bool,
}

/// A task that ends with it.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Network {
    /// Whether somebody waits to hear where this machine is.
    pub(super) fn is_looked_at(&self) -> bool {
        self.looking.values().any(|looking| looking.is_wanted)
    }
}

impl Engine {
    /// Whether a window is to follow this machine.
    fn follows(&self, held: &Held) -> bool {
        if !held.ours || held.is_source_named || held.window.host().is_none() {
            return false;
        }
        // What is no favourite has no address of its own to be opened from.
        let Ok(opened) = self.opened(&held.name) else { return true };
        // Of the same name may be another VM's favourite, which is what would be asked for.
        self.leads_to(opened, &held.vm()) && matches!(self.settings.source(&opened.profile.source()), Ok(None))
    }

    /// The clouds in which something is to follow this machine.
    fn clouds_that_matter(&self) -> HashSet<String> {
        if self.on_new_address() == OnNewAddress::Leave {
            return HashSet::new();
        }
        self.held.all().iter().filter(|held| self.follows(held)).map(|held| held.cloud.clone()).collect()
    }

    /// What is done by itself, which takes a host that is there to see its end.
    pub(super) fn on_new_address(&self) -> OnNewAddress {
        match self.settings.access.on_new_address.unwrap_or_default() {
            OnNewAddress::Request if !self.stays => OnNewAddress::Ask,
            set @ (OnNewAddress::Ask | OnNewAddress::Request | OnNewAddress::Leave) => set,
        }
    }

    /// What is left behind, as far as it is known where this machine is.
    fn left_behind(&self) -> Vec<Left<'_>> {
        let mut all = Vec::new();
        for cloud in self.clouds_that_matter() {
            let is_known = !self.network.unknown.contains_key(&cloud);
            let Some(here) = self.held.here(&cloud).filter(|_| is_known) else { continue };
            let held: Vec<_> = self.held.all().iter().filter(|held| held.cloud == cloud).collect();
            let known: Vec<_> =
                held.iter().map(|held| Known { window: &held.window, follows: self.follows(held) }).collect();
            for LeftBehind { window, then } in left_behind(&known, here, self.on_new_address(), self.now()) {
                let held = held.iter().find(|held| std::ptr::eq(&raw const held.window, window));
                all.extend(held.map(|held| Left { held, here, then }));
            }
        }
        all
    }

    /// What is told of windows that do not let this machine in any more, or of which nobody knows.
    pub(super) fn left_behind_views(&self) -> Vec<(&Held, LeftBehindView)> {
        let zone = self.zone();
        let source = |held: &Held| sources(&held.window.sources);
        // What is under way finds out itself where this machine is, and what comes of it is told.
        let is_busy = |held: &Held| self.attempts.are_at(&held.vm(), held.window.port);
        let left =
            self.left_behind().into_iter().filter(|left| !is_busy(left.held)).map(|Left { held, here, .. }| {
                let text = words::left_behind(here, &source(held), held.window.end_time_utc, zone);
                (held, LeftBehindView { address: Some(here), text })
            });
        let of_unknown = self.held.all().iter().filter_map(|held| {
            let trouble = self.network.unknown.get(&held.cloud).filter(|_| self.follows(held))?;
            let text = words::whereabouts_unknown(&trouble.failure, &source(held));
            Some((held, LeftBehindView { address: None, text }))
        });
        left.chain(of_unknown).collect()
    }

    /// What Azure keeps open beside a window for addresses from before. Only what it shows together is told: else the window may
    /// have taken the place of the others, and Azure not show that yet.
    pub(super) fn kept_beside(&self, held: &Held) -> Option<String> {
        let kept: Vec<_> = self.held.beside(held).filter(|other| held.ours && held.listed && other.listed).collect();
        let end = kept.iter().map(|other| other.window.end_time_utc).max()?;
        let kept: Vec<_> = kept.iter().map(|other| sources(&other.window.sources)).collect();
        Some(words::kept_beside(&kept, end, self.zone()))
    }

    /// Listens to the system while something is to follow this machine, and asks for access from where it is now, if that is how it
    /// is set: whether anything was begun.
    pub(super) fn follow_network(&mut self) -> bool {
        if self.clouds_that_matter().is_empty() {
            if self.network.watch.is_some() {
                self.network = Network::default();
                self.held.forget_here();
            }
            return false;
        }
        if self.network.watch.is_none() {
            let happened = self.happened.clone();
            let changed = move || drop(happened.send(Happened::Network(NetworkNews::Changed)));
            self.network.watch = Some(self.ports.network.watch(Box::new(changed)));
        }
        let wanted = self.left_behind().into_iter().filter(|left| left.then == Then::Request);
        let wanted: Vec<_> =
            wanted.map(|left| (left.held.name.clone(), left.held.vm(), left.held.window.port, left.here)).collect();
        let mut has_begun = false;
        for (name, vm, port, here) in wanted {
            let rests = self.powers.get(&vm).is_some_and(|power| power.needs_start()) || self.deallocations.rest(&vm);
            let is_busy = self.attempts.are_at(&vm, port) || rests;
            if is_busy || !self.is_to_follow(&vm, port, here) {
                continue;
            }
            let wish = Connect { port: Some(port), stays: true, ..Connect::from_here(name) };
            match self.connect(None, wish) {
                Ok(_) => has_begun = true,
                Err(trouble) => {
                    tracing::warn!(failure = %trouble.failure, "access from the new address could not be asked for");
                }
            }
        }
        has_begun
    }

    /// Whether access to a port is to be asked for from an address without anybody having said so: once, whichever host does it.
    fn is_to_follow(&mut self, vm: &CloudVm, port: u16, here: Ipv4Addr) -> bool {
        let key = State::key(vm, port);
        if self.remembered.state().followed.get(&key) == Some(&here) {
            return false;
        }
        drop(self.remembered.change(move |state| state.follows(key.clone(), here)));
        true
    }

    /// Looks where this machine is, soon: it may be in another network.
    pub(super) fn network_changed(&mut self) {
        self.network.failures = 0;
        if self.network.due.as_ref().is_none_or(|due| !due.after_change) {
            self.look_after(SETTLED_AFTER, true);
        }
    }

    fn look_after(&mut self, pause: Duration, after_change: bool) {
        let happened = self.happened.clone();
        let task = tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            drop(happened.send(Happened::Network(NetworkNews::Due)));
        });
        self.network.due = Some(Due { _task: Task(task.abort_handle()), after_change });
    }

    /// Looks where this machine is, as each cloud sees it in which something is to follow it.
    pub(super) fn look_around(&mut self, is_wanted: bool) {
        self.network.due = None;
        for cloud in self.clouds_that_matter() {
            self.network.looks += 1;
            let number = self.network.looks;
            // A look that was begun before may have gone through the network of before.
            self.detections.remove(&cloud);
            let (happened, detection) = (self.happened.clone(), self.detection(&cloud));
            let of = cloud.clone();
            let task = tokio::spawn(async move {
                let seen = NetworkNews::Seen(number, of, detection.await);
                drop(happened.send(Happened::Network(seen)));
            });
            let was_wanted = self.network.looking.get(&cloud).is_some_and(|before| before.is_wanted);
            let is_wanted = is_wanted || was_wanted;
            self.network.looking.insert(cloud, Looking { number, _task: Task(task.abort_handle()), is_wanted });
        }
    }

    /// Takes in what is heard of the network.
    pub(super) fn network(&mut self, news: NetworkNews) {
        match news {
            NetworkNews::Changed => self.network_changed(),
            NetworkNews::Due => self.look_around(false),
            NetworkNews::Seen(number, cloud, seen) => {
                if self.network.looking.get(&cloud).is_none_or(|looking| looking.number != number) {
                    return;
                }
                self.network.looking.remove(&cloud);
                match seen {
                    Ok(source) => self.seen_at(&cloud, source),
                    Err(trouble) => self.seen_nowhere(cloud, trouble),
                }
            }
        }
    }

    /// A cloud has seen where this machine is.
    pub(super) fn seen_at(&mut self, cloud: &str, source: SourceAddress) {
        let here = source.address;
        let before = self.held.here(cloud);
        if before != Some(here) && !self.remembered.state().followed.is_empty() {
            let cloud = cloud.to_owned();
            drop(self.remembered.change(move |state| state.seen_at(&cloud, here)));
        }
        if before.is_some_and(|before| before != here) {
            // What lets this machine in again may have been replaced since; Azure shows that late, and nobody has looked.
            let is_back = |held: &&Held| held.ours && held.cloud == cloud && held.window.host() == Some(here);
            for held in self.held.all().iter().filter(is_back) {
                self.read_to_adopt(held.name.clone(), held.vm());
            }
        }
        self.held.seen_at(cloud, here);
        self.network.unknown.remove(cloud);
        self.attempts.moved(cloud, source, self.now());
    }

    fn seen_nowhere(&mut self, cloud: String, trouble: Trouble) {
        tracing::debug!(cloud, failure = %trouble.failure, "where this machine is could not be found out");
        self.network.unknown.insert(cloud, trouble);
        if self.network.due.is_none()
            && let Some(pause) = AGAIN_AFTER.get(self.network.failures)
        {
            self.network.failures += 1;
            self.look_after(*pause, false);
        }
    }
}

/// A window that is left behind, where this machine is, and what is to be done.
struct Left<'a> {
    held: &'a Held,
    here: Ipv4Addr,
    then: Then,
}

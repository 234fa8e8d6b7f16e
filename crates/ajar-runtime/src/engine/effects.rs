//! Running effects: each in a task of its own, its result sent back to the engine.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::account::{AccountName, Acting};
use ajar_core::attempt::{Attempt, Effect, Fact, InitiateFailure, Order, Outcome};
use ajar_core::failure::Trouble;
use ajar_core::journal::{Opening, note_lately};
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Reply;
use ajar_core::snapshot::AttemptNumber;
use ajar_core::source::SourceAddress;
use ajar_core::team::TeamName;
use ajar_core::vm::{CloudVm, OsType, PowerState, VmIdentity};
use chrono::{DateTime, Utc};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::acting::Caller;
use super::activity::ActivityRead;
use super::asking::{Answer, goes_along};
use super::diagnosis::Diagnosed;
use super::followers::FaceId;
use super::host_keys::HostKeyLooked;
use super::inventory::InventoryNews;
use super::network::NetworkNews;
use super::refresh::{RefreshNumber, Unread};
use super::rights::LookedUp;
use super::signing_in::Signing;
use super::signing_out::SignedOut;
use super::teams::TeamNews;
use super::{Engine, after_use, deallocating};
use crate::adapters::Beyond;
use crate::files::State;
use crate::ports::{AzAccount, Azure, Peers, PortProbe, Wanted};

/// What comes back to the engine.
pub(super) enum Happened {
    /// The result of an attempt's effect.
    Fact(AttemptNumber, Fact),
    /// Azure answered a request for access; wanted even if the attempt is over.
    Initiated(Box<Answer>),
    /// The policies of a favourite's VM, read to adopt its windows, and who read them.
    Adopted { account: AccountName, name: ProfileName, vm: CloudVm, policies: Vec<JitNetworkAccessPolicy> },
    /// Whether a VM runs, and what; none if that cannot be read.
    Power { vm: CloudVm, power: Option<PowerState>, os: Option<OsType> },
    /// A deallocation goes on.
    Deallocation(deallocating::Work, deallocating::News),
    /// A sign-in goes on.
    Signing(u64, Signing),
    /// A sign-out is over.
    SignedOut(SignedOut),
    /// The settings file may have changed.
    SettingsTouched,
    /// A team's file may have changed.
    TeamTouched(TeamName),
    /// A team's file was read, or could not be.
    TeamRead(Box<TeamNews>),
    /// Nobody holds the settings any more; or somebody does for too long.
    SettingsFree(Result<(), Trouble>),
    /// The Azure CLI has told who is signed in to it, and who wanted to know.
    Az(Result<Vec<AzAccount>, Trouble>, oneshot::Sender<Reply>),
    /// Something of the inventory was read.
    Inventory(InventoryNews),
    /// Rights were looked up.
    LookedUp(LookedUp),
    /// The Activity Log of a VM was read.
    ActivityRead(Box<ActivityRead>),
    /// The key of an SSH server was looked at.
    HostKey(HostKeyLooked),
    /// The whole way to a VM was looked at.
    Diagnosed(Box<Diagnosed>),
    /// Something of the network that this machine is in.
    Network(NetworkNews),
    /// What this machine is connected to; none where that is not told.
    Looked(Option<Peers>),
    /// Somebody has begun to go through a Bastion host, or is done.
    TunnelUsed,
    /// Azure has told of a VM that is not used here.
    UseTold { vm: CloudVm, answer: after_use::Answer },
    /// A face has gone, however it went.
    FaceGone(FaceId),
    /// A refresh is over, and what went wrong.
    Refreshed(RefreshNumber, Vec<Unread>),
}

/// An effect that begins: of which attempt, as whom, and what a write looks at before it is sent.
pub(super) struct Start {
    pub(super) number: AttemptNumber,
    pub(super) order: Order,
    pub(super) acting: Acting,
    pub(super) azure: Arc<dyn Azure>,
    pub(super) wanted: Wanted,
    /// Which VM it is, if that was read.
    identity: Option<VmIdentity>,
}

/// A look for this machine's public address; it is given up when nobody waits for it any more.
pub(super) type Detection = Shared<Detecting>;
/// The way back to one, as long as somebody waits.
pub(super) type WeakDetection = WeakShared<Detecting>;
type Detecting = BoxFuture<'static, Result<SourceAddress, Trouble>>;

impl Engine {
    /// Starts all enabled effects of all attempts.
    pub(super) fn start_effects(&mut self) {
        let now = self.now();
        let turn = self.turn(now);
        let mut starts = Vec::new();
        for working in self.attempts.all() {
            let Some(Caller { azure, acting }) = working.caller.clone() else { continue };
            for effect in working.attempt.next(now) {
                let (number, order) = (working.attempt.number(), working.attempt.order().clone());
                if let Effect::Initiate(ask) = &effect {
                    // One at a time for a VM, whoever asks; the next gets its turn with the answer. Its ports may go as one.
                    let is_being_asked = self.initiating.contains(&order.place());
                    let goes_along = || goes_along(&starts, &turn, (number, &order), (ask, &acting));
                    if turn.waits.contains(&number) || is_being_asked && !goes_along() {
                        continue;
                    }
                    self.initiating.push(order.place());
                }
                let wanted = working.wanted_for(&effect);
                working.attempt.begun(&effect, now);
                let identity = working.attempt.identity().cloned();
                let (acting, azure) = (acting.clone(), Arc::clone(&azure));
                starts.push((effect, Start { number, order, acting, azure, wanted, identity }));
            }
        }
        for (effect, start) in self.ask_together(starts, &turn) {
            let number = start.number;
            let task = self.run_effect(effect, start);
            if let Some((task, working)) = task.zip(self.attempts.working(number)) {
                working.works_with(task);
            }
        }
    }

    /// Runs an effect; the handle is there for those that a cancel may stop.
    fn run_effect(&mut self, effect: Effect, start: Start) -> Option<AbortHandle> {
        let Start { number, order, acting, azure, wanted, identity } = start;
        let (ports, vm) = (self.ports.clone(), order.vm.clone());
        match effect {
            Effect::ProbePort { endpoint, protocol, patience, by_own_way } => {
                let tunnels = self.tunnels.clone();
                Some(self.send_fact(number, async move {
                    if let Some(fact) = tunnels.look(&endpoint, protocol, patience).await {
                        return fact;
                    }
                    let answer = looked(&*ports.probe, &endpoint, protocol, patience, by_own_way).await;
                    Fact::Port { endpoint, answer }
                }))
            }
            Effect::DetectSource => {
                let detection = self.detection(&order.cloud);
                Some(self.send_fact(number, async move { Fact::Source(detection.await) }))
            }
            Effect::ReadPolicy => {
                Some(self.send_fact(number, async move { Fact::Policies(azure.policies(&vm).await) }))
            }
            Effect::ReadVm => Some(self.send_fact(number, async move { Fact::Vm(azure.virtual_machine(&vm).await) })),
            Effect::ResolveAddress { network_interfaces } => {
                Some(self.send_fact(number, async move { Fact::Addresses(azure.addresses(&network_interfaces).await) }))
            }
            Effect::FindBastion { subnet } => {
                let (place, port, now) = (order.place(), order.port, self.now());
                let (tunnels, happened) = (self.tunnels.clone(), self.happened.clone());
                let az = self.settings.clients.bastion.clone();
                Some(self.send_fact(number, async move {
                    if let Some(way) = tunnels.to(&place, port) {
                        return Fact::Bastion(Ok(way));
                    }
                    Fact::Bastion(match azure.bastion(&subnet).await {
                        Ok(host) => {
                            let beyond = Beyond::new(azure, host, (vm, port), az);
                            tunnels.open(place.cloud, beyond, happened, now).await
                        }
                        Err(trouble) => Err(trouble),
                    })
                }))
            }
            Effect::StartVm => {
                self.is_starting(order.place());
                // Not to be stopped: the POST may be on its way.
                drop(self.send_fact(number, async move { Fact::Started(azure.start(&vm, &wanted).await) }));
                None
            }
            Effect::LaunchClient { endpoint } => {
                let launching = self.launching(order, azure, endpoint, identity);
                Some(self.send_fact(number, launching))
            }
            Effect::Initiate(ask) => {
                self.initiate(vec![(ask, Start { number, order, acting, azure, wanted, identity })]);
                None
            }
        }
    }

    fn send_fact(&self, number: AttemptNumber, work: impl Future<Output = Fact> + Send + 'static) -> AbortHandle {
        let happened = self.happened.clone();
        tokio::spawn(async move {
            let fact = work.await;
            // The engine has ended if it no longer listens; then nobody wants the fact.
            drop(happened.send(Happened::Fact(number, fact)));
        })
        .abort_handle()
    }

    /// The look for this machine's public address, as a cloud sees it. Several attempts that begin together share it; an older
    /// answer is never used, because the network may have changed since.
    pub(super) fn detection(&mut self, cloud: &str) -> Detection {
        let known = self.detections.get(cloud).and_then(WeakShared::upgrade);
        let detection = known.filter(|look| look.peek().is_none()).unwrap_or_else(|| {
            let (source, cloud) = (Arc::clone(&self.ports.public_ip), cloud.to_owned());
            async move { source.detect(&cloud).await }.boxed().shared()
        });
        if let Some(look) = detection.downgrade() {
            self.detections.insert(cloud.to_owned(), look);
        }
        detection
    }

    /// Takes in what came back.
    pub(super) fn take_in(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Fact(number, fact) => {
                self.note_account(number, &fact);
                self.learn_of_vm(number, &fact);
                if let (Fact::Policies(Ok(policies)), Some(working)) = (&fact, self.attempts.working(number)) {
                    let order = working.attempt.order().clone();
                    self.hold_read(&order.name, &order.place(), policies);
                }
                if let (Fact::Source(Ok(source)), Some(working)) = (&fact, self.attempts.working(number)) {
                    let cloud = working.attempt.order().cloud.clone();
                    self.seen_at(&cloud, *source);
                }
                self.apply(number, fact, now);
            }
            Happened::Initiated(answer) => self.initiated(*answer),
            Happened::Adopted { account, name, vm, policies } => {
                self.note_accepted_account(&account, &vm);
                self.adopt(&name, &vm, &policies);
            }
            Happened::Power { vm, power, os } => {
                self.know_systems(os.map(|os| (vm.id.clone(), os)));
                self.know_power(vm, power);
            }
            Happened::Deallocation(work, news) => self.deallocation(work, news),
            Happened::Signing(number, what) => self.signing(number, what),
            Happened::SignedOut(signed_out) => self.signed_out(signed_out),
            Happened::SettingsTouched => self.reload_settings(),
            Happened::TeamTouched(name) => self.team_touched(&name),
            Happened::TeamRead(news) => self.team_read(*news),
            Happened::SettingsFree(had) => self.settings_free(had),
            Happened::Az(told, reply) => self.az_told(told, reply),
            Happened::Inventory(news) => self.inventory_news(news),
            Happened::LookedUp(looked_up) => self.looked_up(looked_up),
            Happened::ActivityRead(read) => self.activity_read(*read),
            Happened::HostKey(looked) => self.host_key(looked),
            Happened::Diagnosed(diagnosed) => self.diagnosed(*diagnosed),
            // How many go through is in the snapshot, and what becomes of the way is looked at after each event.
            Happened::TunnelUsed => {}
            Happened::Network(news) => self.network(news),
            Happened::Looked(peers) => self.looked_at_connections(peers.as_ref()),
            Happened::UseTold { vm, answer } => self.use_told(&vm, &answer),
            Happened::FaceGone(face) => {
                self.attempts.leave(face, None, now);
                self.leave_deallocations(face, None);
            }
            Happened::Refreshed(number, unread) => self.refreshed(number, &unread),
        }
    }

    /// What a call of an attempt tells of the account that made it. The policies speak for it: what is read beside them may
    /// have got its token before.
    fn note_account(&mut self, number: AttemptNumber, fact: &Fact) {
        let Some(working) = self.attempts.working(number) else { return };
        let (vm, caller) = (working.attempt.order().place(), working.caller.clone());
        if let Some(trouble) = trouble_of(fact) {
            self.note_refused_account(&trouble.failure, &vm);
        } else if let (Fact::Policies(Ok(_)), Some(Caller { acting: Acting { account, .. }, .. })) = (fact, caller) {
            self.note_accepted_account(&account, &vm);
        }
    }

    /// What an attempt finds out on its way tells whether its VM runs, and what, also after the attempt's end.
    fn learn_of_vm(&mut self, number: AttemptNumber, fact: &Fact) {
        let Some(working) = self.attempts.working(number) else { return };
        let Some(Caller { azure, .. }) = working.caller.clone() else { return };
        let vm = working.attempt.order().place();
        match fact {
            Fact::Vm(Ok(facts)) => {
                self.know_systems(facts.os.map(|os| (vm.id.clone(), os)));
                self.know_power(vm, Some(facts.power));
            }
            Fact::Started(Ok(())) => {
                let name = working.attempt.order().name.clone();
                self.has_started(&vm, &name);
                self.know_power(vm, Some(PowerState::Running));
            }
            Fact::Started(Err(_)) => {
                self.has_not_started(&vm);
                self.read_power(azure, vm);
            }
            Fact::Port { .. }
            | Fact::Source(_)
            | Fact::Policies(_)
            | Fact::Vm(Err(_))
            | Fact::Addresses(_)
            | Fact::Bastion(_)
            | Fact::Initiated(_)
            | Fact::Client(_) => {}
        }
    }

    /// What is not known any more is not shown.
    pub(super) fn know_power(&mut self, vm: CloudVm, power: Option<PowerState>) {
        if power.is_some_and(PowerState::is_at_rest) {
            self.is_at_rest(&vm);
        }
        match power {
            Some(power) => self.powers.insert(vm, power),
            None => self.powers.remove(&vm),
        };
    }

    /// Takes stock of attempts that have just ended.
    pub(super) fn take_stock(&mut self) {
        let now = self.now();
        for (attempt, acting) in self.attempts.just_ended(now, self.zone()) {
            self.hold_window(&attempt, now);
            self.write_down(&attempt, acting.as_ref(), now);
            self.note_use(&attempt, now);
            if let Some(acting) = &acting {
                self.note_denial(&attempt, acting);
            }
            if attempt.is_starting() {
                self.read_power_of(&attempt.order().name, &attempt.order().place());
            }
            if let Some(Outcome::Connected { .. }) = attempt.outcome() {
                // What answers as its protocol does is running.
                self.know_power(attempt.order().place(), Some(PowerState::Running));
                self.remember_endpoint(&attempt);
                self.look_at_host_key(&attempt);
                self.tunnels.reached(&attempt.order().place(), attempt.order().port);
                if attempt.window(now).is_none() {
                    self.read_to_adopt(attempt.order().name.clone(), attempt.order().place());
                }
            }
            self.learn_what_stays(&attempt, now);
        }
        self.attempts.forget_seen(now);
        self.held.drop_ended(now);
        self.forget_closed(now);
    }

    /// Reads what Azure keeps open beside a window that was asked for from another address than one before it.
    fn learn_what_stays(&self, attempt: &Attempt, now: DateTime<Utc>) {
        let (vm, port) = (attempt.order().place(), attempt.order().port);
        let window = attempt.window(now);
        let held = window.and_then(|window| self.held.all().iter().find(|held| held.is(&vm, port, &window)));
        if held.is_some_and(|held| !held.listed && self.held.beside(held).next().is_some()) {
            self.read_to_adopt(attempt.order().name.clone(), vm);
        }
    }

    /// Notes in the journal what came of an attempt. A file system that fails keeps nobody from working.
    fn write_down(&mut self, attempt: &Attempt, acting: Option<&Acting>, now: DateTime<Utc>) {
        if let Some(opening) = Opening::of(attempt, acting, now) {
            self.add_to_journal(opening);
        }
    }

    pub(super) fn add_to_journal(&mut self, opening: Opening) {
        if let Err(error) = self.journal.add(&opening) {
            tracing::warn!(%error, "the journal could not be written");
        }
        note_lately(&mut self.lately, opening);
    }

    fn remember_endpoint(&mut self, attempt: &Attempt) {
        let Some(endpoint) = attempt.lasting_endpoint() else { return };
        let key = State::key(&attempt.order().place(), attempt.order().port);
        if self.remembered.state().endpoints.get(&key) != Some(&endpoint) {
            drop(self.remembered.change(move |state| {
                state.endpoints.insert(key.clone(), endpoint.clone());
            }));
        }
    }

    pub(super) fn settled(&mut self, key: String) {
        drop(self.remembered.change(move |state| state.settled(&key)));
    }
}

/// What a look at a port finds. Where it is to go by a way of this machine's own and there is none, nobody is asked.
pub(super) async fn looked(
    probe: &dyn PortProbe,
    endpoint: &Endpoint,
    protocol: Protocol,
    patience: Duration,
    by_own_way: bool,
) -> PortAnswer {
    let is_way = !by_own_way || probe.has_own_way(endpoint);
    if is_way { probe.look(endpoint, protocol, patience).await } else { PortAnswer::Silent }
}

/// What went wrong with a call to Azure.
pub(super) fn trouble_of(fact: &Fact) -> Option<&Trouble> {
    match fact {
        Fact::Policies(result) => result.as_ref().err(),
        Fact::Vm(result) => result.as_ref().err(),
        Fact::Addresses(result) => result.as_ref().err(),
        Fact::Bastion(result) => result.as_ref().err(),
        Fact::Started(result) => result.as_ref().err(),
        Fact::Initiated(result) => match result {
            Err(InitiateFailure::Refused(trouble) | InitiateFailure::Unanswered(trouble)) => Some(trouble),
            Ok(_) => None,
        },
        Fact::Port { .. } | Fact::Source(_) | Fact::Client(_) => None,
    }
}

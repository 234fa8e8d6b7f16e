//! Looking at the whole way to a VM without changing anything, beside whatever else goes on.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::account::Acting;
use ajar_core::attempt::{Attempt, Beside, ClientFound, Diagnosis, Effect, Fact, HEAD_START, Memory, Order};
use ajar_core::bastion::BastionWay;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::launch::{Os, has_client, vet};
use ajar_core::message::diagnosis::account;
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::profile::{AddressChoice, Profile, ProfileName};
use ajar_core::protocol::{Connect, Reply};
use ajar_core::rights::{Granted, Principal};
use ajar_core::settings::Favourite;
use ajar_core::snapshot::{AttemptNumber, DiagnosisView};
use ajar_core::vm::CloudVm;
use chrono::{DateTime, Utc};
use futures::future::join_all;
use tokio::sync::{mpsc, oneshot};

use super::Engine;
use super::acting::Caller;
use super::effects::{Detection, Happened, looked, trouble_of};
use super::host_keys::HostKeyQuestion;
use crate::adapters::Beyond;
use crate::files::{Purpose, State};
use crate::ports::{Azure, Launcher, PortProbe, Ports};

/// How long a look at the port bears silence: SYNs are sent again after 1 and 3 seconds.
const PATIENCE: Duration = Duration::from_secs(4);

/// No attempt has this number: what is looked at belongs to none of them.
const NOBODYS: AttemptNumber = AttemptNumber(0);

/// What was found, and who waits for it.
pub(super) struct Diagnosed {
    favourite: Favourite,
    acting: Acting,
    attempt: Attempt,
    facts: Vec<Fact>,
    granted: Result<Granted, Trouble>,
    who: Principal,
    last: Option<(Endpoint, PortAnswer)>,
    client: Option<ClientFound>,
    host_key: Option<Result<(), Trouble>>,
    reply: oneshot::Sender<Reply>,
}

/// What is to be looked at, and by whom.
struct Looking {
    favourite: Favourite,
    caller: Caller,
    attempt: Attempt,
    /// Where the VM was reached last.
    last: Option<Endpoint>,
    /// A port of this machine that leads there through a Bastion host, where one does already.
    through: Option<Endpoint>,
    host_key: HostKeyQuestion,
    detection: Detection,
    ports: Ports,
    /// What goes through a Bastion host in Ajar's place.
    az: Option<String>,
}

impl Engine {
    /// Begins to look; the reply comes when that is done.
    pub(super) fn diagnose(&mut self, name: &ProfileName, profile: Option<&Profile>, reply: oneshot::Sender<Reply>) {
        let looking = match self.looking(name, profile) {
            Ok(looking) => looking,
            Err(trouble) => return drop(reply.send(self.refused(&trouble, name.as_str()))),
        };
        let happened = self.happened.clone();
        tokio::spawn(async move {
            let Looking { favourite, caller, mut attempt, last, through, host_key, detection, ports, az } = looking;
            let Caller { azure, acting } = caller;
            let (vm, protocol) = (attempt.order().vm.clone(), attempt.order().protocol);
            let (facts, granted, who, last) = tokio::join!(
                look(&mut attempt, &ports, (&azure, az.as_ref()), &detection),
                azure.granted(&vm),
                ports.accounts.whom(&acting, vm.resource().subscription_id()),
                look_there(&*ports.probe, last, protocol)
            );
            // Last: what runs there may say which it is.
            let client = client(Arc::clone(&ports.launcher), attempt.order().clone(), favourite.profile.clone()).await;
            let answering = answering(&attempt, last.as_ref()).or(through);
            let question = host_key.of(&attempt);
            let host_key = match answering {
                Some(endpoint) => host_key_of(&question, &ports, &azure, &endpoint, &happened).await,
                None => None,
            };
            let diagnosed =
                Diagnosed { favourite, acting, attempt, facts, granted, who, last, client, host_key, reply };
            drop(happened.send(Happened::Diagnosed(Box::new(diagnosed))));
        });
    }

    fn looking(&mut self, name: &ProfileName, profile: Option<&Profile>) -> Result<Looking, Trouble> {
        if let Some(profile) = profile.cloned().or_else(|| self.recent(name)) {
            self.take_in_guest(name, &profile, Purpose::Opening)?;
        }
        let favourite = self.opened(name)?.clone();
        let profile = &favourite.profile;
        vet(favourite.name.as_str(), profile, Os::current())?;
        let source = self.settings.source(&profile.source())?;
        let (caller, vm, now) = (self.act(profile)?, self.place(profile), self.now());
        if self.deallocations.have(&vm) {
            return Err(Failure::BeingDeallocated.into());
        }
        let detection = self.detection(&vm.cloud);
        let memory = self.memory(&favourite.name, &vm, profile.port());
        let last = memory.endpoint.clone().filter(|_| profile.address() != AddressChoice::Private);
        // It is looked at beside all else, which nothing would be said of then.
        let memory = Memory { endpoint: None, ..memory };
        let wish = Connect { launch: false, ..Connect::new(favourite.name.clone()) };
        // That a reason is asked for stands in nobody's way.
        let order = Order { wants_reason: None, ..self.order(&favourite, wish, vm, source, now) };
        let (place, port) = (order.place(), order.port);
        let through = self.tunnels.to(&place, port).map(|way| way.endpoint);
        let host_key = self.host_key_question(order.clone(), favourite.profile.clone(), None);
        let attempt = Attempt::new(NOBODYS, order, memory, now);
        let az = self.settings.clients.bastion.clone();
        let ports = self.ports.clone();
        Ok(Looking { favourite, caller, attempt, last, through, host_key, detection, ports, az })
    }

    pub(super) fn diagnosed(&mut self, diagnosed: Diagnosed) {
        let Diagnosed { favourite, acting, attempt, facts, granted, who, last, client, host_key, reply } = diagnosed;
        let Favourite { name, profile } = favourite;
        let order = attempt.order();
        let vm = order.place();
        for fact in &facts {
            self.learn(&name, &vm, &acting, fact);
        }
        let (last, stale): (Option<_>, Option<_>) = match last {
            Some((endpoint, _)) if attempt.is_its_address(&endpoint) == Some(false) => (None, Some(endpoint)),
            last => (last, None),
        };
        if stale.is_some() {
            // Somebody else's by now: who opens the VM is not to be led there.
            let key = State::key(&vm, order.port);
            drop(self.remembered.change(move |state| drop(state.endpoints.remove(&key))));
        }
        let beside = Beside {
            last,
            host_key,
            account: account(acting.account.as_str(), who.label()),
            granted: granted.map(|granted| self.with_denials(granted, &acting, &vm.id)),
            client,
            clock_skew: self.ports.accounts.clock_skew(),
            asks_reason: profile.asks_justification(),
        };
        let Diagnosis { checks, summary, failure } = attempt.diagnosis(&beside, self.now(), self.zone());
        let (port, account) = (order.port, acting.account);
        let diagnosis = DiagnosisView { name, cloud: vm.cloud, vm: vm.id, port, account, checks, summary, failure };
        self.publish();
        drop(reply.send(Reply::Diagnosis { diagnosis: Box::new(diagnosis) }));
    }

    /// What was read is news, whatever it was read for.
    fn learn(&mut self, name: &ProfileName, vm: &CloudVm, acting: &Acting, fact: &Fact) {
        if let Some(trouble) = trouble_of(fact) {
            self.note_refused_account(&trouble.failure, vm);
        } else if let Fact::Policies(Ok(policies)) = fact {
            self.note_accepted_account(&acting.account, vm);
            self.hold_read(name, vm, policies);
        } else if let Fact::Vm(Ok(facts)) = fact {
            self.know_systems(facts.os.map(|os| (vm.id.clone(), os)));
            self.know_power(vm.clone(), Some(facts.power));
        }
    }
}

/// Looks at all that opening would look at; the attempt knows it then.
async fn look(
    attempt: &mut Attempt,
    ports: &Ports,
    (azure, az): (&Arc<dyn Azure>, Option<&String>),
    detection: &Detection,
) -> Vec<Fact> {
    /// The reads, what they lead to, and the port; and one more for what has passed meanwhile.
    const ROUNDS: usize = 5;
    let mut facts = Vec::new();
    for _ in 0..ROUNDS {
        let looks = attempt.looks(now(ports));
        if looks.is_empty() {
            break;
        }
        for effect in &looks {
            attempt.begun(effect, now(ports));
        }
        let order = attempt.order().clone();
        let (vm, port) = (&order.vm, order.port);
        let beyond = attempt
            .bastion()
            .map(|way| Beyond::new(Arc::clone(azure), way.host.clone(), (vm.clone(), port), az.cloned()));
        let looked =
            looks.into_iter().map(|effect| fact(effect, &order, ports, (&**azure, beyond.as_ref()), detection));
        let found = join_all(looked).await;
        for fact in found.into_iter().flatten() {
            attempt.apply(NOBODYS, fact.clone(), now(ports));
            facts.push(fact);
        }
    }
    facts
}

/// Whether ssh knows the key of the server that answers there. What that tells beside it is news, too.
async fn host_key_of(
    question: &HostKeyQuestion,
    ports: &Ports,
    azure: &Arc<dyn Azure>,
    endpoint: &Endpoint,
    happened: &mpsc::UnboundedSender<Happened>,
) -> Option<Result<(), Trouble>> {
    let (found, news) = match question.look(&*ports.launcher, &**azure, endpoint).await {
        Ok(None) => return None,
        Ok(Some(key)) => (Ok(()), question.seen(key, &**azure).await),
        Err(refused) => (Err(refused.trouble), refused.news),
    };
    if let Some(news) = news {
        drop(happened.send(Happened::HostKey(news)));
    }
    Some(found)
}

/// Where a client would go that is started now.
fn answering(attempt: &Attempt, last: Option<&(Endpoint, PortAnswer)>) -> Option<Endpoint> {
    let is_open = |(endpoint, answer): &&(Endpoint, PortAnswer)| {
        *answer == PortAnswer::Open && attempt.is_its_address(endpoint) != Some(false)
    };
    last.filter(is_open).map(|(endpoint, _)| endpoint).or(attempt.answering()).cloned()
}

/// What is found where the VM was reached last.
async fn look_there(
    probe: &dyn PortProbe,
    last: Option<Endpoint>,
    protocol: Protocol,
) -> Option<(Endpoint, PortAnswer)> {
    let endpoint = last?;
    let answer = probe.look(&endpoint, protocol, HEAD_START.to_std().unwrap_or_default()).await;
    Some((endpoint, answer))
}

/// The programs that would open it, if any do: to look for them may take a moment.
async fn client(launcher: Arc<dyn Launcher>, order: Order, profile: Profile) -> Option<ClientFound> {
    if !has_client(&profile, order.protocol) {
        return None;
    }
    let found = tokio::task::spawn_blocking(move || launcher.client(&order, &profile)).await;
    Some(found.unwrap_or_else(|error| {
        let failure = || Err(Failure::Internal { detail: error.to_string() }.into());
        ClientFound { in_window: failure(), in_terminal: failure() }
    }))
}

/// What a way through a Bastion host leads to, in place of a port of this machine: it is only looked at.
fn beyond_bastion(order: &Order) -> Endpoint {
    Endpoint { host: order.vm.name().to_owned(), port: order.port }
}

/// Azure's time, as well as it is known.
fn now(ports: &Ports) -> DateTime<Utc> {
    ports.clock.now() + ports.accounts.clock_skew().unwrap_or_default()
}

/// What an effect finds that changes nothing; the others are not made.
async fn fact(
    effect: Effect,
    order: &Order,
    ports: &Ports,
    (azure, beyond): (&dyn Azure, Option<&Beyond>),
    detection: &Detection,
) -> Option<Fact> {
    Some(match effect {
        Effect::ProbePort { endpoint, protocol, .. } if endpoint == beyond_bastion(order) => match beyond {
            Some(beyond) => match beyond.look(protocol, PATIENCE).await {
                Ok(answer) => Fact::Port { endpoint, answer },
                Err(trouble) => Fact::Bastion(Err(trouble)),
            },
            None => return None,
        },
        Effect::ProbePort { endpoint, protocol, by_own_way, .. } => {
            let answer = looked(&*ports.probe, &endpoint, protocol, PATIENCE, by_own_way).await;
            Fact::Port { endpoint, answer }
        }
        Effect::DetectSource => Fact::Source(detection.clone().await),
        Effect::ReadPolicy => Fact::Policies(azure.policies(&order.vm).await),
        Effect::ReadVm => Fact::Vm(azure.virtual_machine(&order.vm).await),
        Effect::ResolveAddress { network_interfaces } => Fact::Addresses(azure.addresses(&network_interfaces).await),
        Effect::FindBastion { subnet } => {
            let way = |host| BastionWay { host, endpoint: beyond_bastion(order) };
            Fact::Bastion(azure.bastion(&subnet).await.map(way))
        }
        Effect::Initiate(_) | Effect::StartVm | Effect::LaunchClient { .. } => return None,
    })
}

//! Running effects: each in a task of its own, its result sent back to the engine.

use std::future::Future;
use std::sync::Arc;

use ajar_core::access_window::{granted, open_windows};
use ajar_core::attempt::{Ask, Attempt, Effect, Fact, InitiateFailure, Outcome};
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::profile::ProfileName;
use ajar_core::resource_id::VmResourceId;
use ajar_core::snapshot::AttemptNumber;
use tokio::task::AbortHandle;

use super::Engine;
use super::held::Held;
use crate::files::State;

/// What comes back to the engine.
pub(super) enum Happened {
    /// The result of an attempt's effect.
    Fact(AttemptNumber, Fact),
    /// Azure answered a request for access; wanted even if the attempt is over.
    Initiated { attempt: AttemptNumber, name: ProfileName, vm: VmResourceId, port: u16, result: Answered },
    /// The policies of a favourite's VM, read to adopt its windows.
    Adopted { name: ProfileName, vm: VmResourceId, policies: Vec<JitNetworkAccessPolicy> },
}

type Answered = Result<JitNetworkAccessRequest, InitiateFailure>;

impl Engine {
    /// Starts all enabled effects of all attempts.
    pub(super) fn start_effects(&mut self) {
        let now = self.now();
        let mut asks = Vec::new();
        let mut starts = Vec::new();
        for working in self.attempts.working() {
            for effect in working.attempt.next(now) {
                working.attempt.begun(&effect, now);
                starts.push((working.attempt.number(), working.attempt.order().clone(), effect));
            }
        }
        for (number, order, effect) in starts {
            if let Effect::Initiate(ask) = effect {
                asks.push((number, order, ask));
                continue;
            }
            let task = self.run_effect(number, &order, effect);
            if let Some(working) = self.attempts.working().find(|working| working.attempt.number() == number) {
                working.tasks.extend(task);
            }
        }
        for (number, order, ask) in asks {
            self.initiate(number, order.name, order.vm, ask);
        }
    }

    /// Runs an effect; the handle is there for those that a cancel may stop.
    fn run_effect(
        &self,
        number: AttemptNumber,
        order: &ajar_core::attempt::Order,
        effect: Effect,
    ) -> Option<AbortHandle> {
        let (ports, vm) = (self.ports.clone(), order.vm.clone());
        match effect {
            Effect::ProbePort { endpoint, protocol, patience } => Some(self.send_fact(number, async move {
                let answer = ports.probe.look(&endpoint, protocol, patience).await;
                Fact::Port { endpoint, answer }
            })),
            Effect::DetectSource => {
                Some(self.send_fact(number, async move { Fact::Source(ports.public_ip.detect().await) }))
            }
            Effect::ReadPolicy => {
                Some(self.send_fact(number, async move { Fact::Policies(ports.azure.policies(&vm).await) }))
            }
            Effect::ReadVm => {
                Some(self.send_fact(number, async move { Fact::Vm(ports.azure.virtual_machine(&vm).await) }))
            }
            Effect::ResolveAddress { network_interfaces } => {
                Some(self.send_fact(number, async move {
                    Fact::Addresses(ports.azure.addresses(&network_interfaces).await)
                }))
            }
            Effect::StartVm => {
                // Not to be stopped: the POST may be on its way.
                drop(self.send_fact(number, async move { Fact::Started(ports.azure.start(&vm).await) }));
                None
            }
            Effect::LaunchClient { endpoint } => {
                let favourite = self.settings.favourite(&order.name);
                let profile = favourite.map(|favourite| favourite.profile.clone());
                let order = order.clone();
                Some(self.send_fact(number, async move {
                    let profile = profile.unwrap_or_else(|| ajar_core::profile::Profile::new(order.vm.clone()));
                    Fact::Client(ports.launcher.launch(&order, &profile, &endpoint).await)
                }))
            }
            Effect::Initiate(_) => None,
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

    /// Sends a request for access, having written down that it is sent: if this process dies before the answer, the
    /// next host looks for the request instead of sending another.
    fn initiate(&mut self, attempt: AttemptNumber, name: ProfileName, vm: VmResourceId, ask: Ask) {
        let sent_at = self.now();
        let key = State::key(&vm, ask.port);
        self.remember(|state| {
            state.unsettled.insert(key, sent_at);
        });
        let (azure, happened) = (Arc::clone(&self.ports.azure), self.happened.clone());
        tokio::spawn(async move {
            let result = azure.initiate(&vm, &ask).await;
            drop(happened.send(Happened::Initiated { attempt, name, vm, port: ask.port, result }));
        });
    }

    /// Takes in what came back.
    pub(super) fn take_in(&mut self, happened: Happened) {
        let now = self.now();
        match happened {
            Happened::Fact(number, fact) => {
                if let Fact::Source(Ok(source)) = &fact {
                    self.source = Some((*source, self.ports.clock.now()));
                }
                self.attempts.apply(number, fact, now);
            }
            Happened::Initiated { attempt, name, vm, port, result } => {
                if !matches!(result, Err(InitiateFailure::Unanswered)) {
                    let key = State::key(&vm, port);
                    self.remember(|state| state.settled(&key));
                }
                let windows = result.as_ref().map(|request| granted(request, &vm, None).collect::<Vec<_>>());
                for window in windows.unwrap_or_default() {
                    self.held.hold(Held { name: name.clone(), window, ours: true });
                }
                self.attempts.apply(attempt, Fact::Initiated(result), now);
            }
            Happened::Adopted { name, vm, policies } => {
                let open = open_windows(&policies, &vm, now);
                self.held.adopt(&name, &vm, &open);
            }
        }
    }

    /// Takes stock of attempts that have just ended.
    pub(super) fn take_stock(&mut self) {
        let now = self.now();
        for attempt in self.attempts.just_ended() {
            self.hold_window(&attempt, now);
            if let Some(Outcome::Connected { .. }) = attempt.outcome() {
                self.remember_endpoint(&attempt);
                if attempt.window(now).is_none() {
                    self.read_to_adopt(attempt.order().name.clone(), attempt.order().vm.clone());
                }
            }
        }
        self.held.drop_ended(now);
    }

    fn hold_window(&mut self, attempt: &Attempt, now: chrono::DateTime<chrono::Utc>) {
        if let Some(window) = attempt.window(now) {
            let name = attempt.order().name.clone();
            self.held.hold(Held { name, window, ours: false });
            let key = State::key(&attempt.order().vm, attempt.order().port);
            self.remember(|state| state.settled(&key));
        }
    }

    fn remember_endpoint(&mut self, attempt: &Attempt) {
        if let Some(endpoint) = attempt.lasting_endpoint() {
            let key = State::key(&attempt.order().vm, attempt.order().port);
            self.remember(|state| {
                state.endpoints.insert(key, endpoint);
            });
        }
    }

    /// Reads the policies of a favourite's VM to learn of windows opened elsewhere, or before.
    pub(super) fn read_to_adopt(&self, name: ProfileName, vm: VmResourceId) {
        let (azure, happened) = (Arc::clone(&self.ports.azure), self.happened.clone());
        tokio::spawn(async move {
            match azure.policies(&vm).await {
                Ok(policies) => drop(happened.send(Happened::Adopted { name, vm, policies })),
                Err(trouble) => tracing::debug!(%vm, failure = %trouble.failure, "the policies could not be read"),
            }
        });
    }

    fn remember(&mut self, change: impl FnOnce(&mut State)) {
        match self.state_file.change(change) {
            Ok(state) => self.state = state,
            Err(error) => tracing::warn!(%error, "state.json could not be written"),
        }
    }
}

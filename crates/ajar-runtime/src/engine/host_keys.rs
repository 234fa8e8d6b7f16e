//! Whether an SSH server shows the key that ssh knows for its VM, and what Azure says where it does not.
//!
//! ssh looks for itself, and refuses; but it does not know Azure, and in a window of its own it is gone before anybody has read what it said.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ajar_core::attempt::{Attempt, Fact, Order, Outcome};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::host_key::{HostKey, HostKeyChange, HostKeyLook, SeenHostKey};
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::Profile;
use ajar_core::vm::{CloudVm, VmFacts, VmIdentity};

use super::Engine;
use super::effects::Happened;
use crate::files::State;
use crate::ports::{Azure, Launcher};

/// What a look at a server's key was about, and what it found.
pub(super) struct HostKeyLooked {
    vm: CloudVm,
    port: u16,
    found: FoundKey,
}

enum FoundKey {
    /// ssh knows it.
    Known(SeenHostKey),
    /// What answers is another machine: the VM's address is another one.
    OtherMachine,
}

/// What a look needs, and what it is held against.
pub(super) struct HostKeyQuestion {
    order: Order,
    profile: Profile,
    /// What was seen of it before.
    then: Option<SeenHostKey>,
    /// Which VM it is now, if that was read.
    now: Option<VmIdentity>,
}

impl Engine {
    pub(super) fn host_key_question(&self, order: Order, profile: Profile, now: Option<VmIdentity>) -> HostKeyQuestion {
        let then = self.remembered.state().host_keys.get(&State::vm_key(&order.place())).cloned();
        HostKeyQuestion { order, profile, then, now }
    }

    /// Starts the client of an attempt, unless it is ssh and would refuse the server.
    pub(super) fn launching(
        &mut self,
        order: Order,
        azure: Arc<dyn Azure>,
        endpoint: Endpoint,
        now: Option<VmIdentity>,
    ) -> impl Future<Output = Fact> + use<> {
        // One that was turned to another VM meanwhile says nothing of this one.
        let favourite = self.opened(&order.name).ok().filter(|known| self.leads_to(known, &order.place()));
        let profile = favourite.map(|favourite| favourite.profile.clone());
        let profile = profile.unwrap_or_else(|| Profile::new(order.vm.clone()));
        let (question, ports) = (self.host_key_question(order, profile, now), self.ports.clone());
        let happened = self.happened.clone();
        async move {
            let look = question.look(&*ports.launcher, &*azure, &endpoint).await;
            if let Err(refused) = look {
                if let Some(news) = refused.news {
                    drop(happened.send(Happened::HostKey(news)));
                }
                return Fact::Client(Err(refused.trouble));
            }
            let started = ports.launcher.launch(&question.order, &question.profile, &endpoint).await;
            // Nobody waits for this.
            tokio::spawn(async move {
                if let Ok(Some(key)) = look
                    && let Some(news) = question.seen(key, &*azure).await
                {
                    drop(happened.send(Happened::HostKey(news)));
                }
            });
            Fact::Client(started)
        }
    }

    /// Looks at the key of a server to which somebody goes by himself, where that tells something new of its VM: of a key that ssh
    /// refuses ssh tells.
    pub(super) fn look_at_host_key(&self, attempt: &Attempt) {
        let order = attempt.order();
        // A process that is there for one connection ends with it, and a look through a Bastion host would leave a token behind.
        if order.passing || attempt.bastion().is_some() {
            return;
        }
        let Some(Outcome::Connected { endpoint, .. }) = attempt.outcome() else { return };
        let Some(now) = attempt.identity().filter(|_| order.protocol == Protocol::Ssh && !order.launch) else { return };
        let Ok(favourite) = self.opened(&order.name) else { return };
        let question = self.host_key_question(order.clone(), favourite.profile.clone(), Some(now.clone()));
        if question.then.as_ref().is_some_and(|then| then.of.is_same(now)) {
            return;
        }
        let (launcher, endpoint, happened) =
            (Arc::clone(&self.ports.launcher), endpoint.clone(), self.happened.clone());
        let now = now.clone();
        tokio::spawn(async move {
            if let HostKeyLook::Known(key) = launcher.host_key(&question.order, &question.profile, &endpoint).await {
                let found = FoundKey::Known(SeenHostKey { key, of: now });
                drop(happened.send(Happened::HostKey(question.found(found))));
            }
        });
    }

    /// Takes in what a look at a server's key has found.
    pub(super) fn host_key(&mut self, HostKeyLooked { vm, port, found }: HostKeyLooked) {
        let (vm_key, door) = (State::vm_key(&vm), State::key(&vm, port));
        match found {
            FoundKey::Known(seen) => {
                if self.remembered.state().host_keys.get(&vm_key) != Some(&seen) {
                    drop(self.remembered.change(move |state| {
                        state.host_keys.insert(vm_key.clone(), seen.clone());
                    }));
                }
            }
            FoundKey::OtherMachine => drop(self.remembered.change(move |state| {
                state.endpoints.remove(&door);
            })),
        }
    }
}

/// Why ssh would refuse a server.
pub(super) struct RefusedKey {
    pub(super) trouble: Trouble,
    /// What is to be known of it from now on.
    pub(super) news: Option<HostKeyLooked>,
}

impl HostKeyQuestion {
    /// The same, of the VM as an attempt has read it.
    pub(super) fn of(self, attempt: &Attempt) -> Self {
        Self { now: attempt.identity().cloned(), ..self }
    }

    /// Looks at the server's key: the one that ssh knows, if it is that; none where there is nothing to compare.
    pub(super) async fn look(
        &self,
        launcher: &dyn Launcher,
        azure: &dyn Azure,
        endpoint: &Endpoint,
    ) -> Result<Option<HostKey>, RefusedKey> {
        match launcher.host_key(&self.order, &self.profile, endpoint).await {
            HostKeyLook::Unknown => Ok(None),
            HostKeyLook::Known(key) => Ok(Some(key)),
            HostKeyLook::Changed { known, file } => {
                let change = self.explained(&known, azure, endpoint).await;
                let is_other = matches!(change, HostKeyChange::OtherAddress { .. });
                let news = is_other.then(|| self.found(FoundKey::OtherMachine));
                let failure = Failure::HostKeyChanged { alias: self.order.vm.host_alias(), file, change };
                Err(RefusedKey { trouble: failure.into(), news })
            }
        }
    }

    /// That a known key was seen, where that is news: then it is read which VM it is, if it was not.
    pub(super) async fn seen(&self, key: HostKey, azure: &dyn Azure) -> Option<HostKeyLooked> {
        let of = match &self.now {
            Some(now) => now.clone(),
            None if self.then.as_ref().is_some_and(|then| then.key == key) => return None,
            None => azure.virtual_machine(&self.order.vm).await.ok()?.identity?,
        };
        Some(self.found(FoundKey::Known(SeenHostKey { key, of })))
    }

    fn found(&self, found: FoundKey) -> HostKeyLooked {
        HostKeyLooked { vm: self.order.place(), port: self.order.port, found }
    }

    /// What Azure says of the VM now; it is read anew, because what was read before the client was to start may be of before the
    /// change.
    async fn explained(&self, known: &HostKey, azure: &dyn Azure, endpoint: &Endpoint) -> HostKeyChange {
        let Ok(vm) = azure.virtual_machine(&self.order.vm).await else {
            return HostKeyChange::between(known, self.then.as_ref(), None);
        };
        match self.address_elsewhere(azure, &vm, endpoint).await {
            Some(address) => HostKeyChange::OtherAddress { address: address.to_string() },
            None => HostKeyChange::between(known, self.then.as_ref(), vm.identity.as_ref()),
        }
    }

    /// The VM's public address, where what answered at another public one is taken for the VM. Ports that a firewall or a Bastion host
    /// leads to are others than the VM's own.
    async fn address_elsewhere(&self, azure: &dyn Azure, vm: &VmFacts, endpoint: &Endpoint) -> Option<Ipv4Addr> {
        let host: Ipv4Addr = endpoint.host.parse().ok()?;
        if endpoint.port != self.order.port {
            return None;
        }
        let addresses = azure.addresses(&vm.network_interfaces).await.ok()?;
        let public = addresses.public?.ip;
        (public != host && addresses.private != Some(host)).then_some(public)
    }
}

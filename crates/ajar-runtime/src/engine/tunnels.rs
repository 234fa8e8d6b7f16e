//! The ways through Azure Bastion hosts that are open on this machine, for as long as they are wanted.
//!
//! One is open while its VM's port is being opened, and then while somebody is connected and for a while after that, so that a client can
//! come again; but no longer than the access window that lets the host in, where that was asked for. What is connected then goes on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ajar_core::attempt::Fact;
use ajar_core::bastion::BastionWay;
use ajar_core::failure::Trouble;
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::snapshot::{BastionView, TunnelView};
use ajar_core::vm::CloudVm;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::mpsc;

use super::Engine;
use super::effects::Happened;
use crate::adapters::{BastionDoor, Beyond};

/// How long a way stays open that nobody uses.
const UNUSED: TimeDelta = TimeDelta::minutes(10);

struct Tunnel {
    cloud: String,
    door: BastionDoor,
    /// When it was wanted last.
    wanted_at: DateTime<Utc>,
    /// Whether the VM's port has answered on it: one that leads nowhere is not kept.
    was_reached: bool,
    /// Whether an access window has let it in.
    was_granted: bool,
    /// Whether it takes no more connections.
    is_closed: bool,
}

impl Tunnel {
    fn vm(&self) -> CloudVm {
        CloudVm { cloud: self.cloud.clone(), id: self.door.beyond.vm.clone() }
    }

    fn is_to(&self, vm: &CloudVm, port: u16) -> bool {
        (&self.cloud, &self.door.beyond.vm, self.door.beyond.port) == (&vm.cloud, &vm.id, port)
    }

    fn way(&self) -> BastionWay {
        BastionWay { host: self.door.beyond.host.clone(), endpoint: self.door.endpoint.clone() }
    }
}

/// All of them; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Tunnels(Arc<Mutex<Vec<Tunnel>>>);

impl Tunnels {
    fn all(&self) -> MutexGuard<'_, Vec<Tunnel>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The way to a VM's port that is open already.
    pub(super) fn to(&self, vm: &CloudVm, port: u16) -> Option<BastionWay> {
        self.all().iter().find(|tunnel| tunnel.is_to(vm, port) && !tunnel.is_closed).map(Tunnel::way)
    }

    /// The host through which a way leads to a VM, where one is open.
    pub(super) fn bastion_of(&self, vm: &CloudVm) -> Option<String> {
        let all = self.all();
        let open = all.iter().find(|tunnel| tunnel.vm() == *vm && !tunnel.is_closed);
        open.map(|tunnel| tunnel.door.beyond.host.id.name().to_owned())
    }

    /// Opens a way.
    pub(super) async fn open(
        &self,
        cloud: String,
        beyond: Beyond,
        happened: mpsc::UnboundedSender<Happened>,
        now: DateTime<Utc>,
    ) -> Result<BastionWay, Trouble> {
        let tell = Arc::new(move || drop(happened.send(Happened::TunnelUsed)));
        let door = BastionDoor::open(beyond, tell).await?;
        let tunnel = Tunnel { cloud, door, wanted_at: now, was_reached: false, was_granted: false, is_closed: false };
        let way = tunnel.way();
        self.all().push(tunnel);
        Ok(way)
    }

    /// The VM's port has answered: whoever wanted it is led there from now on.
    pub(super) fn reached(&self, vm: &CloudVm, port: u16) {
        for tunnel in self.all().iter_mut().filter(|tunnel| tunnel.is_to(vm, port)) {
            tunnel.was_reached = true;
        }
    }

    fn beyond(&self, endpoint: &Endpoint) -> Option<Beyond> {
        self.all().iter().find(|tunnel| tunnel.door.endpoint == *endpoint).map(|tunnel| tunnel.door.beyond.clone())
    }

    /// What a look finds at the far end of a way; `None` where that is the end of none.
    pub(super) async fn look(&self, endpoint: &Endpoint, protocol: Protocol, patience: Duration) -> Option<Fact> {
        let beyond = self.beyond(endpoint)?;
        Some(match beyond.look(protocol, patience).await {
            Ok(answer) => Fact::Port { endpoint: endpoint.clone(), answer },
            Err(trouble) => Fact::Bastion(Err(trouble)),
        })
    }

    pub(super) fn views(&self) -> Vec<TunnelView> {
        let all = self.all();
        let view = |tunnel: &Tunnel| TunnelView {
            cloud: tunnel.cloud.clone(),
            vm: tunnel.door.beyond.vm.clone(),
            port: tunnel.door.beyond.port,
            bastion: BastionView::of(&tunnel.door.beyond.host),
            endpoint: tunnel.door.endpoint.clone(),
            connections: tunnel.door.connections(),
        };
        all.iter().map(view).collect()
    }
}

impl Engine {
    /// Closes the ways that nobody wants any more.
    pub(super) fn tidy_tunnels(&mut self) {
        let now = self.now();
        self.tunnels.all().retain_mut(|tunnel| {
            let (vm, port) = (tunnel.vm(), tunnel.door.beyond.port);
            let is_granted = self.held.of(&vm, port).is_some_and(|held| held.window.end_time_utc > now);
            let is_used = tunnel.door.connections() > 0;
            tunnel.was_granted |= is_granted;
            if self.attempts.are_at(&vm, port) || is_used {
                tunnel.wanted_at = now;
            }
            let may_last = tunnel.was_reached && (is_granted || !tunnel.was_granted);
            let lasts = may_last && now - tunnel.wanted_at < UNUSED;
            let is_wanted = self.attempts.are_at(&vm, port) || lasts;
            if !is_wanted && !tunnel.is_closed {
                tunnel.door.close();
                tunnel.is_closed = true;
            }
            is_used || is_wanted
        });
    }

    /// When a way is to be closed that nobody uses.
    pub(super) fn next_unused_tunnel(&self) -> Option<DateTime<Utc>> {
        let all = self.tunnels.all();
        let idle = all.iter().filter(|tunnel| tunnel.door.connections() == 0);
        idle.map(|tunnel| tunnel.wanted_at + UNUSED).min()
    }
}

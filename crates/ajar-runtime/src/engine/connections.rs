//! Looking at what this machine is connected to: only while something hangs on it, and never more often than each half minute.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ajar_core::port::Endpoint;
use chrono::{DateTime, Utc};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Engine;
use super::effects::Happened;
use crate::ports::Peers;

/// The shortest time between two looks.
pub const LOOK_EVERY: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Looks {
    every: Duration,
    last: Option<Instant>,
    /// The look under way.
    looking: Option<AbortHandle>,
}

impl Drop for Looks {
    fn drop(&mut self) {
        if let Some(looking) = self.looking.take() {
            looking.abort();
        }
    }
}

impl Looks {
    pub(super) fn each(every: Duration) -> Self {
        Self { every, last: None, looking: None }
    }

    fn wait(&self) -> Duration {
        self.last.map_or(Duration::ZERO, |last| self.every.saturating_sub(last.elapsed()))
    }
}

/// Whether one of the connections leads to an endpoint.
pub(super) fn lead_to(peers: &Peers, endpoint: &Endpoint) -> bool {
    let address = endpoint.host.parse::<IpAddr>();
    address.is_ok_and(|address| peers.contains(&SocketAddr::new(address.to_canonical(), endpoint.port)))
}

impl Engine {
    /// Whether something hangs on what is connected now.
    fn needs_look(&self, now: DateTime<Utc>) -> bool {
        self.is_renewal_due(now) || self.is_watching()
    }

    /// When it is looked next, if nothing else happens. Nobody looks where nothing hangs on it.
    pub(super) fn next_look(&self, now: DateTime<Utc>) -> Option<Duration> {
        if self.looks.looking.is_some() {
            return None;
        }
        if self.needs_look(now) {
            return Some(self.looks.wait());
        }
        self.next_renewal(now).map(|at| (at - now).to_std().unwrap_or_default())
    }

    /// Looks, if something hangs on it and the last look is long enough ago.
    pub(super) fn look_at_connections(&mut self) {
        if self.looks.looking.is_some() || !self.needs_look(self.now()) || !self.looks.wait().is_zero() {
            return;
        }
        let (happened, connections) = (self.happened.clone(), std::sync::Arc::clone(&self.ports.connections));
        let look = async move { drop(happened.send(Happened::Looked(connections.peers().await))) };
        self.looks.looking = Some(tokio::spawn(look).abort_handle());
    }

    /// Takes in what was seen; nothing where the system does not tell.
    pub(super) fn looked_at_connections(&mut self, peers: Option<&Peers>) {
        self.looks.looking = None;
        self.looks.last = Some(Instant::now());
        if let Some(peers) = peers {
            self.renew(peers);
        }
        self.look_after_use(peers);
    }
}

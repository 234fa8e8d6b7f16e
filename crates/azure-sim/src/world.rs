//! Everything the request handlers share: the state, the clock, the journal, the guard.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::arm::ActivityLog;
use crate::arm::graph::{Kept, Quotas};
use crate::arm::rate::RateLimits;
use crate::bastion::Tunnels;
use crate::clock::Clock;
use crate::entra::Entra;
use crate::entra::directory::Caller;
use crate::fault::Faults;
use crate::guard::Guard;
use crate::journal::Journal;
use crate::latency::Wait;
use crate::state::present::{Age, Present};
use crate::state::{Cloud, Guest};

/// The public cloud's audiences: clients that know of no other send one of these.
const PUBLIC_AUDIENCES: [&str; 2] = ["https://management.azure.com", "https://management.core.windows.net"];

/// What the server's certificate is for.
const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Shared by all tasks of one simulator.
pub(crate) struct World {
    present: Mutex<Present>,
    pub(crate) clock: Clock,
    journal: Mutex<Journal>,
    activity_log: Mutex<ActivityLog>,
    faults: Mutex<Faults>,
    quotas: Mutex<Quotas>,
    rate_limits: Mutex<RateLimits>,
    kept: Mutex<Kept>,
    tunnels: Mutex<Tunnels>,
    pub(crate) entra: Entra,
    guard: tokio::sync::Mutex<Guard>,
    changed: Notify,
    /// Whether the sockets are closed for good.
    shut: AtomicBool,
    /// `https://127.0.0.1:45123`, without a trailing slash.
    pub(crate) base: String,
}

/// Closes the guard at its end if that was asked for meanwhile.
struct Closing<'w>(&'w World);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close_if_shut();
    }
}

/// A panic while holding a lock leaves plain values behind; the next holder goes on with them.
fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub(crate) fn new(cloud: Cloud, entra: Entra, guard: Guard, base: String, seed: u64) -> Self {
        Self {
            present: Mutex::new(Present::new(cloud)),
            clock: Clock::default(),
            journal: Mutex::default(),
            activity_log: Mutex::default(),
            faults: Mutex::new(Faults::new(seed)),
            quotas: Mutex::default(),
            rate_limits: Mutex::default(),
            kept: Mutex::default(),
            tunnels: Mutex::default(),
            entra,
            guard: tokio::sync::Mutex::new(guard),
            changed: Notify::new(),
            shut: AtomicBool::new(false),
            base,
        }
    }

    /// Changes the state as it is now. The keeper of the guard is told afterwards.
    pub(crate) fn change<T>(&self, act: impl FnOnce(&mut Cloud, DateTime<Utc>) -> T) -> T {
        let result = {
            let mut present = hold(&self.present);
            // Read under the lock, so that the state never goes back in time.
            let now = self.clock.now();
            present.change(now, act)
        };
        self.changed.notify_one();
        result
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        hold(&self.journal)
    }

    pub(crate) fn activity_log(&self) -> MutexGuard<'_, ActivityLog> {
        hold(&self.activity_log)
    }

    /// Of Resource Graph.
    pub(crate) fn quotas(&self) -> MutexGuard<'_, Quotas> {
        hold(&self.quotas)
    }

    /// Of Bastion hosts.
    pub(crate) fn tunnels(&self) -> MutexGuard<'_, Tunnels> {
        hold(&self.tunnels)
    }

    /// Whose token of the resource manager this is, if it is a good one.
    pub(crate) fn caller(&self, token: &str) -> Option<Caller> {
        let accepted = self.entra.check(token, self.clock.now()).ok()?;
        self.is_audience(&accepted.audience).then_some(accepted.caller)
    }

    /// A connection to what answers on a port of a guest, without a socket that others could come by.
    pub(crate) async fn enter(&self, guest: Guest, port: u16) -> io::Result<Option<TcpStream>> {
        self.guard.lock().await.enter(guest, port).await
    }

    /// Has a VM prove who it is by a new key from now on: that, where it has an SSH server of its own.
    pub(crate) async fn renew_host_key(&self, vm: usize) -> io::Result<Option<String>> {
        self.guard.lock().await.renew_host_key(vm)
    }

    /// Of the resource manager.
    pub(crate) fn rate_limits(&self) -> MutexGuard<'_, RateLimits> {
        hold(&self.rate_limits)
    }

    /// Results of Resource Graph. The keeper of the guard forgets them when they are old.
    pub(crate) fn kept<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        let result = act(&mut hold(&self.kept));
        self.changed.notify_one();
        result
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        hold(&self.faults)
    }

    /// Takes as long as Azure would.
    pub(crate) async fn wait(&self, wait: Wait) {
        let drawn = hold(&self.present).draw(wait);
        tokio::time::sleep(drawn.to_std().unwrap_or_default()).await;
    }

    /// Brings the guard's sockets in line with the state. Done when it returns.
    pub(crate) async fn settle(&self) {
        // Outlives the lock, also where the task that settles is ended in the middle.
        let _closing = Closing(self);
        // Taken first, so that of two callers the later one brings the later state.
        let mut guard = self.guard.lock().await;
        let (listening, guests) = self.look(|cloud, now| (cloud.listening(now), cloud.guests()));
        guard.settle(&listening, &guests).await;
    }

    /// Looks at the state as it is now.
    pub(crate) fn look<T>(&self, act: impl FnOnce(&Cloud, DateTime<Utc>) -> T) -> T {
        self.look_and_compare(|cloud, now, _| act(cloud, now))
    }

    /// Looks at the state as it is now, and which it is.
    pub(crate) fn look_and_compare<T>(&self, act: impl FnOnce(&Cloud, DateTime<Utc>, Age) -> T) -> T {
        let mut present = hold(&self.present);
        let now = self.clock.now();
        present.at(now);
        let age = present.age();
        act(present.at(now), now, age)
    }

    /// Settles whenever something has changed or is due to, and does nothing else. Never returns.
    pub(crate) async fn keep_guard(&self) {
        let mut settled = None;
        loop {
            let (age, pause) = self.pace();
            if settled.replace(age) != Some(age) {
                self.settle().await;
                continue;
            }
            let due = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause + Duration::from_millis(1)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Which state it is, and how long there is nothing to do; `None` when nothing will happen by itself.
    fn pace(&self) -> (Age, Option<Duration>) {
        // A wall clock that is set forward must not leave a window open for long.
        const LONGEST: Duration = Duration::from_secs(5);
        let forget = hold(&self.kept).forget();
        let mut present = hold(&self.present);
        let now = self.clock.now();
        present.at(now);
        let pause = present.due().map(|due| (due - now).to_std().unwrap_or_default().min(LONGEST));
        (present.age(), pause.into_iter().chain(forget).min())
    }

    /// Closes all sockets for good. They are closed when it returns.
    pub(crate) async fn shut(&self) {
        let mut guard = self.guard.lock().await;
        guard.settle(&BTreeSet::new(), &BTreeSet::new()).await;
        // Without services, whoever settles after this opens nothing.
        *guard = Guard::default();
    }

    /// Closes all sockets for good, as soon as their tasks get to it.
    pub(crate) fn close_guard(&self) {
        self.shut.store(true, Ordering::SeqCst);
        self.close_if_shut();
    }

    fn close_if_shut(&self) {
        // Whoever holds the guard just now closes it when done: an answer that stalls keeps the world, and the guard in
        // it, for long.
        if self.shut.load(Ordering::SeqCst)
            && let Ok(mut guard) = self.guard.try_lock()
        {
            *guard = Guard::default();
        }
    }

    /// Host and port: `127.0.0.1:45123`.
    pub(crate) fn host(&self) -> &str {
        self.base.strip_prefix("https://").unwrap_or(&self.base)
    }

    pub(crate) fn port(&self) -> &str {
        self.base.rsplit(':').next().unwrap_or_default()
    }

    /// Whether this is a name of this machine, as the certificate has it.
    pub(crate) fn is_host(host: &str) -> bool {
        HOSTS.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// `base` under each name of this machine: clients may have been pointed at any of them.
    pub(crate) fn bases(&self) -> [String; 3] {
        HOSTS.map(|host| format!("https://{host}:{}", self.port()))
    }

    /// Seconds between two polls of a device code: Entra's five, divided by the speed, and never less than one.
    pub(crate) fn poll_interval(&self) -> i64 {
        self.look(|cloud, _| cloud.latencies.scaled(5.0)).num_seconds().max(1)
    }

    /// Whether a token for this audience is one for our resource manager.
    pub(crate) fn is_audience(&self, audience: &str) -> bool {
        let audience = audience.trim_end_matches('/');
        self.bases().iter().any(|base| base.eq_ignore_ascii_case(audience)) || PUBLIC_AUDIENCES.contains(&audience)
    }
}

//! The access windows known to be in force.

use ajar_core::access_window::{AccessWindow, Phase};
use ajar_core::profile::ProfileName;
use ajar_core::resource_id::VmResourceId;
use chrono::{DateTime, Utc};

/// A window and the favourite it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) name: ProfileName,
    pub(super) window: AccessWindow,
    /// Whether this engine asked for it; else it was adopted.
    pub(super) ours: bool,
}

/// See the module. One per favourite and port: the one that lasts longest.
#[derive(Debug, Default)]
pub(super) struct HeldWindows(Vec<Held>);

impl HeldWindows {
    /// Takes a window in; a shorter one of the same favourite and port gives way.
    pub(super) fn hold(&mut self, held: Held) {
        let same = |old: &Held| old.name == held.name && old.window.port == held.window.port;
        if let Some(old) = self.0.iter_mut().find(|old| same(old)) {
            if held.window.end_time_utc >= old.window.end_time_utc {
                let ours = held.ours || (old.ours && old.window.is_same_grant(&held.window));
                *old = Held { ours, ..held };
            }
        } else {
            self.0.push(held);
        }
        self.0.sort_by_key(|held| held.window.end_time_utc);
    }

    /// Makes the windows of a favourite's VM those that its policies show: what is not there any more was replaced or
    /// revoked.
    pub(super) fn adopt(&mut self, name: &ProfileName, vm: &VmResourceId, open: &[AccessWindow]) {
        self.0.retain(|held| {
            held.name != *name || held.window.vm != *vm || open.iter().any(|window| window.is_same_grant(&held.window))
        });
        for window in open {
            self.hold(Held { name: name.clone(), window: window.clone(), ours: false });
        }
    }

    pub(super) fn drop_ended(&mut self, now: DateTime<Utc>) {
        self.0.retain(|held| held.window.phase(now) != Phase::Ended);
    }

    pub(super) fn drop_favourite(&mut self, name: &ProfileName) {
        self.0.retain(|held| held.name != *name);
    }

    pub(super) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|held| held.window.next_change(now)).min()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.0.iter()
    }
}

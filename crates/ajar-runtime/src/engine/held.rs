//! The access windows known to be in force.

use std::cmp::Ordering;
use std::collections::HashMap;

use ajar_core::access_window::{AccessWindow, Phase};
use ajar_core::policy::SourcePrefix;
use ajar_core::profile::ProfileName;
use ajar_core::vm::CloudVm;
use chrono::{DateTime, Utc};

/// A window and the favourite it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) name: ProfileName,
    /// The cloud that its VM is in.
    pub(super) cloud: String,
    pub(super) window: AccessWindow,
    /// Whether Ajar asked for it on this machine; else it was adopted.
    pub(super) ours: bool,
}

impl Held {
    /// Its VM.
    pub(super) fn vm(&self) -> CloudVm {
        CloudVm { cloud: self.cloud.clone(), id: self.window.vm.clone() }
    }

    fn is_of(&self, vm: &CloudVm) -> bool {
        self.window.vm == vm.id && self.cloud == vm.cloud
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.cloud == other.cloud && self.window.is_same_grant(&other.window)
    }

    /// Which of two windows of one port matters more: one of ours, whoever else is let in for longer; of ours the
    /// newest, which replaced the others; of others' the one that lasts longest.
    fn rank(&self, other: &Self) -> Ordering {
        let (one, two) = (&self.window, &other.window);
        self.ours.cmp(&other.ours).then_with(|| {
            if self.ours {
                (one.start_time_utc, one.end_time_utc).cmp(&(two.start_time_utc, two.end_time_utc))
            } else {
                one.end_time_utc.cmp(&two.end_time_utc)
            }
        })
    }
}

/// See the module. All of them are kept, so that one that ends uncovers the next; one per favourite and port is shown.
#[derive(Debug, Default)]
pub(super) struct HeldWindows(Vec<Held>);

impl HeldWindows {
    /// Takes a window in.
    pub(super) fn hold(&mut self, held: Held) {
        if let Some(known) = self.0.iter_mut().find(|known| known.is_same(&held)) {
            let ours = known.ours || held.ours;
            *known = Held { ours, ..held };
        } else {
            self.0.push(held);
        }
    }

    /// Makes the windows of a favourite's VM those that its policies show; of ours those stay, too, that may not be `shown_yet`.
    /// What was shown here and leaves its port with no other window for the same sources comes back: it was replaced or revoked.
    pub(super) fn adopt(
        &mut self,
        name: &ProfileName,
        vm: &CloudVm,
        open: &[AccessWindow],
        shown_yet: impl Fn(&AccessWindow) -> bool,
        ours: impl Fn(&AccessWindow) -> bool,
    ) -> Vec<AccessWindow> {
        let shown: Vec<_> = shown(self.0.iter().filter(|held| held.name == *name)).into_iter().cloned().collect();
        let stays = |window: &AccessWindow| open.iter().any(|open| open.is_same_grant(window));
        let is_late = |held: &Held| held.ours && !shown_yet(&held.window);
        self.0.retain(|held| held.name != *name || !held.is_of(vm) || stays(&held.window) || is_late(held));
        for window in open {
            let (name, cloud) = (name.clone(), vm.cloud.clone());
            self.hold(Held { name, cloud, window: window.clone(), ours: ours(window) });
        }
        let goes_on = |gone: &AccessWindow| {
            let of_vm = self.0.iter().filter(|held| held.is_of(vm)).map(|held| &held.window);
            let mut on_port = of_vm.filter(|window| window.port == gone.port);
            on_port.any(|window| window.is_same_grant(gone) || window.sources == gone.sources)
        };
        let of_vm = shown.into_iter().filter(|held| held.is_of(vm)).map(|held| held.window);
        of_vm.filter(|gone| !goes_on(gone)).collect()
    }

    /// When the last window of a VM ends that is held.
    pub(super) fn last_end(&self, vm: &CloudVm) -> Option<DateTime<Utc>> {
        self.0.iter().filter(|held| held.is_of(vm)).map(|held| held.window.end_time_utc).max()
    }

    /// The window of ours that lets somebody in at a VM's port.
    pub(super) fn of(&self, vm: &CloudVm, port: u16) -> Option<&AccessWindow> {
        let of_door = self.0.iter().filter(|held| held.ours && held.is_of(vm) && held.window.port == port);
        of_door.max_by(|one, other| one.rank(other)).map(|held| &held.window)
    }

    /// Whether a favourite has a window for a port of a VM that is ours or open from `sources`.
    pub(super) fn lets_in(&self, name: &ProfileName, vm: &CloudVm, port: u16, sources: &[SourcePrefix]) -> bool {
        let of_door = |held: &&Held| held.name == *name && held.is_of(vm) && held.window.port == port;
        self.0.iter().filter(of_door).any(|held| held.ours || held.window.sources == sources)
    }

    pub(super) fn drop_ended(&mut self, now: DateTime<Utc>) {
        self.0.retain(|held| held.window.phase(now) != Phase::Ended);
    }

    /// Holds each under the name it has now.
    pub(super) fn rename(&mut self, name: impl Fn(&Held) -> ProfileName) {
        for held in std::mem::take(&mut self.0) {
            self.hold(Held { name: name(&held), ..held });
        }
    }

    /// The VMs that have windows.
    pub(super) fn vms(&self) -> impl Iterator<Item = CloudVm> {
        self.0.iter().map(Held::vm)
    }

    pub(super) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.0.iter().filter_map(|held| held.window.next_change(now)).min()
    }

    /// The windows to show of all that are held.
    pub(super) fn shown(&self) -> Vec<&Held> {
        shown(self.0.iter())
    }
}

/// The window of each favourite and port that matters most, the one that ends first at the top. A favourite may be
/// called as another VM is that has lost its own.
fn shown<'a>(all: impl Iterator<Item = &'a Held>) -> Vec<&'a Held> {
    let mut best: HashMap<_, &Held> = HashMap::new();
    for held in all {
        let door = (held.name.as_str().to_lowercase(), &held.cloud, &held.window.vm, held.window.port);
        let place = best.entry(door).or_insert(held);
        if held.rank(place).is_gt() {
            *place = held;
        }
    }
    let mut shown: Vec<_> = best.into_values().collect();
    shown.sort_by_cached_key(|held| (held.window.end_time_utc, held.name.as_str().to_lowercase(), held.window.port));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn held(start: i64, end: i64, ours: bool) -> Held {
        let window = AccessWindow {
            vm: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap(),
            port: 22,
            sources: vec![SourcePrefix::from("203.0.113.7")],
            start_time_utc: at(start),
            end_time_utc: at(end),
            requestor: "somebody".into(),
            mapped: None,
        };
        Held { name: "web".parse().unwrap(), cloud: "public".into(), window, ours }
    }

    fn ends(windows: &HeldWindows) -> Vec<i64> {
        windows.shown().iter().map(|held| (held.window.end_time_utc - at(0)).num_minutes()).collect()
    }

    #[test]
    fn our_window_is_shown_although_a_colleague_is_let_in_for_longer() {
        let mut windows = HeldWindows::default();
        windows.hold(held(0, 60, true));
        windows.hold(held(5, 240, false));
        assert_eq!(ends(&windows), [60]);
        windows.drop_ended(at(60));
        assert_eq!(ends(&windows), [240], "when ours ends, theirs is still there");
    }

    #[test]
    fn a_newer_request_of_ours_counts_even_if_it_ends_sooner() {
        let mut windows = HeldWindows::default();
        windows.hold(held(0, 180, true));
        windows.hold(held(10, 70, true));
        assert_eq!(ends(&windows), [70]);
    }

    #[test]
    fn of_others_windows_the_longest_is_shown() {
        let mut windows = HeldWindows::default();
        windows.hold(held(0, 180, false));
        windows.hold(held(10, 70, false));
        assert_eq!(ends(&windows), [180]);
    }

    #[test]
    fn reading_a_window_again_does_not_make_it_somebody_elses() {
        let mut windows = HeldWindows::default();
        let ours = held(0, 60, true);
        windows.hold(ours.clone());
        windows.adopt(&ours.name, &ours.vm(), std::slice::from_ref(&ours.window), |_| true, |_| false);
        assert!(windows.shown()[0].ours);
        windows.adopt(&ours.name, &ours.vm(), &[], |_| true, |_| false);
        assert!(windows.shown().is_empty(), "a revoked window is gone");
    }

    #[test]
    fn favourites_and_ports_have_windows_of_their_own_the_first_to_end_on_top() {
        let mut windows = HeldWindows::default();
        let mut other_port = held(0, 30, true);
        other_port.window.port = 8022;
        windows.hold(held(0, 60, true));
        windows.hold(other_port);
        windows.hold(Held { name: "same-vm".parse().unwrap(), ..held(0, 45, true) });
        assert_eq!(ends(&windows), [30, 45, 60]);
    }
}

//! The access windows known to be in force.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::Ipv4Addr;

use ajar_core::access_window::{AccessWindow, Phase};
use ajar_core::policy::SourcePrefix;
use ajar_core::profile::ProfileName;
use ajar_core::vm::CloudVm;
use chrono::{DateTime, Utc};

use super::windows::Whose;

/// A window and the favourite it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) name: ProfileName,
    /// The cloud that its VM is in.
    pub(super) cloud: String,
    pub(super) window: AccessWindow,
    /// Whether Ajar asked for it on this machine; else it was adopted.
    pub(super) ours: bool,
    /// Whether somebody has named the address that it lets in.
    pub(super) is_source_named: bool,
    /// Whether the policies showed it as they were last read.
    pub(super) listed: bool,
}

impl Held {
    /// Its VM.
    pub(super) fn vm(&self) -> CloudVm {
        CloudVm { cloud: self.cloud.clone(), id: self.window.vm.clone() }
    }

    fn is_of(&self, vm: &CloudVm) -> bool {
        self.window.vm == vm.id && self.cloud == vm.cloud
    }

    /// Whether it is that window of a VM's port.
    pub(super) fn is(&self, vm: &CloudVm, port: u16, window: &AccessWindow) -> bool {
        self.is_of(vm) && self.window.port == port && self.window.is_same_grant(window)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.cloud == other.cloud && self.window.is_same_grant(&other.window)
    }

    /// Which of two windows of one port matters more: one of ours, whoever else is let in for longer; of ours one that lets
    /// this machine in where it is now, else the newest, which replaced the others; of others' the one that lasts longest.
    fn rank(&self, other: &Self, here: Option<Ipv4Addr>) -> Ordering {
        let (one, two) = (&self.window, &other.window);
        let lets_in = |window: &AccessWindow| here.is_some_and(|here| window.admits(here));
        self.ours.cmp(&other.ours).then_with(|| {
            if self.ours {
                let newer = (one.start_time_utc, one.end_time_utc).cmp(&(two.start_time_utc, two.end_time_utc));
                lets_in(one).cmp(&lets_in(two)).then(newer)
            } else {
                one.end_time_utc.cmp(&two.end_time_utc)
            }
        })
    }
}

/// See the module. All of them are kept, so that one that ends uncovers the next; one per favourite and port is shown.
#[derive(Debug, Default)]
pub(super) struct HeldWindows {
    all: Vec<Held>,
    /// This machine's public address as each cloud saw it last. Access is never asked for from it.
    here: Here,
}

/// Public addresses by the cloud that sees them.
type Here = HashMap<String, Ipv4Addr>;

impl HeldWindows {
    /// Takes a window in.
    pub(super) fn hold(&mut self, held: Held) {
        if let Some(known) = self.all.iter_mut().find(|known| known.is_same(&held)) {
            let (ours, listed) = (known.ours || held.ours, known.listed || held.listed);
            let is_source_named = known.is_source_named || held.is_source_named;
            *known = Held { ours, is_source_named, listed, ..held };
        } else {
            self.all.push(held);
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
        whose: impl Fn(&AccessWindow) -> Whose,
    ) -> Vec<AccessWindow> {
        let of_name = self.all.iter().filter(|held| held.name == *name);
        let shown: Vec<_> = shown(of_name, &self.here).into_iter().cloned().collect();
        let stays = |window: &AccessWindow| open.iter().any(|open| open.is_same_grant(window));
        let is_late = |held: &Held| held.ours && !shown_yet(&held.window);
        self.all.retain(|held| held.name != *name || !held.is_of(vm) || stays(&held.window) || is_late(held));
        self.list(vm, open);
        for window in open {
            let (name, cloud, Whose { ours, is_source_named }) = (name.clone(), vm.cloud.clone(), whose(window));
            self.hold(Held { name, cloud, window: window.clone(), ours, is_source_named, listed: true });
        }
        let goes_on = |gone: &AccessWindow| {
            let of_vm = self.all.iter().filter(|held| held.is_of(vm)).map(|held| &held.window);
            let mut on_port = of_vm.filter(|window| window.port == gone.port);
            on_port.any(|window| window.is_same_grant(gone) || window.sources == gone.sources)
        };
        let of_vm = shown.into_iter().filter(|held| held.is_of(vm)).map(|held| held.window);
        of_vm.filter(|gone| !goes_on(gone)).collect()
    }

    /// When the last window of a VM ends that is held.
    pub(super) fn last_end(&self, vm: &CloudVm) -> Option<DateTime<Utc>> {
        self.all.iter().filter(|held| held.is_of(vm)).map(|held| held.window.end_time_utc).max()
    }

    /// The window of ours that lets somebody in at a VM's port.
    pub(super) fn of(&self, vm: &CloudVm, port: u16) -> Option<&Held> {
        let of_door = self.all.iter().filter(|held| held.ours && held.is_of(vm) && held.window.port == port);
        of_door.max_by(|one, other| one.rank(other, self.here(&vm.cloud)))
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Held] {
        &self.all
    }

    /// Where this machine is, as a cloud saw it last.
    pub(super) fn here(&self, cloud: &str) -> Option<Ipv4Addr> {
        self.here.get(cloud).copied()
    }

    /// A cloud has seen where this machine is.
    pub(super) fn seen_at(&mut self, cloud: &str, here: Ipv4Addr) {
        self.here.insert(cloud.to_owned(), here);
    }

    /// Where this machine was seen is of no use any more.
    pub(super) fn forget_here(&mut self) {
        self.here.clear();
    }

    /// Policies were read that show these windows of a VM, and none else.
    pub(super) fn list(&mut self, vm: &CloudVm, open: &[AccessWindow]) {
        for held in self.all.iter_mut().filter(|held| held.is_of(vm)) {
            held.listed = open.iter().any(|open| open.is_same_grant(&held.window));
        }
    }

    /// What is held of a window's port beside it, asked for by the same one from other addresses.
    pub(super) fn beside(&self, held: &Held) -> impl Iterator<Item = &Held> {
        let (vm, window) = (held.vm(), held.window.clone());
        self.all.iter().filter(move |other| {
            let is_same_door = other.is_of(&vm) && other.window.port == window.port;
            is_same_door && other.window.requestor == window.requestor && other.window.sources != window.sources
        })
    }

    /// Whether a favourite has a window for a port of a VM that is ours or open from `sources`.
    pub(super) fn lets_in(&self, name: &ProfileName, vm: &CloudVm, port: u16, sources: &[SourcePrefix]) -> bool {
        let of_door = |held: &&Held| held.name == *name && held.is_of(vm) && held.window.port == port;
        self.all.iter().filter(of_door).any(|held| held.ours || held.window.sources == sources)
    }

    pub(super) fn drop_ended(&mut self, now: DateTime<Utc>) {
        self.all.retain(|held| held.window.phase(now) != Phase::Ended);
    }

    /// Holds each under the name it has now.
    pub(super) fn rename(&mut self, name: impl Fn(&Held) -> ProfileName) {
        for held in std::mem::take(&mut self.all) {
            self.hold(Held { name: name(&held), ..held });
        }
    }

    /// The VMs that have windows.
    pub(super) fn vms(&self) -> impl Iterator<Item = CloudVm> {
        self.all.iter().map(Held::vm)
    }

    pub(super) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.all.iter().filter_map(|held| held.window.next_change(now)).min()
    }

    /// The windows to show of all that are held.
    pub(super) fn shown(&self) -> Vec<&Held> {
        shown(self.all.iter(), &self.here)
    }
}

/// The window of each favourite and port that matters most, the one that ends first at the top. A favourite may be
/// called as another VM is that has lost its own.
fn shown<'a>(all: impl Iterator<Item = &'a Held>, here: &Here) -> Vec<&'a Held> {
    let mut best: HashMap<_, &Held> = HashMap::new();
    for held in all {
        let door = (held.name.as_str().to_lowercase(), &held.cloud, &held.window.vm, held.window.port);
        let place = best.entry(door).or_insert(held);
        if held.rank(place, here.get(&held.cloud).copied()).is_gt() {
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
        let (name, cloud) = ("web".parse().unwrap(), "public".into());
        Held { name, cloud, window, ours, is_source_named: false, listed: true }
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
    fn of_ours_the_one_that_lets_this_machine_in_counts_where_it_is_back_at_an_address_from_before() {
        let mut windows = HeldWindows::default();
        windows.hold(held(0, 180, true));
        let mut elsewhere = held(10, 170, true);
        elsewhere.window.sources = vec![SourcePrefix::from("198.51.100.77")];
        windows.hold(elsewhere);
        assert_eq!(ends(&windows), [170]);
        windows.seen_at("public", Ipv4Addr::new(203, 0, 113, 7));
        assert_eq!(ends(&windows), [180]);
        assert_eq!(windows.beside(&held(0, 180, true)).count(), 1);
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
        windows.adopt(&ours.name, &ours.vm(), std::slice::from_ref(&ours.window), |_| true, |_| Whose::default());
        assert!(windows.shown()[0].ours);
        windows.adopt(&ours.name, &ours.vm(), &[], |_| true, |_| Whose::default());
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

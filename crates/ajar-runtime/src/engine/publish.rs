//! The snapshot, made anew after each event and published when it says something new.

use std::collections::HashMap;
use std::sync::Arc;

use ajar_core::access_window::Phase;
use ajar_core::attempt::Outcome;
use ajar_core::message::through_bastion;
use ajar_core::port::Protocol;
use ajar_core::profile::ProfileName;
use ajar_core::settings::{Favourite, Settings};
use ajar_core::snapshot::{
    FavouriteState, FavouriteView, HostView, OfTeamView, SettingsView, SignInWays, Snapshot, WindowView,
};

use ajar_core::team::TeamFavourite;
use ajar_core::vm::PowerState;

use super::Engine;
use super::held::Held;
use super::windows::name_of;

/// The snapshot of an engine that knows nothing yet.
pub(super) fn empty(host: HostView) -> Snapshot {
    Snapshot {
        revision: 0,
        clock_skew_ms: 0,
        host,
        favourites: Vec::new(),
        accounts: Vec::new(),
        sign_in: None,
        sign_in_ways: SignInWays::default(),
        windows: Vec::new(),
        closed: Vec::new(),
        attempts: Vec::new(),
        superseded: Vec::new(),
        deallocations: Vec::new(),
        after_use: Vec::new(),
        tunnels: Vec::new(),
        inventory: None,
        refreshing: false,
        host_problem: None,
        refresh_problem: None,
        settings_problem: None,
        recents: Vec::new(),
        settings: SettingsView::default(),
        window_wanted: 0,
    }
}

/// The favourites by [`key`]: looking through all of them for each window would take long where there are many.
type ByName<'a> = HashMap<String, &'a Favourite>;

/// Names that differ in case only are one.
pub(super) fn key(name: &ProfileName) -> String {
    name.as_str().to_ascii_lowercase()
}

impl Engine {
    pub(super) fn publish(&mut self) {
        let mut snapshot = self.snapshot();
        self.published.send_if_modified(|last| {
            snapshot.revision = last.revision;
            let news = **last != snapshot;
            if news {
                snapshot.revision += 1;
                *last = Arc::new(snapshot);
            }
            news
        });
    }

    fn snapshot(&self) -> Snapshot {
        let (shown, left_behind) = (self.one_of_each_port(self.held.shown()), self.left_behind_views());
        let favourites = &self.settings.favourites;
        let by_name: ByName<'_> = favourites.iter().map(|favourite| (key(&favourite.name), favourite)).collect();
        let (states, accounts) = (self.favourite_states(&shown), self.account_views());
        let window = |held: &&Held| {
            let favourite = self.favourite_of(held, &by_name);
            let chosen = favourite.and_then(|favourite| favourite.profile.protocol);
            let left = left_behind.iter().find(|(left, _)| std::ptr::eq(*left, *held));
            let view = self.window_view(held, chosen.unwrap_or_else(|| Protocol::of_port(held.window.port)));
            let of_vm = if favourite.is_none() { name_of(&held.vm()) } else { None };
            let left_behind = left.map(|(_, view)| view.clone());
            WindowView { name: of_vm.unwrap_or(view.name), left_behind, ..view }
        };
        let favourite = |(favourite, whose): (&Favourite, Whose<'_>)| {
            let state = states.get(&key(&favourite.name)).copied();
            let vm = self.place(&favourite.profile);
            let power = self.powers.get(&vm).copied();
            let state = if self.deallocations.have(&vm) { Some(FavouriteState::Deallocating) } else { state };
            let bastion = self.tunnels.bastion_of(&vm);
            let unless_open = if self.guarded.contains(&vm) { FavouriteState::Closed } else { FavouriteState::Unknown };
            let view = favourite_view(favourite, whose, vm.cloud.clone(), state.unwrap_or(unless_open), power);
            let through = bastion.map(|bastion| through_bastion(&view.detail, &bastion));
            FavouriteView {
                detail: through.unwrap_or_else(|| view.detail.clone()),
                started_at: self.started_at(&vm),
                waits_for_sign_in: self.waits_for_sign_in(favourite, &accounts),
                account: self.settings.account_of(&favourite.profile, &self.defaults),
                ..view
            }
        };
        let (attempts, superseded) = self.attempts.views(self.now(), self.zone());
        Snapshot {
            revision: 0,
            clock_skew_ms: self.skew.num_milliseconds(),
            host: self.host.clone(),
            favourites: favourites.iter().zip(self.whose()).map(favourite).collect(),
            accounts: accounts.clone(),
            sign_in: self.sign_in_view(),
            sign_in_ways: self.sign_in_ways(),
            windows: shown.iter().map(window).collect(),
            closed: self.closed.iter().map(|closed| closed.view.clone()).collect(),
            attempts,
            superseded,
            deallocations: self.deallocations.views(),
            after_use: self.after_use_views(),
            tunnels: self.tunnels.views(),
            inventory: self.inventory_view(),
            refreshing: self.refresh.is_some() || self.network.is_looked_at(),
            host_problem: None,
            refresh_problem: self.refresh_problem.clone(),
            settings_problem: self.settings_problem.clone(),
            recents: self.recents(),
            settings: self.settings_view(),
            window_wanted: self.window_wanted,
        }
    }

    /// Whose the favourites are, one by one.
    fn whose(&self) -> impl Iterator<Item = Whose<'_>> {
        let Settings { written, of_teams, .. } = &self.settings;
        written.iter().map(Whose::Own).chain(of_teams.iter().map(Whose::Team))
    }

    /// How the favourites stand of which anything is known. What is more pressing overwrites what is less so.
    fn favourite_states(&self, shown: &[&Held]) -> HashMap<String, FavouriteState> {
        let now = self.now();
        // What is to last longer is open meanwhile, and if that fails.
        let attempts = |state, wanted: fn(Option<&Outcome>) -> bool| {
            let opening = self.attempts.iter().filter(|attempt| !attempt.order().extends);
            let wanted = opening.filter(move |attempt| wanted(attempt.outcome()));
            wanted.map(move |attempt| (key(&attempt.order().name), state))
        };
        let windows = |state, phase| {
            let wanted = shown.iter().filter(move |held| held.window.phase(now) == phase);
            wanted.flat_map(move |held| self.favourites_of(held).map(move |favourite| (key(&favourite.name), state)))
        };
        attempts(FavouriteState::Failed, |outcome| matches!(outcome, Some(Outcome::Failed { .. })))
            .chain(windows(FavouriteState::Ending, Phase::Ending))
            .chain(windows(FavouriteState::Open, Phase::Open))
            .chain(attempts(FavouriteState::Connecting, |outcome| outcome.is_none()))
            .collect()
    }

    fn window_view(&self, held: &Held, protocol: Protocol) -> WindowView {
        let window = &held.window;
        WindowView {
            name: held.name.clone(),
            cloud: held.cloud.clone(),
            vm: window.vm.clone(),
            port: window.port,
            protocol,
            endpoint: self.reached(held).into_iter().next().filter(|_| protocol == Protocol::Port),
            source: ajar_core::message::sources(&window.sources),
            start_time_utc: window.start_time_utc,
            end_time_utc: window.end_time_utc,
            opened_by: (!held.ours).then(|| {
                ajar_core::message::opened_by(&window.requestor, self.principal(&held.name, &held.vm()).as_deref())
            }),
            ending: window.phase(self.now()) == Phase::Ending,
            left_behind: None,
            renewal: self.renewal_view(held),
            beside: self.kept_beside(held),
        }
    }

    /// Of the windows of each VM's port one: several favourites that lead there hold it, and it is told of by one that has it
    /// renewed, if one has.
    fn one_of_each_port<'a>(&self, shown: Vec<&'a Held>) -> Vec<&'a Held> {
        let mut each: Vec<&Held> = Vec::new();
        for held in shown {
            let is_there = |known: &&mut &Held| known.vm() == held.vm() && known.window.port == held.window.port;
            match each.iter_mut().find(is_there) {
                Some(known) if self.renewal_view(held).is_some() && self.renewal_view(known).is_none() => *known = held,
                Some(_) => {}
                None => each.push(held),
            }
        }
        each
    }

    /// The favourite that a window is held for; none for one under the name of its VM, which another may have too, or for
    /// another port of it than any favourite's.
    fn favourite_of<'a>(&self, held: &Held, by_name: &ByName<'a>) -> Option<&'a Favourite> {
        by_name.get(&key(&held.name)).copied().filter(|favourite| self.is_for(favourite, held))
    }

    /// All favourites that lead to what a window is for.
    fn favourites_of<'a>(&'a self, held: &'a Held) -> impl Iterator<Item = &'a Favourite> {
        self.settings.favourites.iter().filter(|favourite| self.is_for(favourite, held))
    }

    fn is_for(&self, favourite: &Favourite, held: &Held) -> bool {
        favourite.profile.port() == held.window.port && self.leads_to(favourite, &held.vm())
    }
}

/// Whose a favourite is.
#[derive(Clone, Copy)]
enum Whose<'s> {
    /// The user's own, as it is written.
    Own(&'s Favourite),
    /// A team's.
    Team(&'s TeamFavourite),
}

fn favourite_view(
    favourite: &Favourite,
    whose: Whose<'_>,
    cloud: String,
    state: FavouriteState,
    power: Option<PowerState>,
) -> FavouriteView {
    let profile = &favourite.profile;
    let (written, of_team) = match whose {
        Whose::Own(written) => (Some(&written.profile).filter(|written| *written != profile), None),
        Whose::Team(TeamFavourite { team, called, .. }) => {
            (None, Some(OfTeamView { team: team.clone(), called: called.clone() }))
        }
    };
    FavouriteView {
        name: favourite.name.clone(),
        cloud,
        vm: profile.vm.clone(),
        vm_name: profile.vm.name().into(),
        resource_group: profile.vm.resource().resource_group().into(),
        protocol: profile.protocol(),
        port: profile.port(),
        account: None,
        user: profile.user.clone(),
        state,
        started_at: None,
        waits_for_sign_in: false,
        profile: profile.clone(),
        of_team,
        written: written.cloned(),
        detail: ajar_core::message::favourite_detail(&favourite.name, &profile.vm, power),
    }
}

//! The snapshot, made anew after each event and published when it says something new.

use std::sync::Arc;

use ajar_core::access_window::Phase;
use ajar_core::attempt::Outcome;
use ajar_core::profile::ProfileName;
use ajar_core::settings::Favourite;
use ajar_core::snapshot::{FavouriteState, FavouriteView, HostView, Snapshot, WindowView};

use super::Engine;
use super::held::Held;

/// The snapshot of an engine that knows nothing yet.
pub(super) fn empty(host: HostView) -> Snapshot {
    Snapshot {
        revision: 0,
        clock_skew_ms: 0,
        host,
        favourites: Vec::new(),
        windows: Vec::new(),
        attempts: Vec::new(),
        settings_problem: None,
        window_wanted: 0,
    }
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
        let (now, zone) = (self.now(), self.zone());
        Snapshot {
            revision: 0,
            clock_skew_ms: self.skew().num_milliseconds(),
            host: self.host.clone(),
            favourites: self.settings.favourites.iter().map(|favourite| self.favourite_view(favourite)).collect(),
            windows: self.held.iter().map(|held| self.window_view(held)).collect(),
            attempts: self.attempts.iter().map(|attempt| attempt.view(now, zone)).collect(),
            settings_problem: self.settings_problem.clone(),
            window_wanted: self.window_wanted,
        }
    }

    fn favourite_view(&self, favourite: &Favourite) -> FavouriteView {
        let profile = &favourite.profile;
        FavouriteView {
            name: favourite.name.clone(),
            vm: profile.vm.clone(),
            vm_name: profile.vm.name().into(),
            resource_group: profile.vm.resource().resource_group().into(),
            protocol: profile.protocol(),
            port: profile.port(),
            user: profile.user.clone(),
            state: self.favourite_state(&favourite.name),
            detail: ajar_core::message::favourite_detail(&favourite.name, &profile.vm),
        }
    }

    /// The most pressing of what is known: under way, open, failed.
    fn favourite_state(&self, name: &ProfileName) -> FavouriteState {
        let of_favourite = || self.attempts.iter().filter(|attempt| attempt.order().name == *name);
        if of_favourite().any(|attempt| attempt.outcome().is_none()) {
            return FavouriteState::Connecting;
        }
        let now = self.now();
        let phases: Vec<_> =
            self.held.iter().filter(|held| held.name == *name).map(|held| held.window.phase(now)).collect();
        if phases.contains(&Phase::Open) {
            FavouriteState::Open
        } else if phases.contains(&Phase::Ending) {
            FavouriteState::Ending
        } else if of_favourite().any(|attempt| matches!(attempt.outcome(), Some(Outcome::Failed { .. }))) {
            FavouriteState::Failed
        } else {
            FavouriteState::Closed
        }
    }

    fn window_view(&self, held: &Held) -> WindowView {
        let window = &held.window;
        let favourite = self.settings.favourite(&held.name);
        WindowView {
            name: held.name.clone(),
            vm: window.vm.clone(),
            port: window.port,
            protocol: favourite
                .and_then(|f| f.profile.protocol)
                .unwrap_or_else(|| ajar_core::port::Protocol::of_port(window.port)),
            source: ajar_core::message::sources(&window.sources),
            start_time_utc: window.start_time_utc,
            end_time_utc: window.end_time_utc,
            opened_by: (!held.ours).then(|| window.requestor.clone()),
            ending: window.phase(self.now()) == Phase::Ending,
        }
    }
}

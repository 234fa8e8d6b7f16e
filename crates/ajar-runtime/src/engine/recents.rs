//! VMs that were opened lately and are no favourites.

use ajar_core::inventory::Openings;
use ajar_core::journal::Opening;
use ajar_core::message::recent_detail;
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::Favourite;
use ajar_core::snapshot::RecentView;

use super::Engine;

/// As many are shown: what is opened again and again had better be a favourite.
const SHOWN: usize = 5;

impl Engine {
    /// The last ones, each with how it is opened again.
    pub(super) fn recents(&self) -> Vec<RecentView> {
        if self.lately.is_empty() {
            return Vec::new();
        }
        let mut openings = Openings::new(&self.settings, &self.guests, &self.defaults);
        let view = |opening: &Opening| {
            let opens = self.as_somebody_there(openings.again(opening)?, opening);
            Some(RecentView {
                opens,
                at: opening.at,
                protocol: opening.protocol,
                port: opening.port,
                detail: recent_detail(&opening.vm, opening.at, self.zone()),
            })
        };
        self.lately.iter().filter_map(view).take(SHOWN).collect()
    }

    /// The same as whoever acts in its cloud, where the account is not there any more that acted.
    fn as_somebody_there(&self, opens: Favourite, opening: &Opening) -> Favourite {
        if self.acting(&self.settings.inheritance.effective(&opens.profile).profile).is_ok() {
            return opens;
        }
        let cloud = opening.cloud.clone().or(opens.profile.cloud);
        Favourite { profile: Profile { account: None, cloud, ..opens.profile }, ..opens }
    }

    /// How a VM is opened that is called so as one of the last ones, and is nothing else.
    pub(super) fn recent(&self, name: &ProfileName) -> Option<Profile> {
        let is_known = self.settings.favourite(name).is_some() || self.guests.iter().any(|guest| guest.name == *name);
        let recents = if is_known { Vec::new() } else { self.recents() };
        Some(recents.into_iter().find(|recent| recent.opens.name == *name)?.opens.profile)
    }
}

//! What can become favourites of all that files say.

use super::matching::{KnownVms, Match};
use super::plan::Candidate;
use super::{Entry, Host, LeftOut, Sharing};
use crate::account::Defaults;
use crate::inventory::FoundVm;
use crate::settings::Settings;

/// What can become favourites, and what cannot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gathered {
    /// What can.
    pub candidates: Vec<Candidate>,
    /// What is not taken in.
    pub left_out: Vec<LeftOut>,
    /// Hosts that no VM is like.
    pub unmatched: Vec<Host>,
    /// Hosts that several may be, with those.
    pub unclear: Vec<(Host, Vec<FoundVm>)>,
}

impl Gathered {
    /// What comes of these entries for one who has these settings and sees these VMs: first of the favourites, then of the
    /// hosts.
    pub fn of(
        entries: Vec<Entry>,
        vms: &[FoundVm],
        sharing: Sharing,
        settings: &Settings,
        defaults: &Defaults,
    ) -> Self {
        let (mut gathered, mut hosts) = (Self::default(), Vec::new());
        for entry in entries {
            match entry {
                Entry::Favourite { name, profile } => {
                    let (candidate, left_out) = Candidate::shared(name, *profile, sharing, settings, defaults);
                    gathered.candidates.push(candidate);
                    gathered.left_out.extend(left_out);
                }
                Entry::Host(host) => hosts.push(host),
            }
        }
        let known = KnownVms::new(vms);
        for host in hosts {
            match known.find(&host) {
                Match::One(found, by) => {
                    gathered.candidates.push(Candidate::of_host(&host, found, Some(by), &settings.inheritance));
                }
                Match::Perhaps(several) => gathered.unclear.push((host, several.into_iter().cloned().collect())),
                Match::Nothing => gathered.unmatched.push(host),
            }
        }
        gathered
    }
}

//! The favourites that are there, and those that are to come, found by what they are compared by: thousands of both are held
//! against each other.

use std::collections::{HashMap, HashSet};

use super::{Candidate, Row, Standing, another_number, differences};
use crate::account::Defaults;
use crate::profile::{Profile, ProfileName};
use crate::settings::{Favourite, Settings};
use crate::vm::CloudVm;

/// A name as names are compared.
fn key(name: &ProfileName) -> String {
    name.as_str().to_ascii_lowercase()
}

/// A VM's port.
type Door = (CloudVm, u16);

/// Names that are taken, and how far the numbers behind each have been tried: what is taken stays so.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    tried: HashMap<String, u32>,
}

impl Names {
    pub(super) fn of<'n>(names: impl IntoIterator<Item = &'n ProfileName>) -> Self {
        Self { taken: names.into_iter().map(key).collect(), tried: HashMap::new() }
    }

    pub(super) fn have(&self, name: &ProfileName) -> bool {
        self.taken.contains(&key(name))
    }

    pub(super) fn take(&mut self, name: &ProfileName) {
        self.taken.insert(key(name));
    }

    /// A name that is like this one, with the first number behind it that is free.
    pub(super) fn another(&mut self, name: &ProfileName, is_taken: impl Fn(&ProfileName) -> bool) -> ProfileName {
        let tried = self.tried.get(&key(name)).copied().unwrap_or(2);
        let (another, number) = another_number(name, tried, |name| self.have(name) || is_taken(name));
        self.tried.insert(key(name), number);
        another
    }
}

/// The user's own favourites.
pub(super) struct There<'s> {
    settings: &'s Settings,
    defaults: &'s Defaults,
    by_name: HashMap<String, &'s Favourite>,
    by_vm: HashMap<CloudVm, Vec<&'s Favourite>>,
    by_door: HashMap<Door, &'s Favourite>,
}

impl<'s> There<'s> {
    pub(super) fn new(settings: &'s Settings, defaults: &'s Defaults) -> Self {
        let mut there =
            Self { settings, defaults, by_name: HashMap::new(), by_vm: HashMap::new(), by_door: HashMap::new() };
        for favourite in &settings.written {
            let (vm, port) = there.door(&favourite.profile);
            there.by_name.entry(key(&favourite.name)).or_insert(favourite);
            there.by_vm.entry(vm.clone()).or_default().push(favourite);
            there.by_door.entry((vm, port)).or_insert(favourite);
        }
        there
    }

    /// Where a profile leads, with what it inherits.
    pub(super) fn door(&self, profile: &Profile) -> Door {
        let effective = self.settings.inheritance.effective(profile).profile;
        (self.settings.place_of(&effective, self.defaults), effective.port())
    }

    /// How a favourite to be stands to those that are there.
    pub(super) fn standing(&self, candidate: &Candidate) -> Standing {
        let Some(mine) = self.by_name.get(&key(&candidate.name)) else {
            let there = self.by_door.get(&self.door(&candidate.profile)).filter(|_| !candidate.is_whole);
            if let Some(favourite) = there {
                return Standing::There(favourite.name.clone());
            }
            let team = self.settings.team_that_names(&candidate.name);
            return team.map_or(Standing::New, |team| Standing::OfTeam(team.name.clone()));
        };
        let (settings, defaults) = (self.settings, self.defaults);
        let mut merged = candidate.over(&mine.profile, settings, defaults);
        let whole = |profile: &Profile| settings.inheritance.effective(profile).profile;
        let cloud = |profile: &Profile| settings.acting(&whole(profile), defaults).ok().map(|acting| acting.cloud);
        if cloud(&merged) == cloud(&mine.profile) {
            // Named or not, it is the same one.
            merged.cloud.clone_from(&mine.profile.cloud);
        }
        let differs = differences(&whole(&mine.profile), &whole(&merged));
        if differs.is_empty() {
            return Standing::Same;
        }
        // It may have been taken in under another name before: one that is like it is of its VM.
        let is_like_it = |other: &&&Favourite| {
            let over = || candidate.over(&other.profile, settings, defaults);
            differences(&whole(&other.profile), &whole(&over())).is_empty()
        };
        let of_its_vm = || self.by_vm.get(&self.door(&candidate.profile).0).into_iter().flatten();
        match of_its_vm().find(is_like_it).filter(|_| candidate.is_whole) {
            Some(other) => Standing::There(other.name.clone()),
            None => Standing::Conflict { mine: Box::new(mine.profile.clone()), merged: Box::new(merged), differs },
        }
    }
}

/// The favourites to be, as they come in.
#[derive(Default)]
pub(super) struct Coming {
    pub(super) rows: Vec<Row>,
    pub(super) names: Names,
    by_name: HashMap<String, usize>,
    by_door: HashMap<Door, usize>,
}

impl Coming {
    /// The one that makes this one needless. Of hosts one of several names is enough, of favourites one that says the same.
    pub(super) fn instead_of(&self, candidate: &Candidate, door: &Door) -> Option<&Row> {
        if candidate.is_whole {
            let of_its_name = self.rows.get(*self.by_name.get(&key(&candidate.name))?);
            return of_its_name.filter(|row| row.candidate == *candidate);
        }
        self.rows.get(*self.by_door.get(door)?)
    }

    pub(super) fn push(&mut self, row: Row, door: Door) {
        let place = self.rows.len();
        self.names.take(&row.candidate.name);
        self.by_name.entry(key(&row.candidate.name)).or_insert(place);
        self.by_door.entry(door).or_insert(place);
        self.rows.push(row);
    }
}

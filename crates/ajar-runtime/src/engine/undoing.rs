//! Favourites that are taken in and removed, and that being undone.

use std::collections::VecDeque;

use ajar_core::exchange::plan::Change;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::Favourite;

use super::Engine;
use crate::files::{RemovedFavourite, Written};

/// As many removals as can be undone, and as many imports.
const KEPT: usize = 20;

/// What was done to favourites and can be undone, each with what the settings were written as before and after.
#[derive(Default)]
pub(super) struct Undoable {
    removed: VecDeque<(ProfileName, RemovedFavourite)>,
    imports: VecDeque<Import>,
}

struct Import {
    add: Vec<Favourite>,
    change: Vec<Change>,
    written: Written,
}

impl Undoable {
    /// A favourite was removed.
    pub(super) fn removed(&mut self, name: ProfileName, removed: RemovedFavourite) {
        self.removed.retain(|(known, _)| *known != name);
        self.removed.push_back((name, removed));
        if self.removed.len() > KEPT {
            self.removed.pop_front();
        }
    }

    fn imported(&mut self, import: Import) {
        self.imports.push_back(import);
        if self.imports.len() > KEPT {
            self.imports.pop_front();
        }
    }
}

impl Engine {
    /// Removes a favourite, which can be undone.
    pub(super) fn remove_favourite(&mut self, name: &ProfileName) -> Result<(), Trouble> {
        let known = self.written(name)?.name.clone();
        let removed = self.settings_file.remove(&known)?;
        self.undoable.removed(known, removed);
        self.read_settings_again();
        Ok(())
    }

    /// Has a favourite be here again that was removed, if none of its name is.
    pub(super) fn bring_back(&mut self, name: &ProfileName, profile: &Profile) -> Result<(), Trouble> {
        if let Some(known) = self.settings.favourite(name) {
            // Asked again after a host went away, it is done already.
            let is_done = self.settings.written(name).is_some_and(|known| known.profile == *profile);
            return if is_done {
                Ok(())
            } else {
                Err(Failure::FavouriteExists { name: known.name.to_string() }.into())
            };
        }
        if let Some((_, removed)) = self.undoable.removed.iter().find(|(known, _)| known == name) {
            self.settings_file.bring_back(name, removed)?;
        } else {
            self.may_be_added(name, profile)?;
            self.settings_file.add(name, profile)?;
        }
        self.undoable.removed.retain(|(known, _)| known != name);
        self.read_settings_again();
        Ok(())
    }

    /// Takes favourites in, all or none. One that is changed goes on as it was begun, where it is under way.
    pub(super) fn import(&mut self, add: &[Favourite], change: &[Change]) -> Result<(), Trouble> {
        let is_added = |favourite: &Favourite| self.settings.written(&favourite.name) == Some(favourite);
        for favourite @ Favourite { name, profile } in add {
            self.may_be_added(name, profile)?;
            if !is_added(favourite) {
                self.settings.may_be_named(name)?;
            }
        }
        self.vet_changes(change)?;
        // Asked again after a host went away, it is done already.
        if !(add.iter().all(is_added) && change.iter().all(|change| self.is_changed(change))) {
            let written = self.settings_file.take_in(add, change)?;
            self.undoable.imported(Import { add: add.to_vec(), change: change.to_vec(), written });
        }
        self.favourites_changed(change);
        Ok(())
    }

    /// Undoes an import. What somebody has changed since stays.
    pub(super) fn undo_import(&mut self, add: &[Favourite], change: &[Change]) -> Result<(), Trouble> {
        let back = |Change { name, before, profile }: &Change| Change {
            name: name.clone(),
            before: profile.clone(),
            profile: before.clone(),
        };
        let there = |change: &Change| self.settings.written(&change.name).is_some();
        let change: Vec<Change> = change.iter().map(back).filter(there).collect();
        let is_as_added = |favourite: &&Favourite| self.settings.written(&favourite.name) == Some(*favourite);
        let add: Vec<Favourite> = add.iter().filter(is_as_added).cloned().collect();
        self.vet_changes(&change)?;
        let is_one = |import: &Import| {
            let is_added = |added: &Favourite| add.iter().any(|favourite| favourite.name == added.name);
            let is_changed = |changed: &Change| change.iter().any(|change| change.name == changed.name);
            import.add.iter().any(is_added) || import.change.iter().any(is_changed)
        };
        let done = self.undoable.imports.iter().rposition(is_one);
        let written = done.and_then(|place| self.undoable.imports.remove(place)).map(|import| import.written);
        self.settings_file.undo_take_in(written.as_ref(), &add, &change)?;
        self.favourites_changed(&change);
        Ok(())
    }

    fn is_changed(&self, Change { name, before, profile }: &Change) -> bool {
        self.settings.written(name).is_some_and(|known| known.profile == profile.since(before, &known.profile))
    }

    fn vet_changes(&self, change: &[Change]) -> Result<(), Trouble> {
        for Change { name, before, profile } in change {
            let by_now = &self.written(name)?.profile;
            let after = self.settings.inheritance.effective(&profile.since(before, by_now));
            self.vet_change(name, &self.favourite(name)?.profile, &after.profile)?;
        }
        Ok(())
    }

    fn favourites_changed(&mut self, change: &[Change]) {
        self.settings_seen = None;
        self.reload_settings();
        if self.looked && !change.is_empty() {
            self.begin_refresh();
        }
    }
}

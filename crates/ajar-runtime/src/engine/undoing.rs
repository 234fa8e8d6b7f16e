//! Favourites that are taken in and removed, and that being undone.

use std::collections::VecDeque;

use ajar_core::exchange::plan::Change;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::Edited;
use ajar_core::settings::Favourite;

use super::Engine;
use crate::files::{RemovedFavourite, Written};

/// As many removals as can be undone, as many imports and as many other changes.
const KEPT: usize = 20;

/// What was done to favourites and can be undone, each with what the settings were written as before and after.
#[derive(Default)]
pub(super) struct Undoable {
    removed: VecDeque<(ProfileName, RemovedFavourite)>,
    imports: VecDeque<Import>,
    edits: VecDeque<(Edited, Written)>,
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

    /// Something else was changed.
    pub(super) fn edited(&mut self, done: Edited, written: Written) {
        self.edits.push_back((done, written));
        if self.edits.len() > KEPT {
            self.edits.pop_front();
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
        let back = |Change { name, before, profile }: &Change| {
            let by_now = self.settings.written(name)?.profile.clone();
            Some(Change { name: name.clone(), profile: by_now.taken_back(before, profile), before: by_now })
        };
        let backs: Vec<Change> = change.iter().filter_map(back).collect();
        let is_as_added = |favourite: &&Favourite| self.settings.written(&favourite.name) == Some(*favourite);
        let add: Vec<Favourite> = add.iter().filter(is_as_added).cloned().collect();
        self.vet_changes(&backs)?;
        let is_one = |import: &Import| {
            let is_added = |added: &Favourite| add.iter().any(|favourite| favourite.name == added.name);
            let is_changed = |changed: &Change| change.iter().any(|change| change.name == changed.name);
            import.add.iter().any(is_added) || import.change.iter().any(is_changed)
        };
        let done = self.undoable.imports.iter().rposition(is_one);
        let written = done.and_then(|place| self.undoable.imports.remove(place)).map(|import| import.written);
        self.settings_file.undo_take_in(written.as_ref(), &add, change)?;
        self.favourites_changed(&backs);
        Ok(())
    }

    /// Undoes another change of the settings: by the same bytes where nobody wrote in between. What somebody has changed since stays.
    pub(super) fn undo(&mut self, done: &Edited) -> Result<(), Trouble> {
        if let Edited::Favourite { name, called, .. } = done
            && name != called
            && self.attempts.open(called)
        {
            return Err(Failure::BeingOpened { name: called.to_string() }.into());
        }
        let place = self.undoable.edits.iter().rposition(|(known, _)| known == done);
        let written = place.and_then(|place| self.undoable.edits.remove(place)).map(|(_, written)| written);
        let is_as_it_was = written.is_some_and(|written| self.settings_file.undo(&written).is_ok_and(|undone| undone));
        match done {
            Edited::Favourite { name, called, .. } if is_as_it_was => {
                self.rename_windows(called, name);
                self.rename_starter(called, name);
            }
            Edited::Defaults { .. } | Edited::Setting { .. } | Edited::ClientId { .. } if is_as_it_was => {}
            Edited::Favourite { name, called, before, after } => {
                let by_now = self.written(called)?.profile.clone();
                return self.edit(called, Some(name), Some(&by_now), &by_now.taken_back(before, after));
            }
            Edited::Defaults { folder, before, after } => {
                let by_now = self.settings.inheritance.said_of(folder.as_deref());
                return self.edit_defaults(folder.as_deref(), Some(&by_now), &by_now.taken_back(before, after));
            }
            Edited::Setting { before, after } if self.settings.said_of(after) == *after => return self.set(before),
            Edited::ClientId { before, after } if self.settings.sign_in.client_id == *after => {
                return self.set_client_id(before.as_deref());
            }
            Edited::Setting { .. } | Edited::ClientId { .. } => return Ok(()),
        }
        self.read_settings_again();
        if self.looked {
            self.begin_refresh();
        }
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

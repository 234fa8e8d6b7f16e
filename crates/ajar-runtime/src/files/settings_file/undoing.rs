//! Favourites that are removed or taken in, and that being undone: by the same bytes where nobody wrote in between.

use std::fmt;

use ajar_core::exchange::plan::Change;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::profile::ProfileName;
use ajar_core::settings::{Favourite, unknown_favourite};

use super::{SettingsFile, profiles};
use crate::files::toml_text::Removed;

/// What the file said before a change, and says behind it.
#[derive(Clone)]
pub(crate) struct Written {
    pub(super) before: String,
    pub(super) after: String,
}

/// A favourite that was removed, as it was written, and where.
pub(crate) struct RemovedFavourite {
    removed: Removed,
    written: Written,
}

/// Neither is told: places of teams' files are in it, with what may be secret.
impl fmt::Debug for Written {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Written").finish_non_exhaustive()
    }
}

impl fmt::Debug for RemovedFavourite {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("RemovedFavourite").finish_non_exhaustive()
    }
}

impl SettingsFile {
    /// Removes a favourite; what brings it back.
    ///
    /// # Errors
    /// [`Failure::UnknownFavourite`], [`Failure::Settings`].
    pub(crate) fn remove(&self, name: &ProfileName) -> Result<RemovedFavourite, Trouble> {
        let mut removed = None;
        let written = self.edit_to_undo(|document, settings| {
            let known = settings.favourite(name).map(|favourite| favourite.name.to_string());
            removed = known.and_then(|known| document.take_out(&["profiles"], &known));
            let unknown = || unknown_favourite(name, settings.favourites.iter().map(|favourite| &favourite.name));
            removed.as_ref().map(|_| ()).ok_or_else(unknown)
        })?;
        let removed =
            removed.ok_or_else(|| Failure::UnknownFavourite { name: name.to_string(), similar: Vec::new() })?;
        Ok(RemovedFavourite { removed, written })
    }

    /// Has a favourite be here again: the file is as it was, or, where somebody wrote in between, the favourite is where it was
    /// among those that are still there.
    ///
    /// # Errors
    /// [`Failure::FavouriteExists`], [`Failure::Settings`].
    pub(crate) fn bring_back(&self, name: &ProfileName, removed: &RemovedFavourite) -> Result<(), Trouble> {
        self.edit(|document, settings| {
            if settings.favourite(name).is_some() {
                return Err(Failure::FavouriteExists { name: name.to_string() });
            }
            if !document.undo(&removed.written.before, &removed.written.after) {
                document.bring_back(&["profiles"], removed.removed.clone());
            }
            Ok(())
        })
    }

    /// Has the file be as it was before a change, where nobody wrote in between; whether it is.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub(crate) fn undo(&self, done: &Written) -> Result<bool, Trouble> {
        let mut is_undone = false;
        self.edit(|document, _| {
            is_undone = document.undo(&done.before, &done.after);
            Ok(())
        })?;
        Ok(is_undone)
    }

    /// Undoes [`SettingsFile::take_in`]: the file is as it was, or, where somebody wrote in between, those that were added go and
    /// those that were changed are as they were, but for what was changed since.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub(crate) fn undo_take_in(
        &self,
        done: Option<&Written>,
        added: &[Favourite],
        changed: &[Change],
    ) -> Result<(), Trouble> {
        self.edit(|document, settings| {
            if done.is_some_and(|done| document.undo(&done.before, &done.after)) {
                return Ok(());
            }
            for favourite in added.iter().filter(|added| settings.written(&added.name) == Some(added)) {
                let known = settings.written(&favourite.name).map_or(&favourite.name, |known| &known.name);
                document.remove(&["profiles", known.as_str()]);
            }
            changed.iter().try_for_each(|done| profiles::take_back(document, settings, done))
        })
    }
}

#[cfg(test)]
mod tests {
    use ajar_core::profile::Profile;

    use super::super::written::{VM, file, text};
    use super::*;

    fn name(name: &str) -> ProfileName {
        name.parse().unwrap()
    }

    fn three() -> String {
        let one = |name: &str| format!("# about {name}\n[profiles.{name}] # {name}\nvm = \"{VM}\"\nlater = 1 # kept\n");
        format!("# mine\n\n{}\n{}\n[clients]\nssh = 'x'\n\n{}", one("a"), one("b"), one("c"))
    }

    #[test]
    fn several_that_were_removed_come_back_one_after_the_other_to_the_same_bytes() {
        let before = three();
        let (_folder, file) = file(&before);
        let removed = ["a", "c", "b"].map(|one| (name(one), file.remove(&name(one)).unwrap()));
        assert_eq!(file.read().unwrap().written, []);
        for (name, removed) in removed.iter().rev() {
            file.bring_back(name, removed).unwrap();
        }
        assert_eq!(text(&file), before);
        let again = file.bring_back(&name("A"), &removed[0].1).unwrap_err().failure;
        assert!(matches!(again, Failure::FavouriteExists { .. }));
    }

    #[test]
    fn one_comes_back_among_those_that_are_still_there_where_somebody_wrote_in_between() {
        let before = three();
        let (_folder, file) = file(&before);
        let [a, b] = ["a", "b"].map(|one| file.remove(&name(one)).unwrap());
        let other = text(&file).replace("ssh = 'x'", "ssh = 'y'");
        std::fs::write(file.path(), &other).unwrap();
        file.bring_back(&name("a"), &a).unwrap();
        file.bring_back(&name("b"), &b).unwrap();
        let names: Vec<_> = file.read().unwrap().written.iter().map(|known| known.name.to_string()).collect();
        let after = text(&file);
        assert_eq!(names, ["a", "b", "c"]);
        for kept in ["ssh = 'y'", "# about a\n[profiles.a] # a\n", "# about b\n[profiles.b] # b\n", "# mine\n"] {
            assert!(after.contains(kept), "{kept}: {after}");
        }
        assert_eq!(after.matches("later = 1 # kept").count(), 3, "{after}");
    }

    #[test]
    fn one_comes_back_however_it_was_written() {
        let vm = format!("vm = '{VM}'");
        for before in [
            format!("profiles = {{ a = {{ {vm} }}, b = {{ {vm}, later = 1 }}, c = {{ {vm} }} }} # all\n"),
            format!("[profiles]\na.{vm} # a\n# b\nb.{vm}\nb.later = 1\nc = {{ {vm} }}\n"),
            format!("[profiles]\na = {{ {vm} }}\n# b\nb = {{ {vm} , later = 1 }} # behind\n\n[profiles.c]\n{vm}\n"),
        ] {
            let (_folder, file) = file(&before);
            let removed = file.remove(&name("b")).unwrap();
            file.bring_back(&name("b"), &removed).unwrap();
            assert_eq!(text(&file), before);
            let removed = file.remove(&name("b")).unwrap();
            file.change(&name("a"), &name("a"), &Profile { port: Some(2222), ..Profile::new(VM.parse().unwrap()) })
                .unwrap();
            file.bring_back(&name("b"), &removed).unwrap();
            let names: Vec<_> = file.read().unwrap().written.iter().map(|known| known.name.to_string()).collect();
            let after = text(&file);
            assert!(names == ["a", "b", "c"] && after.contains("later = 1"), "{after}");
            assert_eq!(after.matches('#').count(), before.matches('#').count(), "{after}");
        }
    }

    #[test]
    fn what_was_taken_in_is_undone_without_what_others_changed_since() {
        let before = three();
        let (_folder, file) = file(&before);
        let plain = Profile::new(VM.parse().unwrap());
        let with = |user: &str| Profile { user: Some(user.into()), ..plain.clone() };
        let added = [
            Favourite { name: name("new"), profile: plain.clone() },
            Favourite { name: name("new2"), profile: plain.clone() },
        ];
        let change = Change { name: name("a"), before: plain.clone(), profile: with("you") };
        let done = file.take_in(&added, std::slice::from_ref(&change)).unwrap();
        file.undo_take_in(Some(&done), &added, std::slice::from_ref(&change)).unwrap();
        assert_eq!(text(&file), before);

        let done = file.take_in(&added, std::slice::from_ref(&change)).unwrap();
        file.change(&name("a"), &name("a"), &Profile { port: Some(2222), ..with("you") }).unwrap();
        file.change(&name("new2"), &name("new2"), &with("me")).unwrap();
        file.undo_take_in(Some(&done), &added, &[change]).unwrap();
        let written = file.read().unwrap().written;
        let names: Vec<_> = written.iter().map(|known| known.name.as_str()).collect();
        assert_eq!(
            (names, written[0].profile.port, &written[0].profile.user),
            (vec!["a", "b", "c", "new2"], Some(2222), &None)
        );
    }

    #[test]
    fn what_somebody_changed_between_a_look_and_taking_in_stays() {
        let (_folder, file) = file(&three());
        let plain = Profile::new(VM.parse().unwrap());
        file.change(&name("a"), &name("a"), &Profile { port: Some(2222), ..plain.clone() }).unwrap();
        let theirs = Profile { user: Some("you".into()), ..plain.clone() };
        file.take_in(&[], &[Change { name: name("A"), before: plain, profile: theirs }]).unwrap();
        let known = file.read().unwrap().written.remove(0).profile;
        assert_eq!((known.port, known.user.as_deref()), (Some(2222), Some("you")));
    }

    #[test]
    fn what_others_have_changed_of_the_same_key_since_stays() {
        let (_folder, file) = file(&three());
        let plain = Profile::new(VM.parse().unwrap());
        let change = Change {
            name: name("a"),
            before: plain.clone(),
            profile: Profile { user: Some("eve".into()), port: Some(2222), ..plain.clone() },
        };
        let done = file.take_in(&[], std::slice::from_ref(&change)).unwrap();
        let by_hand = text(&file).replace("user = \"eve\"", "user = \"between\" # mine");
        std::fs::write(file.path(), &by_hand).unwrap();
        file.undo_take_in(Some(&done), &[], &[change]).unwrap();
        assert_eq!(text(&file), by_hand.replace("port = 2222\n", ""));
    }
}

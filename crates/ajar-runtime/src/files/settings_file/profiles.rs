//! Favourites that are changed in the settings file.

use std::collections::HashSet;

use ajar_core::exchange::plan::Change;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::inheritance::profile_keys;
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::{Favourite, Settings, unknown_favourite};

use super::{SettingsFile, Written, as_table, pairs, write_changes};
use crate::files::toml_text::TomlText;

impl SettingsFile {
    /// Changes a favourite, in its place. What stays the same stays as it is written, with comments and keys that Ajar
    /// does not know.
    ///
    /// # Errors
    /// [`Failure::UnknownFavourite`], [`Failure::FavouriteExists`] for a new name that is taken, [`Failure::Settings`].
    pub fn change(&self, name: &ProfileName, called: &ProfileName, profile: &Profile) -> Result<(), Trouble> {
        self.change_since(name, called, None, profile).map(drop)
    }

    /// The same by somebody who has seen it as it was `before`: what stays as it was then is left as it is by now.
    ///
    /// # Errors
    /// Those of [`SettingsFile::change`].
    pub(crate) fn change_since(
        &self,
        name: &ProfileName,
        called: &ProfileName,
        before: Option<&Profile>,
        profile: &Profile,
    ) -> Result<Written, Trouble> {
        self.edit_to_undo(|document, settings| {
            let by_now = before.zip(settings.written(name));
            let since = by_now.map(|(before, known)| profile.since(before, &known.profile));
            change(document, settings, name, called, since.as_ref().unwrap_or(profile))
        })
    }

    /// Adds favourites at the end and changes others, all of them or none.
    ///
    /// # Errors
    /// [`Failure::FavouriteExists`] for one that is there or is added twice, [`Failure::UnknownFavourite`] for one to be
    /// changed that is not, [`Failure::Settings`].
    pub(crate) fn take_in(&self, add: &[Favourite], others: &[Change]) -> Result<Written, Trouble> {
        self.edit_to_undo(|document, settings| {
            let mut seen = HashSet::new();
            let is_taken = |name: &ProfileName, seen: &mut HashSet<String>| {
                settings.favourite(name).is_some() || !seen.insert(name.as_str().to_ascii_lowercase())
            };
            if let Some(taken) = add.iter().find(|favourite| is_taken(&favourite.name, &mut seen)) {
                return Err(Failure::FavouriteExists { name: taken.name.to_string() });
            }
            let tables = add.iter().map(|favourite| as_table(&favourite.profile)).collect::<Result<Vec<_>, _>>()?;
            let named = add.iter().zip(&tables).map(|(favourite, table)| (favourite.name.as_str(), pairs(table)));
            document.new_tables(&["profiles"], &named.collect::<Vec<_>>());
            others.iter().try_for_each(|other| change_seen(document, settings, other))
        })
    }
}

/// Puts a favourite at the end.
pub(super) fn insert(
    document: &mut TomlText,
    settings: &Settings,
    name: &ProfileName,
    profile: &Profile,
) -> Result<(), Failure> {
    if settings.favourite(name).is_some() {
        return Err(Failure::FavouriteExists { name: name.to_string() });
    }
    document.new_table(&["profiles", name.as_str()], &pairs(&as_table(profile)?));
    Ok(())
}

/// Changes a favourite by somebody who has seen it: what stays as it was then is left as it is by now.
pub(super) fn change_seen(document: &mut TomlText, settings: &Settings, wanted: &Change) -> Result<(), Failure> {
    let Change { name, before, profile } = wanted;
    let known = settings.written(name);
    let since = known.map_or_else(|| profile.clone(), |known| profile.since(before, &known.profile));
    change(document, settings, name, known.map_or(name, |known| &known.name), &since)
}

/// Undoes such a change, as far as nobody has changed it since.
pub(super) fn take_back(document: &mut TomlText, settings: &Settings, done: &Change) -> Result<(), Failure> {
    let Change { name, before, profile } = done;
    let Some(known) = settings.written(name) else { return Ok(()) };
    change(document, settings, name, &known.name, &known.profile.taken_back(before, profile))
}

fn change(
    document: &mut TomlText,
    settings: &Settings,
    name: &ProfileName,
    called: &ProfileName,
    profile: &Profile,
) -> Result<(), Failure> {
    let Some(known) = settings.written(name) else {
        return Err(unknown_favourite(name, settings.favourites.iter().map(|favourite| &favourite.name)));
    };
    if called != name && settings.favourite(called).is_some() {
        return Err(Failure::FavouriteExists { name: called.to_string() });
    }
    let path = ["profiles", known.name.as_str()];
    write_changes(document, &path, &profile_keys().collect::<Vec<_>>(), &known.profile, profile)?;
    if called.as_str() != known.name.as_str() {
        document.rename(&path, called.as_str());
    }
    Ok(())
}

impl SettingsFile {
    /// Puts a favourite before another one, or at the end; comments right above it move along.
    ///
    /// # Errors
    /// [`Failure::UnknownFavourite`] for either of them, [`Failure::Settings`].
    pub fn put_before(&self, name: &ProfileName, before: Option<&ProfileName>) -> Result<(), Trouble> {
        self.edit(|document, settings| {
            let written = |name: &ProfileName| {
                let names = || settings.written.iter().map(|favourite| &favourite.name);
                let known = settings.written(name).map(|known| known.name.to_string());
                known.ok_or_else(|| unknown_favourite(name, names()))
            };
            let (moved, before) = (written(name)?, before.map(written).transpose()?);
            if before.as_ref() != Some(&moved) {
                document.put(&["profiles"], &moved, before.as_deref());
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::as_table;
    use super::super::written::{VM, file, text};
    use super::*;

    fn everything() -> Profile {
        let profile = r#"{"vm": "VM", "port": 2222, "protocol": "ssh", "user": "me", "for": "PT1H", "renew_up_to": "8h", "after_use": "ask", "account": "work",
            "cloud": "usgov", "tenant": "t", "start": false, "identity_file": "k", "known_hosts_file": "h",
            "justification": "j", "ask_justification": true, "address": "private", "source": "10.0.0.4", "colour": "red",
            "client": "c", "client_arguments": ["-X"],
            "forwards": ["D 1080"], "rdp_file": "/w.rdp", "gateway": "g.example", "multimon": true, "entra_login": true,
            "forward_agent": true,
            "note": "n", "folder": "f/g"}"#;
        serde_json::from_str(&profile.replace("VM", VM)).unwrap()
    }

    #[test]
    fn all_that_is_known_of_a_favourite_is_changed_and_taken_out_again() {
        let (_folder, file) = file(&format!("[profiles.web]\nvm = \"{VM}\"\n"));
        let web: ProfileName = "web".parse().unwrap();
        file.change(&web, &web, &everything()).unwrap();
        let written = as_table(&everything()).unwrap();
        assert_eq!(written.iter().map(|(key, _)| key).collect::<Vec<_>>(), profile_keys().collect::<Vec<_>>());
        assert_eq!(file.read().unwrap().favourites[0].profile, everything());
        file.change(&web, &web, &Profile::new(VM.parse().unwrap())).unwrap();
        assert_eq!(text(&file), format!("[profiles.web]\nvm = \"{VM}\"\n"));
    }

    #[test]
    fn what_people_wrote_around_a_favourite_stays_and_so_does_its_place() {
        let before = format!(
            "# mine\n[profiles.b] # second letter\nvm = \"{VM}\"\nfor = \"PT120M\" # as the portal has it\n# who\n\
             account = \"work\" # for now\nlater = 1\n\n# the first letter\n[profiles.a]\nvm = \"{VM}\"\n"
        );
        let (_folder, file) = file(&before);
        let (b, web): (ProfileName, ProfileName) = ("B".parse().unwrap(), "web.1".parse().unwrap());
        let known = file.read().unwrap().favourites[0].profile.clone();
        file.change(&b, &b, &known).unwrap();
        assert_eq!(text(&file), before.replace("[profiles.b]", "[profiles.B]"), "a name is written as one likes");
        let profile = Profile { account: Some("home".parse().unwrap()), ..known };
        file.change(&b, &web, &profile).unwrap();
        let renamed = before.replace("[profiles.b]", "[profiles.\"web.1\"]").replace("\"work\"", "\"home\"");
        assert_eq!(text(&file), renamed);
        let names = |file: &SettingsFile| {
            file.read().unwrap().favourites.iter().map(|favourite| favourite.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(names(&file), ["web.1", "a"]);
    }

    #[test]
    fn a_favourite_is_put_before_another_with_what_stands_above_it() {
        let table = |name: &str, more: &str| format!("{more}[profiles.{name}]\nvm = \"{VM}\"\n\n");
        let [a, b, c] = [table("a", "# first\n"), table("b", "# second\n"), table("c", "")];
        let other = "[accounts.me]\nsign_in = \"browser\"\n\n";
        let (_folder, file) = file(&format!("{a}{other}{b}{c}"));
        let names = |file: &SettingsFile| {
            file.read().unwrap().favourites.iter().map(|favourite| favourite.name.to_string()).collect::<String>()
        };
        let put = |name: &str, before: Option<&str>| {
            file.put_before(&name.parse().unwrap(), before.map(|before| before.parse().unwrap()).as_ref())
        };
        put("C", Some("a")).unwrap();
        assert_eq!((names(&file).as_str(), text(&file)), ("cab", format!("{c}{a}{other}{b}")));
        put("c", None).unwrap();
        assert_eq!((names(&file).as_str(), text(&file)), ("abc", format!("{a}{other}{b}{c}")));
        put("b", Some("b")).unwrap();
        assert_eq!(text(&file), format!("{a}{other}{b}{c}"));
        for (name, before) in [("x", None), ("a", Some("x"))] {
            assert!(matches!(put(name, before).unwrap_err().failure, Failure::UnknownFavourite { .. }));
        }
    }

    #[test]
    fn favourites_on_one_line_are_put_before_one_another() {
        let (_folder, file) = file(&format!("profiles = {{ a = {{ vm = \"{VM}\" }}, b = {{ vm = \"{VM}\" }} }}\n"));
        file.put_before(&"b".parse().unwrap(), Some(&"a".parse().unwrap())).unwrap();
        let names: Vec<_> = file.read().unwrap().favourites.into_iter().map(|known| known.name.to_string()).collect();
        assert_eq!(names, ["b", "a"]);
    }

    #[test]
    fn a_favourite_on_one_line_is_put_among_those_with_tables_of_their_own() {
        let (_folder, file) = file(&format!(
            "[profiles] # all\nin-line = {{ vm = \"{VM}\" }} # short\n\n# the first\n[profiles.one]\nvm = \"{VM}\"\n\n[clients]\n\n\
             [profiles.two]\nvm = \"{VM}\"\n"
        ));
        let names = |file: &SettingsFile| {
            file.read().unwrap().favourites.iter().map(|known| known.name.to_string()).collect::<Vec<_>>()
        };
        file.put_before(&"in-line".parse().unwrap(), None).unwrap();
        assert_eq!(names(&file), ["one", "two", "in-line"]);
        file.put_before(&"two".parse().unwrap(), Some(&"one".parse().unwrap())).unwrap();
        assert_eq!(names(&file), ["two", "one", "in-line"]);
        assert!(text(&file).contains("# the first\n[profiles.one]"), "{}", text(&file));
    }

    #[test]
    fn what_is_written_on_one_line_stays_there_with_its_comment() {
        let before = format!("profiles = {{ a = {{ vm = '{VM}' }}, b = {{ vm = '{VM}', later = 1 }} }} # all\n");
        let (_folder, file) = file(&before);
        let (a, b): (ProfileName, ProfileName) = ("a".parse().unwrap(), "b".parse().unwrap());
        file.change(&a, &a, &Profile { port: Some(2222), ..Profile::new(VM.parse().unwrap()) }).unwrap();
        file.put_before(&b, Some(&a)).unwrap();
        file.add(&"c".parse().unwrap(), &Profile::new(VM.parse().unwrap())).unwrap();
        file.change(&b, &"z".parse().unwrap(), &Profile::new(VM.parse().unwrap())).unwrap();
        let after = format!(
            "profiles = {{ z = {{ vm = '{VM}', later = 1 }}, a = {{ vm = '{VM}', port = 2222 }}, c = {{ vm = \"{VM}\" }} }} # all\n"
        );
        assert_eq!(text(&file), after);
    }

    #[test]
    fn comments_within_a_list_stay_with_what_they_are_about() {
        let before = format!(
            "[profiles.a]\nvm = '{VM}'\nforwards = [ # why\n  \"D 1080\", # for the browser\n  # the shop\n  'L 8080:shop:80' # main\n]\n"
        );
        let (_folder, file) = file(&before);
        let a: ProfileName = "a".parse().unwrap();
        let change = |forwards: &[&str]| {
            let forwards = Some(forwards.iter().map(|one| one.parse().unwrap()).collect());
            file.change(&a, &a, &Profile { forwards, ..Profile::new(VM.parse().unwrap()) }).unwrap();
        };
        change(&["D 1080", "L 8080:shop:80", "D 1081"]);
        let more = before.replace("'L 8080:shop:80' # main\n", "'L 8080:shop:80', # main\n  \"D 1081\"\n");
        assert_eq!(text(&file), more);
        change(&["L 8080:shop:80", "D 1081"]);
        assert_eq!(text(&file), more.replace("  \"D 1080\", # for the browser\n", ""));
        change(&["L 8081:shop:80", "D 1081"]);
        assert!(text(&file).contains("# the shop\n  \"L 8081:shop:80\", # main\n"), "{}", text(&file));
    }

    #[test]
    fn favourites_of_dotted_keys_change_places() {
        let one = |name: &str| format!("# {name}\nprofiles.{name}.vm = '{VM}' # it\nprofiles.{name}.port = 2222\n");
        let (_folder, file) = file(&format!("{}{}[clients]\nssh = 'x'\n", one("web"), one("db")));
        file.put_before(&"db".parse().unwrap(), Some(&"web".parse().unwrap())).unwrap();
        assert_eq!(text(&file), format!("{}{}[clients]\nssh = 'x'\n", one("db"), one("web")));
    }

    #[test]
    fn a_favourite_that_is_removed_takes_only_its_own_comments_with_it() {
        let one = format!("[profiles.one]\nvm = \"{VM}\"\n# tail of one\n");
        let two = format!("# --- before two\n[profiles.\"two.x\"] # itself\nvm = \"{VM}\"\n");
        for rest in ["", "\n# about three\n[profiles.three]\nvm = \"VM\"\n", "\n[clients]\nssh = \"x\"\n# end\n"] {
            let rest = rest.replace("VM", VM);
            let (_folder, file) = file(&format!("{one}\n{two}{rest}"));
            file.remove(&"two.x".parse().unwrap()).unwrap();
            assert_eq!(text(&file), format!("{one}{rest}"));
        }
    }

    #[test]
    fn favourites_on_one_line_are_changed_and_renamed_like_any_other() {
        let (_folder, file) = file(&format!("profiles = {{ a = {{ vm = \"{VM}\" }}, b = {{ vm = \"{VM}\" }} }}\n"));
        file.change(&"a".parse().unwrap(), &"z".parse().unwrap(), &everything()).unwrap();
        let favourites = file.read().unwrap().favourites;
        let names: Vec<_> = favourites.iter().map(|favourite| favourite.name.as_str()).collect();
        assert_eq!((names, &favourites[0].profile), (vec!["z", "b"], &everything()));
    }

    #[test]
    fn favourites_are_taken_in_all_or_none() {
        let before = format!("# mine\n[profiles.b] # second letter\nvm = \"{VM}\" # it\nlater = 1\n");
        let (_folder, file) = file(&before);
        let favourite = |name: &str, user: &str| Favourite {
            name: name.parse().unwrap(),
            profile: Profile { user: Some(user.into()), ..Profile::new(VM.parse().unwrap()) },
        };
        let two = [favourite("c", "me"), favourite("a", "me")];
        let change = |name: &str, user: &str| {
            let Favourite { name, profile } = favourite(name, user);
            Change { name, before: Profile::new(VM.parse().unwrap()), profile }
        };
        file.take_in(&two, &[change("B", "you")]).unwrap();
        let taken_in: Vec<_> =
            ["c", "a"].iter().map(|name| format!("\n[profiles.{name}]\nvm = \"{VM}\"\nuser = \"me\"\n")).collect();
        assert_eq!(text(&file), format!("{before}user = \"you\"\n{}", taken_in.concat()));
        let before = text(&file);
        for (add, others) in [
            (vec![favourite("d", "me"), favourite("C", "me")], vec![]),
            (vec![favourite("d", "me"), favourite("D", "me")], vec![]),
            (vec![favourite("d", "me")], vec![change("x", "me")]),
        ] {
            assert!(file.take_in(&add, &others).is_err());
            assert_eq!(text(&file), before);
        }
    }

    #[test]
    fn a_name_that_is_taken_or_not_there_changes_nothing() {
        let before = format!("[profiles.a]\nvm = \"{VM}\"\n\n[profiles.b]\nvm = \"{VM}\"\n");
        let (_folder, file) = file(&before);
        let change = |name: &str, called: &str| {
            file.change(&name.parse().unwrap(), &called.parse().unwrap(), &everything()).unwrap_err().failure
        };
        assert_eq!(change("a", "B"), Failure::FavouriteExists { name: "B".into() });
        assert!(matches!(change("db", "db"), Failure::UnknownFavourite { .. }));
        assert_eq!(text(&file), before);
    }
}

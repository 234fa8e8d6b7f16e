//! Favourites that are changed in the settings file.

use ajar_core::failure::{Failure, Trouble};
use ajar_core::inheritance::profile_keys;
use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::{Favourite, Settings, unknown_favourite};
use toml_edit::{DocumentMut, Item, Key, RawString, Table};

use super::{SettingsFile, as_table, tables_of, write_changes};

impl SettingsFile {
    /// Changes a favourite, in its place. What stays the same stays as it is written, with comments and keys that Ajar
    /// does not know.
    ///
    /// # Errors
    /// [`Failure::UnknownFavourite`], [`Failure::FavouriteExists`] for a new name that is taken, [`Failure::Settings`].
    pub fn change(&self, name: &ProfileName, called: &ProfileName, profile: &Profile) -> Result<(), Trouble> {
        self.change_since(name, called, None, profile)
    }

    /// The same by somebody who has seen it as it was `before`: what stays as it was then is left as it is by now.
    ///
    /// # Errors
    /// Those of [`SettingsFile::change`].
    pub fn change_since(
        &self,
        name: &ProfileName,
        called: &ProfileName,
        before: Option<&Profile>,
        profile: &Profile,
    ) -> Result<(), Trouble> {
        self.edit(|document, settings| {
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
    pub fn take_in(&self, add: &[Favourite], others: &[Favourite]) -> Result<(), Trouble> {
        self.edit(|document, settings| {
            for (place, Favourite { name, profile }) in add.iter().enumerate() {
                if add[..place].iter().any(|before| before.name == *name) {
                    return Err(Failure::FavouriteExists { name: name.to_string() });
                }
                insert(document, settings, name, profile)?;
            }
            others.iter().try_for_each(|Favourite { name, profile }| {
                let called = settings.favourite(name).map_or(name, |known| &known.name);
                change(document, settings, name, called, profile)
            })
        })
    }
}

/// Puts a favourite at the end.
pub(super) fn insert(
    document: &mut DocumentMut,
    settings: &Settings,
    name: &ProfileName,
    profile: &Profile,
) -> Result<(), Failure> {
    if settings.favourite(name).is_some() {
        return Err(Failure::FavouriteExists { name: name.to_string() });
    }
    let table = as_table(profile)?;
    tables_of(document, "profiles")?.insert(name.as_str(), Item::Table(table));
    Ok(())
}

fn change(
    document: &mut DocumentMut,
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
    let written = known.name.as_str();
    let profiles = tables_of(document, "profiles")?;
    let no_table = || Failure::Internal { detail: flaw(&Flaw::NoTable { key: &format!("profiles.{written}") }) };
    let table = profiles.get_mut(written).and_then(Item::as_table_like_mut).ok_or_else(no_table)?;
    write_changes(table, &profile_keys().collect::<Vec<_>>(), &known.profile, profile)?;
    if called.as_str() != written {
        rename(profiles, written, called.as_str());
    }
    Ok(())
}

impl SettingsFile {
    /// Puts a favourite before another one, or at the end; comments above it move along.
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
                reorder(tables_of(document, "profiles")?, &moved, before.as_deref());
            }
            Ok(())
        })
    }
}

/// Takes a favourite out, with the comments right above it. What stands further up, parted by an empty line, stays: it may be
/// about what comes before.
pub(super) fn take_out(document: &mut DocumentMut, written: &str) -> Result<(), Failure> {
    let removed = tables_of(document, "profiles")?.remove(written);
    let Some(Item::Table(table)) = removed else { return Ok(()) };
    let above = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
    let stays = above.rfind("\n\n").map_or("", |at| &above[..=at]);
    if stays.trim().is_empty() {
        return Ok(());
    }
    let next = table.position().and_then(|place| next_place(document, place));
    if let Some(next) = next.and_then(|place| table_at(document, place)) {
        let its_own = next.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
        let both = format!("{stays}{its_own}");
        next.decor_mut().set_prefix(both);
    } else {
        let trailing = document.trailing().as_str().unwrap_or_default();
        let both = format!("{stays}{trailing}");
        document.set_trailing(both);
    }
    Ok(())
}

/// The place in the file of the table that comes after that one.
fn next_place(table: &Table, after: isize) -> Option<isize> {
    let within = table.iter().filter_map(|(_, item)| item.as_table());
    within.flat_map(|table| [table.position().filter(|place| *place > after), next_place(table, after)]).flatten().min()
}

fn table_at(table: &mut Table, place: isize) -> Option<&mut Table> {
    table
        .iter_mut()
        .filter_map(|(_, item)| item.as_table_mut())
        .find_map(|table| if table.position() == Some(place) { Some(table) } else { table_at(table, place) })
}

/// What stands above a table: the empty lines, and comments below them.
fn above(table: &Table) -> (&str, &str) {
    let above = table.decor().prefix().and_then(RawString::as_str).unwrap_or_default();
    above.split_at(above.len() - above.trim_start().len())
}

/// Puts a table before another one of the same, or at the end. They share the places that they have in the file, with the
/// empty lines there.
fn reorder(tables: &mut Table, moved: &str, before: Option<&str>) {
    let names: Vec<String> = tables.iter().map(|(name, _)| name.to_owned()).collect();
    let mut entries: Vec<(Key, Item)> = names.iter().filter_map(|name| tables.remove_entry(name)).collect();
    let is_mixed = entries.iter().any(|(_, item)| item.is_table()) && entries.iter().any(|(_, item)| item.is_value());
    if is_mixed {
        for (_, item) in &mut entries {
            as_a_table_of_its_own(item);
        }
    }
    let place = |item: &Item| item.as_table().map(|table| (table.position(), above(table).0.to_owned()));
    let places: Vec<_> = entries.iter().map(|(_, item)| place(item)).collect();
    if let Some(from) = entries.iter().position(|(key, _)| key.get() == moved) {
        let entry = entries.remove(from);
        let to = entries.iter().position(|(key, _)| Some(key.get()) == before).unwrap_or(entries.len());
        entries.insert(to, entry);
    }
    for ((key, mut item), place) in entries.into_iter().zip(places) {
        if let Some((table, (position, empty_lines))) = item.as_table_mut().zip(place) {
            table.set_position(position);
            let above = empty_lines + above(table).1;
            table.decor_mut().set_prefix(above);
        }
        tables.insert_formatted(&key, item);
    }
}

/// What is written on one line always stands before the tables of the same: among them it can only be put as one of them.
fn as_a_table_of_its_own(item: &mut Item) {
    if let Some(inline) = item.as_inline_table() {
        let mut table = inline.clone().into_table();
        table.decor_mut().set_prefix("\n");
        *item = Item::Table(table);
    } else if let Some(table) = item.as_table_mut() {
        // Then all stand where the first one does, in the order in which they are given.
        table.set_position(None);
    }
}

/// Calls a table otherwise, in its place among the others.
fn rename(tables: &mut Table, from: &str, to: &str) {
    let names: Vec<String> = tables.iter().map(|(name, _)| name.to_owned()).collect();
    let entries: Vec<(Key, Item)> = names.iter().filter_map(|name| tables.remove_entry(name)).collect();
    for (key, item) in entries {
        let key = if key.get() == from { Key::new(to) } else { key };
        tables.insert_formatted(&key, item);
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
            "forwards": ["D 1080"], "note": "n", "folder": "f/g"}"#;
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
        assert_eq!((names(&file).as_str(), text(&file)), ("cab", format!("{c}{other}{a}{b}")));
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
        file.take_in(&two, &[favourite("B", "you")]).unwrap();
        let taken_in: Vec<_> =
            ["c", "a"].iter().map(|name| format!("\n[profiles.{name}]\nvm = \"{VM}\"\nuser = \"me\"\n")).collect();
        assert_eq!(text(&file), format!("{before}user = \"you\"\n{}", taken_in.concat()));
        let before = text(&file);
        for (add, others) in [
            (vec![favourite("d", "me"), favourite("C", "me")], vec![]),
            (vec![favourite("d", "me"), favourite("D", "me")], vec![]),
            (vec![favourite("d", "me")], vec![favourite("x", "me")]),
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

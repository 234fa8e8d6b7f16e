//! Whatever somebody has written keeps its comments, its unknown keys, its order and its meaning, whatever Ajar changes.

mod documents;

use std::collections::BTreeSet;

use ajar_core::account::{AccountName, AccountSettings, SignInMethod};
use ajar_core::exchange::plan::Change;
use ajar_core::inheritance::Inheritable;
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::settings::{Favourite, Setting, Settings};
use proptest::prelude::*;

use super::written::{VM, file, text};
use super::{SettingsFile, reading};
use documents::{Choices, Document};

/// What an edit may take along: the comments at these keys, and within.
type Gone = Vec<Vec<String>>;

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

fn comments(text: &str) -> Vec<usize> {
    let ids = text.split("#c").skip(1).filter_map(|rest| rest.split_once(';')?.0.parse().ok());
    ids.collect()
}

/// The unknown keys of a text with what they say, by their paths.
fn unknown(text: &str) -> BTreeSet<String> {
    fn walk(table: &toml::Table, path: &str, found: &mut BTreeSet<String>) {
        for (key, value) in table {
            let path = format!("{path}/{key}");
            if key.starts_with("later") {
                found.insert(format!("{path} = {value}"));
            } else if let toml::Value::Table(within) = value {
                walk(within, &path, found);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(&toml::from_str(text.trim_start_matches('\u{feff}')).unwrap(), "", &mut found);
    found
}

fn words(choices: &mut Choices) -> Option<Vec<String>> {
    let all = ["a", "b", "c", "x y", "#"];
    let some: Vec<String> = all.iter().filter(|_| choices.one_of(2) == 0).map(ToString::to_string).collect();
    (choices.one_of(4) > 0).then_some(some)
}

/// A profile with one field said otherwise, or not at all any more, and which field that is.
fn changed(profile: &Profile, choices: &mut Choices) -> (Profile, &'static str) {
    let mut profile = profile.clone();
    let text = (choices.one_of(3) > 0).then(|| ["me", "it's", "two\nlines"][choices.one_of(3)].to_owned());
    let forwards = |words: Vec<String>| (0..words.len()).map(|n| format!("D {}", 1080 + n).parse().unwrap()).collect();
    let field = match choices.one_of(6) {
        0 => (profile.user = text, "user").1,
        1 => (profile.note = text, "note").1,
        2 => (profile.port = (choices.one_of(2) == 0).then_some(2222), "port").1,
        3 => (profile.forwards = words(choices).map(forwards), "forwards").1,
        4 => (profile.client_arguments = words(choices), "client_arguments").1,
        _ => (profile.start = (choices.one_of(2) == 0).then_some(false), "start").1,
    };
    (profile, field)
}

/// Makes one of the edits that are offered. What the settings are to be, and what may be gone with it.
fn edit(file: &SettingsFile, known: &Settings, choices: &mut Choices) -> (Settings, Gone) {
    let mut after = known.clone();
    let some = |choices: &mut Choices| {
        let place = choices.one_of(known.written.len().max(1));
        known.written.get(place).map(|favourite| (place, favourite))
    };
    let new: ProfileName = ["new", "new.1", "other", "New2"][choices.one_of(4)].parse().unwrap();
    let is_free = known.written(&new).is_none();
    let mut gone = Vec::new();
    match choices.one_of(12) {
        0 | 1 => {
            if let Some((place, Favourite { name, profile })) = some(choices) {
                let (changed, field) = changed(profile, choices);
                file.change(name, name, &changed).unwrap();
                gone.push(keys(&["profiles", name.as_str(), field]));
                after.written[place].profile = changed;
            }
        }
        2 if is_free => {
            let (profile, _) = changed(&Profile::new(VM.parse().unwrap()), choices);
            file.add(&new, &profile).unwrap();
            after.written.push(Favourite { name: new, profile });
        }
        3 => {
            if let Some((place, Favourite { name, profile })) = some(choices).filter(|_| is_free) {
                file.change(name, &new, profile).unwrap();
                after.written[place].name = new;
            }
        }
        4 | 5 => {
            let before = some(choices).filter(|_| choices.one_of(3) > 0).map(|(_, favourite)| favourite.name.clone());
            if let Some((place, favourite)) = some(choices) {
                file.put_before(&favourite.name, before.as_ref()).unwrap();
                if before.as_ref() != Some(&favourite.name) {
                    let moved = after.written.remove(place);
                    let to = after.written.iter().position(|other| Some(&other.name) == before.as_ref());
                    after.written.insert(to.unwrap_or(after.written.len()), moved);
                }
            }
        }
        6 => {
            if let Some((place, Favourite { name, .. })) = some(choices) {
                let was = text(file);
                let removed = file.remove(name).unwrap();
                if choices.one_of(2) == 0 {
                    file.bring_back(name, &removed).unwrap();
                    assert_eq!(text(file), was);
                    let removed = file.remove(name).unwrap();
                    file.set(&Setting::Ssh(Some("undo".into()))).unwrap();
                    file.bring_back(name, &removed).unwrap();
                    after.clients.ssh = Some("undo".into());
                    return (after, vec![keys(&["clients", "ssh"])]);
                }
                gone.push(keys(&["profiles", name.as_str()]));
                after.written.remove(place);
            }
        }
        7 if is_free => {
            let (profile, _) = changed(&Profile::new(VM.parse().unwrap()), choices);
            let add = vec![Favourite { name: new, profile }];
            let change = some(choices).map(|(place, Favourite { name, profile })| {
                let (profile, field) = changed(profile, choices);
                gone.push(keys(&["profiles", name.as_str(), field]));
                let before = std::mem::replace(&mut after.written[place].profile, profile.clone());
                Change { name: name.clone(), before, profile }
            });
            file.take_in(&add, change.as_slice()).unwrap();
            after.written.extend(add);
        }
        _ => return edit_the_rest(file, known, choices),
    }
    (after, gone)
}

/// The same of what is about no favourite.
fn edit_the_rest(file: &SettingsFile, known: &Settings, choices: &mut Choices) -> (Settings, Gone) {
    let (mut after, mut gone) = (known.clone(), Vec::new());
    match choices.one_of(4) {
        0 => {
            let folder = [None, Some("Team"), Some("Lab/x")][choices.one_of(3)];
            let user = ["me", "you"][choices.one_of(2)].to_owned();
            let said =
                Inheritable { user: Some(user), client_arguments: words(choices), ..after.inheritance.said_of(folder) };
            file.change_defaults(folder, &said).unwrap();
            let path = folder.map_or(vec!["defaults"], |folder| vec!["folders", folder]);
            gone.push(keys(&[&path[..], &["client_arguments"]].concat()));
            gone.push(keys(&[&path[..], &["user"]].concat()));
            after.inheritance = after.inheritance.with(folder, said);
        }
        1 => {
            let on = choices.one_of(3) > 0;
            let name = ["office", "Home"][choices.one_of(2)];
            match choices.one_of(5) {
                0 => {
                    file.set(&Setting::Cloud(on.then(|| "usgov".into()))).unwrap();
                    (after.cloud, gone) = (on.then(|| "usgov".into()), vec![keys(&["cloud"])]);
                }
                1 => {
                    let terminal = words(choices);
                    file.set(&Setting::Terminal(terminal.clone())).unwrap();
                    (after.clients.terminal, gone) = (terminal, vec![keys(&["clients", "terminal"])]);
                }
                2 => {
                    file.set(&Setting::Ssh(on.then(|| "s".into()))).unwrap();
                    (after.clients.ssh, gone) = (on.then(|| "s".into()), vec![keys(&["clients", "ssh"])]);
                }
                3 => {
                    let address = on.then(|| "203.0.113.9".to_owned().try_into().unwrap());
                    file.set(&Setting::Network { name: name.parse().unwrap(), address }).unwrap();
                    gone.push(keys(&["networks", name]));
                    after.networks = file.read().unwrap().networks;
                    assert_eq!(after.networks.iter().any(|network| network.name.as_str() == name), on);
                }
                _ => {
                    let from = on.then(|| "/mnt/t.toml".parse().unwrap());
                    file.set(&Setting::Team { name: "ops".parse().unwrap(), from }).unwrap();
                    gone.push(keys(&["teams", "ops"]));
                    after.teams = file.read().unwrap().teams;
                    assert_eq!(after.teams.len(), usize::from(on));
                }
            }
        }
        2 => {
            let name: AccountName = "work".parse().unwrap();
            if choices.one_of(2) == 0 {
                file.remove_account(&name).unwrap();
                (after.account, gone) = (None, vec![keys(&["accounts", "work"]), keys(&["account"])]);
                after.accounts.clear();
            } else {
                let account =
                    AccountSettings { username: Some("u".into()), ..AccountSettings::new(SignInMethod::Browser) };
                file.set_account(&name, &account).unwrap();
                file.set_default_account(&name).unwrap();
                gone = ["cloud", "tenant", "client_id"].map(|key| keys(&["accounts", "work", key])).into();
                (after.account, after.accounts) = (Some(name.clone()), vec![(name, account)]);
            }
        }
        _ => {
            let id = (choices.one_of(2) == 0).then_some("0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233");
            file.set_client_id(id).unwrap();
            (after.sign_in.client_id, gone) = (id.map(Into::into), vec![keys(&["sign_in", "client_id"])]);
        }
    }
    (after, gone)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, max_shrink_iters: 600, ..ProptestConfig::with_cases(192) })]

    #[test]
    fn what_somebody_wrote_survives_any_edit(
        written in proptest::collection::vec(any::<u8>(), 0..220),
        edits in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 12), 1..8),
    ) {
        let document = Document::written(&mut Choices::of(written));
        let (_folder, file) = file(&document.text);
        let is_crlf = document.text.contains("\r\n");
        let mut may_be_gone: Gone = Vec::new();
        for choices in edits {
            let before = text(&file);
            let known = reading::settings(&before).unwrap_or_else(|wrong| panic!("{wrong}\n{before}"));
            let (expected, gone) = edit(&file, &known, &mut Choices::of(choices));
            let after = text(&file);
            let told = || format!("--- as it was written\n{}\n--- before\n{before}\n--- after\n{after}", document.text);
            let read = reading::settings(&after).unwrap();
            prop_assert_eq!(&read.written, &expected.written, "{}", told());
            let inheritance = |settings: &Settings| {
                let mut folders = settings.inheritance.folders.clone();
                folders.retain(|(_, said)| *said != Inheritable::default());
                folders.sort_by(|(one, _), (other, _)| one.cmp(other));
                (settings.inheritance.defaults.clone(), folders)
            };
            prop_assert_eq!(inheritance(&read), inheritance(&expected), "{}", told());
            let rest = |settings: &Settings| {
                let Settings { cloud, clients, networks, teams, account, accounts, sign_in, .. } = settings.clone();
                (cloud, clients, networks, teams, account, accounts, sign_in)
            };
            prop_assert_eq!(rest(&read), rest(&expected), "{}", told());
            prop_assert!(!is_crlf || after.matches('\n').count() == after.matches("\r\n").count(), "{}", told());

            // Renamed ones are known by what they were called first, so whatever is gone is looked for under both.
            may_be_gone.extend(gone);
            let (had, has) = (comments(&before), comments(&after));
            let lost: Vec<_> = had.iter().filter(|id| !has.contains(id)).collect();
            for id in lost {
                let owner = document.owner(*id);
                let original = |path: &Vec<String>| Document::is_within(owner, path);
                prop_assert!(may_be_gone.iter().any(original), "comment {id} of {owner:?} is lost\n{}", told());
            }
            if expected.written.len() == known.written.len() {
                let plain = |text: &str| unknown(text).iter().map(|line| line.rsplit('/').next().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>();
                let lost: Vec<_> = plain(&before).difference(&plain(&after)).cloned().collect();
                let are_others = may_be_gone.iter().any(|path| ["teams", "accounts"].contains(&path[0].as_str()));
                prop_assert!(lost.is_empty() || are_others, "{lost:?} is lost\n{}", told());
            }
        }
    }
}

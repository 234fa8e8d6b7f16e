//! Ajar's own form: favourites as they stand in `config.toml`, without what is secret or one person's alone.

use std::collections::HashSet;

use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::text::{Lines, is_secret, place};
use super::{Entry, LeftOut, Problem, Sorted, Why};
use crate::account::Defaults;
use crate::folders::lies_in;
use crate::inheritance::{Field, Inheritable, Inheritance, profile_keys};
use crate::message::exchange as words;
use crate::message::toml::unread;
use crate::profile::{Profile, ProfileName, SourceChoice};
use crate::settings::{BUILT_IN_CLOUDS, Favourite, Settings};

/// What says that a file is in this form, and in which version of it.
pub(super) const VERSION_KEY: &str = "ajar_export";

/// The version that is written where favourites inherit nothing.
const VERSION: i64 = 1;

/// The newest that is understood, which is written where they do.
const NEWEST: i64 = 2;

/// What is one person's own: who logs in, as whom Ajar acts, files, programs and ports of this machine, from where access
/// is asked for, and what is done by itself.
pub(crate) const PERSONAL: [Field; 13] = [
    Field::User,
    Field::Account,
    Field::IdentityFile,
    Field::KnownHostsFile,
    Field::Source,
    Field::Client,
    Field::ClientArguments,
    Field::Forwards,
    Field::RdpFile,
    Field::Gateway,
    Field::ForwardAgent,
    Field::RenewUpTo,
    Field::AfterUse,
];

/// How much of favourites is written, or taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// What serves everybody.
    WithOthers,
    /// Also what is one person's own.
    Personal,
}

/// The file with these favourites, which inherit nothing. Where one names no cloud, it is in `public`.
pub fn written<'f>(favourites: impl IntoIterator<Item = &'f Favourite>, sharing: Sharing) -> String {
    with_inherited(favourites, &Inheritance::default(), sharing)
}

/// The file with these favourites and what they inherit.
fn with_inherited<'f>(
    favourites: impl IntoIterator<Item = &'f Favourite>,
    inheritance: &Inheritance,
    sharing: Sharing,
) -> String {
    let head: Vec<String> = words::head(sharing).map(|line| format!("# {line}\n")).collect();
    let folders = inheritance.folders.iter().map(|(name, said)| (format!("folders.{}", quoted(name)), said));
    let inherited: Vec<String> = [("defaults".to_owned(), &inheritance.defaults)]
        .into_iter()
        .chain(folders)
        .filter_map(|(table, said)| {
            let said = shared(said, sharing);
            (said != Inheritable::default())
                .then(|| format!("\n[{table}]\n{}", toml::to_string(&said).unwrap_or_default()))
        })
        .collect();
    let version = if inherited.is_empty() { VERSION } else { NEWEST };
    let tables = favourites.into_iter().map(|Favourite { name, profile }| {
        let profile = match sharing {
            Sharing::WithOthers => without(profile, &PERSONAL),
            Sharing::Personal => profile.clone(),
        };
        let key = if name.as_str().contains('.') { quoted(name.as_str()) } else { name.to_string() };
        // Texts, numbers and a switch: none of them cannot be written.
        format!("\n[profiles.{key}]\n{}", toml::to_string(&profile).unwrap_or_default())
    });
    head.into_iter().chain([format!("{VERSION_KEY} = {version}\n")]).chain(inherited).chain(tables).collect()
}

/// A key between quotes.
fn quoted(key: &str) -> String {
    toml::Value::from(key).to_string()
}

/// What is said of many, as far as it is to be written.
fn shared(said: &Inheritable, sharing: Sharing) -> Inheritable {
    let mut said = said.clone();
    if sharing == Sharing::WithOthers {
        for field in PERSONAL {
            field.take_out_of(&mut said);
        }
    }
    said
}

/// The file with favourites of these settings, as they are written there, with what they inherit from all and from their folders,
/// as others understand it.
pub fn exported<'f>(
    favourites: impl IntoIterator<Item = &'f Favourite>,
    settings: &Settings,
    defaults: &Defaults,
    sharing: Sharing,
) -> String {
    let favourites: Vec<_> =
        favourites.into_iter().map(|favourite| as_written(favourite, settings, defaults)).collect();
    let hands_down = |folder: &str| favourites.iter().any(|one| lies_in(one.profile.folder.as_deref(), folder));
    let known = &settings.inheritance;
    let from_an_address =
        |said: &Inheritable| Inheritable { source: address(said.source.as_ref(), settings), ..said.clone() };
    let folders = known.folders.iter().filter(|(name, _)| hands_down(name));
    let inheritance = Inheritance {
        defaults: from_an_address(&known.defaults),
        folders: folders.map(|(name, said)| (name.clone(), from_an_address(said))).collect(),
        ..Inheritance::default()
    };
    with_inherited(&favourites, &inheritance, sharing)
}

/// A favourite as it is written, but that it names its cloud, unless that is everybody's or said by what it inherits from: others
/// have another usual one.
fn as_written(favourite: &Favourite, settings: &Settings, defaults: &Defaults) -> Favourite {
    let Favourite { name, profile } = favourite;
    let mut own = settings.written(name).unwrap_or(favourite).profile.clone();
    let cloud = Some(settings.cloud_of(profile, defaults)).filter(|cloud| cloud != BUILT_IN_CLOUDS[0]);
    if cloud.is_some() && cloud != profile.cloud {
        own.cloud = cloud;
    }
    own.source = address(own.source.as_ref(), settings);
    Favourite { name: name.clone(), profile: own }
}

/// The address where a source names a network: another machine knows no network of that name.
fn address(source: Option<&SourceChoice>, settings: &Settings) -> Option<SourceChoice> {
    let source = source?;
    let address = settings.source(source).ok().flatten().map(SourceChoice::Host);
    Some(address.unwrap_or_else(|| source.clone()))
}

/// A profile without those fields.
pub(super) fn without(profile: &Profile, fields: &[Field]) -> Profile {
    let mut said = Inheritable::of(profile);
    for field in fields {
        field.take_out_of(&mut said);
    }
    Profile { note: profile.note.clone(), folder: profile.folder.clone(), ..said.of_vm(profile.vm.clone()) }
}

/// Reads a file in this form.
pub(super) fn read(text: &str) -> Result<Sorted, Problem> {
    let document = DeTable::parse(text).map_err(|error| malformed(text, &error))?.into_inner();
    let (mut favourites, mut left_out) = (Vec::new(), Vec::new());
    let mut inheritance = Inheritance::default();
    let lines = &Lines::of(text);
    is_understood(text, &document)?;
    for (key, value) in in_order(document) {
        match (key.as_ref().as_ref(), value.as_ref()) {
            (VERSION_KEY, _) => {}
            ("profiles", DeValue::Table(_)) => {
                let DeValue::Table(profiles) = value.into_inner() else { continue };
                let mut seen = HashSet::new();
                for (name, value) in in_order(profiles) {
                    if !seen.insert(name.as_ref().to_ascii_lowercase()) {
                        return Err(at_place(text, name.span().start, words::named_twice(name.as_ref())));
                    }
                    favourites.push(favourite(text, lines, &name, value, &mut left_out)?);
                    if favourites.len() > super::MAX_ENTRIES {
                        return Err(Problem::TooMany);
                    }
                }
            }
            ("defaults", DeValue::Table(_)) => {
                inheritance.defaults = said(text, lines, "defaults", value, &mut left_out)?;
            }
            ("folders", DeValue::Table(_)) => {
                let DeValue::Table(folders) = value.into_inner() else { continue };
                for (name, value) in in_order(folders) {
                    let said = said(text, lines, &format!("folders.{}", name.as_ref()), value, &mut left_out)?;
                    inheritance.folders.push((name.as_ref().to_string(), said));
                    if let Some(misfit) = inheritance.misfit() {
                        return Err(at_place(text, name.span().start, misfit.text));
                    }
                    if inheritance.folders.len() > super::MAX_ENTRIES {
                        return Err(Problem::TooMany);
                    }
                }
            }
            ("clouds", DeValue::Table(clouds)) => {
                let cloud = |name: &Spanned<_>| left(lines, &format!("clouds.{}", name.as_ref()), name, Why::Cloud);
                left_out.extend(clouds.keys().map(cloud));
            }
            (name, _) => left_out.push(left(lines, name, &key, unknown(name))),
        }
        if left_out.len() > super::MAX_ENTRIES {
            return Err(Problem::TooMany);
        }
    }
    let entry = |Written { at, name, profile }: Written| {
        let profile = inheritance.effective(&profile).profile;
        if profile.port() == 0 {
            return Err(at_place(text, at, words::which_port().into()));
        }
        Ok(Entry::Favourite { name, profile: Box::new(profile) })
    };
    Ok((favourites.into_iter().map(entry).collect::<Result<_, _>>()?, left_out))
}

/// A favourite before it has what it inherits.
struct Written {
    /// Where its name stands, in bytes.
    at: usize,
    name: ProfileName,
    profile: Profile,
}

/// Refuses a file of a newer Ajar, and one that does not say of which it is.
fn is_understood(text: &str, document: &DeTable<'_>) -> Result<(), Problem> {
    let Some(value) = document.get(VERSION_KEY) else { return Err(Problem::NoVersion) };
    let version = i64::deserialize(value.clone().into_deserializer()).map_err(|error| malformed(text, &error))?;
    match version {
        ..1 => Err(Problem::NoVersion),
        VERSION..=NEWEST => Ok(()),
        _ => Err(Problem::Newer { version }),
    }
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

fn favourite(
    text: &str,
    lines: &Lines,
    name: &Key<'_>,
    value: Spanned<DeValue<'_>>,
    left_out: &mut Vec<LeftOut>,
) -> Result<Written, Problem> {
    let at = |detail: String| at_place(text, name.span().start, detail);
    let called: ProfileName =
        name.as_ref().parse().map_err(|error: crate::profile::ProfileNameError| at(error.to_string()))?;
    leave_unknown(
        lines,
        &format!("profiles.{called}"),
        &value,
        |key| profile_keys().any(|known| known == key),
        left_out,
    );
    let profile = Profile::deserialize(value.into_deserializer()).map_err(|error| malformed(text, &error))?;
    if profile.port == Some(0) {
        return Err(at(words::no_port().into()));
    }
    Ok(Written { at: name.span().start, name: called, profile })
}

/// What a table says of many.
fn said(
    text: &str,
    lines: &Lines,
    table: &str,
    value: Spanned<DeValue<'_>>,
    left_out: &mut Vec<LeftOut>,
) -> Result<Inheritable, Problem> {
    let at = value.span().start;
    let is_known = |key: &str| Field::ALL.iter().any(|field| field.key() == key);
    leave_unknown(lines, table, &value, is_known, left_out);
    let said = Inheritable::deserialize(value.into_deserializer()).map_err(|error| malformed(text, &error))?;
    let alone = Inheritance { defaults: said, ..Inheritance::default() };
    match alone.misfit() {
        Some(misfit) => Err(at_place(text, at, misfit.text.replacen("defaults", table, 1))),
        None => Ok(alone.defaults),
    }
}

/// Tells of the keys that nothing is made of.
fn leave_unknown(
    lines: &Lines,
    table: &str,
    value: &Spanned<DeValue<'_>>,
    is_known: impl Fn(&str) -> bool,
    left_out: &mut Vec<LeftOut>,
) {
    let DeValue::Table(keys) = value.as_ref() else { return };
    for key in keys.keys().filter(|key| !is_known(key.as_ref().as_ref())) {
        left_out.push(left(lines, &format!("{table}.{}", key.as_ref()), key, unknown(key.as_ref())));
    }
}

fn unknown(key: &str) -> Why {
    if is_secret(key) { Why::Secret } else { Why::Unknown }
}

fn left(lines: &Lines, what: &str, key: &Key<'_>, why: Why) -> LeftOut {
    LeftOut { what: what.to_owned(), line: Some(lines.at(key.span().start)), why }
}

/// What stands in a table, in the file's order.
fn in_order(table: DeTable<'_>) -> Vec<(Key<'_>, Spanned<DeValue<'_>>)> {
    let mut all: Vec<_> = table.into_iter().collect();
    all.sort_by_key(|(key, _)| key.span().start);
    all
}

fn malformed(text: &str, error: &toml::de::Error) -> Problem {
    at_place(text, error.span().map_or(0, |span| span.start), unread(error.message()))
}

fn at_place(text: &str, at: usize, detail: String) -> Problem {
    let (line, column) = place(text, at);
    Problem::Malformed { line, column, detail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::account::AccountName;
    use crate::iso8601::IsoDuration;
    use crate::port::Protocol;
    use crate::profile::NetworkAddress;
    use crate::settings::Network;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";

    fn everything() -> Profile {
        let profile = r#"{"vm": "VM", "port": 2222, "protocol": "ssh", "user": "me", "for": "PT1H", "renew_up_to": "8h",
            "after_use": "ask", "account": "work",
            "cloud": "usgov", "tenant": "t", "start": false, "identity_file": "k", "known_hosts_file": "h",
            "justification": "{vm}", "ask_justification": true,
            "address": "private", "source": "203.0.113.9", "colour": "red", "client": "/bin/x", "client_arguments": ["-X"],
            "forwards": ["L 8080:localhost:80"],
            "rdp_file": "/w.rdp", "gateway": "g.example", "multimon": true, "entra_login": true,
            "forward_agent": true,
            "note": "n", "folder": "f/g"}"#;
        serde_json::from_str(&profile.replace("VM", VM)).unwrap()
    }

    fn favourite(name: &str, profile: Profile) -> Favourite {
        Favourite { name: name.parse().unwrap(), profile }
    }

    fn problem(text: &str) -> Problem {
        read(text).unwrap_err()
    }

    #[test]
    fn all_that_a_profile_says_is_known_in_this_form() {
        let written = serde_json::to_value(everything()).unwrap();
        let mut keys: Vec<_> = written.as_object().unwrap().keys().map(String::as_str).collect();
        let mut known: Vec<_> = profile_keys().collect();
        keys.sort_unstable();
        known.sort_unstable();
        assert_eq!(keys, known);
    }

    #[test]
    fn a_favourite_names_its_cloud_whether_its_account_is_there_or_not() {
        for (cloud, expected) in [(Some("usgov"), Some("usgov")), (None, None)] {
            let settings = Settings { cloud: cloud.map(str::to_owned), ..Settings::default() };
            let profile =
                Profile { account: Some("environment".parse().unwrap()), ..Profile::new(VM.parse().unwrap()) };
            let defaults = Defaults { cloud: None, environment: false };
            let exported = as_written(&favourite("web", profile), &settings, &defaults);
            assert_eq!(exported.profile.cloud.as_deref(), expected);
        }
    }

    #[test]
    fn what_is_shared_is_written_like_this() {
        let plain = Profile::new(VM.parse().unwrap());
        let all = [favourite("web-01", everything()), favourite("db.2", plain)];
        insta::assert_snapshot!("shared", written(&all, Sharing::WithOthers));
        insta::assert_snapshot!("personal", written(&all, Sharing::Personal));
    }

    #[test]
    fn what_is_unknown_secret_or_a_cloud_is_told_with_its_line_and_not_taken() {
        let text = format!(
            "ajar_export = 1\nlater = 1\n[clouds.evil]\nauthority = \"https://x\"\n[profiles.web]\nvm = \"{VM}\"\n\
             password = \"hunter2\"\nshade = \"red\"\n"
        );
        let (entries, left_out) = read(&text).unwrap();
        let profile = Box::new(Profile::new(VM.parse().unwrap()));
        assert_eq!(entries, [Entry::Favourite { name: "web".parse().unwrap(), profile }]);
        let told: Vec<_> = left_out.iter().map(|left| (left.what.as_str(), left.line, left.why.clone())).collect();
        assert_eq!(
            told,
            [
                ("later", Some(2), Why::Unknown),
                ("clouds.evil", Some(3), Why::Cloud),
                ("profiles.web.password", Some(7), Why::Secret),
                ("profiles.web.shade", Some(8), Why::Unknown),
            ]
        );
        assert!(!format!("{entries:?}{left_out:?}").contains("hunter2"));
    }

    #[test]
    fn a_file_that_is_not_understood_is_refused_whole_with_the_place() {
        assert_eq!(problem("ajar_export = 3\n"), Problem::Newer { version: 3 });
        assert_eq!(problem("ajar_export = 0\n"), Problem::NoVersion);
        let unknown: Vec<_> = (0..20_000).map(|number| format!("k{number} = 1\n")).collect();
        assert_eq!(problem(&format!("ajar_export = 1\n{}", unknown.concat())), Problem::TooMany);
        assert_eq!(problem(&format!("[profiles.a]\nvm = \"{VM}\"\n")), Problem::NoVersion);
        for (rest, (line, column), part) in [
            ("[profiles.a\n", (2, 12), ""),
            ("[profiles.\"-oProxyCommand=x\"]\nvm = \"VM\"\n", (2, 11), "is no name"),
            ("[profiles.\"a\\nb\"]\nvm = \"VM\"\n", (2, 11), "is no name"),
            ("[profiles.a]\nport = 22\n", (2, 1), "“vm” is missing"),
            ("[profiles.a]\nvm = \"VM\"\nport = 0\n", (2, 11), "no port"),
            ("[profiles.a]\nvm = \"VM\"\nport = 65536\n", (4, 8), "65536"),
            ("[profiles.a]\nvm = \"web-01\"\n", (3, 6), "is not a resource id"),
            ("[profiles.a]\nvm = \"VM\"\nstart = \"no\"\n", (4, 9), "but true or false"),
            ("[profiles.a]\nvm = \"VM\"\n[profiles.A]\nvm = \"VM\"\n", (4, 11), "twice"),
            ("profiles = { a = 1 }\n", (2, 18), "but a table"),
            ("[defaults]\nport = 0\n", (2, 1), "no port"),
            ("[defaults]\nstart = 1\n", (3, 9), "but true or false"),
            ("[folders.\"a/b\"]\n[folders.\"a / b\"]\n", (3, 10), "once more"),
            ("[profiles.a]\nvm = \"VM\"\n[defaults]\nprotocol = \"port\"\n", (4, 1), "port"),
        ] {
            let text = format!("ajar_export = 1\n{}", rest.replace("VM", VM));
            let Problem::Malformed { line: l, column: c, detail } = problem(&text) else { panic!("{rest}") };
            assert!((l, c) == (line, column) && detail.contains(part), "{rest}: {l}:{c} {detail}");
        }
        let nested = format!("ajar_export = 1\nx = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
        assert!(matches!(problem(&nested), Problem::Malformed { line: 2, .. }));
        let many: Vec<_> =
            (0..=super::super::MAX_ENTRIES).map(|n| format!("[profiles.a{n}]\nvm = \"{VM}\"\n")).collect();
        assert_eq!(problem(&format!("ajar_export = 1\n{}", many.concat())), Problem::TooMany);
    }

    #[test]
    fn what_favourites_inherit_is_written_with_them_and_read_into_them() {
        let said = |text: &str| -> Inheritable { toml::from_str(text).unwrap() };
        let folder = |name: &str, text: &str| (name.to_owned(), said(text));
        let inheritance = Inheritance {
            defaults: said("user = \"me\"\nfor = \"2h\"\nstart = false\nsource = \"office\"\n"),
            folders: vec![folder("Team", "colour = \"red\"\n"), folder("Lab", "port = 2222\n")],
            ..Inheritance::default()
        };
        let in_folder = |folder: &str| Profile { folder: Some(folder.to_owned()), ..Profile::new(VM.parse().unwrap()) };
        let mut settings = Settings { inheritance, ..Settings::default() };
        settings.networks =
            vec![Network { name: "office".parse().unwrap(), address: NetworkAddress([203, 0, 113, 7].into()) }];
        settings.written = vec![
            favourite("web", Profile { start: Some(true), ..in_folder("Team / Prod") }),
            favourite("db", in_folder("Elsewhere")),
        ];
        let settings = settings.inheriting();
        let defaults = Defaults { cloud: None, environment: false };
        insta::assert_snapshot!("inherited", exported(&settings.favourites, &settings, &defaults, Sharing::WithOthers));
        let text = exported(&settings.favourites, &settings, &defaults, Sharing::Personal);
        let (entries, left_out) = read(&text).unwrap();
        assert_eq!(left_out, []);
        for (entry, favourite) in entries.iter().zip(&settings.favourites) {
            let profile = Profile { source: Some("203.0.113.7".parse().unwrap()), ..favourite.profile.clone() };
            assert_eq!(entry, &Entry::Favourite { name: favourite.name.clone(), profile: Box::new(profile) });
        }
    }

    #[test]
    fn keys_that_many_cannot_say_are_told_as_left_out() {
        let text = format!(
            "ajar_export = 2\n[defaults]\nvm = \"{VM}\"\n[folders.a]\npassword = \"x\"\n[profiles.web]\nvm = \"{VM}\"\n"
        );
        let told: Vec<_> = read(&text).unwrap().1.into_iter().map(|left| (left.what, left.line, left.why)).collect();
        assert_eq!(
            told,
            [
                ("defaults.vm".to_owned(), Some(3), Why::Unknown),
                ("folders.a.password".to_owned(), Some(5), Why::Secret)
            ]
        );
    }

    fn profiles() -> impl Strategy<Value = Profile> {
        let text = || proptest::option::of("\\PC{0,12}|[ -~\"'\\\\\n\t]{0,12}");
        let places = (text(), text(), text(), text(), text());
        let more = (proptest::option::of(1..=65_535_u16), proptest::option::of(any::<bool>()), 5..1_440_i64);
        (places, more, text(), proptest::option::of("[a-z][a-z0-9]{0,8}")).prop_map(
            |((user, cloud, tenant, note, folder), (port, start, minutes), key, account)| Profile {
                port,
                protocol: start.map(|ssh| match (ssh, port) {
                    (true, _) => Protocol::Ssh,
                    (false, Some(port)) if port % 2 == 0 => Protocol::Port,
                    (false, _) => Protocol::Rdp,
                }),
                user,
                access: Some(IsoDuration(chrono::TimeDelta::minutes(minutes))),
                account: account.map(|name| name.parse::<AccountName>().unwrap()),
                cloud,
                tenant,
                start,
                identity_file: key.clone(),
                known_hosts_file: key,
                note,
                folder,
                ..Profile::new(VM.parse().unwrap())
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(
            named in proptest::collection::btree_map("[a-z0-9][a-z0-9_.-]{0,20}[a-z0-9]", profiles(), 0..8)
        ) {
            let named = named.into_iter().filter_map(|(name, profile)| Some((name.parse().ok()?, profile)));
            let all: Vec<_> = named.map(|(name, profile)| Favourite { name, profile }).collect();
            let (entries, left_out) = read(&written(&all, Sharing::Personal)).unwrap();
            let again: Vec<_> = entries.into_iter().filter_map(|entry| match entry {
                Entry::Favourite { name, profile } => Some(Favourite { name, profile: *profile }),
                Entry::Host(_) => None,
            }).collect();
            prop_assert_eq!(&again, &all);
            prop_assert_eq!(left_out, []);
            let (entries, _) = read(&written(&all, Sharing::WithOthers)).unwrap();
            for (entry, favourite) in entries.iter().zip(&all) {
                let profile = Box::new(without(&favourite.profile, &PERSONAL));
                prop_assert_eq!(entry, &Entry::Favourite { name: favourite.name.clone(), profile });
            }
        }
    }
}

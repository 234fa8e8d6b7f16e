//! What taking favourites in would change, and what is done where there is one of that name already.

mod there;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::matching::By;
use super::own::{PERSONAL, without};
use super::text::{filled, folder};
use super::{Host, LeftOut, Sharing, Why};
use crate::account::Defaults;
use crate::failure::Failure;
use crate::folders::folder_path;
use crate::inheritance::{Field, Inheritable, Inheritance};
use crate::inventory::FoundVm;
use crate::iso8601::{IsoDuration, in_units};
use crate::launch::{Os, vet};
use crate::port::Protocol;
use crate::profile::{AddressChoice, Profile, ProfileName, may_be_asked_for};
use crate::settings::{BUILT_IN_CLOUDS, Favourite, Settings};
use crate::team::TeamName;
use there::{Coming, Names, There};

/// A favourite to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// What it is to be called.
    pub name: ProfileName,
    /// How to open it.
    pub profile: Profile,
    /// Whether that is all there is to say of it, but for what is one person's own. Else what it does not say is not meant.
    pub is_whole: bool,
    /// By what its VM was found, where it had to be and nobody has said which one it is.
    pub found_by: Option<By>,
}

impl Candidate {
    /// A favourite of Ajar's form, as one who has these settings means it, and what of it is not taken in. Files and
    /// programs of this machine, accounts, and the address that access is asked for are named by nobody else than their
    /// owner: only what is [`Sharing::Personal`] may do it. An account that is not there is told of.
    pub fn shared(
        name: ProfileName,
        profile: Profile,
        sharing: Sharing,
        settings: &Settings,
        defaults: &Defaults,
    ) -> (Self, Vec<LeftOut>) {
        let left = |key: &str, why: Why| LeftOut { what: format!("profiles.{name}.{key}"), line: None, why };
        let is_asked = |length: &IsoDuration| may_be_asked_for(*length);
        let odd = profile.access.filter(|length| !is_asked(length));
        let odd = odd.map(|length| left(Field::Access.key(), Why::Length(in_units(length.0))));
        let profile = Profile { access: profile.access.filter(is_asked), ..profile };
        let Profile { account, cloud, .. } = profile.clone();
        let usual = settings.default_cloud(defaults);
        let inheritance = &settings.inheritance;
        // Such a file means `public` where it names none; here that may be another one.
        let cloud = cloud.unwrap_or_else(|| BUILT_IN_CLOUDS[0].to_owned());
        let acting = account.clone().filter(|_| sharing == Sharing::Personal);
        let nameless = inheritance.effective(&Profile { cloud: None, account: acting, ..profile.clone() }).profile;
        let acts_in = settings.acting(&nameless, defaults).map(|acting| acting.cloud);
        let inherited = acts_in.unwrap_or_else(|_| nameless.cloud.unwrap_or_else(|| usual.to_owned()));
        let cloud = (cloud != inherited).then_some(cloud);
        let profile = at_its_door(tidied(Profile { cloud, ..profile }), inheritance);
        if sharing == Sharing::WithOthers {
            let said = Inheritable::of(&profile);
            let own = PERSONAL.iter().filter(|field| **field != Field::User && field.is_in(&said));
            let own: Vec<Field> = own.copied().collect();
            let left_out = own.iter().map(|field| left(field.key(), Why::Personal)).chain(odd).collect();
            return (Self { name, profile: without(&profile, &own), is_whole: true, found_by: None }, left_out);
        }
        let unknown = account.filter(|account| settings.account_called(account, defaults).is_err());
        let account = profile.account.clone().filter(|_| unknown.is_none());
        let unknown = unknown.map(|account| left("account", Why::Value(account.to_string())));
        let left_out: Vec<_> = unknown.into_iter().chain(odd).collect();
        let profile = Profile { account, ..profile };
        (Self { name, profile, is_whole: true, found_by: None }, left_out)
    }

    /// A host that is this VM.
    pub fn of_host(host: &Host, found: &FoundVm, found_by: Option<By>, inheritance: &Inheritance) -> Self {
        let fits = &found.opens.profile;
        let (port, protocol) = door(host.port(), host.protocol);
        // Whoever dials its private address has a way there.
        let dialled = host.address.parse().ok().filter(|address| found.vm.private_addresses.contains(address));
        let profile = Profile {
            port,
            protocol,
            address: dialled.map(|_: IpAddr| AddressChoice::Private),
            user: host.user.clone(),
            account: fits.account.clone(),
            cloud: fits.cloud.clone(),
            tenant: fits.tenant.clone(),
            identity_file: host.identity_file.clone(),
            note: host.note.clone(),
            folder: host.folder.clone(),
            ..Profile::new(found.vm.id.clone())
        };
        let profile = at_its_door(tidied(profile), inheritance);
        Self { name: ProfileName::like(&host.label), profile, is_whole: false, found_by }
    }

    /// Whether both are of one VM: the same resource ID in another cloud is that of another.
    fn is_of_vm_of(&self, other: &Profile, settings: &Settings, defaults: &Defaults) -> bool {
        let place = |profile: &Profile| settings.place_of(&settings.inheritance.effective(profile).profile, defaults);
        place(&self.profile) == place(other)
    }

    /// Why it could not be opened, if it could not.
    fn unfit(&self, settings: &Settings, defaults: &Defaults) -> Option<Failure> {
        let profile = settings.inheritance.effective(&self.profile).profile;
        let nobody = || settings.acting(&profile, defaults).err();
        unfit(&self.name, &profile, settings, defaults).or_else(nobody)
    }

    /// The favourite that is there with what this one says in place of what it said. What is one person's own stays.
    fn over(&self, mine: &Profile, settings: &Settings, defaults: &Defaults) -> Profile {
        let theirs = self.profile.clone();
        if !self.is_of_vm_of(mine, settings, defaults) {
            return theirs;
        }
        let mine = mine.clone();
        let (mut said, mut own) = (Inheritable::of(&theirs), Inheritable::of(&mine));
        let is_kept = |field: &Field| PERSONAL.contains(field);
        for field in Field::ALL.iter().filter(|field| !is_kept(field)) {
            field.take_out_of(&mut own);
        }
        if said.client.is_some() || said.client_arguments.is_some() {
            (own.client, own.client_arguments) = (None, None);
        }
        said.inherit(own);
        // However it is written, it is this VM.
        let personal = Profile { note: theirs.note, folder: theirs.folder, ..said.of_vm(mine.vm.clone()) };
        if self.is_whole {
            return personal;
        }
        let Profile { port, protocol, user, identity_file, .. } = personal;
        let (note, folder) = (personal.note.or(mine.note), personal.folder.or(mine.folder));
        Profile { port, protocol, user, identity_file, note, folder, ..mine }
    }
}

/// Why a favourite could not be opened with this, whoever acts for it, if it could not.
pub(crate) fn unfit(
    name: &ProfileName,
    effective: &Profile,
    settings: &Settings,
    defaults: &Defaults,
) -> Option<Failure> {
    if let Err(failure) = vet(name.as_str(), effective, Os::current()) {
        return Some(failure);
    }
    let cloud = effective.cloud.as_deref()?;
    let usual = settings.default_cloud(defaults);
    let built_in = BUILT_IN_CLOUDS.into_iter().chain(Some(usual).filter(|usual| !BUILT_IN_CLOUDS.contains(usual)));
    let known = built_in.chain(settings.clouds.iter().map(|(name, _)| name.as_str()));
    let unknown =
        || Failure::UnknownCloud { name: cloud.to_owned(), known: known.clone().map(ToOwned::to_owned).collect() };
    (!known.clone().any(|known| known == cloud)).then(unknown)
}

/// A profile whose note and folder are such as people write: a terminal that shows them obeys nothing in them, and folders
/// lie in one another only so deep.
fn tidied(profile: Profile) -> Profile {
    const LETTERS: usize = 2_000;
    const FOLDERS: usize = 16;
    let note = profile.note.as_deref().and_then(|note| {
        let plain = |c: char| if crate::message::is_odd(c) && c != '\n' { ' ' } else { c };
        filled(&note.chars().take(LETTERS).map(plain).collect::<String>())
    });
    let path = folder_path(profile.folder.as_deref().unwrap_or_default());
    Profile { note, folder: folder(path.into_iter().take(FOLDERS)), ..profile }
}

/// How a port and what is spoken there are written.
fn door(port: u16, protocol: Protocol) -> (Option<u16>, Option<Protocol>) {
    match (port, protocol) {
        (port, protocol) if Protocol::of_port(port) != protocol => (Some(port), Some(protocol)),
        (22, Protocol::Ssh) => (None, None),
        (port, _) => (Some(port), None),
    }
}

/// The profile with its port and protocol said, where what it inherits would make others of them.
fn at_its_door(profile: Profile, inheritance: &Inheritance) -> Profile {
    let effective = inheritance.effective(&profile).profile;
    if (effective.port(), effective.protocol()) == (profile.port(), profile.protocol()) {
        return profile;
    }
    Profile { port: Some(profile.port()), protocol: Some(profile.protocol()), ..profile }
}

/// How a favourite to be stands to those that are there.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// There is none of that name.
    New,
    /// It is there, just like this.
    Same,
    /// One of another name leads to the same port of the VM.
    There(ProfileName),
    /// Favourites of this team are called so: one's own is not.
    OfTeam(TeamName),
    /// One of that name is there, and is not like this.
    Conflict {
        /// What it is like.
        mine: Box<Profile>,
        /// What it would be like with what this one says.
        merged: Box<Profile>,
        /// What differs.
        differs: Vec<Difference>,
    },
}

/// What differs of a favourite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The key, as in `config.toml`.
    pub key: String,
    /// What the favourite says that is there; `None` is nothing.
    pub mine: Option<String>,
    /// What the other says.
    pub theirs: Option<String>,
}

/// A favourite to be, and how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The favourite.
    pub candidate: Candidate,
    /// How it stands.
    pub standing: Standing,
    /// What [`OnConflict::Replace`] makes of the one that it is [`Standing::There`] as, where that is another.
    pub over: Option<Box<Change>>,
}

/// What is done where there is a favourite of that name which is not like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum OnConflict {
    /// Leave it as it is.
    Skip,
    /// Change it.
    Replace,
    /// Add the other one under another name.
    Rename,
}

/// A favourite that is to be another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Change {
    /// Its name.
    pub name: ProfileName,
    /// How whoever changes it has seen it: what is the same from now on stays as it is by then.
    pub before: Profile,
    /// How to open it from now on.
    pub profile: Profile,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Favourites to add, in this order.
    pub add: Vec<Favourite>,
    /// Favourites to change.
    pub change: Vec<Change>,
    /// Those of the added that have another name than they were to have: which one, and which they have.
    pub renamed: Vec<(ProfileName, ProfileName)>,
    /// Those that stay as they are although something else was there to take in.
    pub skipped: Vec<ProfileName>,
}

/// How favourites to be stand to those that are there, and which of them could not be opened. Two hosts of one name are two
/// favourites.
pub fn rows(candidates: Vec<Candidate>, settings: &Settings, defaults: &Defaults) -> (Vec<Row>, Vec<LeftOut>) {
    let there = There::new(settings, defaults);
    let of_settings = Names::of(settings.favourites.iter().map(|favourite| &favourite.name));
    let (mut coming, mut left_out) = (Coming::default(), Vec::new());
    for mut candidate in candidates {
        if let Some(why) = candidate.unfit(settings, defaults) {
            left_out.push(LeftOut { what: candidate.name.to_string(), line: None, why: Why::Unfit(Box::new(why)) });
            continue;
        }
        let door = there.door(&candidate.profile);
        if let Some(first) = coming.instead_of(&candidate, &door) {
            let why = Why::Twice(first.candidate.name.to_string());
            left_out.push(LeftOut { what: candidate.name.to_string(), line: None, why });
            continue;
        }
        if coming.names.have(&candidate.name) {
            candidate.name = coming.names.another(&candidate.name, |name| of_settings.have(name));
        }
        let standing = there.standing(&candidate);
        let over = over_there(&candidate, &standing, settings, defaults);
        coming.push(Row { candidate, standing, over }, door);
    }
    (coming.rows, left_out)
}

/// What is to be made of a favourite that leads to where a host does and has another name than that.
fn over_there(
    candidate: &Candidate,
    standing: &Standing,
    settings: &Settings,
    defaults: &Defaults,
) -> Option<Box<Change>> {
    let Standing::There(name) = standing else { return None };
    let Favourite { name, profile: before } = settings.written(name)?;
    let profile = candidate.over(before, settings, defaults);
    let whole = |profile: &Profile| settings.inheritance.effective(profile).profile;
    let differs = !differences(&whole(before), &whole(&profile)).is_empty();
    differs.then(|| Box::new(Change { name: name.clone(), before: before.clone(), profile }))
}

/// What differs between two profiles, as it would be written.
fn differences(mine: &Profile, theirs: &Profile) -> Vec<Difference> {
    let written = |profile: &Profile| match serde_json::to_value(profile) {
        Ok(serde_json::Value::Object(keys)) => keys,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (mine, theirs) = (written(mine), written(theirs));
    let text = |value: Option<&serde_json::Value>| {
        value.map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned))
    };
    let mut keys: Vec<&String> = mine.keys().chain(theirs.keys().filter(|key| !mine.contains_key(*key))).collect();
    keys.sort_unstable();
    let difference = |key: &String| {
        let (mine, theirs) = (text(mine.get(key)), text(theirs.get(key)));
        (mine != theirs).then(|| Difference { key: key.clone(), mine, theirs })
    };
    keys.into_iter().filter_map(difference).collect()
}

/// What is to be done with all of them, where `choice` says what with each that is in the way of another, or is there under
/// another name.
pub fn changes(rows: &[Row], settings: &Settings, mut choice: impl FnMut(&ProfileName) -> OnConflict) -> Changes {
    let mut changes = Changes::default();
    let all = settings.favourites.iter().map(|favourite| &favourite.name);
    let mut names = Names::of(all.chain(rows.iter().map(|row| &row.candidate.name)));
    for Row { candidate, standing, over } in rows {
        let name = &candidate.name;
        let mut under_another_name = |changes: &mut Changes| {
            let is_of_team = |name: &ProfileName| settings.team_that_names(name).is_some();
            // Whatever stands behind a team's name is the team's.
            let apart = ProfileName::like(&name.as_str().replacen('.', "-", 1));
            let like = if is_of_team(name) { &apart } else { name };
            let free = Some(like).filter(|like| !names.have(like) && !is_of_team(like)).cloned();
            let another = free.unwrap_or_else(|| names.another(like, is_of_team));
            names.take(&another);
            changes.renamed.push((name.clone(), another.clone()));
            changes.add.push(Favourite { name: another, profile: candidate.profile.clone() });
        };
        match standing {
            Standing::Same => {}
            Standing::There(_) => {
                changes
                    .change
                    .extend(over.iter().filter(|_| choice(name) == OnConflict::Replace).map(|over| (**over).clone()));
            }
            Standing::OfTeam(_) => match choice(name) {
                // The team's own is changed where the team keeps it.
                OnConflict::Skip | OnConflict::Replace => changes.skipped.push(name.clone()),
                OnConflict::Rename => under_another_name(&mut changes),
            },
            Standing::New => changes.add.push(Favourite { name: name.clone(), profile: candidate.profile.clone() }),
            Standing::Conflict { mine, merged, .. } => match choice(name) {
                OnConflict::Skip => changes.skipped.push(name.clone()),
                OnConflict::Replace => {
                    let (before, profile) = ((**mine).clone(), (**merged).clone());
                    changes.change.push(Change { name: name.clone(), before, profile });
                }
                OnConflict::Rename => under_another_name(&mut changes),
            },
        }
    }
    changes
}

/// A name that is like this one, with that number behind it or the first later one that is free; and which number that is.
fn another_number(name: &ProfileName, from: u32, is_taken: impl Fn(&ProfileName) -> bool) -> (ProfileName, u32) {
    let beginning: String = name.as_str().chars().take(50).collect();
    let mut number = from;
    loop {
        let another = ProfileName::like(&format!("{beginning}-{number}"));
        if !is_taken(&another) {
            return (another, number);
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests;

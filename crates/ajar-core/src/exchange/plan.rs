//! What taking favourites in would change, and what is done where there is one of that name already.

use serde::{Deserialize, Serialize};

use super::matching::By;
use super::text::{filled, folder};
use super::{Host, LeftOut, Sharing, Why};
use crate::account::Defaults;
use crate::failure::Failure;
use crate::folders::folder_path;
use crate::inventory::FoundVm;
use crate::launch::{Os, vet};
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};
use crate::settings::{BUILT_IN_CLOUDS, Favourite, Settings};

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
    /// A favourite of Ajar's form, as one who has these settings means it, and what of it is not taken in. Files of this
    /// machine and accounts are named by nobody else than their owner: only what is [`Sharing::Personal`] may do it. An
    /// account that is not there is told of.
    pub fn shared(
        name: ProfileName,
        profile: Profile,
        sharing: Sharing,
        settings: &Settings,
        defaults: &Defaults,
    ) -> (Self, Vec<LeftOut>) {
        let left = |key: &str, why: Why| LeftOut { what: format!("profiles.{name}.{key}"), line: None, why };
        let Profile { account, identity_file, known_hosts_file, cloud, .. } = profile.clone();
        let usual = settings.default_cloud(defaults);
        // Such a file means `public` where it names none; here that may be another one.
        let cloud = cloud.unwrap_or_else(|| BUILT_IN_CLOUDS[0].to_owned());
        let cloud = (cloud != usual).then_some(cloud);
        let profile = tidied(Profile { cloud, ..profile });
        if sharing == Sharing::WithOthers {
            let said = [("account", account.is_some())]
                .into_iter()
                .chain([("identity_file", identity_file.is_some()), ("known_hosts_file", known_hosts_file.is_some())]);
            let left_out = said.filter(|(_, said)| *said).map(|(key, _)| left(key, Why::Personal)).collect();
            let profile = Profile { account: None, identity_file: None, known_hosts_file: None, ..profile };
            return (Self { name, profile, is_whole: true, found_by: None }, left_out);
        }
        let unknown = account.filter(|account| settings.account_called(account, defaults).is_err());
        let left_out: Vec<_> = unknown.iter().map(|account| left("account", Why::Value(account.to_string()))).collect();
        let account = profile.account.clone().filter(|_| left_out.is_empty());
        let profile = Profile { account, ..profile };
        (Self { name, profile, is_whole: true, found_by: None }, left_out)
    }

    /// A host that is this VM.
    pub fn of_host(host: &Host, found: &FoundVm, found_by: Option<By>) -> Self {
        let fits = &found.opens.profile;
        let (port, protocol) = match (host.port(), host.protocol) {
            (port, protocol) if Protocol::of_port(port) != protocol => (Some(port), Some(protocol)),
            (22, Protocol::Ssh) => (None, None),
            (port, _) => (Some(port), None),
        };
        let profile = Profile {
            port,
            protocol,
            user: host.user.clone(),
            access: fits.access,
            account: fits.account.clone(),
            cloud: fits.cloud.clone(),
            tenant: fits.tenant.clone(),
            identity_file: host.identity_file.clone(),
            note: host.note.clone(),
            folder: host.folder.clone(),
            ..Profile::new(found.vm.id.clone())
        };
        Self { name: ProfileName::like(&host.label), profile: tidied(profile), is_whole: false, found_by }
    }

    /// Whether it leads to where another one does.
    fn leads_where(&self, other: &Profile) -> bool {
        self.profile.vm == other.vm && self.profile.port() == other.port()
    }

    /// Why it could not be opened, if it could not.
    fn unfit(&self, settings: &Settings, defaults: &Defaults) -> Option<Failure> {
        let vetted = vet(self.name.as_str(), &self.profile, Os::current());
        if let Err(failure) = vetted.and_then(|()| settings.acting(&self.profile, defaults).map(drop)) {
            return Some(failure);
        }
        let cloud = self.profile.cloud.as_deref()?;
        let built_in = BUILT_IN_CLOUDS.into_iter().chain([settings.default_cloud(defaults)]);
        let known = built_in.chain(settings.clouds.iter().map(|(name, _)| name.as_str()));
        let unknown =
            || Failure::UnknownCloud { name: cloud.to_owned(), known: known.clone().map(ToOwned::to_owned).collect() };
        (!known.clone().any(|known| known == cloud)).then(unknown)
    }

    /// The favourite that is there with what this one says in place of what it said. What is one person's own stays.
    fn over(&self, mine: &Profile) -> Profile {
        let theirs = self.profile.clone();
        if theirs.vm != mine.vm {
            return theirs;
        }
        let mine = mine.clone();
        let personal = Profile {
            user: theirs.user.or(mine.user.clone()),
            account: theirs.account.or(mine.account.clone()),
            identity_file: theirs.identity_file.or(mine.identity_file.clone()),
            known_hosts_file: theirs.known_hosts_file.or(mine.known_hosts_file.clone()),
            // However it is written, it is this VM.
            vm: mine.vm.clone(),
            ..theirs
        };
        if self.is_whole {
            return personal;
        }
        let Profile { port, protocol, user, identity_file, .. } = personal;
        let (note, folder) = (personal.note.or(mine.note), personal.folder.or(mine.folder));
        Profile { port, protocol, user, identity_file, note, folder, ..mine }
    }
}

/// A profile whose note and folder are such as people write: a terminal that shows them obeys nothing in them, and folders
/// lie in one another only so deep.
fn tidied(profile: Profile) -> Profile {
    const LETTERS: usize = 2_000;
    const FOLDERS: usize = 16;
    let note = profile.note.as_deref().and_then(|note| {
        let plain = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
        filled(&note.chars().take(LETTERS).map(plain).collect::<String>())
    });
    let path = folder_path(profile.folder.as_deref().unwrap_or_default());
    Profile { note, folder: folder(path.into_iter().take(FOLDERS)), ..profile }
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
    /// One of that name is there, and is not like this.
    Conflict {
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
}

/// What is done where there is a favourite of that name which is not like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// Leave it as it is.
    Skip,
    /// Change it.
    Replace,
    /// Add the other one under another name.
    Rename,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Favourites to add, in this order.
    pub add: Vec<Favourite>,
    /// Favourites to change.
    pub change: Vec<Favourite>,
    /// Those of the added that have another name than they were to have: which one, and which they have.
    pub renamed: Vec<(ProfileName, ProfileName)>,
    /// Those that stay as they are although something else was there to take in.
    pub skipped: Vec<ProfileName>,
}

/// How favourites to be stand to those that are there, and which of them could not be opened. Two hosts of one name are two
/// favourites.
pub fn rows(candidates: Vec<Candidate>, settings: &Settings, defaults: &Defaults) -> (Vec<Row>, Vec<LeftOut>) {
    let (mut rows, mut left_out) = (Vec::<Row>::new(), Vec::new());
    for mut candidate in candidates {
        if let Some(why) = candidate.unfit(settings, defaults) {
            left_out.push(LeftOut { what: candidate.name.to_string(), line: None, why: Why::Unfit(Box::new(why)) });
            continue;
        }
        // Of hosts one of several names is enough, of favourites one that says the same.
        let is_there = |row: &&Row| {
            if candidate.is_whole { row.candidate == candidate } else { row.candidate.leads_where(&candidate.profile) }
        };
        if let Some(first) = rows.iter().find(is_there) {
            let why = Why::Twice(first.candidate.name.to_string());
            left_out.push(LeftOut { what: candidate.name.to_string(), line: None, why });
            continue;
        }
        let taken = |name: &ProfileName| rows.iter().any(|row| row.candidate.name == *name);
        if taken(&candidate.name) {
            let has_it = |name: &ProfileName| taken(name) || settings.favourite(name).is_some();
            candidate.name = another_name(&candidate.name, has_it);
        }
        let standing = standing(&candidate, settings, defaults);
        rows.push(Row { candidate, standing });
    }
    (rows, left_out)
}

fn standing(candidate: &Candidate, settings: &Settings, defaults: &Defaults) -> Standing {
    let Some(mine) = settings.favourite(&candidate.name) else {
        let leads_there = |favourite: &&Favourite| candidate.leads_where(&favourite.profile);
        let there = settings.favourites.iter().find(leads_there).filter(|_| !candidate.is_whole);
        return there.map_or(Standing::New, |favourite| Standing::There(favourite.name.clone()));
    };
    let mut merged = candidate.over(&mine.profile);
    let cloud = |profile: &Profile| settings.acting(profile, defaults).ok().map(|acting| acting.cloud);
    if cloud(&merged) == cloud(&mine.profile) {
        // Named or not, it is the same one.
        merged.cloud.clone_from(&mine.profile.cloud);
    }
    let differs = differences(&mine.profile, &merged);
    if differs.is_empty() { Standing::Same } else { Standing::Conflict { merged: Box::new(merged), differs } }
}

/// What differs between two profiles, as it is written.
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

/// What is to be done with all of them, where `choice` says what with each that is in the way of another.
pub fn changes(rows: &[Row], settings: &Settings, mut choice: impl FnMut(&ProfileName) -> OnConflict) -> Changes {
    let mut changes = Changes::default();
    for Row { candidate, standing } in rows {
        let name = &candidate.name;
        match standing {
            Standing::Same | Standing::There(_) => {}
            Standing::New => changes.add.push(Favourite { name: name.clone(), profile: candidate.profile.clone() }),
            Standing::Conflict { merged, .. } => match choice(name) {
                OnConflict::Skip => changes.skipped.push(name.clone()),
                OnConflict::Replace => {
                    changes.change.push(Favourite { name: name.clone(), profile: (**merged).clone() });
                }
                OnConflict::Rename => {
                    let is_taken = |name: &ProfileName| {
                        settings.favourite(name).is_some()
                            || rows.iter().any(|row| row.candidate.name == *name)
                            || changes.add.iter().any(|favourite| favourite.name == *name)
                    };
                    let another = another_name(name, is_taken);
                    changes.renamed.push((name.clone(), another.clone()));
                    changes.add.push(Favourite { name: another, profile: candidate.profile.clone() });
                }
            },
        }
    }
    changes
}

/// A name that is like this one, with a number behind it.
fn another_name(name: &ProfileName, is_taken: impl Fn(&ProfileName) -> bool) -> ProfileName {
    let beginning: String = name.as_str().chars().take(50).collect();
    let mut number = 2_u32;
    loop {
        let another = ProfileName::like(&format!("{beginning}-{number}"));
        if !is_taken(&another) {
            return another;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines";

    fn profile(vm: &str, user: Option<&str>) -> Profile {
        Profile { user: user.map(Into::into), ..Profile::new(format!("{GROUP}/{vm}").parse().unwrap()) }
    }

    fn favourite(name: &str, profile: Profile) -> Favourite {
        Favourite { name: name.parse().unwrap(), profile }
    }

    fn settings() -> Settings {
        let of_web = Profile { account: Some("az".parse().unwrap()), start: Some(false), ..profile("web", Some("me")) };
        Settings {
            favourites: vec![favourite("web", of_web), favourite("db", profile("db", None))],
            ..Settings::default()
        }
    }

    fn whole(name: &str, profile: Profile) -> Candidate {
        Candidate { name: name.parse().unwrap(), profile, is_whole: true, found_by: None }
    }

    fn rows_of(candidates: Vec<Candidate>) -> (Vec<Row>, Vec<LeftOut>) {
        rows(candidates, &settings(), &Defaults::default())
    }

    fn differs(row: &Row) -> Vec<&str> {
        let Standing::Conflict { differs, .. } = &row.standing else { panic!("{:?}", row.standing) };
        differs.iter().map(|one| one.key.as_str()).collect()
    }

    #[test]
    fn what_is_one_persons_own_is_no_difference_and_stays() {
        let shared = Profile { start: Some(false), ..profile("WEB", None) };
        let (rows, _) =
            rows_of(vec![whole("WEB", shared.clone()), whole("db", profile("db", None)), whole("new", shared)]);
        let standings: Vec<_> = rows.iter().map(|row| row.standing.clone()).collect();
        assert_eq!(standings, [Standing::Same, Standing::Same, Standing::New]);
        let (rows, _) = rows_of(vec![whole("web", profile("web", None))]);
        assert_eq!(differs(&rows[0]), ["start"]);
        let changes = changes(&rows, &settings(), |_| OnConflict::Replace);
        let merged = &changes.change[0].profile;
        assert_eq!((merged.user.as_deref(), merged.account.is_some(), merged.start), (Some("me"), true, None));
    }

    #[test]
    fn a_host_says_only_what_it_says() {
        let host = |name: &str, profile: Profile| Candidate { is_whole: false, ..whole(name, profile) };
        let (rows, left_out) = rows_of(vec![
            host("web", profile("web", None)),
            host("shop", profile("db", None)),
            host("a", Profile { port: Some(2222), ..profile("db", None) }),
            host("b", Profile { port: Some(2222), ..profile("db", None) }),
        ]);
        let standings: Vec<_> = rows.iter().map(|row| row.standing.clone()).collect();
        assert_eq!(standings, [Standing::Same, Standing::There("db".parse().unwrap()), Standing::New]);
        assert_eq!(left_out, [LeftOut { what: "b".into(), line: None, why: Why::Twice("a".into()) }]);
        let (rows, _) = rows_of(vec![host("web", Profile { port: Some(2222), ..profile("web", Some("you")) })]);
        assert_eq!(differs(&rows[0]), ["port", "user"]);
        let changes = changes(&rows, &settings(), |_| OnConflict::Replace);
        assert_eq!(changes.change[0].profile.start, Some(false));
        let (rows, _) = rows_of(vec![host("web", profile("other", None))]);
        assert_eq!(differs(&rows[0]), ["account", "start", "user", "vm"], "of another VM nothing is kept");
    }

    #[test]
    fn where_one_of_that_name_differs_it_is_left_changed_or_gets_company() {
        let there = [whole("web", profile("other", None)), whole("web-2", profile("third", None))];
        let (rows, _) = rows_of(there.to_vec());
        let done = |choice| changes(&rows, &settings(), |_| choice);
        let names = |all: &[Favourite]| all.iter().map(|favourite| favourite.name.to_string()).collect::<Vec<_>>();
        let skipped = done(OnConflict::Skip);
        assert_eq!((names(&skipped.add), names(&skipped.change)), (vec!["web-2".to_owned()], vec![]));
        assert_eq!(skipped.skipped, ["web".parse().unwrap()]);
        let replaced = done(OnConflict::Replace);
        assert_eq!((names(&replaced.add), names(&replaced.change)), (vec!["web-2".to_owned()], vec!["web".to_owned()]));
        let renamed = done(OnConflict::Rename);
        assert_eq!(names(&renamed.add), ["web-3", "web-2"]);
        assert_eq!(renamed.renamed, [("web".parse().unwrap(), "web-3".parse().unwrap())]);
    }

    #[test]
    fn what_could_not_be_opened_is_left_out_with_the_reason() {
        let evil = [
            profile("a", Some("-oProxyCommand=x")),
            profile("a", Some("me\nHost *")),
            Profile { identity_file: Some("-F/tmp/x".into()), ..profile("a", None) },
            Profile { cloud: Some("elsewhere".into()), ..profile("a", None) },
            Profile { tenant: Some("no tenant".into()), ..profile("a", None) },
        ];
        let candidates: Vec<_> = evil.into_iter().map(|profile| whole("evil", profile)).collect();
        let number = candidates.len();
        let (rows, left_out) = rows_of(candidates);
        assert_eq!((rows.len(), left_out.len()), (0, number));
        let codes: Vec<_> = left_out
            .iter()
            .map(|left| {
                let Why::Unfit(failure) = &left.why else { panic!("{:?}", left.why) };
                failure.code()
            })
            .collect();
        assert_eq!(codes, ["profileUnfit", "profileUnfit", "profileUnfit", "unknownCloud", "tenantUnfit"]);
    }

    #[test]
    fn clouds_and_accounts_mean_what_they_mean_to_whoever_takes_them_in() {
        let defaults = Defaults { cloud: Some("usgov".into()), environment: false };
        let shared = |cloud: Option<&str>, account: Option<&str>| {
            let account = account.map(|account| account.parse().unwrap());
            let profile = Profile { cloud: cloud.map(Into::into), account, ..profile("a", None) };
            let name = "a".parse().unwrap();
            let (candidate, left_out) = Candidate::shared(name, profile, Sharing::Personal, &settings(), &defaults);
            let Profile { cloud, account, .. } = candidate.profile;
            let left_out: Vec<_> = left_out.into_iter().map(|left| left.what).collect();
            (cloud, account.map(|account| account.to_string()), left_out)
        };
        assert_eq!(shared(None, Some("AZ")), (Some("public".into()), Some("AZ".into()), vec![]));
        let without_account = (None, None, vec!["profiles.a.account".to_owned()]);
        assert_eq!(shared(Some("usgov"), Some("work")), without_account);
    }

    #[test]
    fn nobody_else_names_a_file_of_this_machine_or_an_account() {
        let theirs = Profile {
            account: Some("az".parse().unwrap()),
            identity_file: Some("~/.ssh/id_other".into()),
            known_hosts_file: Some("~/.bashrc".into()),
            ..profile("a", Some("azureuser"))
        };
        let taken = |sharing| {
            let (name, defaults) = ("a".parse().unwrap(), Defaults::default());
            let (candidate, left_out) = Candidate::shared(name, theirs.clone(), sharing, &settings(), &defaults);
            (candidate.profile, left_out.into_iter().map(|left| (left.what, left.why)).collect::<Vec<_>>())
        };
        let keys = ["account", "identity_file", "known_hosts_file"];
        let left_out = keys.map(|key| (format!("profiles.a.{key}"), Why::Personal)).to_vec();
        assert_eq!(taken(Sharing::WithOthers), (profile("a", Some("azureuser")), left_out));
        assert_eq!(taken(Sharing::Personal), (theirs.clone(), vec![]));
    }
}

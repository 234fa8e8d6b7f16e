//! What a user has set: favourites, clouds, clients. The shape of `config.toml`.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::account::{AccountName, AccountSettings};
use crate::failure::Failure;
use crate::inheritance::{Field, Inheritance, of_door};
use crate::iso8601::in_units;
use crate::message;
use crate::message::settings::{Flaw, flaw, table_name};
use crate::network::OnNewAddress;
use crate::notice::BeforeEnd;
use crate::profile::{NetworkAddress, NetworkName, Profile, ProfileName, SourceChoice, may_be_asked_for};
use crate::team::{Team, TeamFavourite, TeamName, TeamPlace};

/// The `schema_version` this code writes: 2 is 1 with `[networks]`, which is a mistake to who knows only 1. A file with a
/// newer one is read, and not written.
pub const SCHEMA_VERSION: i64 = 2;

/// The clouds that are there without settings. Which hosts they are nobody else says: a name of these under `[clouds]` is
/// refused.
pub const BUILT_IN_CLOUDS: [&str; 3] = ["public", "usgov", "china"];

/// Everything `config.toml` says, in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The favourites, with what they inherit: the user's own, and behind them those of teams.
    pub favourites: Vec<Favourite>,
    /// The user's own as they are written.
    pub written: Vec<Favourite>,
    /// Those of teams, as far as their files have been read. No key of `config.toml`.
    pub of_teams: Vec<TeamFavourite>,
    /// What they inherit from.
    pub inheritance: Inheritance,
    /// Clouds beside the built-in ones.
    pub clouds: Vec<(String, CloudSettings)>,
    /// The cloud to use when the command line names none; `public` if absent.
    pub cloud: Option<String>,
    /// Accounts beside the built-in ones.
    pub accounts: Vec<(AccountName, AccountSettings)>,
    /// Whom favourites act as that name nobody.
    pub account: Option<AccountName>,
    /// How Ajar itself signs people in.
    pub sign_in: SignInSettings,
    /// Which programs open things.
    pub clients: ClientSettings,
    /// Addresses that have a name.
    pub networks: Vec<Network>,
    /// Teams, whose favourites are read from elsewhere.
    pub teams: Vec<Team>,
    /// What is told of by itself.
    pub notifications: NotificationSettings,
    /// How access windows are dealt with.
    pub access: AccessSettings,
    /// The `schema_version`, where it is one of a later Ajar: what that has written is read as far as it is understood, and
    /// never changed.
    pub newer: Option<i64>,
    /// What of that is not understood, and so is not in force, with its places in the file.
    pub left_out: Vec<String>,
}

impl Settings {
    /// The favourite of that name.
    pub fn favourite(&self, name: &ProfileName) -> Option<&Favourite> {
        self.favourites.iter().find(|favourite| favourite.name == *name)
    }

    /// The favourite of that name as it is written.
    pub fn written(&self, name: &ProfileName) -> Option<&Favourite> {
        self.written.iter().find(|favourite| favourite.name == *name)
    }

    /// The user's own favourites, with what they inherit.
    pub fn own(&self) -> &[Favourite] {
        self.favourites.get(..self.written.len()).unwrap_or_default()
    }

    /// Those of teams, with what they inherit.
    pub fn others(&self) -> &[Favourite] {
        self.favourites.get(self.written.len()..).unwrap_or_default()
    }

    /// The same with the favourites that come of what is written.
    #[must_use]
    pub fn inheriting(mut self) -> Self {
        let effective = |Favourite { name, profile }: &Favourite| Favourite {
            name: name.clone(),
            profile: self.inheritance.effective(profile).profile,
        };
        let of_teams = self.of_teams.iter().map(|TeamFavourite { name, effective, .. }| Favourite {
            name: name.clone(),
            profile: effective.profile.clone(),
        });
        self.favourites = self.written.iter().map(effective).chain(of_teams).collect();
        self
    }

    /// The same with these favourites of teams, in place of those that were there.
    #[must_use]
    pub fn with_teams(self, of_teams: Vec<TeamFavourite>) -> Self {
        Self { of_teams, ..self }.inheriting()
    }

    /// The favourite of that name, if it is a team's.
    pub fn of_team(&self, name: &ProfileName) -> Option<&TeamFavourite> {
        self.of_teams.iter().find(|favourite| favourite.name == *name)
    }

    /// That a favourite is a team's, and so is not changed here; nothing where it is not.
    pub fn not_ones_own(&self, name: &ProfileName) -> Option<Failure> {
        let favourite = self.of_team(name)?;
        let from = self.team(&favourite.team).map(|team| team.from.shown()).unwrap_or_default();
        Some(Failure::OfTeam { name: favourite.name.to_string(), team: favourite.team.to_string(), from })
    }

    /// The team whose favourites a name of this kind belongs to, `TEAM.NAME`, whether one of them is called so by now or not.
    pub fn team_that_names(&self, name: &ProfileName) -> Option<&Team> {
        let (team, _) = name.as_str().split_once('.')?;
        self.team(&team.parse().ok()?)
    }

    /// Refuses a name for a favourite of the user's own that a team's is called by: which of them it led to would not be said.
    ///
    /// # Errors
    /// [`Failure::TeamsName`].
    pub fn may_be_named(&self, name: &ProfileName) -> Result<(), Failure> {
        let team = |team: &Team| Failure::TeamsName { name: name.to_string(), team: team.name.to_string() };
        self.team_that_names(name).map_or(Ok(()), |named| Err(team(named)))
    }

    /// The team of that name.
    pub fn team(&self, name: &TeamName) -> Option<&Team> {
        self.teams.iter().find(|team| team.name == *name)
    }

    /// The user's own account of that name.
    pub fn own_account(&self, name: &AccountName) -> Option<&(AccountName, AccountSettings)> {
        self.accounts.iter().find(|(known, _)| known == name)
    }

    /// The application that signs people in to a cloud: the cloud's own, else that of all.
    pub fn client_id(&self, cloud: &str) -> Option<&str> {
        let of_cloud = self.clouds.iter().find(|(name, _)| name == cloud).and_then(|(_, own)| own.client_id.as_deref());
        of_cloud.or(self.sign_in.client_id.as_deref())
    }

    /// What is said by now of the same as that setting is about.
    pub fn said_of(&self, setting: &Setting) -> Setting {
        match setting {
            Setting::Cloud(_) => Setting::Cloud(self.cloud.clone()),
            Setting::Terminal(_) => Setting::Terminal(self.clients.terminal.clone()),
            Setting::Ssh(_) => Setting::Ssh(self.clients.ssh.clone()),
            Setting::Browser(_) => Setting::Browser(self.clients.browser.clone()),
            Setting::Rdp(_) => Setting::Rdp(self.clients.rdp.clone()),
            Setting::Bastion(_) => Setting::Bastion(self.clients.bastion.clone()),
            Setting::BeforeEnd(_) => Setting::BeforeEnd(self.notifications.before_end.clone()),
            Setting::OnNewAddress(_) => Setting::OnNewAddress(self.access.on_new_address),
            Setting::Network { name, .. } => {
                Setting::Network { name: name.clone(), address: self.network(name).map(|known| known.address) }
            }
            Setting::Team { name, .. } => {
                Setting::Team { name: name.clone(), from: self.team(name).map(|known| known.from.clone()) }
            }
        }
    }

    /// What makes these settings ambiguous or unusable, if anything does.
    pub fn misfit(&self) -> Option<Misfit> {
        let of_favourite = |(place, favourite): (usize, &Favourite)| {
            let Favourite { name, profile } = favourite;
            let before = self.written[..place].iter().find(|before| before.name == *name);
            if let Some(before) = before {
                return Some(Misfit::at(&["profiles", name.as_str()], &Flaw::Twice { name, first: &before.name }));
            }
            let table = format!("profiles.{name}");
            let (key, wrong) = of_door(profile.port, profile.protocol, &table)?;
            Some(Misfit::at(&["profiles", name.as_str(), key], &wrong))
        };
        let of_account = |(place, (name, _)): (usize, &(AccountName, AccountSettings))| {
            let before = self.accounts[..place].iter().find(|(before, _)| before == name);
            let text = match name.built_in() {
                Some(built_in) => message::account::name_taken(name.as_str(), built_in),
                None => message::account::named_twice(name.as_str(), before?.0.as_str()),
            };
            Some(Misfit { keys: vec!["accounts".into(), name.to_string()], text })
        };
        let favourites = self.written.iter().enumerate().map(of_favourite);
        let accounts = self.accounts.iter().enumerate().map(of_account);
        let first = favourites.chain(accounts).flatten().next();
        first
            .or_else(|| self.inheritance.misfit())
            .or_else(|| self.misfit_of_lengths())
            .or_else(|| self.misfit_of_networks())
            .or_else(|| self.misfit_of_teams())
    }

    fn misfit_of_lengths(&self) -> Option<Misfit> {
        let favourites = self.written.iter().map(|known| (vec!["profiles", known.name.as_str()], known.profile.access));
        let folders = self.inheritance.folders.iter().map(|(name, said)| (vec!["folders", name.as_str()], said.access));
        let all = [(vec!["defaults"], self.inheritance.defaults.access)];
        favourites.chain(folders).chain(all).find_map(|(keys, length)| {
            let length = length.filter(|length| !may_be_asked_for(*length))?;
            let flaw = Flaw::Length { table: &table_name(&keys), length: &in_units(length.0) };
            Some(Misfit::at(&[&keys[..], &[Field::Access.key()]].concat(), &flaw))
        })
    }

    fn misfit_of_teams(&self) -> Option<Misfit> {
        self.teams.iter().enumerate().find_map(|(place, Team { name, .. })| {
            let Team { name: first, .. } = self.teams[..place].iter().find(|before| before.name == *name)?;
            Some(Misfit::at(&["teams", name.as_str()], &Flaw::TeamTwice { name, first }))
        })
    }

    fn misfit_of_networks(&self) -> Option<Misfit> {
        let twice = self.networks.iter().enumerate().find_map(|(place, Network { name, .. })| {
            let Network { name: first, .. } = self.networks[..place].iter().find(|before| before.name == *name)?;
            Some(Misfit::at(&["networks", name.as_str()], &Flaw::NetworkTwice { name, first }))
        });
        twice.or_else(|| {
            self.sources().find_map(|(keys, source)| {
                let SourceChoice::Network(name) = source else { return None };
                let flaw = Flaw::NoNetwork { table: &table_name(&keys), name };
                self.network(name).is_none().then(|| Misfit::at(&[&keys[..], &["source"]].concat(), &flaw))
            })
        })
    }

    /// Wherever a source is written, by the keys of its table.
    fn sources(&self) -> impl Iterator<Item = (Vec<&str>, &SourceChoice)> {
        let favourites = self
            .written
            .iter()
            .map(|Favourite { name, profile }| (["profiles", name.as_str()].into(), &profile.source));
        let folders =
            self.inheritance.folders.iter().map(|(name, said)| (["folders", name.as_str()].into(), &said.source));
        let tables = favourites.chain(folders).chain([(["defaults"].into(), &self.inheritance.defaults.source)]);
        tables.filter_map(|(keys, source)| Some((keys, source.as_ref()?)))
    }

    /// The tables that name this network as a source, as their heads are written.
    pub fn naming(&self, network: &NetworkName) -> Vec<String> {
        let named = |source: &SourceChoice| matches!(source, SourceChoice::Network(name) if name == network);
        self.sources().filter(|(_, source)| named(source)).map(|(keys, _)| table_name(&keys)).collect()
    }

    /// The network of that name.
    pub fn network(&self, name: &NetworkName) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == *name)
    }

    /// The address that access is asked from; `None` where it is found out.
    ///
    /// # Errors
    /// [`Failure::UnknownNetwork`].
    pub fn source(&self, choice: &SourceChoice) -> Result<Option<Ipv4Addr>, Failure> {
        match choice {
            SourceChoice::Automatic => Ok(None),
            SourceChoice::Host(address) => Ok(Some(*address)),
            SourceChoice::Network(name) => match self.network(name) {
                Some(network) => Ok(Some(network.address.0)),
                None => Err(Failure::UnknownNetwork {
                    name: name.to_string(),
                    known: self.networks.iter().map(|network| network.name.to_string()).collect(),
                }),
            },
        }
    }
}

/// An address with a name: a line of `[networks]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Network {
    /// Its name.
    pub name: NetworkName,
    /// The address that this machine has there.
    pub address: NetworkAddress,
}

/// A setting that is about no favourite and no account, with its new value; without one its line goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "key", content = "value")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Setting {
    /// [`Settings::cloud`].
    Cloud(Option<String>),
    /// [`ClientSettings::terminal`].
    Terminal(Option<Vec<String>>),
    /// [`ClientSettings::ssh`].
    Ssh(Option<String>),
    /// [`ClientSettings::browser`].
    Browser(Option<Vec<String>>),
    /// [`ClientSettings::rdp`].
    Rdp(Option<String>),
    /// [`ClientSettings::bastion`].
    Bastion(Option<String>),
    /// [`NotificationSettings::before_end`].
    BeforeEnd(Option<BeforeEnd>),
    /// [`AccessSettings::on_new_address`].
    OnNewAddress(Option<OnNewAddress>),
    /// One of [`Settings::networks`].
    Network {
        /// Its name.
        name: NetworkName,
        /// Its address.
        address: Option<NetworkAddress>,
    },
    /// One of [`Settings::teams`].
    Team {
        /// Its name.
        name: TeamName,
        /// Where its file is.
        from: Option<TeamPlace>,
    },
}

/// Something in the settings that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The keys that lead to where it is written, from the outermost table on.
    pub keys: Vec<String>,
    /// What is wrong, with the name of its table.
    pub text: String,
}

impl Misfit {
    /// What is wrong under these keys.
    pub(crate) fn at(keys: &[&str], wrong: &Flaw<'_>) -> Self {
        Self { keys: keys.iter().map(ToString::to_string).collect(), text: flaw(wrong) }
    }
}

/// The failure of naming a favourite that is not among `names`, with those of them that look like it.
pub fn unknown_favourite<'a>(wanted: &ProfileName, names: impl IntoIterator<Item = &'a ProfileName>) -> Failure {
    let lower = wanted.as_str().to_lowercase();
    let is_similar = |other: &&ProfileName| {
        let other = other.as_str().to_lowercase();
        other.contains(&lower) || lower.contains(&other) || (lower.len() > 3 && other.starts_with(&lower[..3]))
    };
    let similar = names.into_iter().filter(is_similar).map(ToString::to_string).collect();
    Failure::UnknownFavourite { name: wanted.to_string(), similar }
}

/// A named profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Favourite {
    /// Its name.
    pub name: ProfileName,
    /// How to open it.
    pub profile: Profile,
}

/// A `[clouds.NAME]` table. Keys it does not know are a later Ajar's, and let through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudSettings {
    /// Where tokens come from, such as `https://login.microsoftonline.com`.
    pub authority: String,
    /// Azure Resource Manager, such as `https://management.azure.com`.
    pub resource_manager: String,
    /// What tokens are for; the resource manager itself if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The application that signs people in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The certificates to trust instead of the system's, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// Where to ask for this machine's public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip_endpoints: Option<Vec<String>>,
    /// How the addresses of its Azure Bastion hosts end, such as `bastion.azure.com`; without it none is asked for a way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bastion_suffix: Option<String>,
}

/// The `[sign_in]` table. Keys it does not know are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInSettings {
    /// The application that signs people in: a public client of the user's organisation. Ajar has none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
}

/// The `[clients]` table: programs to use in place of the ones found. Keys it does not know are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ClientSettings {
    /// A terminal that runs the command appended to it, such as `["foot"]` or `["xterm", "-e"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Vec<String>>,
    /// The ssh program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
    /// What opens the browser for a sign-in: the address is appended to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<Vec<String>>,
    /// The remote desktop program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdp: Option<String>,
    /// The Azure CLI, to go through Azure Bastion by its `az network bastion tunnel` in place of Ajar's own way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bastion: Option<String>,
}

/// The `[notifications]` table. Keys it does not know are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSettings {
    /// When it is told that a window nears its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_end: Option<BeforeEnd>,
}

/// The `[access]` table. Keys it does not know are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessSettings {
    /// What is done where something is open from another address than this machine has now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_new_address: Option<OnNewAddress>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(favourites: &[(&str, Option<u16>)]) -> Option<String> {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
        let favourite = |(name, port): &(&str, Option<u16>)| Favourite {
            name: name.parse().unwrap(),
            profile: Profile { port: *port, ..Profile::new(vm.parse().unwrap()) },
        };
        Settings { written: favourites.iter().map(favourite).collect(), ..Settings::default() }
            .misfit()
            .map(|wrong| wrong.text)
    }

    #[test]
    fn an_account_has_a_name_of_its_own() {
        let flaw = |names: &[&str]| {
            let account =
                |name: &&str| (name.parse().unwrap(), AccountSettings::new(crate::account::SignInMethod::Browser));
            Settings { accounts: names.iter().map(account).collect(), ..Settings::default() }
                .misfit()
                .map(|wrong| wrong.text)
        };
        assert_eq!(flaw(&["work", "home"]), None);
        let twice = "[accounts.WORK] is [accounts.work] once more: names that differ only in case are the same";
        assert_eq!(flaw(&["work", "WORK"]).as_deref(), Some(twice));
        assert_eq!(
            flaw(&["work", "Az"]).as_deref(),
            Some("[accounts.Az] is a name of Ajar’s own: “az” is there without settings; choose another")
        );
    }

    #[test]
    fn the_application_is_the_clouds_else_that_of_all() {
        let cloud = CloudSettings {
            authority: "https://a".into(),
            resource_manager: "https://r".into(),
            audience: None,
            client_id: Some("of-sim".into()),
            ca_bundle: None,
            public_ip_endpoints: None,
            bastion_suffix: None,
        };
        let sign_in = SignInSettings { client_id: Some("of-all".into()) };
        let settings = Settings { clouds: vec![("sim".into(), cloud)], sign_in, ..Settings::default() };
        assert_eq!((settings.client_id("sim"), settings.client_id("public")), (Some("of-sim"), Some("of-all")));
        assert_eq!(Settings::default().client_id("public"), None);
    }

    #[test]
    fn a_port_that_is_none_and_a_name_written_twice_are_found_with_their_place() {
        assert_eq!(flaw(&[("web", None), ("web-2", Some(1)), ("db", Some(u16::MAX))]), None);
        let port = flaw(&[("db", None), ("web", Some(0))]);
        assert_eq!(port.as_deref(), Some("[profiles.web] port = 0 is no port: use 1 to 65535"));
        let twice = flaw(&[("web", None), ("db", None), ("WEB", Some(0))]);
        let said = "[profiles.WEB] is [profiles.web] once more: names that differ only in case are the same";
        assert_eq!(twice.as_deref(), Some(said));
    }
}

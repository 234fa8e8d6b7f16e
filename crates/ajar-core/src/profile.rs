//! Profiles: how to open one VM. A profile with a name is a favourite.

mod by_word;
mod choices;
mod forward;
mod lasting;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::folders::folder_path;
use crate::inheritance::Inheritable;
use crate::iso8601::{IsoDuration, as_people_write};
use crate::message::given;
use crate::port::Protocol;
use crate::resource_id::VmResourceId;

pub use choices::{AddressChoice, Colour, NetworkAddress, NetworkName, SourceChoice};
pub use forward::{Forward, Listen, To};
pub use lasting::{AfterUse, RenewUpTo};

/// How long access is asked for where nobody says, unless the policy allows less: as long as most policies do.
pub const DEFAULT_ACCESS: TimeDelta = TimeDelta::hours(3);

/// Whether access is ever asked for so long: Azure grants five minutes at least, and a day at most.
pub fn may_be_asked_for(length: IsoDuration) -> bool {
    (TimeDelta::minutes(5)..=TimeDelta::hours(24)).contains(&length.0)
}

/// The name of a favourite: 1 to 64 letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
///
/// Names are typed in shells and stand in ssh's host names, so nothing else is let in. Two names that differ only in
/// case are the same favourite.
#[derive(Clone, Debug, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct ProfileName(String);

/// What a favourite's name may be followed by where ssh is told of it, so that no name ends in it.
const HOST_ENDING: &str = ".ajar";

/// The text is no name for a favourite.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileNameError {
    /// It has letters that a name does not have, or too many.
    #[error("{}", given::no_favourite_name(.0))]
    Letters(String),
    /// It ends as the host names do that stand for favourites.
    #[error("{}", given::favourite_name_like_a_host(.0))]
    Ending(String),
}

impl ProfileName {
    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name that is most like a text which may be none: what VMs are called in Azure.
    pub fn like(text: &str) -> Self {
        let fit = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
        let letters = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric()).chars().map(fit);
        let name: String = letters.take(60).collect();
        // No longer than before, and no host name.
        let name = if name.to_ascii_lowercase().ends_with(HOST_ENDING) { name + "-" } else { name };
        Self(if name.is_empty() { "vm".into() } else { name })
    }
}

impl std::str::FromStr for ProfileName {
    type Err = ProfileNameError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=64).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !fits {
            Err(ProfileNameError::Letters(text.to_owned()))
        } else if text.to_ascii_lowercase().ends_with(HOST_ENDING) {
            Err(ProfileNameError::Ending(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}
impl TryFrom<String> for ProfileName {
    type Error = ProfileNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0
    }
}
impl PartialEq for ProfileName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl std::fmt::Display for ProfileName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// How to open one VM. Also the shape of a `[profiles.NAME]` table in `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Profile {
    /// The VM.
    pub vm: VmResourceId,
    /// Its port; without it the protocol's own, 22 or 3389. [`Protocol::Port`] has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// What is spoken there; without it what the port [stands for by custom](Protocol::of_port), and SSH where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// The user to log in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How long to ask access for, such as `2h`, or as an ISO 8601 duration.
    #[serde(default, rename = "for", with = "as_people_write", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(type = "string", optional))]
    pub access: Option<IsoDuration>,
    /// For how long, from its first opening on, access is renewed by itself while it is used, such as `8h` (default: never).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renew_up_to: Option<RenewUpTo>,
    /// What is done with the VM, if Ajar has started it, once nobody uses it any more (default: leave it running).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_use: Option<AfterUse>,
    /// The account to act as; without it the one that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    /// The cloud it is in; without it the account's, or the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// The tenant of its subscription, by id or domain; without it Azure is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Whether Ajar may start the VM when it is stopped or deallocated (default: yes).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<bool>,
    /// ssh's private key file. ssh expands `~` in it; `%` and `$` stand for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<String>,
    /// ssh's known hosts file, where it is not the user's own. Read as [`Profile::identity_file`] is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_hosts_file: Option<String>,
    /// The reason that requests for access give for the record, where nobody gives another; see
    /// [`crate::justification`]. An empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Whether somebody has to give a reason each time that access is asked for (default: no).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask_justification: Option<bool>,
    /// Which of the VM's addresses is dialled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<AddressChoice>,
    /// From where access is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceChoice>,
    /// The mark beside its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// The program that opens it, in place of the one that is found or that `[clients]` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// What that program is given beside what it always is, word by word; or all that it is given, where a word names
    /// `{host}`, `{port}`, `{user}`, `{name}` or `{vm}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_arguments: Option<Vec<String>>,
    /// What ssh forwards beside the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwards: Option<Vec<Forward>>,
    /// The user's own `.rdp` file that a remote desktop is opened by, for all that nothing else says. An empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdp_file: Option<String>,
    /// The Remote Desktop gateway on the way, such as `gateway.contoso.com`. An empty text is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Whether a remote desktop takes all monitors; without it what its `.rdp` file says, else no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multimon: Option<bool>,
    /// Whether people log in to the VM as whom they are in Entra (default: no).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entra_login: Option<bool>,
    /// Whether ssh lets the VM use the keys of this machine's agent (default: no).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_agent: Option<bool>,
    /// What there is to remember about it, in the user's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The folder that it lies in, such as `Team/Prod`, which lies in `Team`; see [`folder_path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// What is spoken where so much is said.
pub(crate) fn spoken_on(port: Option<u16>, protocol: Option<Protocol>) -> Protocol {
    protocol.unwrap_or_else(|| port.map_or(Protocol::Ssh, Protocol::of_port))
}

/// The port to open where so much is said.
pub(crate) fn port_of(port: Option<u16>, protocol: Option<Protocol>) -> u16 {
    port.or_else(|| spoken_on(port, protocol).default_port()).unwrap_or_default()
}

impl Profile {
    /// A profile with nothing but its VM.
    pub fn new(vm: VmResourceId) -> Self {
        Self {
            vm,
            port: None,
            protocol: None,
            user: None,
            access: None,
            renew_up_to: None,
            after_use: None,
            account: None,
            cloud: None,
            tenant: None,
            start: None,
            identity_file: None,
            known_hosts_file: None,
            justification: None,
            ask_justification: None,
            address: None,
            source: None,
            colour: None,
            client: None,
            client_arguments: None,
            forwards: None,
            rdp_file: None,
            gateway: None,
            multimon: None,
            entra_login: None,
            forward_agent: None,
            note: None,
            folder: None,
        }
    }

    /// The folder that it lies in, written in the one way: `Team/Prod`.
    pub fn folder(&self) -> Option<String> {
        let path = folder_path(self.folder.as_deref()?).join("/");
        Some(path).filter(|path| !path.is_empty())
    }

    /// What is spoken on the VM's port.
    pub fn protocol(&self) -> Protocol {
        spoken_on(self.port, self.protocol)
    }

    /// What is spoken on a port of the VM: what the profile says counts for others than its own, too.
    pub fn spoken_at(&self, port: u16) -> Protocol {
        self.protocol.unwrap_or_else(|| Protocol::of_port(port))
    }

    /// Whether nobody says how it is opened, neither port nor protocol nor what runs there: both are only supposed then.
    pub fn is_door_supposed(&self) -> bool {
        self.port.is_none() && self.protocol.is_none()
    }

    /// The VM's port to open; 0, which is none, where one has to be said and is not.
    pub fn port(&self) -> u16 {
        port_of(self.port, self.protocol)
    }

    /// As it is by now without a change that was made of it: what somebody else has changed since stays.
    #[must_use]
    pub fn taken_back(&self, before: &Self, after: &Self) -> Self {
        let said = Inheritable::of(self).taken_back(&Inheritable::of(before), &Inheritable::of(after));
        let of = |field: fn(&Self) -> &Option<String>| {
            if field(self) == field(after) { field(before).clone() } else { field(self).clone() }
        };
        let vm = if self.vm == after.vm { &before.vm } else { &self.vm };
        Self { note: of(|known| &known.note), folder: of(|known| &known.folder), ..said.of_vm(vm.clone()) }
    }

    /// As it is by now, with what this changes of what it was `before`: whoever changed something else meanwhile keeps it.
    #[must_use]
    pub fn since(&self, before: &Self, by_now: &Self) -> Self {
        let said = Inheritable::of(self).since(&Inheritable::of(before), &Inheritable::of(by_now));
        let of = |field: fn(&Self) -> &Option<String>| {
            if field(self) == field(before) { field(by_now).clone() } else { field(self).clone() }
        };
        let vm = if self.vm == before.vm { &by_now.vm } else { &self.vm };
        Self { note: of(|known| &known.note), folder: of(|known| &known.folder), ..said.of_vm(vm.clone()) }
    }

    /// How long access is wanted for; the policy may allow less.
    pub fn access(&self) -> TimeDelta {
        self.access.map_or(DEFAULT_ACCESS, |duration| duration.0)
    }

    /// For how long access is renewed by itself while it is used, if it is.
    pub fn renew_up_to(&self) -> Option<TimeDelta> {
        self.renew_up_to.unwrap_or_default().length()
    }

    /// What is done with the VM, if Ajar has started it, once nobody uses it any more.
    pub fn after_use(&self) -> AfterUse {
        self.after_use.unwrap_or_default()
    }

    /// Whether somebody has to give a reason.
    pub fn asks_justification(&self) -> bool {
        self.ask_justification.unwrap_or(false)
    }

    /// Which of the VM's addresses is dialled.
    pub fn address(&self) -> AddressChoice {
        self.address.unwrap_or_default()
    }

    /// From where access is asked for.
    pub fn source(&self) -> SourceChoice {
        self.source.clone().unwrap_or_default()
    }

    /// The `.rdp` file that a remote desktop is opened by, if there is one.
    pub fn rdp_file(&self) -> Option<&str> {
        self.rdp_file.as_deref().filter(|path| !path.is_empty())
    }

    /// The Remote Desktop gateway, if there is one.
    pub fn gateway(&self) -> Option<&str> {
        self.gateway.as_deref().filter(|host| !host.is_empty())
    }

    /// Whether people log in as whom they are in Entra.
    pub fn logs_in_by_entra(&self) -> bool {
        self.entra_login.unwrap_or(false)
    }

    /// Whether the VM may use the keys of this machine's agent.
    pub fn forwards_agent(&self) -> bool {
        self.forward_agent.unwrap_or(false)
    }

    /// Whether Ajar may start the VM.
    pub fn may_start(&self) -> bool {
        self.start.unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_knows_its_port_and_protocol_by_custom() {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
        let profile = Profile::new(vm.parse().unwrap());
        assert_eq!((profile.port(), profile.protocol()), (22, Protocol::Ssh));
        let rdp = Profile { port: Some(3389), ..profile.clone() };
        assert_eq!((rdp.port(), rdp.protocol()), (3389, Protocol::Rdp));
        let odd = Profile { protocol: Some(Protocol::Rdp), ..profile };
        assert_eq!(odd.port(), 3389);
    }

    #[test]
    fn of_a_port_that_stands_for_nothing_it_is_not_guessed_what_is_spoken_there() {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
        let at = |port| Profile { port: Some(port), ..Profile::new(vm.parse().unwrap()) };
        for (port, spoken) in [
            (22, Protocol::Ssh),
            (2222, Protocol::Ssh),
            (3389, Protocol::Rdp),
            (443, Protocol::Port),
            (5432, Protocol::Port),
        ] {
            assert_eq!(at(port).protocol(), spoken, "{port}");
            let said = Profile { protocol: Some(Protocol::Ssh), ..at(port) };
            assert_eq!((said.port(), said.protocol()), (port, Protocol::Ssh));
        }
        let portless = Profile { protocol: Some(Protocol::Port), port: None, ..at(1) };
        assert_eq!(portless.port(), 0, "nobody opens it: `vet` refuses it");
    }

    #[test]
    fn a_folder_is_written_in_one_way_however_it_was_typed() {
        for (typed, meant) in [("Team/Prod", Some("Team/Prod")), (" /Team // Prod /", Some("Team/Prod")), ("/ /", None)]
        {
            let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
            let profile = Profile { folder: Some(typed.into()), ..Profile::new(vm.parse().unwrap()) };
            assert_eq!(profile.folder().as_deref(), meant, "{typed}");
        }
    }

    #[test]
    fn names_are_safe_in_a_shell_and_equal_in_any_case() {
        for name in ["web-01", "a", "Build_Win.02"] {
            assert!(name.parse::<ProfileName>().is_ok(), "{name}");
        }
        for name in ["", "-oProxyCommand=x", "a b", "a/b", "ü", ".hidden", &"x".repeat(65)] {
            assert!(name.parse::<ProfileName>().is_err(), "{name}");
        }
        for name in ["web.ajar", "web.AJAR", "a.b.ajar"] {
            assert_eq!(name.parse::<ProfileName>(), Err(ProfileNameError::Ending(name.into())));
        }
        assert!("ajar".parse::<ProfileName>().is_ok() && "web.ajar.old".parse::<ProfileName>().is_ok());
        assert_eq!("Web-01".parse::<ProfileName>().unwrap(), "web-01".parse().unwrap());
        for text in ["web-01", "", "_x", "Büro 1", "web.AJAR", "ä", &"x".repeat(99), &"é".repeat(99)] {
            let like = ProfileName::like(text);
            assert_eq!(like.as_str().parse().as_ref(), Ok(&like), "{text}");
        }
        assert_eq!(ProfileName::like("Büro 1").as_str(), "B-ro-1");
    }
}

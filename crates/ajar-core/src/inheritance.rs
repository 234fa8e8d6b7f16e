//! What a profile does not say itself: its folder says it, else the folder that this lies in, and so on; else the
//! settings for all; else what is built in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::exchange::PERSONAL;
use crate::folders::folder_path;
use crate::iso8601::{IsoDuration, as_people_write};
use crate::message::settings::{Flaw, table_name};
use crate::port::Protocol;
use crate::profile::{AddressChoice, AfterUse, Colour, Forward, Profile, RenewUpTo, SourceChoice, port_of, spoken_on};
use crate::resource_id::VmResourceId;
use crate::settings::Misfit;
use crate::team::TeamName;
use crate::vm::OsType;

/// Declares what can be said of many profiles at once, each field once: by its key, and how a profile says it.
macro_rules! inheritable {
    ($($(#[$attribute:meta])* $field:ident: $type:ty = $name:ident $key:literal;)*) => {
        /// What can be said of one profile or of many: all fields of a [`Profile`], and as there, but for those that mean it
        /// alone. Also the shape of the `[defaults]` table of `config.toml` and of each `[folders."Team/Prod"]`; keys it does
        /// not know are let through.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS), ts(export))]
        pub struct Inheritable {
            $(
                #[doc = concat!(" Key `", $key, "`.")]
                #[serde(default, rename = $key, skip_serializing_if = "Option::is_none")]
                $(#[$attribute])*
                pub $field: Option<$type>,
            )*
        }

        /// A field that is inherited.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS), ts(export))]
        pub enum Field {
            $(
                #[doc = concat!(" Key `", $key, "`.")]
                #[serde(rename = $key)]
                $name,
            )*
        }

        impl Field {
            /// All of them, as they are shown.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The key that it has in `config.toml`.
            pub fn key(self) -> &'static str {
                match self {
                    $(Self::$name => $key,)*
                }
            }

            /// Whether something is said of it.
            pub fn is_in(self, said: &Inheritable) -> bool {
                match self {
                    $(Self::$name => said.$field.is_some(),)*
                }
            }

            /// Has nothing be said of it any more.
            pub fn take_out_of(self, said: &mut Inheritable) {
                match self {
                    $(Self::$name => said.$field = None,)*
                }
            }
        }

        impl Inheritable {
            /// What a profile says itself.
            pub fn of(profile: &Profile) -> Self {
                Self { $($field: profile.$field.clone(),)* }
            }

            /// The profile of a VM of which that is said.
            pub fn of_vm(self, vm: VmResourceId) -> Profile {
                Profile { vm, note: None, folder: None, $($field: self.$field,)* }
            }

            /// What is said by now, with what this changes of what was said `before`: whoever changed something else meanwhile
            /// keeps it.
            #[must_use]
            pub fn since(&self, before: &Self, by_now: &Self) -> Self {
                Self { $($field: if self.$field == before.$field { by_now.$field.clone() } else { self.$field.clone() },)* }
            }

            /// What is said by now without a change that was made of it: what somebody else has changed since stays.
            #[must_use]
            pub fn taken_back(&self, before: &Self, after: &Self) -> Self {
                Self { $($field: if self.$field == after.$field { before.$field.clone() } else { self.$field.clone() },)* }
            }

            /// Takes over what is said there and not here.
            pub(crate) fn inherit(&mut self, from: Self) {
                $(
                    if self.$field.is_none() {
                        self.$field = from.$field;
                    }
                )*
            }
        }
    };
}

inheritable! {
    port: u16 = Port "port";
    protocol: Protocol = Protocol "protocol";
    user: String = User "user";
    #[serde(with = "as_people_write")]
    #[cfg_attr(test, ts(type = "string", optional))]
    access: IsoDuration = Access "for";
    renew_up_to: RenewUpTo = RenewUpTo "renew_up_to";
    after_use: AfterUse = AfterUse "after_use";
    account: AccountName = Account "account";
    cloud: String = Cloud "cloud";
    tenant: String = Tenant "tenant";
    start: bool = Start "start";
    identity_file: String = IdentityFile "identity_file";
    known_hosts_file: String = KnownHostsFile "known_hosts_file";
    justification: String = Justification "justification";
    ask_justification: bool = AskJustification "ask_justification";
    address: AddressChoice = Address "address";
    source: SourceChoice = Source "source";
    colour: Colour = Colour "colour";
    client: String = Client "client";
    client_arguments: Vec<String> = ClientArguments "client_arguments";
    forwards: Vec<Forward> = Forwards "forwards";
    rdp_file: String = RdpFile "rdp_file";
    gateway: String = Gateway "gateway";
    multimon: bool = Multimon "multimon";
    entra_login: bool = EntraLogin "entra_login";
    forward_agent: bool = ForwardAgent "forward_agent";
}

impl Inheritable {
    /// What is spoken on the port, as far as that is said.
    pub fn protocol(&self) -> Protocol {
        spoken_on(self.port, self.protocol)
    }

    /// The port, as far as that is said; 0 where one has to be and is not.
    pub fn port(&self) -> u16 {
        port_of(self.port, self.protocol)
    }
}

/// All keys of a profile, as it is written in `config.toml`.
pub fn profile_keys() -> impl Iterator<Item = &'static str> {
    let inherited = Field::ALL.iter().map(|field| field.key());
    ["vm"].into_iter().chain(inherited).chain(["note", "folder"])
}

impl std::str::FromStr for Field {
    type Err = String;

    fn from_str(key: &str) -> Result<Self, Self::Err> {
        let keys = || Self::ALL.iter().map(|field| field.key()).collect::<Vec<_>>().join(", ");
        let known = Self::ALL.iter().find(|field| field.key() == key).copied();
        known.ok_or_else(|| crate::message::given::no_field(key, &keys()))
    }
}

/// Where the value of a field comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "from")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Origin {
    /// The profile says it itself.
    Profile,
    /// The folder that the profile lies in, or one that this lies in.
    Folder {
        /// Its whole name.
        folder: String,
    },
    /// The team whose favourite it is.
    Team {
        /// Its name.
        team: TeamName,
    },
    /// The settings for all.
    Defaults,
    /// The VM itself, by what runs on it.
    Vm {
        /// That.
        os: OsType,
    },
    /// The JIT policy of the VM, which allows no more.
    Policy,
    /// Nobody says anything: what is built in holds, if there is something.
    BuiltIn,
}

/// All that profiles inherit from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inheritance {
    /// What holds for all.
    pub defaults: Inheritable,
    /// What holds for what lies in a folder, each by its name as it is written.
    pub folders: Vec<(String, Inheritable)>,
    /// What is known to run on VMs, which says how they are opened where nobody does. No key of `config.toml`. By their ids
    /// alone: no two clouds have a subscription in common.
    pub systems: BTreeMap<VmResourceId, OsType>,
}

/// A profile with what it inherits, and where each of its fields comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// How the VM is opened.
    pub profile: Profile,
    /// In the order of [`Field::ALL`].
    pub origins: Vec<(Field, Origin)>,
}

impl Effective {
    /// Where a field comes from.
    pub fn origin(&self, field: Field) -> &Origin {
        let known = self.origins.iter().find(|(known, _)| *known == field);
        known.map_or(&Origin::BuiltIn, |(_, origin)| origin)
    }
}

impl Inheritance {
    /// What is said of all profiles in a folder there itself, and how its name is written, whichever way it is given.
    pub fn of_folder(&self, folder: &str) -> Option<&(String, Inheritable)> {
        let path = folder_path(folder);
        self.folders.iter().find(|(name, _)| folder_path(name) == path)
    }

    /// What is said of all, or of what lies in a folder there itself.
    pub fn said_of(&self, folder: Option<&str>) -> Inheritable {
        match folder {
            None => self.defaults.clone(),
            Some(folder) => self.of_folder(folder).map(|(_, said)| said.clone()).unwrap_or_default(),
        }
    }

    /// The same with something else said of all, or of what lies in a folder.
    #[must_use]
    pub fn with(&self, folder: Option<&str>, said: Inheritable) -> Self {
        let mut other = self.clone();
        match folder {
            None => other.defaults = said,
            Some(folder) => {
                other.folders.retain(|(name, _)| folder_path(name) != folder_path(folder));
                other.folders.push((folder.to_owned(), said));
            }
        }
        other
    }

    /// What is wrong with it, if anything.
    pub fn misfit(&self) -> Option<Misfit> {
        let in_order = self.folders.iter().enumerate();
        let of_name = in_order.filter_map(|(place, (name, _))| {
            let keys = ["folders", name];
            if folder_path(name).is_empty() {
                return Some(Misfit::at(&keys, &Flaw::NoFolder { name }));
            }
            let first = self.folders[..place].iter().find(|(first, _)| folder_path(first) == folder_path(name));
            first.map(|(first, _)| Misfit::at(&keys, &Flaw::FolderTwice { name, first }))
        });
        let folders = self.folders.iter().map(|(name, said)| (vec!["folders", name.as_str()], said));
        let of_port = folders.chain([(vec!["defaults"], &self.defaults)]).filter_map(|(keys, said)| {
            let table = table_name(&keys);
            let (key, wrong) = of_door(said.port, said.protocol, &table)?;
            Some(Misfit::at(&[&keys[..], &[key]].concat(), &wrong))
        });
        of_name.chain(of_port).next()
    }

    /// Who hands something down to what lies in a folder, the nearest first.
    fn chain(&self, folder: Option<&str>) -> Vec<(Origin, &Inheritable)> {
        let path = folder.map(folder_path).unwrap_or_default();
        let folders = (1..=path.len()).rev().filter_map(|length| {
            let folder = path[..length].join("/");
            self.of_folder(&folder).map(|(_, defaults)| (Origin::Folder { folder: folder.clone() }, defaults))
        });
        folders.chain([(Origin::Defaults, &self.defaults)]).collect()
    }

    /// A profile with what it inherits. Field by field the nearest that says something counts; but port and protocol are
    /// one, and so are a client and its arguments: who says either says both, and the other is not taken from elsewhere.
    pub fn effective(&self, own: &Profile) -> Effective {
        let by_vm = self.said_by(&own.vm);
        let chain = self.chain(own.folder.as_deref()).into_iter().chain(last(by_vm.as_ref()));
        let (said, origins) = resolve(Inheritable::of(own), chain);
        let profile = Profile { note: own.note.clone(), folder: own.folder.clone(), ..said.of_vm(own.vm.clone()) };
        Effective { profile, origins }
    }

    /// The favourite of a team, which lies in the team's folder, with what it inherits. What the settings say of that folder
    /// counts before what the team says, and that before what they say of all, but for the agent's keys; and what is one
    /// person's own ([`PERSONAL`]) nobody else says before them.
    pub fn effective_of_team(&self, team: &TeamName, of_team: &Profile) -> Effective {
        let origin = || Origin::Team { team: team.clone() };
        let (mut shared, mut personal) = (Inheritable::of(of_team), Inheritable::of(of_team));
        for field in Field::ALL {
            let not_here = if PERSONAL.contains(field) { &mut shared } else { &mut personal };
            field.take_out_of(not_here);
        }
        let mut chain = self.chain(of_team.folder.as_deref());
        let of_all = chain.len() - 1;
        // Which machines a team names is the team's to say: none is let use one's keys by what is said of one's own.
        let mut defaults = self.defaults.clone();
        Field::ForwardAgent.take_out_of(&mut defaults);
        chain[of_all].1 = &defaults;
        chain.insert(of_all, (origin(), &shared));
        chain.push((origin(), &personal));
        let by_vm = self.said_by(&of_team.vm);
        let (said, origins) = resolve(Inheritable::default(), chain.into_iter().chain(last(by_vm.as_ref())));
        let profile =
            Profile { note: of_team.note.clone(), folder: of_team.folder.clone(), ..said.of_vm(of_team.vm.clone()) };
        Effective { profile, origins }
    }

    /// What a VM says of how it is opened, by what is known to run there. It is the port: what is spoken on others is not
    /// said with it.
    fn said_by(&self, vm: &VmResourceId) -> Option<(Origin, Inheritable)> {
        let os = *self.systems.get(vm)?;
        let port = os.usual_protocol().default_port();
        Some((Origin::Vm { os }, Inheritable { port, ..Inheritable::default() }))
    }

    /// What would hold of a field for a profile in that folder, which leads to this VM, all the same what it says of it
    /// itself, and where that comes from.
    pub fn without(
        &self,
        field: Field,
        said: &Inheritable,
        folder: Option<&str>,
        vm: Option<&VmResourceId>,
    ) -> (Inheritable, Origin) {
        let mut said = said.clone();
        field.take_out_of(&mut said);
        let by_vm = vm.and_then(|vm| self.said_by(vm));
        let (holds, origins) = resolve(said, self.chain(folder).into_iter().chain(last(by_vm.as_ref())));
        let origin = origins.into_iter().find(|(known, _)| *known == field).map(|(_, origin)| origin);
        (holds, origin.unwrap_or(Origin::BuiltIn))
    }
}

/// What is wrong with a port and what is spoken there as a table of the settings says them, and at which key. Neither is inherited
/// where the other is said.
pub(crate) fn of_door(port: Option<u16>, protocol: Option<Protocol>, table: &str) -> Option<(&'static str, Flaw<'_>)> {
    match (port, protocol) {
        (Some(0), _) => Some(("port", Flaw::NoPort { table })),
        (None, Some(Protocol::Port)) => Some(("protocol", Flaw::WhichPort { table })),
        (_, _) => None,
    }
}

/// Who is asked behind all others.
fn last(said: Option<&(Origin, Inheritable)>) -> impl Iterator<Item = (Origin, &Inheritable)> {
    said.into_iter().map(|(origin, said)| (origin.clone(), said))
}

/// What holds where so much is said, and the others of the chain are asked in its order.
fn resolve<'i>(
    mut said: Inheritable,
    chain: impl IntoIterator<Item = (Origin, &'i Inheritable)>,
) -> (Inheritable, Vec<(Field, Origin)>) {
    let mut origins: Vec<_> = Field::ALL.iter().map(|field| (*field, Origin::BuiltIn)).collect();
    let mut note = |said: &Inheritable, from: &Origin| {
        let new = origins.iter_mut().filter(|(field, origin)| *origin == Origin::BuiltIn && field.is_in(said));
        new.for_each(|(_, origin)| *origin = from.clone());
    };
    note(&said, &Origin::Profile);
    for (origin, from) in chain {
        let mut from = from.clone();
        if said.port.is_some() || said.protocol.is_some() {
            (from.port, from.protocol) = (None, None);
        }
        if said.client.is_some() || said.client_arguments.is_some() {
            (from.client, from.client_arguments) = (None, None);
        }
        said.inherit(from);
        note(&said, &origin);
    }
    // Of the port that a system is known for nobody else says what is spoken there.
    let of_port = origins.iter().find(|(field, origin)| *field == Field::Port && matches!(origin, Origin::Vm { .. }));
    if let Some((_, by_vm)) = of_port.cloned() {
        origins
            .iter_mut()
            .filter(|(field, _)| *field == Field::Protocol)
            .for_each(|(_, origin)| *origin = by_vm.clone());
    }
    (said, origins)
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";

    fn profile(folder: Option<&str>) -> Profile {
        Profile { folder: folder.map(Into::into), ..Profile::new(VM.parse().unwrap()) }
    }

    fn defaults(json: serde_json::Value) -> Inheritable {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_nearest_that_says_something_counts() {
        let inheritance = Inheritance {
            defaults: defaults(serde_json::json!({ "user": "all", "for": "1h", "account": "work", "port": 2222 })),
            folders: vec![
                ("Team / Prod".into(), defaults(serde_json::json!({ "user": "prod", "start": false }))),
                ("Team".into(), defaults(serde_json::json!({ "user": "team", "tenant": "t", "later": 1 }))),
                ("Prod".into(), defaults(serde_json::json!({ "cloud": "usgov" }))),
            ],
            ..Inheritance::default()
        };
        let own = Profile { access: Some("PT8H".parse().unwrap()), ..profile(Some("Team/Prod/EU")) };
        let effective = inheritance.effective(&own);
        let Profile { user, tenant, account, start, cloud, .. } = &effective.profile;
        assert_eq!((user.as_deref(), tenant.as_deref(), *start, cloud), (Some("prod"), Some("t"), Some(false), &None));
        assert_eq!((account.as_ref().unwrap().as_str(), effective.profile.access().num_hours()), ("work", 8));
        let folder = |name: &str| Origin::Folder { folder: name.into() };
        for (field, origin) in [
            (Field::User, folder("Team/Prod")),
            (Field::Tenant, folder("Team")),
            (Field::Account, Origin::Defaults),
            (Field::Access, Origin::Profile),
            (Field::Port, Origin::Defaults),
            (Field::Cloud, Origin::BuiltIn),
        ] {
            assert_eq!(*effective.origin(field), origin, "{field:?}");
        }
    }

    #[test]
    fn what_is_opened_is_said_by_one() {
        let inheritance = Inheritance {
            defaults: defaults(serde_json::json!({ "port": 2222 })),
            folders: Vec::new(),
            ..Inheritance::default()
        };
        let rdp = Profile { protocol: Some(Protocol::Rdp), ..profile(None) };
        assert_eq!(inheritance.effective(&rdp).profile.port(), 3389);
        assert_eq!(inheritance.effective(&profile(None)).profile.port(), 2222);
    }

    #[test]
    fn what_would_hold_otherwise_is_told_of_each_field() {
        let inheritance = Inheritance {
            defaults: defaults(serde_json::json!({ "user": "all", "port": 2222 })),
            folders: Vec::new(),
            ..Inheritance::default()
        };
        let said = defaults(serde_json::json!({ "user": "me", "protocol": "rdp" }));
        let (holds, origin) = inheritance.without(Field::User, &said, Some("Team"), None);
        assert_eq!((holds.user.as_deref(), origin), (Some("all"), Origin::Defaults));
        let (holds, origin) = inheritance.without(Field::Port, &said, None, None);
        assert_eq!((holds.port(), origin), (3389, Origin::BuiltIn));
        let (holds, origin) = inheritance.without(Field::Protocol, &said, None, None);
        assert_eq!((holds.port(), holds.protocol(), origin), (2222, Protocol::Ssh, Origin::BuiltIn));
    }

    #[test]
    fn what_runs_on_the_vm_says_its_port_where_nobody_else_says_port_or_protocol() {
        let vm: VmResourceId = VM.parse().unwrap();
        let by = |os, said: serde_json::Value| Inheritance {
            defaults: defaults(said),
            folders: Vec::new(),
            systems: [(VM.to_uppercase().parse().unwrap(), os)].into(),
        };
        let nothing = || serde_json::json!({});
        for (os, port, protocol) in [(OsType::Windows, 3389, Protocol::Rdp), (OsType::Linux, 22, Protocol::Ssh)] {
            let effective = by(os, nothing()).effective(&profile(None));
            assert_eq!((effective.profile.port(), effective.profile.protocol()), (port, protocol));
            for field in [Field::Port, Field::Protocol] {
                assert_eq!(effective.origin(field), &Origin::Vm { os });
                let (holds, origin) = by(os, nothing()).without(field, &Inheritable::default(), None, Some(&vm));
                assert_eq!((holds.port(), holds.protocol(), origin), (port, protocol, Origin::Vm { os }));
            }
            assert_eq!(effective.profile.spoken_at(22), Protocol::Ssh, "also Windows has a server for ssh");
        }
        let said_of_all = by(OsType::Windows, serde_json::json!({ "protocol": "ssh" })).effective(&profile(None));
        assert_eq!((said_of_all.profile.port(), said_of_all.origin(Field::Port)), (22, &Origin::BuiltIn));
        let own = Profile { port: Some(22), ..profile(None) };
        let said = by(OsType::Windows, nothing()).effective(&own);
        assert_eq!((said.profile.port(), said.origin(Field::Protocol)), (22, &Origin::BuiltIn));
        let other = Profile::new(format!("{VM}2").parse().unwrap());
        assert_eq!(by(OsType::Windows, nothing()).effective(&other).profile.port(), 22, "nothing is known of it");
    }

    #[test]
    fn fields_are_called_as_they_are_written() {
        let keys: Vec<_> = Field::ALL.iter().map(|field| field.key()).collect();
        for key in &keys {
            assert_eq!(key.parse::<Field>().unwrap().key(), *key);
            assert_eq!(serde_json::to_value(key.parse::<Field>().unwrap()).unwrap(), *key);
        }
        assert!("vm".parse::<Field>().unwrap_err().contains("port"));
    }

    fn some_defaults() -> impl Strategy<Value = Inheritable> {
        let text = || option::of("[a-c]");
        let door = (option::of(1_u16..4), option::of(prop::sample::select(&Protocol::ALL)));
        (door, text(), text(), option::of(any::<bool>())).prop_map(|((port, protocol), user, tenant, start)| {
            Inheritable { port, protocol, user, tenant, start, ..Inheritable::default() }
        })
    }

    proptest! {
        #[test]
        fn what_somebody_leaves_as_it_was_stays_as_it_is_by_now(
            before in some_defaults(),
            after in some_defaults(),
            by_now in some_defaults(),
        ) {
            prop_assert_eq!(&after.since(&before, &before), &after);
            prop_assert_eq!(&before.since(&before, &by_now), &by_now);
            let user = if after.user == before.user { &by_now.user } else { &after.user };
            prop_assert_eq!(&after.since(&before, &by_now).user, user);
        }

        #[test]
        fn what_is_taken_back_is_what_nobody_has_changed_since(
            before in some_defaults(),
            after in some_defaults(),
            by_now in some_defaults(),
        ) {
            prop_assert_eq!(&after.taken_back(&before, &after), &before);
            prop_assert_eq!(&by_now.taken_back(&before, &before), &by_now);
            let user = if by_now.user == after.user { &before.user } else { &by_now.user };
            prop_assert_eq!(&by_now.taken_back(&before, &after).user, user);
        }

        /// By the plainest way to say it: who is asked in order, and the first who says something counts.
        #[test]
        fn each_field_is_that_of_the_first_in_the_chain_that_has_one(
            own in some_defaults(),
            defaults in some_defaults(),
            folders in prop::collection::btree_map("a(/b(/c)?)?", some_defaults(), 0..4),
            folder in option::of("a(/b(/c(/d)?)?)?"),
        ) {
            let profile = Profile { folder: folder.clone(), ..own.clone().of_vm(VM.parse().unwrap()) };
            let inheritance = Inheritance { defaults: defaults.clone(), folders: folders.clone().into_iter().collect(), ..Inheritance::default() };
            let effective = inheritance.effective(&profile);

            let mut chain = vec![(Origin::Profile, own)];
            let mut path = folder.unwrap_or_default();
            while !path.is_empty() {
                if let Some(said) = folders.get(&path) {
                    chain.push((Origin::Folder { folder: path.clone() }, said.clone()));
                }
                path.truncate(path.rfind('/').unwrap_or(0));
            }
            chain.push((Origin::Defaults, defaults));
            let says_door = |said: &Inheritable| said.port.is_some() || said.protocol.is_some();
            let door = chain.iter().find(|(_, said)| says_door(said));
            let of_door = door.map(|(_, said)| (said.port, said.protocol)).unwrap_or_default();
            prop_assert_eq!((effective.profile.port, effective.profile.protocol), of_door);
            let user = chain.iter().find(|(_, said)| said.user.is_some());
            prop_assert_eq!(&effective.profile.user, &user.and_then(|(_, said)| said.user.clone()));
            prop_assert_eq!(effective.origin(Field::User), user.map_or(&Origin::BuiltIn, |(origin, _)| origin));
            let start = chain.iter().find_map(|(_, said)| said.start);
            prop_assert_eq!(effective.profile.start, start);
            for (field, origin) in &effective.origins {
                prop_assert_eq!(*origin != Origin::BuiltIn, field.is_in(&Inheritable::of(&effective.profile)));
                prop_assert_eq!(*origin == Origin::Profile, field.is_in(&Inheritable::of(&profile)));
            }
            prop_assert_eq!(&inheritance.effective(&effective.profile).profile, &effective.profile);
        }
    }
}

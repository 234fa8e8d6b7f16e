//! What a user has set: favourites, clouds, clients. The shape of `config.toml`.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::profile::{Profile, ProfileName};

/// The `schema_version` this code writes. A file with a newer one is refused, and neither understood by half nor written.
pub const SCHEMA_VERSION: i64 = 1;

/// Everything `config.toml` says, in the file's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The favourites.
    pub favourites: Vec<Favourite>,
    /// Clouds beside the built-in ones.
    pub clouds: Vec<(String, CloudSettings)>,
    /// The cloud to use when the command line names none; `public` if absent.
    pub cloud: Option<String>,
    /// Which programs open things.
    pub clients: ClientSettings,
}

impl Settings {
    /// The favourite of that name.
    pub fn favourite(&self, name: &ProfileName) -> Option<&Favourite> {
        self.favourites.iter().find(|favourite| favourite.name == *name)
    }

    /// What makes these settings ambiguous or unusable, if anything does: where it is written, and what is wrong.
    pub fn flaw(&self) -> Option<String> {
        let flaw_of = |(place, favourite): (usize, &Favourite)| {
            let Favourite { name, profile } = favourite;
            let before = self.favourites[..place].iter().find(|before| before.name == *name);
            if let Some(before) = before {
                return Some(format!(
                    "[profiles.{name}] is [profiles.{}] once more: names that differ only in case are the same",
                    before.name
                ));
            }
            (profile.port == Some(0)).then(|| format!("[profiles.{name}] port = 0 is no port: use 1 to 65535"))
        };
        self.favourites.iter().enumerate().find_map(flaw_of)
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
    /// The certificates to trust instead of the system's, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// Where to ask for this machine's public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_ip_endpoints: Option<Vec<String>>,
}

/// The `[clients]` table: programs to use in place of the ones found. Keys it does not know are let through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSettings {
    /// A terminal that runs the command appended to it, such as `["foot"]` or `["xterm", "-e"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<Vec<String>>,
    /// The ssh program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
    /// The remote desktop program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rdp: Option<String>,
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
        Settings { favourites: favourites.iter().map(favourite).collect(), ..Settings::default() }.flaw()
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

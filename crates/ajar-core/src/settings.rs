//! What a user has set: favourites, clouds, clients. The shape of `config.toml`.

use serde::{Deserialize, Serialize};

use crate::profile::{Profile, ProfileName};

/// The `schema_version` this code writes. A file with a newer one is read but never written.
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

/// A `[clouds.NAME]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// The `[clients]` table: programs to use in place of the ones found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

//! The clouds, by name, and the way to each.

use std::path::Path;

use ajar_azure::{Cloud, Http};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::settings::{BUILT_IN_CLOUDS, CloudSettings, Settings};

use super::Inner;

/// A cloud and the HTTP client that all calls to it share.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub(super) cloud: Cloud,
    pub(super) http: Http,
}

impl Inner {
    /// The way to a cloud.
    pub(super) fn reach(&self, name: &str, settings: &Settings) -> Result<Reach, Trouble> {
        if let Some(reach) = self.known().clouds.get(name) {
            return Ok(reach.clone());
        }
        let cloud = find_cloud(name, settings, &self.file)?;
        let reach = Reach { http: ajar_azure::http_client(&cloud)?, cloud };
        let mut known = self.known();
        if known.has_clouds_of(settings) {
            known.clouds.insert(name.to_owned(), reach.clone());
        }
        Ok(reach)
    }
}

/// The cloud of that name: the user's own, else a built-in one.
pub(crate) fn find_cloud(name: &str, settings: &Settings, file: &Path) -> Result<Cloud, Trouble> {
    if let Some((_, own)) = settings.clouds.iter().find(|(own, _)| own == name) {
        return own_cloud(name, own, file);
    }
    Cloud::built_in(name).ok_or_else(|| {
        let own = settings.clouds.iter().map(|(name, _)| name.clone());
        let known = BUILT_IN_CLOUDS.into_iter().map(ToOwned::to_owned).chain(own).collect();
        Failure::UnknownCloud { name: name.to_owned(), known }.into()
    })
}

fn own_cloud(name: &str, settings: &CloudSettings, file: &Path) -> Result<Cloud, Trouble> {
    let unusable = |detail: String| Failure::Settings {
        path: file.display().to_string(),
        detail: flaw(&Flaw::Within { table: &format!("clouds.{name}"), detail: &detail }),
    };
    let pem = match &settings.ca_bundle {
        // A relative path counts from the settings file, not from where Ajar happens to be started.
        Some(path) => {
            let full = file.parent().unwrap_or(Path::new("")).join(path);
            Some(std::fs::read(full).map_err(|error| unusable(format!("ca_bundle {path}: {error}")))?)
        }
        None => None,
    };
    Cloud::from_settings(name, settings, pem).map_err(|error| unusable(error.to_string()).into())
}

#[cfg(test)]
mod tests {
    use crate::accounts::AzureAccounts;
    use crate::adapters::{Keychain, SystemKeychain};
    use crate::files::StateFile;
    use crate::ports::Accounts as _;
    use ajar_core::settings::{CloudSettings, Settings};

    #[test]
    fn a_cloud_that_was_changed_meanwhile_is_not_kept_as_it_was() {
        let home = tempfile::tempdir().unwrap();
        let with = |host: &str| {
            let at = |kind: &str| format!("https://{kind}.{host}");
            let cloud = CloudSettings {
                authority: at("login"),
                resource_manager: at("arm"),
                audience: None,
                client_id: None,
                ca_bundle: None,
                public_ip_endpoints: None,
                bastion_suffix: None,
            };
            Settings { clouds: vec![("mine".into(), cloud)], ..Settings::default() }
        };
        let (before, after) = (with("before.example"), with("after.example"));
        let accounts = AzureAccounts::new(
            &home.path().join("config.toml"),
            StateFile::new(home.path().join("state.json")),
            Ok(before.clone()),
            None,
            Keychain::new(SystemKeychain::of("ajar test")),
        );
        accounts.settings_are(&after);
        // Whoever waited for the network or the keychain has the settings of before.
        accounts.0.reach("mine", &before).unwrap();
        let reach = accounts.0.reach("mine", &after).unwrap();
        assert!(format!("{:?}", reach.cloud).contains("after.example"), "{:?}", reach.cloud);
    }
}

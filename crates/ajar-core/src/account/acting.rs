//! Whom a favourite acts as.

use super::{AccountName, AccountSettings, SignInMethod};
use crate::failure::Failure;
use crate::profile::Profile;
use crate::settings::Settings;
use crate::vm::CloudVm;

/// The cloud of who names none.
const PUBLIC: &str = "public";

/// Whom one favourite acts as, and where. Others act as somebody else at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Acting {
    /// The cloud.
    pub cloud: String,
    /// The account.
    pub account: AccountName,
    /// The tenant whose tokens are wanted, where it was named; else it is found by the VM's subscription.
    pub tenant: Option<String>,
}

/// Whether an account can act in a cloud. One that names none is one of whichever is wanted.
fn may_be_of(account: &AccountSettings, cloud: &str) -> bool {
    account.cloud.as_deref().is_none_or(|of_account| of_account == cloud)
}

/// What holds where settings say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// The cloud of the command line.
    pub cloud: Option<String>,
    /// Whether the environment has a service principal.
    pub environment: bool,
}

impl Settings {
    /// The account that acts for whom names none: the settings' own, else the environment's, else the only one there is,
    /// else whoever is signed in to the Azure CLI.
    pub fn default_account(&self, defaults: &Defaults) -> AccountName {
        let named = self.account.clone();
        let environment = || defaults.environment.then(AccountName::environment);
        let only = || match self.accounts.as_slice() {
            [(name, _)] => Some(name.clone()),
            _ => None,
        };
        named.or_else(environment).or_else(only).unwrap_or_else(AccountName::az)
    }

    /// The account that acts for whom names a cloud and no account: that of all, where it is one of that cloud; else the only
    /// one of that cloud. Where nobody is the account of all, whoever is signed in to the Azure CLI there.
    fn default_account_in(&self, cloud: &str, defaults: &Defaults) -> Option<AccountName> {
        let default = self.default_account(defaults);
        let is_for_want_of_another = self.account.is_none() && default.built_in() == Some(super::AZ);
        let fits = self.own_account(&default).is_none_or(|(_, own)| may_be_of(own, cloud));
        if fits && !is_for_want_of_another {
            return Some(default);
        }
        match self.own_accounts_in(cloud).as_slice() {
            [only] => Some((*only).clone()),
            _ => Some(default).filter(|_| fits),
        }
    }

    /// The accounts of the settings that can act in a cloud.
    fn own_accounts_in(&self, cloud: &str) -> Vec<&AccountName> {
        self.accounts.iter().filter(|(_, own)| may_be_of(own, cloud)).map(|(name, _)| name).collect()
    }

    /// The cloud of whom names none.
    pub fn default_cloud<'a>(&'a self, defaults: &'a Defaults) -> &'a str {
        defaults.cloud.as_deref().or(self.cloud.as_deref()).unwrap_or(PUBLIC)
    }

    /// Whom a favourite with this profile acts as.
    ///
    /// # Errors
    /// [`Failure::UnknownAccount`], [`Failure::OtherCloudsAccount`] for a cloud that is not the account's,
    /// [`Failure::NoAccountInCloud`] where none is named and none is that of the cloud, and [`Failure::TenantUnfit`].
    pub fn acting(&self, profile: &Profile, defaults: &Defaults) -> Result<Acting, Failure> {
        let (cloud, tenant) = (profile.cloud.as_deref(), profile.tenant.as_deref());
        let account = self.account_of(profile, defaults).ok_or_else(|| {
            let cloud = cloud.unwrap_or_default();
            let there = self.own_accounts_in(cloud).into_iter().map(ToString::to_string).collect();
            Failure::NoAccountInCloud { cloud: cloud.to_owned(), there }
        })?;
        self.acting_as(&account, cloud, tenant, defaults)
    }

    /// The account that acts for a favourite with this profile, whether it is there or not. None for one that names no account
    /// and a cloud of which no account is to act for it.
    pub fn account_of(&self, profile: &Profile, defaults: &Defaults) -> Option<AccountName> {
        match (&profile.account, &profile.cloud) {
            (Some(named), _) => Some(named.clone()),
            (None, Some(cloud)) => self.default_account_in(cloud, defaults),
            (None, None) => Some(self.default_account(defaults)),
        }
    }

    /// The cloud that the VM of a favourite with this profile is in, whoever acts there: the one that it names, else its account's.
    pub fn cloud_of(&self, profile: &Profile, defaults: &Defaults) -> String {
        let named = profile.cloud.clone();
        let of_account = || self.own_account(&self.account_of(profile, defaults)?)?.1.cloud.clone();
        named.or_else(of_account).unwrap_or_else(|| self.default_cloud(defaults).to_owned())
    }

    /// The VM of a favourite with this profile, as it is told apart from those of other clouds.
    pub fn place_of(&self, profile: &Profile, defaults: &Defaults) -> CloudVm {
        CloudVm { cloud: self.cloud_of(profile, defaults), id: profile.vm.clone() }
    }

    /// Whom somebody acts as who names an account, and perhaps a cloud and a tenant.
    ///
    /// # Errors
    /// As [`Settings::acting`].
    pub fn acting_as(
        &self,
        wanted: &AccountName,
        cloud: Option<&str>,
        tenant: Option<&str>,
        defaults: &Defaults,
    ) -> Result<Acting, Failure> {
        let account = self.account_called(wanted, defaults)?;
        let own = self.own_account(&account);
        let of_account = own.and_then(|(_, settings)| settings.cloud.as_deref());
        if let (Some(of_account), Some(named)) = (of_account, cloud)
            && of_account != named
        {
            let (cloud, wanted_cloud) = (of_account.to_owned(), named.to_owned());
            return Err(Failure::OtherCloudsAccount { account: wanted.to_string(), cloud, wanted: wanted_cloud });
        }
        let cloud = cloud.or(of_account).unwrap_or_else(|| self.default_cloud(defaults));
        // A service principal belongs to one tenant: its own, unless somebody says otherwise.
        let of_principal = own.filter(|(_, settings)| settings.sign_in == SignInMethod::ServicePrincipal);
        let of_principal = of_principal.and_then(|(_, settings)| settings.tenant.clone());
        let tenant = tenant.map(ToOwned::to_owned).or(of_principal);
        Ok(Acting { cloud: cloud.to_owned(), account, tenant: tenant.as_deref().map(super::tenant).transpose()? })
    }

    /// The account of that name, as it is written. A built-in one is there in any case, but for the environment's.
    ///
    /// # Errors
    /// [`Failure::UnknownAccount`].
    pub fn account_called(&self, name: &AccountName, defaults: &Defaults) -> Result<AccountName, Failure> {
        let written = match name.built_in() {
            Some(super::ENVIRONMENT) if !defaults.environment => None,
            Some(built_in) => Some(AccountName(built_in.to_owned())),
            None => self.own_account(name).map(|(written, _)| written.clone()),
        };
        written.ok_or_else(|| self.unknown_account(name, defaults))
    }

    /// The failure of naming an account that is not there.
    pub fn unknown_account(&self, wanted: &AccountName, defaults: &Defaults) -> Failure {
        let own = self.accounts.iter().map(|(name, _)| name.to_string());
        let environment = defaults.environment.then(|| super::ENVIRONMENT.to_owned());
        let known = own.chain(environment).chain([super::AZ.to_owned(), super::AZD.to_owned()]).collect();
        Failure::UnknownAccount { name: wanted.to_string(), known, for_new: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::AccountSettings;

    fn own(name: &str, cloud: Option<&str>) -> (AccountName, AccountSettings) {
        let settings = AccountSettings { cloud: cloud.map(Into::into), ..AccountSettings::new(SignInMethod::Browser) };
        (name.parse().unwrap(), settings)
    }

    fn profile(account: Option<&str>, cloud: Option<&str>) -> Profile {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v";
        Profile {
            account: account.map(|name| name.parse().unwrap()),
            cloud: cloud.map(Into::into),
            ..Profile::new(vm.parse().unwrap())
        }
    }

    #[test]
    fn who_acts_is_the_nearest_that_is_named() {
        let (work, gov) = (own("work", None), own("gov", Some("usgov")));
        let one = || vec![work.clone()];
        let both = || vec![work.clone(), gov.clone()];
        for (named, default, environment, accounts, account) in [
            (None, None, false, vec![], "az"),
            (None, None, false, one(), "work"),
            (None, None, false, both(), "az"),
            (None, None, true, one(), "environment"),
            (None, Some("gov"), true, both(), "gov"),
            (Some("WORK"), Some("gov"), true, both(), "work"),
            (Some("AZD"), Some("gov"), true, both(), "azd"),
            (Some("environment"), None, true, one(), "environment"),
        ] {
            let account_default = default.map(|name: &str| name.parse().unwrap());
            let settings = Settings { accounts, account: account_default, ..Settings::default() };
            let defaults = Defaults { cloud: None, environment };
            let acting = settings.acting(&profile(named, None), &defaults).unwrap();
            assert_eq!(acting.account.as_str(), account, "{named:?} {default:?} {environment}");
        }
    }

    #[test]
    fn a_favourite_that_names_a_cloud_acts_as_an_account_of_that_cloud_or_as_nobody() {
        let (work, gov, gov2) = (own("work", Some("public")), own("gov", Some("usgov")), own("gov2", Some("usgov")));
        let nobody = |there: &[&str]| {
            let there = there.iter().map(ToString::to_string).collect();
            Err(Failure::NoAccountInCloud { cloud: "usgov".into(), there })
        };
        for (default, accounts, acts) in [
            (None, vec![gov.clone()], Ok("gov")),
            (None, vec![work.clone(), gov.clone()], Ok("gov")),
            (Some("work"), vec![work.clone(), gov.clone()], Ok("gov")),
            (Some("work"), vec![work.clone(), gov.clone(), gov2.clone()], nobody(&["gov", "gov2"])),
            (Some("gov2"), vec![work.clone(), gov.clone(), gov2.clone()], Ok("gov2")),
            (None, vec![work.clone()], nobody(&[])),
            (Some("work"), vec![work.clone()], nobody(&[])),
            (Some("az"), vec![work.clone(), gov.clone()], Ok("az")),
            (None, vec![work, gov, gov2], Ok("az")),
            (None, vec![], Ok("az")),
            (None, vec![own("any", None)], Ok("any")),
        ] {
            let account = default.map(|name: &str| name.parse().unwrap());
            let settings = Settings { accounts, account, ..Settings::default() };
            let acting = settings.acting(&profile(None, Some("usgov")), &Defaults::default());
            let cloud = settings.cloud_of(&profile(None, Some("usgov")), &Defaults::default());
            assert_eq!(cloud, "usgov", "whoever acts there");
            let acts = acts.map(|account: &str| ("usgov".to_owned(), account.to_owned()));
            assert_eq!(acting.map(|acting| (acting.cloud, acting.account.to_string())), acts, "{settings:?}");
        }
    }

    #[test]
    fn an_account_that_is_not_there_is_named_with_those_that_are() {
        let settings = Settings { accounts: vec![own("work", None)], ..Settings::default() };
        for (wanted, environment, known) in [
            ("wrok", false, vec!["work", "az", "azd"]),
            ("environment", false, vec!["work", "az", "azd"]),
            ("wrok", true, vec!["work", "environment", "az", "azd"]),
        ] {
            let failure = settings.acting(&profile(Some(wanted), None), &Defaults { cloud: None, environment });
            let known = known.into_iter().map(Into::into).collect();
            assert_eq!(failure, Err(Failure::UnknownAccount { name: wanted.into(), known, for_new: false }));
        }
    }

    #[test]
    fn the_cloud_is_the_profiles_the_accounts_or_the_usual_one_and_may_not_be_two() {
        let settings = Settings {
            accounts: vec![own("gov", Some("usgov")), own("any", None)],
            cloud: Some("china".into()),
            ..Settings::default()
        };
        for (account, of_profile, asked, cloud) in [
            ("gov", None, Some("public"), Ok("usgov")),
            ("gov", Some("usgov"), None, Ok("usgov")),
            ("gov", Some("public"), None, Err("public")),
            ("any", Some("public"), Some("usgov"), Ok("public")),
            ("any", None, Some("usgov"), Ok("usgov")),
            ("any", None, None, Ok("china")),
            ("az", None, None, Ok("china")),
        ] {
            let defaults = Defaults { cloud: asked.map(Into::into), environment: false };
            let acting = settings.acting(&profile(Some(account), of_profile), &defaults).map(|acting| acting.cloud);
            let cloud = cloud.map(Into::into).map_err(|wanted: &str| Failure::OtherCloudsAccount {
                account: account.into(),
                cloud: "usgov".into(),
                wanted: wanted.into(),
            });
            assert_eq!(acting, cloud, "{account} {of_profile:?} {asked:?}");
        }
        assert_eq!(Settings::default().default_cloud(&Defaults::default()), PUBLIC);
    }

    #[test]
    fn the_tenant_is_the_profiles_and_a_service_principals_its_own() {
        let principal =
            AccountSettings { tenant: Some("home".into()), ..AccountSettings::new(SignInMethod::ServicePrincipal) };
        let person = AccountSettings { sign_in: SignInMethod::Browser, ..principal.clone() };
        let accounts = vec![("app".parse().unwrap(), principal), ("me".parse().unwrap(), person)];
        let settings = Settings { accounts, ..Settings::default() };
        for (account, named, tenant) in [
            ("app", None, Some("home")),
            ("app", Some("t"), Some("t")),
            ("me", None, None),
            ("me", Some("t"), Some("t")),
        ] {
            let profile = Profile { tenant: named.map(Into::into), ..profile(Some(account), None) };
            let acting = settings.acting(&profile, &Defaults::default()).unwrap();
            assert_eq!(acting.tenant.as_deref(), tenant, "{account} {named:?}");
        }
    }
}

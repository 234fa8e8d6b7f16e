//! What a new account is called when nobody says.

use super::{AccountName, AccountSettings, SignInMethod};
use crate::settings::Settings;

impl Settings {
    /// The account that is the same identity, with the same application in the same cloud, if it is there already. A person
    /// who has signed in to a tenant by its name is not the same in another; who names none may be either.
    pub fn same_account(&self, account: &AccountSettings) -> Option<&(AccountName, AccountSettings)> {
        let is_same = |own: &AccountSettings| {
            let same_application = own.cloud == account.cloud && own.client_id == account.client_id;
            if account.sign_in.is_interactive() {
                let home = account.home_account_id.as_ref();
                return match &own.home_account_id {
                    Some(_) => same_application && own.home_account_id.as_ref() == home,
                    None => own.sign_in.is_interactive() && is_written_of(own, account),
                };
            }
            same_application
                && own.sign_in == account.sign_in
                && equal(own.tenant.as_deref(), account.tenant.as_deref())
                && equal(own.username.as_deref(), account.username.as_deref())
        };
        let same_tenant = |own: &AccountSettings| equal(own.tenant.as_deref(), account.tenant.as_deref());
        let same = || self.accounts.iter().filter(|(_, own)| is_same(own));
        let of_any_tenant = || same().next().filter(|_| account.tenant.is_none());
        same().find(|(_, own)| same_tenant(own)).or_else(of_any_tenant)
    }

    /// A name for a new account that no other has: what comes before the `@` of its user name, or what it is, with a number
    /// where that is taken.
    pub fn new_account_name(&self, account: &AccountSettings) -> AccountName {
        let username = account.username.as_deref().and_then(|username| username.split('@').next());
        let wanted = username.unwrap_or_else(|| match account.sign_in {
            SignInMethod::ServicePrincipal => "app",
            SignInMethod::ManagedIdentity => "machine",
            SignInMethod::WorkloadIdentity => "workload",
            SignInMethod::Browser | SignInMethod::DeviceCode | SignInMethod::Az | SignInMethod::Azd => {
                account.cloud.as_deref().unwrap_or_default()
            }
        });
        let kept: String = wanted
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(50)
            .collect();
        let base = if kept.is_empty() { "account".to_owned() } else { kept };
        let names = std::iter::once(base.clone()).chain((2_u32..).map(|number| format!("{base}-{number}")));
        let mut free =
            names.map(AccountName).filter(|name| name.built_in().is_none() && self.own_account(name).is_none());
        free.next().unwrap_or(AccountName(base))
    }
}

/// Whether what is written of a person who has never signed in fits one who has: the user name, and what else there is.
fn is_written_of(own: &AccountSettings, account: &AccountSettings) -> bool {
    let fits = |own: &Option<String>, is: &Option<String>| own.is_none() || equal(own.as_deref(), is.as_deref());
    own.username.is_some()
        && fits(&own.username, &account.username)
        && fits(&own.cloud, &account.cloud)
        && fits(&own.client_id, &account.client_id)
}

fn equal(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(sign_in: SignInMethod, username: Option<&str>) -> AccountSettings {
        AccountSettings {
            username: username.map(Into::into),
            cloud: Some("usgov".into()),
            ..AccountSettings::new(sign_in)
        }
    }

    #[test]
    fn a_new_account_is_called_as_people_know_it_and_never_as_another() {
        let own = |name: &str| (name.parse().unwrap(), AccountSettings::new(SignInMethod::Browser));
        let settings = Settings { accounts: vec![own("Ada"), own("ada-2"), own("app")], ..Settings::default() };
        for (sign_in, username, name) in [
            (SignInMethod::Browser, Some("ada@contoso.com"), "ada-3"),
            (SignInMethod::Browser, Some("bob.builder@contoso.com"), "bob.builder"),
            (SignInMethod::Az, Some("az@contoso.com"), "az-2"),
            (SignInMethod::DeviceCode, Some("_-x y!@contoso.com"), "xy"),
            (SignInMethod::Browser, Some("日本@contoso.com"), "account"),
            (SignInMethod::Browser, None, "usgov"),
            (SignInMethod::ServicePrincipal, None, "app-2"),
            (SignInMethod::ManagedIdentity, None, "machine"),
        ] {
            assert_eq!(settings.new_account_name(&account(sign_in, username)).as_str(), name, "{username:?}");
        }
    }

    #[test]
    fn a_user_or_tenant_in_other_letters_is_the_same_one() {
        let of = |username: &str, tenant: &str| AccountSettings {
            tenant: Some(tenant.into()),
            ..account(SignInMethod::Az, Some(username))
        };
        let own = vec![("work".parse().unwrap(), of("Grace@x.example", "contoso.example"))];
        let settings = Settings { accounts: own, ..Settings::default() };
        assert!(settings.same_account(&of("grace@X.example", "Contoso.example")).is_some());
        assert!(settings.same_account(&of("ada@x.example", "contoso.example")).is_none());
        assert!(settings.same_account(&of("grace@x.example", "fabrikam.example")).is_none());
    }

    #[test]
    fn an_account_is_the_same_by_identity_application_and_cloud() {
        let own = AccountSettings {
            cloud: Some("sim".into()),
            client_id: Some("app".into()),
            home_account_id: Some("o.t".into()),
            ..AccountSettings::new(SignInMethod::Browser)
        };
        let settings = Settings { accounts: vec![("work".parse().unwrap(), own.clone())], ..Settings::default() };
        let same = |account: AccountSettings| settings.same_account(&account).map(|(name, _)| name.as_str());
        let renamed =
            AccountSettings { username: Some("ada".into()), sign_in: SignInMethod::DeviceCode, ..own.clone() };
        assert_eq!(same(renamed), Some("work"));
        for other in [
            AccountSettings { cloud: Some("public".into()), ..own.clone() },
            AccountSettings { client_id: Some("other".into()), ..own.clone() },
            AccountSettings { home_account_id: Some("o.u".into()), ..own.clone() },
            AccountSettings { home_account_id: None, ..own.clone() },
        ] {
            assert_eq!(same(other), None);
        }
    }

    #[test]
    fn who_is_written_by_hand_is_the_same_by_user_name() {
        let written = AccountSettings { cloud: None, ..account(SignInMethod::Browser, Some("Ada@contoso.us")) };
        let settings = Settings { accounts: vec![("work".parse().unwrap(), written)], ..Settings::default() };
        let same = |username| {
            let home_account_id = Some("o.t".into());
            let came = AccountSettings { home_account_id, ..account(SignInMethod::Browser, Some(username)) };
            settings.same_account(&came).map(|(name, _)| name.as_str())
        };
        assert_eq!(same("ada@contoso.us"), Some("work"));
        assert_eq!(same("grace@contoso.us"), None);
    }

    #[test]
    fn a_person_is_another_account_in_another_tenant_that_is_named() {
        let of = |tenant: Option<&str>| AccountSettings {
            tenant: tenant.map(Into::into),
            home_account_id: Some("o.t".into()),
            ..account(SignInMethod::Browser, Some("ada@contoso.us"))
        };
        let named = |name: &str, tenant| (name.parse().unwrap(), of(tenant));
        let settings = |accounts| Settings { accounts, ..Settings::default() };
        let same = |settings: &Settings, tenant| settings.same_account(&of(tenant)).map(|(name, _)| name.to_string());
        let one = settings(vec![named("ada", Some("a.example"))]);
        assert_eq!(same(&one, Some("A.example")).as_deref(), Some("ada"));
        assert_eq!(same(&one, None).as_deref(), Some("ada"), "and keeps its tenant");
        assert_eq!(same(&one, Some("f.example")), None);
        let two = settings(vec![named("ada-2", Some("f.example")), named("ada", None)]);
        assert_eq!(same(&two, None).as_deref(), Some("ada"));
        assert_eq!(same(&two, Some("f.example")).as_deref(), Some("ada-2"));
    }

    #[test]
    fn what_signs_in_without_a_person_is_the_same_by_all_that_it_signs_in_with() {
        let robot = AccountSettings {
            tenant: Some("t".into()),
            client_id: Some("robot".into()),
            ..account(SignInMethod::ServicePrincipal, None)
        };
        let settings = Settings { accounts: vec![("robot".parse().unwrap(), robot.clone())], ..Settings::default() };
        let same = |account: AccountSettings| settings.same_account(&account).map(|(name, _)| name.as_str());
        assert_eq!(same(AccountSettings { certificate: Some("app.pem".into()), ..robot.clone() }), Some("robot"));
        assert_eq!(same(AccountSettings { tenant: Some("u".into()), ..robot.clone() }), None);
        assert_eq!(same(AccountSettings { sign_in: SignInMethod::WorkloadIdentity, ..robot }), None);
    }
}

//! What a new account is called when nobody says.

use super::{AccountName, AccountSettings};
use crate::settings::Settings;

impl Settings {
    /// The account that is the same identity with the same application in the same cloud, if it is there already.
    pub fn same_account(&self, cloud: &str, client_id: &str, home_account_id: &str) -> Option<&AccountName> {
        let is_same = |own: &AccountSettings| {
            own.home_account_id.as_deref() == Some(home_account_id)
                && own.client_id.as_deref() == Some(client_id)
                && own.cloud.as_deref() == Some(cloud)
        };
        self.accounts.iter().find(|(_, own)| is_same(own)).map(|(name, _)| name)
    }

    /// A name for a new account that no other has: what comes before the `@` of its user name, or the name of its cloud,
    /// with a number where that is taken.
    pub fn new_account_name(&self, username: Option<&str>, cloud: &str) -> AccountName {
        let wanted = username.and_then(|username| username.split('@').next()).unwrap_or(cloud);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::SignInMethod;

    #[test]
    fn a_new_account_is_called_as_people_know_it_and_never_as_another() {
        let own = |name: &str| (name.parse().unwrap(), AccountSettings::new(SignInMethod::Browser));
        let settings = Settings { accounts: vec![own("Ada"), own("ada-2")], ..Settings::default() };
        for (username, name) in [
            (Some("ada@contoso.com"), "ada-3"),
            (Some("bob.builder@contoso.com"), "bob.builder"),
            (Some("az@contoso.com"), "az-2"),
            (Some("_-x y!@contoso.com"), "xy"),
            (Some("日本@contoso.com"), "account"),
            (None, "usgov"),
        ] {
            assert_eq!(settings.new_account_name(username, "usgov").as_str(), name, "{username:?}");
        }
    }

    #[test]
    fn an_account_is_the_same_by_identity_application_and_cloud() {
        let own = AccountSettings {
            cloud: Some("sim".into()),
            client_id: Some("app".into()),
            home_account_id: Some("o.t".into()),
            ..AccountSettings::new(SignInMethod::Browser)
        };
        let settings = Settings { accounts: vec![("work".parse().unwrap(), own)], ..Settings::default() };
        assert_eq!(settings.same_account("sim", "app", "o.t").map(AccountName::as_str), Some("work"));
        for (cloud, app, home) in [("public", "app", "o.t"), ("sim", "other", "o.t"), ("sim", "app", "o.u")] {
            assert_eq!(settings.same_account(cloud, app, home), None);
        }
    }
}

//! The accounts in the settings file.

use ajar_core::account::{AccountName, AccountSettings, application_id};
use ajar_core::failure::Trouble;
use toml_edit::{Item, Table, Value};

use super::reading::{Misread, item_as, tables, within};
use super::{SettingsFile, Written, as_table, pairs};

pub(super) fn read(document: &Table) -> Result<Vec<(AccountName, AccountSettings)>, Misread> {
    let account = |(written, item): (String, Item)| {
        let keys = ["accounts", written.as_str()];
        let settings = item_as(&item, &keys)?;
        let name = written.parse::<AccountName>().map_err(|error| within(&keys[..1], &keys, &error.to_string()))?;
        Ok((name, settings))
    };
    tables(document, "accounts")?.into_iter().map(account).collect()
}

impl SettingsFile {
    /// Writes an account: a new one at the end, one that is there in its place, where keys that Ajar does not know and
    /// comments stay.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub fn set_account(&self, name: &AccountName, account: &AccountSettings) -> Result<(), Trouble> {
        self.edit(|document, settings| {
            let written = settings.own_account(name).map_or_else(|| name.to_string(), |(known, _)| known.to_string());
            let (fresh, path) = (as_table(account)?, ["accounts", written.as_str()]);
            if document.has(&path) {
                for key in KEYS {
                    document.set(&path, key, fresh.get(key).and_then(Item::as_value));
                }
            } else {
                document.new_table(&path, &pairs(&fresh));
            }
            Ok(())
        })
    }

    /// Writes the application that signs people in; `None` removes it.
    ///
    /// # Errors
    /// [`Failure::ClientIdUnfit`], [`Failure::Settings`].
    pub(crate) fn set_client_id(&self, client_id: Option<&str>) -> Result<Written, Trouble> {
        let client_id = client_id.map(application_id).transpose()?;
        self.edit_to_undo(|document, _| {
            document.set(&["sign_in"], "client_id", client_id.map(Value::from).as_ref());
            Ok(())
        })
    }

    /// Has favourites that name no account act as this one.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub fn set_default_account(&self, name: &AccountName) -> Result<(), Trouble> {
        self.edit(|document, _| {
            document.set(&[], "account", Some(&Value::from(name.as_str())));
            Ok(())
        })
    }

    /// Removes an account, also as the one that acts for favourites that name none: they could neither be opened nor
    /// added as long as it stood there. A favourite that names it still does, and acts as nobody else.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub fn remove_account(&self, name: &AccountName) -> Result<RemovedAccount, Trouble> {
        let mut removed = RemovedAccount::default();
        self.edit(|document, settings| {
            if let Some((written, _)) = settings.own_account(name) {
                document.remove(&["accounts", written.as_str()]);
                removed.account = true;
            }
            if settings.account.as_ref() == Some(name) {
                document.set(&[], "account", None);
                removed.default = true;
            }
            Ok(())
        })?;
        Ok(removed)
    }
}

/// What was in the settings of an account that has been removed from them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemovedAccount {
    /// Its table.
    pub account: bool,
    /// That it acts for favourites that name no account.
    pub default: bool,
}

/// What is known of an account, as it is written.
const KEYS: [&str; 8] =
    ["sign_in", "cloud", "tenant", "client_id", "username", "home_account_id", "certificate", "token_file"];

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;

    use super::super::written::{file, text};
    use super::*;
    use ajar_core::account::SignInMethod;

    fn everything() -> AccountSettings {
        AccountSettings {
            sign_in: SignInMethod::Browser,
            cloud: Some("usgov".into()),
            tenant: Some("contoso.us".into()),
            client_id: Some("client".into()),
            username: Some("me@contoso.us".into()),
            home_account_id: Some("o.t".into()),
            certificate: Some("app.pem".into()),
            token_file: Some("token".into()),
        }
    }

    #[test]
    fn all_that_is_known_of_an_account_is_written_and_read() {
        let (_folder, file) = file("");
        let name: AccountName = "gov".parse().unwrap();
        file.set_account(&name, &everything()).unwrap();
        let written = as_table(&everything()).unwrap();
        assert_eq!(written.iter().map(|(key, _)| key).collect::<Vec<_>>(), KEYS);
        assert_eq!(file.read().unwrap().accounts, [(name.clone(), everything())]);
        let less = AccountSettings::new(SignInMethod::DeviceCode);
        file.set_account(&"GOV".parse().unwrap(), &less).unwrap();
        assert_eq!(file.read().unwrap().accounts, [(name.clone(), less)]);
        assert_eq!(file.remove_account(&name).unwrap(), RemovedAccount { account: true, default: false });
        assert_eq!(file.remove_account(&name).unwrap(), RemovedAccount::default());
        assert_eq!(file.read().unwrap().accounts, []);
    }

    #[test]
    fn what_people_wrote_around_an_account_stays() {
        let before = "# mine\naccount = \"work\" # the usual one\n\n[sign_in]\nclient_id = \"app\" # registered by IT\n\n\
                      [accounts.work] # the job\nsign_in = \"browser\" # never a code\n# who\nusername = \"me\"\nlater = 1\n";
        let (_folder, file) = file(before);
        let name: AccountName = "work".parse().unwrap();
        let settings = file.read().unwrap();
        assert_eq!(settings.account, Some(name.clone()));
        assert_eq!(settings.sign_in.client_id.as_deref(), Some("app"));
        let mut account = settings.accounts[0].1.clone();
        account.username = Some("you".into());
        account.tenant = Some("t".into());
        file.set_account(&name, &account).unwrap();
        let changed = text(&file);
        assert_eq!(changed, before.replace("\"me\"", "\"you\"") + "tenant = \"t\"\n");
        file.set_account(&"other".parse().unwrap(), &account).unwrap();
        file.remove_account(&"other".parse().unwrap()).unwrap();
        assert_eq!(text(&file), changed);
        file.set_default_account(&"home".parse().unwrap()).unwrap();
        let other = text(&file);
        assert_eq!(other, changed.replace("account = \"work\"", "account = \"home\""));
        file.set_default_account(&"WORK".parse().unwrap()).unwrap();
        assert_eq!(file.remove_account(&name).unwrap(), RemovedAccount { account: true, default: true });
        let left = text(&file);
        assert!(!left.contains("account") && left.contains("client_id = \"app\" # registered by IT"), "{left}");
    }

    #[test]
    fn the_application_is_written_where_it_belongs_and_only_if_it_can_be_one() {
        const APP: &str = "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233";
        let before = "# mine\n[sign_in] # by IT\nclient_id = \"old\" # registered in May\nlater = 1\n";
        let (_folder, changed) = file(before);
        changed.set_client_id(Some(&format!(" {{{}}}\n", APP.to_uppercase()))).unwrap();
        assert_eq!(text(&changed), before.replace("old", APP));
        let unfit = changed.set_client_id(Some("contoso.example")).unwrap_err().failure;
        assert_eq!(unfit, Failure::ClientIdUnfit);
        changed.set_client_id(None).unwrap();
        assert_eq!(text(&changed), "# mine\n[sign_in] # by IT\nlater = 1\n");
        let (_folder, fresh) = file("[profiles]\n");
        fresh.set_client_id(Some(APP)).unwrap();
        assert_eq!(fresh.read().unwrap().client_id("public"), Some(APP));
    }

    #[test]
    fn bad_accounts_say_where() {
        for (bad, part) in [
            ("account = 3\n", "“account” is not a text"),
            ("account = \"a b\"\n", "account: “a b” is no name for an account"),
            ("[accounts.work]\ncloud = \"x\"\n", "[accounts.work] “sign_in” is missing"),
            ("[accounts.work]\nsign_in = \"magic\"\n", "[accounts.work] sign_in: “magic” is none of"),
            ("[accounts.az]\nsign_in = \"browser\"\n", "[accounts.az] is a name of Ajar’s own"),
            ("[sign_in]\nclient_id = 3\n", "[sign_in] client_id: the number 3"),
        ] {
            let (_folder, file) = file(bad);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{bad}") };
            assert!(detail.contains(part), "{detail}");
        }
    }
}

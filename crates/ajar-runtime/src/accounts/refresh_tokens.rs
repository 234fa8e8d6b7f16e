//! The refresh tokens of people, in the keychain: one entry for each person, with the tokens of all tenants signed in to,
//! so that whoever signs out of the last account of a person leaves none behind.

use ajar_azure::{RefreshTokens, Secret, Stored, TokensByTenant};
use ajar_core::failure::{Failure, SignInReason};
use async_trait::async_trait;
use serde_json::Value;

use super::secret_store::{Found, SecretStore};

/// The entries of people who sign in to one cloud with one application.
#[derive(Clone, Debug)]
pub(super) struct Entries {
    pub(super) secrets: SecretStore,
    /// Cloud and application: the same person may be signed in to several.
    pub(super) prefix: String,
    /// Where they came from, and may be sent.
    pub(super) authority: String,
}

impl Entries {
    fn name(&self, home: &str) -> String {
        format!("{}{home}", self.prefix)
    }

    /// What the keychain is to have of `tokens`, of which the one of the tenant `at` is new: beside it what it has by then. Where
    /// it has not taken what came before, all of them are newer than what it has.
    fn joined(
        &self,
        home: &str,
        tokens: &TokensByTenant,
        at: &str,
    ) -> impl FnOnce(Option<Secret>) -> Secret + Send + 'static {
        let is_newer = self.secrets.memory_only(&self.name(home)).is_some();
        let (home, mut all, at) = (home.to_owned(), tokens.clone(), at.to_owned());
        move |kept| {
            let kept = kept.map(|kept| read(&kept, &home)).unwrap_or_default();
            for (tenant, token) in kept.into_iter().filter(|(tenant, _)| *tenant != at) {
                if is_newer {
                    all.entry(tenant).or_insert(token);
                } else {
                    all.insert(tenant, token);
                }
            }
            written(&all)
        }
    }
}

#[async_trait]
impl RefreshTokens for Entries {
    fn changing(&self) -> &tokio::sync::Mutex<()> {
        self.secrets.changing()
    }

    async fn load(&self, home: &str) -> Result<TokensByTenant, Failure> {
        let name = self.name(home);
        match self.secrets.load(&name, &self.authority).await? {
            Found::Secret(kept) => Ok(read(&kept, home)),
            Found::Nothing => Ok(TokensByTenant::new()),
            Found::OfOther => Err(Failure::sign_in_required(name, SignInReason::OtherAuthority)),
        }
    }
    async fn store(&self, home: &str, tokens: &TokensByTenant, at: &str) -> Result<Stored, Failure> {
        let (name, joined) = (self.name(home), self.joined(home, tokens, at));
        self.secrets.store_joined(&name, &self.authority, &written(tokens), joined).await
    }
    async fn renew(&self, home: &str, tokens: &TokensByTenant, at: &str) -> Result<Stored, Failure> {
        let (name, joined) = (self.name(home), self.joined(home, tokens, at));
        self.secrets.renew_joined(&name, &self.authority, &written(tokens), joined).await
    }
    async fn remove(&self, home: &str) -> Result<bool, Failure> {
        self.secrets.remove(&self.name(home)).await
    }
}

/// `{"TENANT":"TOKEN"}`.
fn written(tokens: &TokensByTenant) -> Secret {
    let tokens = tokens.iter().map(|(tenant, token)| (tenant.clone(), Value::from(token.secret())));
    Value::Object(tokens.collect()).to_string().into()
}

/// The tokens of what was kept. What is no such text is a token by itself, as the one of the home tenant was kept while it was the only one.
fn read(kept: &Secret, home: &str) -> TokensByTenant {
    if let Ok(Value::Object(tokens)) = serde_json::from_str::<Value>(kept.secret()) {
        let token = |(tenant, token): (String, Value)| Some((tenant, token.as_str()?.to_owned().into()));
        return tokens.into_iter().filter_map(token).collect();
    }
    let tenant = home.split_once('.').map_or(home, |(_, tenant)| tenant);
    TokensByTenant::from([(tenant.to_ascii_lowercase(), kept.clone())])
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::super::secret_store::tests::Drawer;
    use super::*;
    use crate::adapters::Keychain;
    use crate::files::StateFile;

    #[test]
    fn the_tokens_of_all_tenants_are_read_as_they_were_kept() {
        let token = |text: &str| Secret::from(text.to_owned());
        let tokens = TokensByTenant::from([("one".into(), token("0.A\"x")), ("two".into(), token("y"))]);
        assert_eq!(read(&written(&tokens), "oid.one"), tokens);
        assert!(read(&written(&TokensByTenant::new()), "oid.one").is_empty());
    }

    /// A person's entry in a keychain that somebody can lock, as an Ajar sees it that has just begun.
    struct Keyring {
        folder: tempfile::TempDir,
        drawer: Drawer,
    }

    impl Keyring {
        fn entries(&self) -> Entries {
            let file = StateFile::new(self.folder.path().join("state.json"));
            let secrets = SecretStore::new(Keychain::new(self.drawer.clone()), file);
            Entries { secrets, prefix: "public/ajar/".into(), authority: "https://login.example".into() }
        }

        /// The tenants and tokens of the next Ajar.
        async fn kept(&self) -> Vec<(String, String)> {
            let tokens = self.entries().load("oid.home").await.unwrap();
            tokens.into_iter().map(|(tenant, token)| (tenant, token.secret().to_owned())).collect()
        }
    }

    fn tokens<const N: usize>(all: [(&str, &str); N]) -> TokensByTenant {
        all.into_iter().map(|(tenant, token)| (tenant.to_owned(), token.to_owned().into())).collect()
    }

    fn told<const N: usize>(all: [(&str, &str); N]) -> Vec<(String, String)> {
        all.into_iter().map(|(tenant, token)| (tenant.to_owned(), token.to_owned())).collect()
    }

    #[tokio::test]
    async fn who_signs_in_while_the_keychain_is_locked_loses_no_token_of_another_tenant() {
        let keyring = Keyring { folder: tempfile::tempdir().unwrap(), drawer: Drawer::default() };
        keyring.entries().store("oid.home", &tokens([("guest", "1"), ("home", "1")]), "home").await.unwrap();

        let entries = keyring.entries();
        keyring.drawer.is_shut.store(true, Ordering::Release);
        assert!(entries.load("oid.home").await.is_err(), "nobody knows what is in it");
        let stored = entries.store("oid.home", &tokens([("home", "2")]), "home").await;
        assert!(matches!(stored, Ok(Stored::MemoryOnly { .. })), "{stored:?}");
        keyring.drawer.is_shut.store(false, Ordering::Release);
        assert_eq!(keyring.kept().await, told([("guest", "1"), ("home", "1")]), "nothing of it was written over");

        // What the keychain has not taken goes along with the next one.
        let all = tokens([("home", "2"), ("third", "1")]);
        assert_eq!(entries.store("oid.home", &all, "third").await, Ok(Stored::Keychain));
        assert_eq!(keyring.kept().await, told([("guest", "1"), ("home", "2"), ("third", "1")]));
    }

    #[tokio::test]
    async fn what_another_has_renewed_meanwhile_stays_when_one_tenants_token_is_stored() {
        let keyring = Keyring { folder: tempfile::tempdir().unwrap(), drawer: Drawer::default() };
        let known = tokens([("guest", "1"), ("home", "1")]);
        let (one, other) = (keyring.entries(), keyring.entries());
        one.store("oid.home", &known, "home").await.unwrap();
        other.renew("oid.home", &tokens([("guest", "2"), ("home", "1")]), "guest").await.unwrap();
        one.renew("oid.home", &tokens([("guest", "1"), ("home", "2")]), "home").await.unwrap();
        assert_eq!(keyring.kept().await, told([("guest", "2"), ("home", "2")]));
    }

    #[test]
    fn a_token_by_itself_is_that_of_the_home_tenant() {
        for kept in ["0.AXoA-token_", "1234", "\"quoted\""] {
            let tokens = read(&kept.to_owned().into(), "oid.ONE");
            assert_eq!(tokens, TokensByTenant::from([("one".to_owned(), kept.to_owned().into())]));
        }
    }
}

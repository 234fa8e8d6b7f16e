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
    async fn store(&self, home: &str, tokens: &TokensByTenant) -> Result<Stored, Failure> {
        self.secrets.store(&self.name(home), &self.authority, &written(tokens)).await
    }
    async fn renew(&self, home: &str, tokens: &TokensByTenant) -> Result<Stored, Failure> {
        self.secrets.renew(&self.name(home), &self.authority, &written(tokens)).await
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
    use super::*;

    #[test]
    fn the_tokens_of_all_tenants_are_read_as_they_were_kept() {
        let token = |text: &str| Secret::from(text.to_owned());
        let tokens = TokensByTenant::from([("one".into(), token("0.A\"x")), ("two".into(), token("y"))]);
        assert_eq!(read(&written(&tokens), "oid.one"), tokens);
        assert!(read(&written(&TokensByTenant::new()), "oid.one").is_empty());
    }

    #[test]
    fn a_token_by_itself_is_that_of_the_home_tenant() {
        for kept in ["0.AXoA-token_", "1234", "\"quoted\""] {
            let tokens = read(&kept.to_owned().into(), "oid.ONE");
            assert_eq!(tokens, TokensByTenant::from([("one".to_owned(), kept.to_owned().into())]));
        }
    }
}

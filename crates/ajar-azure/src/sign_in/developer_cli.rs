//! Tokens of whoever is signed in to the Azure Developer CLI.

use std::sync::Arc;

use ajar_core::failure::{Failure, TokenTool, Trouble};
use async_trait::async_trait;
use azure_core::credentials::AccessToken;
use azure_identity::{AzureDeveloperCliCredential, AzureDeveloperCliCredentialOptions, Executor};

use super::token_cache::{TokenAsk, TokenSource};
use super::tool_answer::Answers;
use super::{first_line, tool_failure};

/// What azd cannot be told: that another token has to hold something. Whoever signs in anew gets one that may.
pub(super) const SESSION_ENDED: &str = "Azure has ended its session, and wants a new sign-in";

#[derive(Debug)]
pub(super) struct DeveloperCli {
    executor: Arc<dyn Executor>,
}

impl DeveloperCli {
    pub(super) fn new(executor: Arc<dyn Executor>) -> Self {
        Self { executor: Arc::new(Answers(executor)) }
    }
}

#[async_trait]
impl TokenSource for DeveloperCli {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        if ask.claims.is_some() {
            return Err(Failure::NotSignedInToAzd { detail: SESSION_ENDED.into() }.into());
        }
        let options = AzureDeveloperCliCredentialOptions {
            executor: Some(Arc::clone(&self.executor)),
            tenant_id: ask.tenant.clone(),
        };
        let credential = AzureDeveloperCliCredential::new(Some(options))
            .map_err(|error| Failure::NotSignedInToAzd { detail: first_line(&error) })?;
        let token = tool_failure::token_of(TokenTool::AzureDeveloperCli, &*credential, &ask.scope).await;
        token.map_err(|Trouble { failure, correlation_id }| {
            let failure = if let Failure::NotSignedIn { detail, .. } = failure {
                Failure::NotSignedInToAzd { detail }
            } else {
                failure
            };
            Trouble { failure, correlation_id }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::azure_cli::fake::{exited, tool, tool_that_says};

    const SCOPE: &str = "https://management.azure.com/.default";

    #[tokio::test]
    async fn what_another_token_has_to_hold_is_for_a_new_sign_in_to_azd() {
        let azd = tool_that_says([]);
        let source = DeveloperCli::new(Arc::clone(&azd) as Arc<dyn Executor>);
        let ask = TokenAsk { claims: Some("e30=".into()), ..TokenAsk::of(SCOPE) };
        let failure = source.fetch(&ask).await.unwrap_err().failure;
        assert_eq!(failure, Failure::NotSignedInToAzd { detail: SESSION_ENDED.into() });
    }

    #[tokio::test]
    async fn azd_is_asked_for_the_scope_and_the_tenant() {
        let stdout = r#"{"token":"t0ken","expiresOn":"2099-01-01T00:00:00Z"}"#;
        let azd = tool(exited(0, stdout, ""));
        let source = DeveloperCli::new(Arc::clone(&azd) as Arc<dyn Executor>);
        let ask = TokenAsk { tenant: Some("contoso.example".into()), ..TokenAsk::of(SCOPE) };
        assert_eq!(source.fetch(&ask).await.unwrap().token.secret(), "t0ken");
        let asked = azd.asked();
        assert!(asked.contains(SCOPE) && asked.contains("--tenant-id contoso.example"), "{asked}");
    }

    #[tokio::test]
    async fn what_azd_says_first_is_what_the_user_reads() {
        let source = DeveloperCli::new(tool(exited(1, "", "ERROR: not logged in, run `azd auth login` to login\nx")));
        let Failure::NotSignedInToAzd { detail } = source.fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure else {
            panic!("another failure")
        };
        assert!(detail.contains("azd auth login"), "{detail}");
    }
}

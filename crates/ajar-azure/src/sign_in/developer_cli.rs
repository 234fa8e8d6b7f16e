//! Tokens of whoever is signed in to the Azure Developer CLI.

mod events;

use std::sync::Arc;

use ajar_core::failure::{Failure, SignInReason, TokenTool, Trouble};
use async_trait::async_trait;
use azure_core::credentials::AccessToken;
use azure_identity::{AzureDeveloperCliCredential, AzureDeveloperCliCredentialOptions, Executor};
use url::Url;

use super::az_cloud::AzCloud;
use super::refusal::{SENTENCES_BEGIN, number_told};
use super::token_cache::{TokenAsk, TokenSource};
use super::tool_answer::Answers;
use super::tool_failure::Wanted;
use super::{first_line, tool_failure};
use crate::cloud::Cloud;
use events::Events;

/// What azure_identity cannot have azd told: that another token has to hold something. Whoever signs in anew gets one that
/// may.
pub(super) fn session_ended(tenant: Option<String>) -> Failure {
    let detail = "Azure has ended its session, and wants a new sign-in".to_owned();
    Failure::NotSignedInToAzd { detail, reason: Some(SignInReason::Claims), tenant, cloud: None }
}

/// No authority knows the resource manager of another cloud.
const UNKNOWN_RESOURCE: u32 = 500_011;

#[derive(Debug)]
pub(super) struct DeveloperCli {
    authority: Url,
    cloud: AzCloud,
    executor: Arc<dyn Executor>,
}

impl DeveloperCli {
    pub(super) fn new(cloud: &Cloud, executor: Arc<dyn Executor>) -> Self {
        let executor = Arc::new(Answers(Arc::new(Events(executor))));
        Self { authority: cloud.authority.clone(), cloud: AzCloud::of(cloud), executor }
    }
}

#[async_trait]
impl TokenSource for DeveloperCli {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        if ask.claims.is_some() {
            return Err(session_ended(ask.tenant.clone()).into());
        }
        let options = AzureDeveloperCliCredentialOptions {
            executor: Some(Arc::clone(&self.executor)),
            tenant_id: ask.tenant.clone(),
        };
        let not_signed_in = |detail| Failure::NotSignedInToAzd { detail, reason: None, tenant: None, cloud: None };
        let credential =
            AzureDeveloperCliCredential::new(Some(options)).map_err(|error| not_signed_in(first_line(&error)))?;
        let token = tool_failure::token_of(TokenTool::AzureDeveloperCli, &*credential, &ask.scope).await;
        token.map_err(|Trouble { failure, correlation_id }| {
            let tenant = ask.tenant.as_deref();
            let failure = if let Failure::NotSignedIn { detail, .. } = failure {
                let tenant = tenant.filter(|_| detail.contains(SENTENCES_BEGIN)).map(str::to_owned);
                let is_elsewhere = number_told(&detail) == Some(UNKNOWN_RESOURCE);
                let cloud = self.cloud.name().filter(|_| is_elsewhere).map(Into::into);
                Failure::NotSignedInToAzd { detail, reason: None, tenant, cloud }
            } else {
                failure
            };
            let tool = TokenTool::AzureDeveloperCli;
            let wanted = Wanted { tool, username: None, tenant, authority: &self.authority };
            Trouble { failure: wanted.told(failure), correlation_id }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use ajar_core::account::AZD;
    use ajar_core::failure::{NO_AZURE_DEVELOPER_CLI, TenantReason};
    use serde_json::json;

    use super::*;
    use crate::sign_in::azure_cli::fake::{FakeTool, exited, tool, tool_that_says};

    const SCOPE: &str = "https://management.azure.com/.default";

    fn source(azd: &Arc<FakeTool>) -> DeveloperCli {
        DeveloperCli::new(&Cloud::public(), Arc::clone(azd) as Arc<dyn Executor>)
    }

    fn in_tenant(tenant: &str) -> TokenAsk {
        TokenAsk { tenant: Some(tenant.into()), ..TokenAsk::of(SCOPE) }
    }

    #[tokio::test]
    async fn what_another_token_has_to_hold_is_for_a_new_sign_in_to_azd() {
        let ask = TokenAsk { claims: Some("e30=".into()), ..in_tenant("t1") };
        let failure = source(&tool_that_says([])).fetch(&ask).await.unwrap_err().failure;
        assert_eq!(failure, session_ended(Some("t1".into())));
    }

    #[tokio::test]
    async fn azd_is_asked_for_the_scope_and_the_tenant() {
        let azd = tool(exited(0, r#"{"token":"t0ken","expiresOn":"2099-01-01T00:00:00Z"}"#, ""));
        assert_eq!(source(&azd).fetch(&in_tenant("contoso.example")).await.unwrap().token.secret(), "t0ken");
        let asked = azd.asked();
        assert!(asked.contains(SCOPE) && asked.contains("--tenant-id contoso.example"), "{asked}");
    }

    #[tokio::test]
    async fn a_token_counts_with_whatever_azd_tells_beside_it() {
        let told =
            r#"{"type":"consoleMessage","timestamp":"2026-11-30T12:00:00Z","data":{"message":"WARNING: old.\n"}}"#;
        let token = "{\n  \"token\": \"t0ken\",\n  \"expiresOn\": \"2099-01-01T00:00:00Z\"\n}";
        let azd = tool(exited(0, &format!("{told}\n{token}\n"), told));
        assert_eq!(source(&azd).fetch(&TokenAsk::of(SCOPE)).await.unwrap().token.secret(), "t0ken");
    }

    /// As azd writes to standard error what went wrong (azure-dev, `EventForMessage`), and what it makes of it where it knows
    /// more than that (`ux.ErrorWithSuggestion`).
    fn message(text: &str) -> String {
        json!({ "type": "consoleMessage", "timestamp": "2026-11-30T12:00:00.0Z", "data": { "message": text } })
            .to_string()
    }

    fn suggestion(error: &str) -> String {
        json!({
            "error": error,
            "message": "Reauthentication required.",
            "suggestion": "reauthentication required, run `azd auth login --tenant-id t1` to acquire a new token.",
        })
        .to_string()
    }

    /// A sentence of Entra's, as it comes with a token that is refused.
    fn entra(number: u32, sentence: &str) -> String {
        format!(
            "AADSTS{number}: {sentence} Trace ID: 0c8e4b62-1a9d-4f73-b0e5-6d2f9c7a3100 Correlation ID: \
             5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77 Timestamp: 2026-11-30 12:00:00Z"
        )
    }

    async fn refused(stderr: String) -> Trouble {
        source(&tool(exited(1, "", &stderr))).fetch(&in_tenant("t1")).await.unwrap_err()
    }

    #[tokio::test]
    async fn what_entra_has_against_who_is_signed_in_to_azd_is_told_by_its_number() {
        let reason = |number| async move {
            let text = entra(number, "It is so.");
            let [older, newer] = [
                message(&format!("\nERROR: fetching token: failed to authenticate:\n(invalid_grant) {text}\n\n")),
                format!("{}\n{}", message("Fetching"), suggestion(&text)),
            ];
            let told = refused(older).await;
            assert_eq!(refused(newer).await, told, "{number}");
            assert!(told.correlation_id.is_some_and(|id| id.starts_with("5d3a1f0e")), "{number}");
            told.failure
        };
        let sign_in = |number: u32, reason| Failure::NotSignedInToAzd {
            detail: format!("AADSTS{number}: It is so."),
            reason: Some(reason),
            tenant: Some("t1".into()),
            cloud: None,
        };
        for (number, expected) in [
            (50_076, SignInReason::Mfa),
            (50_079, SignInReason::Mfa),
            (700_082, SignInReason::Expired),
            (70_043, SignInReason::Expired),
            (50_173, SignInReason::Revoked),
        ] {
            assert_eq!(reason(number).await, sign_in(number, expected));
        }
        let (account, tenant) = (AZD.to_owned(), "t1".to_owned());
        let blocked = Failure::ConditionalAccess {
            account: account.clone(),
            number: 53_003,
            device_code: false,
            tenant: Some(tenant.clone()),
        };
        assert_eq!(reason(53_003).await, blocked);
        for number in [90_072, 50_020] {
            let reason_there = TenantReason::NoGuest;
            let not_there = Failure::NotInTenant {
                account: account.clone(),
                tenant: tenant.clone(),
                reason: reason_there,
                tool: Some(TokenTool::AzureDeveloperCli),
            };
            assert_eq!(reason(number).await, not_there);
        }
        let disabled = Failure::AccountDisabled { account, tenant: Some(tenant) };
        assert_eq!(reason(50_057).await, disabled);
    }

    #[tokio::test]
    async fn an_azd_that_acts_in_another_cloud_is_told_by_the_resource_that_is_not_known_there() {
        let Failure::NotSignedInToAzd { cloud, .. } = refused(suggestion(&entra(500_011, "Not found."))).await.failure
        else {
            panic!("another failure")
        };
        assert_eq!(cloud.as_deref(), Some("AzureCloud"));
    }

    #[tokio::test]
    async fn who_is_not_signed_in_to_azd_hears_its_words_and_not_its_json() {
        let nobody = "not logged in, run `azd auth login` to login";
        for said in [format!("ERROR: {nobody}\nx"), message(&format!("\nERROR: {nobody}\n"))] {
            let expected = Failure::NotSignedInToAzd { detail: nobody.into(), reason: None, tenant: None, cloud: None };
            assert_eq!(refused(said.clone()).await.failure, expected, "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_azd_that_breaks_or_finds_no_network_is_not_taken_for_nobody_signed_in() {
        let of_go = "fetching token: Post \"https://login.microsoftonline.com/t1/oauth2/v2.0/token\": dial tcp: \
            lookup login.microsoftonline.com: no such host";
        let newer = json!({ "error": of_go, "message": "Authentication with Azure failed.",
            "suggestion": "Run 'azd auth login' to sign in again." });
        for (said, told) in [
            (message(&format!("\nERROR: {of_go}\n")), "did not get through to Azure (fetching token: Post"),
            (newer.to_string(), "did not get through to Azure (fetching token: Post"),
            (message("\nERROR: no default response for prompt 'Select a tenant'\n"), "broke (no default response"),
            (message("\nERROR: reading auth config: unexpected end of JSON input\n"), "broke (reading auth config"),
        ] {
            let azd = tool_that_says([exited(1, "", &said), exited(1, "", &said)]);
            let failure = source(&azd).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
            let Failure::TokenToolFailed { tool: TokenTool::AzureDeveloperCli, detail } = &failure else {
                panic!("{said}: {failure:?}")
            };
            assert!(detail.contains(told), "{detail}");
        }
    }

    #[tokio::test]
    async fn an_azd_that_is_not_there_is_told_as_that() {
        let missing = io::Error::new(io::ErrorKind::NotFound, "azd not found on PATH");
        let failure = source(&tool(Err(missing))).fetch(&TokenAsk::of(SCOPE)).await.unwrap_err().failure;
        let detail = NO_AZURE_DEVELOPER_CLI.to_owned();
        assert_eq!(failure, Failure::NotSignedInToAzd { detail, reason: None, tenant: None, cloud: None });
    }
}

//! Signing accounts in and out.

use std::sync::Arc;

use ajar_azure::{BrowserSignIn, ClientProof, DeviceCodeSignIn, Person, Secret, SignIn, SignedIn, Stored};
use ajar_core::account::{AccountName, AccountSettings, SignInMethod};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::snapshot::{Kept, SignInStage};

use super::Inner;
use super::clouds::Reach;
use super::credentials::Signed;
use crate::ports::{SignInPlan, SignedInAs, TellStage};

fn kept(stored: Stored) -> Kept {
    match stored {
        Stored::Keychain => Kept::Keychain,
        Stored::MemoryOnly { why } => Kept::MemoryOnly { why },
    }
}

impl Inner {
    pub(super) async fn sign_in(&self, plan: &SignInPlan, tell: &TellStage) -> Result<SignedInAs, Trouble> {
        let cloud = plan.account.cloud.as_deref().unwrap_or_default();
        let reach = self.reach(cloud, &self.settings()?)?;
        if plan.account.sign_in == SignInMethod::ServicePrincipal {
            return self.sign_in_principal(plan, reach).await;
        }
        let person = Person {
            account: plan.called.clone(),
            client_id: plan.account.client_id.clone().unwrap_or_default(),
            tenant: plan.account.tenant.clone(),
            username: plan.account.username.clone(),
        };
        let claims = self.signed(&plan.account).and_then(|signed| signed.credential.claims());
        let Reach { cloud, http } = reach.clone();
        let signed_in = if plan.account.sign_in == SignInMethod::DeviceCode {
            let flow = DeviceCodeSignIn::begin(&cloud, http, person.clone(), claims).await?;
            let (user_code, url) = (flow.user_code().to_owned(), flow.verification_uri().to_owned());
            tell(SignInStage::DeviceCode { user_code, url, expires_at: flow.expires_at() });
            flow.finish().await?
        } else {
            let flow = BrowserSignIn::begin(&cloud, http, person.clone(), claims).await?;
            tell(SignInStage::Browser { url: flow.url().to_string() });
            flow.finish().await?
        };
        self.take_up(plan, person, signed_in, reach).await
    }

    /// Stores what a person's sign-in has brought.
    async fn take_up(
        &self,
        plan: &SignInPlan,
        person: Person,
        signed_in: SignedIn,
        Reach { cloud, http }: Reach,
    ) -> Result<SignedInAs, Trouble> {
        let account = AccountSettings {
            username: signed_in.username.clone(),
            home_account_id: Some(signed_in.home_account_id.clone()),
            ..plan.account.clone()
        };
        // One who signs in anew keeps the credential: calls under way wait for its tokens.
        let signed = if let Some(signed) = self.signed(&account) {
            signed
        } else {
            let sign_in = SignIn::Person {
                refresh_tokens: Arc::new(self.entry(&cloud.name, &person.client_id)),
                home_account_id: signed_in.home_account_id.clone(),
                person,
            };
            Signed { credential: sign_in.credential(&cloud, http)?, sign_in }
        };
        let stored = signed.credential.signed_in(&signed_in).await?;
        self.keep(&account, signed);
        Ok(SignedInAs { account, kept: kept(stored) })
    }

    /// Tries a service principal's secret, and stores it if it is right.
    async fn sign_in_principal(&self, plan: &SignInPlan, reach: Reach) -> Result<SignedInAs, Trouble> {
        let account = plan.account.clone();
        let (client_id, tenant_id) = account.client_id.clone().zip(account.tenant.clone()).unwrap_or_default();
        let refused = |detail: &str| Failure::PrincipalRefused { client_id: client_id.clone(), detail: detail.into() };
        let secret = plan.secret.as_ref().ok_or_else(|| refused("No secret was given."))?;
        let client_secret = Secret::from(secret.reveal().to_owned());
        let sign_in = SignIn::ServicePrincipal {
            tenant_id,
            client_id: client_id.clone(),
            proof: ClientProof::Secret(client_secret.clone()),
        };
        let credential = sign_in.credential(&reach.cloud, reach.http)?;
        credential.try_out(&reach.cloud).await?;
        let stored = self.keep_secret(&account, &client_secret).await?;
        self.keep(&account, Signed { sign_in, credential });
        Ok(SignedInAs { account, kept: kept(stored) })
    }

    pub(super) async fn sign_out(&self, name: &AccountName, account: &AccountSettings) -> Result<bool, Trouble> {
        let was_there = self.forget(account).await?;
        self.known().clients.retain(|acting, _| acting.account != *name);
        Ok(was_there)
    }
}

//! Tokens of whoever is signed in to the Azure CLI.

use std::sync::{Arc, Mutex, PoisonError};

use ajar_core::failure::{Failure, NO_AZURE_CLI, TokenTool, Trouble};
use ajar_core::message;
use async_trait::async_trait;
use azure_core::credentials::AccessToken;
use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};
use time::{Duration, OffsetDateTime};
use url::Url;

use super::az_accounts::{self, Subscription};
use super::az_cloud::{Az, AzCloud, of_cloud};
use super::refusal::SENTENCES_BEGIN;
use super::token_cache::{TokenAsk, TokenSource};
use super::tool_answer::Answers;
use super::tool_failure::Wanted;
use super::{first_line, tool_failure};
use crate::cloud::Cloud;

#[derive(Debug)]
pub(super) struct AzureCli {
    tenant_id: Option<String>,
    /// Which of its accounts, where it has several.
    username: Option<String>,
    cloud: AzCloud,
    authority: Url,
    az: Arc<dyn Az>,
    /// Its name there, once it has turned out not to be the active one.
    elsewhere: Mutex<Option<String>>,
}

impl AzureCli {
    pub(super) fn new(
        tenant_id: Option<String>,
        username: Option<String>,
        cloud: &Cloud,
        az: Arc<dyn Az>,
    ) -> Result<Self, Failure> {
        let (authority, cloud) = (cloud.authority.clone(), AzCloud::of(cloud));
        let source = Self { tenant_id, username, cloud, authority, az, elsewhere: Mutex::default() };
        // What can't be a tenant is found out now and not at the first call.
        credential(&source.in_cloud(None), Named::Tenant(source.tenant_id.clone()))?;
        Ok(source)
    }

    /// `az` in its cloud of that name; in the one that is known to be this one's, else the active one, if it is `None`.
    fn in_cloud(&self, name: Option<&str>) -> Arc<dyn Executor> {
        Arc::new(Answers(Arc::clone(&self.az).in_cloud(name.or(self.cloud.name()))))
    }
}

/// What `az` is asked for a token of.
#[derive(Debug)]
enum Named {
    /// One, or its user's default one.
    Tenant(Option<String>),
    Subscription(String),
}

fn credential(az: &Arc<dyn Executor>, named: Named) -> Result<Arc<AzureCliCredential>, Failure> {
    let (tenant_id, subscription) = match named {
        Named::Tenant(tenant) => (tenant, None),
        Named::Subscription(id) => (None, Some(id)),
    };
    let options = AzureCliCredentialOptions { tenant_id, subscription, executor: Some(Arc::clone(az)) };
    AzureCliCredential::new(Some(options)).map_err(|error| Failure::not_signed_in(first_line(&error)))
}

impl AzureCli {
    async fn token(&self, tenant: Option<&String>, scope: &str) -> Result<AccessToken, Trouble> {
        let az = self.in_cloud(None);
        let named = match &self.username {
            Some(username) => {
                let all = of_cloud(az_accounts::listed(&*az).await?, self.cloud.name());
                acting_as(username, all, tenant.cloned())?
            }
            None => Named::Tenant(tenant.cloned()),
        };
        token_of(&az, named, tenant, scope).await
    }

    /// The same where `az` has another active cloud: it has a default subscription in that one alone, so that it has to be
    /// asked for by one that it lists. `trouble` is what came of the other way.
    async fn token_of_other_cloud(
        &self,
        tenant: Option<&String>,
        scope: &str,
        trouble: Trouble,
    ) -> Result<AccessToken, Trouble> {
        let active = Arc::clone(&self.az).in_cloud(None);
        let Some(name) = self.cloud.not_active(&Answers(active)).await else { return Err(trouble) };
        let token = self.token_in(&name, tenant, scope).await;
        if token.is_ok() {
            *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
        }
        token
    }

    /// A token of who acts in the cloud of that name, which is not the active one.
    async fn token_in(&self, name: &str, tenant: Option<&String>, scope: &str) -> Result<AccessToken, Trouble> {
        let az = self.in_cloud(Some(name));
        let all = of_cloud(az_accounts::listed(&*az).await?, Some(name));
        let not_there = |detail| {
            let cloud = Some(name.into());
            Failure::NotSignedIn { detail, reason: None, others: Box::default(), tenant: None, cloud, here: None }
        };
        let username = match &self.username {
            Some(username) => username.clone(),
            // Nobody is taken for another: whose token it is decides who is let in.
            None => match az_accounts::default_user(&all) {
                Some(username) => username.to_owned(),
                None if all.is_empty() => Err(not_there(message::account::az_is_not_in_cloud(name)))?,
                None => Err(not_there(message::account::az_has_several(name, self.cloud.called_here())))?,
            },
        };
        let is_meant = |one: &&Subscription| one.is_of(&username) && tenant.is_none_or(|tenant| one.is_in(tenant));
        let meant = all.iter().filter(is_meant).min_by_key(|one| !one.is_default).map(|one| one.id.clone());
        match (meant, tenant) {
            (Some(id), _) => token_of(&az, Named::Subscription(id), tenant, scope).await,
            (None, Some(tenant)) => Err(not_in(&username, tenant).into()),
            (None, None) => Err(not_there(message::account::az_is_not(&username)).into()),
        }
        .map_err(|mut trouble: Trouble| {
            // Without a word it signs in to the active one.
            if let Failure::NotSignedIn { cloud, .. } = &mut trouble.failure {
                *cloud = Some(name.into());
            }
            trouble
        })
    }
}

/// A token of `az`. What Entra has against it, it has as that tenant.
async fn token_of(
    az: &Arc<dyn Executor>,
    named: Named,
    tenant: Option<&String>,
    scope: &str,
) -> Result<AccessToken, Trouble> {
    let token = tool_failure::token_of(TokenTool::AzureCli, &*credential(az, named)?, scope).await;
    token.map_err(|mut trouble| {
        if let Failure::NotSignedIn { detail, tenant: wants, .. } = &mut trouble.failure
            && detail.contains(SENTENCES_BEGIN)
        {
            *wants = tenant.map(|tenant| tenant.as_str().into());
        }
        trouble
    })
}

/// What `az` is to be asked for so that it acts as `username`, of all that it lists: it picks its user by the subscription,
/// and as its default one where it is told none. It takes a tenant or a subscription, not both.
fn acting_as(username: &str, mut all: Vec<Subscription>, tenant: Option<String>) -> Result<Named, Failure> {
    all.retain(|listed| listed.is_of(username));
    if all.is_empty() {
        return Err(Failure::not_signed_in(message::account::az_is_not(username)));
    }
    let is_default = all.iter().any(|listed| listed.is_default);
    all.retain(|listed| tenant.as_deref().is_none_or(|tenant| listed.is_in(tenant)));
    let place = all.iter().position(|listed| listed.is_default).unwrap_or(0);
    match (all.into_iter().nth(place), tenant) {
        (Some(listed), _) => Ok(Named::Subscription(listed.id)),
        (None, Some(tenant)) if !is_default => Err(not_in(username, &tenant)),
        (None, tenant) => Ok(Named::Tenant(tenant)),
    }
}

/// That user is signed in to `az`, but not to the tenant.
fn not_in(username: &str, tenant: &str) -> Failure {
    let detail = message::account::az_is_not_in(username, tenant);
    let tenant = Some(tenant.into());
    Failure::NotSignedIn { detail, reason: None, others: Box::default(), tenant, cloud: None, here: None }
}

#[async_trait]
impl TokenSource for AzureCli {
    async fn fetch(&self, ask: &TokenAsk) -> Result<AccessToken, Trouble> {
        ask.takes_no_claims()?;
        let tenant = ask.tenant.as_ref().or(self.tenant_id.as_ref());
        let token =
            self.token_of_any_cloud(tenant, &ask.scope).await.map_err(|Trouble { failure, correlation_id }| {
                let (username, authority) = (self.username.as_deref(), &self.authority);
                let tenant = tenant.map(String::as_str);
                let wanted = Wanted { tool: TokenTool::AzureCli, username, tenant, authority };
                Trouble { failure: wanted.told(failure), correlation_id }
            })?;
        Ok(if az_accounts::az_profile_version().is_none() {
            soon_over(token, OffsetDateTime::now_utc())
        } else {
            token
        })
    }
}

/// So long a token counts of an `az` that keeps its profile elsewhere, as one in a container does: that somebody else is
/// signed in to it shows only when it is asked. Some minutes before its end a token is asked for anew.
const UNSEEN: Duration = Duration::minutes(10);

fn soon_over(token: AccessToken, now: OffsetDateTime) -> AccessToken {
    AccessToken { expires_on: token.expires_on.min(now + UNSEEN), ..token }
}

impl AzureCli {
    async fn token_of_any_cloud(&self, tenant: Option<&String>, scope: &str) -> Result<AccessToken, Trouble> {
        let elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(name) = elsewhere {
            match self.token_in(&name, tenant, scope).await {
                Ok(token) => return Ok(token),
                // It may be the active one by now, or be gone.
                Err(_) => *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = None,
            }
        }
        match self.token(tenant, scope).await {
            Err(trouble) if self.may_have_another_active(&trouble.failure) => {
                self.token_of_other_cloud(tenant, scope, trouble).await
            }
            result => result,
        }
    }

    /// Whether a failure may come of `az` having another active cloud than this one.
    fn may_have_another_active(&self, failure: &Failure) -> bool {
        if let Failure::NotSignedIn { detail, .. } = failure {
            // By its name it was asked in its own cloud: what Entra says is said there.
            return *detail != NO_AZURE_CLI && !(self.cloud.name().is_some() && detail.contains(SENTENCES_BEGIN));
        }
        // What its libraries raise of authority and scope that do not fit each other (azure-cli 2.91).
        matches!(failure, Failure::TokenToolFailed { detail, .. } if detail.contains("ValueError"))
    }
}

#[cfg(test)]
pub(super) mod fake {
    use std::collections::VecDeque;
    use std::ffi::OsStr;
    use std::io;
    use std::process::Output;
    use std::sync::Mutex;

    use super::*;
    use crate::sign_in::az_cloud;

    /// Answers as `az` or `azd` would, and notes what it was asked.
    #[derive(Debug)]
    pub(crate) struct FakeTool {
        answers: Mutex<VecDeque<io::Result<Output>>>,
        asked: Mutex<Vec<String>>,
    }

    impl FakeTool {
        /// All that it was asked, line by line.
        pub(crate) fn asked(&self) -> String {
            self.asked.lock().unwrap().join("\n")
        }
    }

    impl Az for FakeTool {
        fn in_cloud(self: Arc<Self>, name: Option<&str>) -> Arc<dyn Executor> {
            self.asked.lock().unwrap().extend(name.map(|name| format!("{}={name}", az_cloud::VARIABLE)));
            self
        }
    }

    #[async_trait]
    impl Executor for FakeTool {
        async fn run(&self, _: &OsStr, args: &[&OsStr]) -> io::Result<Output> {
            self.asked.lock().unwrap().push(args.join(OsStr::new(" ")).to_string_lossy().into_owned());
            self.answers.lock().unwrap().pop_front().expect("asked more often than expected")
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "an answer of the executor, beside errors")]
    pub(crate) fn exited(code: i32, stdout: &str, stderr: &str) -> io::Result<Output> {
        #[cfg(unix)]
        let status = std::os::unix::process::ExitStatusExt::from_raw(code << 8);
        #[cfg(windows)]
        let status = std::os::windows::process::ExitStatusExt::from_raw(code.cast_unsigned());
        Ok(Output { status, stdout: stdout.into(), stderr: stderr.into() })
    }

    pub(crate) fn tool(answer: io::Result<Output>) -> Arc<FakeTool> {
        tool_that_says([answer])
    }

    pub(crate) fn tool_that_says(answers: impl IntoIterator<Item = io::Result<Output>>) -> Arc<FakeTool> {
        Arc::new(FakeTool { answers: Mutex::new(answers.into_iter().collect()), asked: Mutex::default() })
    }
}

#[cfg(test)]
mod tests;

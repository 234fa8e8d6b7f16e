//! Who is signed in to the Azure CLI.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use ajar_core::failure::{Failure, TokenTool};
use azure_identity::Executor;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::az_cloud::name_here;
use super::az_process::AzProcess;
use super::tool_answer::Answers;
use super::tool_failure::{not_asked, of_errors};

/// An account of the Azure CLI, in one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzAccount {
    /// The user name, or the client id of a service principal.
    pub user: String,
    /// The tenant's id.
    pub tenant_id: String,
    /// The cloud, by Ajar's name if it is a built-in one, else by the Azure CLI's.
    pub cloud: String,
    /// The ids of its subscriptions there.
    pub subscriptions: Vec<String>,
    /// Whether `az` acts as this one when it is told nothing else.
    pub is_default: bool,
}

/// All accounts that the Azure CLI is signed in to. It reads a file of its own for this, and asks nobody.
///
/// # Errors
/// [`Failure::NotSignedIn`] if there is no Azure CLI, [`Failure::TokenToolFailed`] if it broke or did not answer.
pub async fn az_accounts() -> Result<Vec<AzAccount>, Failure> {
    Ok(grouped(listed(&Answers(Arc::new(AzProcess::new("az")))).await?))
}

/// Which version of its profile the Azure CLI has: another one whenever somebody signs in to it or out of it, or picks
/// another subscription. `None` if there is none. The file is named in
/// <https://learn.microsoft.com/cli/azure/azure-cli-configuration>.
pub fn az_profile_version() -> Option<(SystemTime, u64)> {
    let folder = std::env::var_os("AZURE_CONFIG_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = folder.or_else(|| Some(std::env::home_dir()?.join(".azure")))?;
    let file = std::fs::metadata(folder.join("azureProfile.json")).ok()?;
    Some((file.modified().ok()?, file.len()))
}

/// What `az` lists, and picks its user by. Each id is there once, for who signed in last of those who see it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    /// The tenant's own where its user has no subscription there.
    pub(super) id: String,
    tenant_id: String,
    /// Not told by older ones, nor of every tenant.
    tenant_default_domain: Option<String>,
    #[serde(default)]
    pub(super) cloud_name: String,
    /// Whether `az` acts as its user when it is told nothing else.
    #[serde(default)]
    pub(super) is_default: bool,
    user: User,
}

#[derive(Debug, Deserialize)]
struct User {
    name: String,
}

impl Subscription {
    pub(super) fn is_of(&self, username: &str) -> bool {
        self.user.name.eq_ignore_ascii_case(username)
    }

    /// Whether it is in that tenant, by id or domain, as far as `az` tells.
    pub(super) fn is_in(&self, tenant: &str) -> bool {
        let told = [Some(&self.tenant_id), self.tenant_default_domain.as_ref()];
        told.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(tenant))
    }
}

/// As whom `az` would act where all those are: its default user there, or the only one.
pub(super) fn default_user(all: &[Subscription]) -> Option<&str> {
    let default = all.iter().find(|one| one.is_default).map(|one| one.user.name.as_str());
    let only = || all.first().map(|one| one.user.name.as_str()).filter(|first| all.iter().all(|one| one.is_of(first)));
    default.or_else(only)
}

pub(super) async fn listed(executor: &dyn Executor) -> Result<Vec<Subscription>, Failure> {
    json_of(executor, "az account list --all --output json").await
}

/// What a command of the Azure CLI prints.
pub(super) async fn json_of<T: DeserializeOwned>(executor: &dyn Executor, command: &str) -> Result<T, Failure> {
    let (shell, arguments) = if cfg!(windows) {
        ("cmd", ["/C".to_owned(), format!("cd %SYSTEMROOT% && {command}")])
    } else {
        ("/bin/sh", ["-c".to_owned(), format!("cd /bin && {command}")])
    };
    let arguments = arguments.each_ref().map(OsStr::new);
    let tool = TokenTool::AzureCli;
    let output = executor.run(OsStr::new(shell), &arguments).await.map_err(|error| not_asked(&error, tool))?;
    if !output.status.success() {
        return Err(of_errors(&String::from_utf8_lossy(&output.stderr), tool));
    }
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let detail = "the Azure CLI gave a list that can’t be read".to_owned();
        Failure::TokenToolFailed { tool, detail }
    })
}

fn grouped(subscriptions: Vec<Subscription>) -> Vec<AzAccount> {
    let mut accounts: BTreeMap<_, AzAccount> = BTreeMap::new();
    for Subscription { id, tenant_id, cloud_name, is_default, user, .. } in subscriptions {
        let cloud = name_here(&cloud_name).to_owned();
        let account = accounts.entry((cloud.clone(), user.name.clone(), tenant_id.clone())).or_insert_with(|| {
            AzAccount { user: user.name, tenant_id: tenant_id.clone(), cloud, subscriptions: Vec::new(), is_default }
        });
        account.is_default |= is_default;
        // Without a subscription of its own a tenant stands in the list by its own id.
        if id != tenant_id {
            account.subscriptions.push(id);
        }
    }
    accounts.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use ajar_core::failure::NO_AZURE_CLI;

    use super::*;
    use crate::sign_in::azure_cli::fake::{exited, tool};

    const TWO_USERS: &str = r#"[
        {"cloudName":"AzureCloud","id":"s1","isDefault":true,"tenantId":"t1","user":{"name":"ada@contoso.example","type":"user"}},
        {"cloudName":"AzureCloud","id":"s2","isDefault":false,"tenantId":"t1","user":{"name":"ada@contoso.example","type":"user"}},
        {"cloudName":"AzureCloud","id":"t2","isDefault":false,"tenantId":"t2","user":{"name":"ada@contoso.example","type":"user"}},
        {"cloudName":"AzureUSGovernment","id":"s3","isDefault":false,"tenantId":"t3","user":{"name":"grace@agency.example","type":"user"}}
    ]"#;

    #[tokio::test]
    async fn each_user_of_az_is_listed_once_for_each_tenant() {
        let az = tool(exited(0, TWO_USERS, ""));
        let accounts = grouped(listed(&*az).await.unwrap());
        let shown: Vec<_> = accounts
            .iter()
            .map(|a| (a.cloud.as_str(), a.user.as_str(), a.tenant_id.as_str(), a.subscriptions.len(), a.is_default))
            .collect();
        let expected = [
            ("public", "ada@contoso.example", "t1", 2, true),
            ("public", "ada@contoso.example", "t2", 0, false),
            ("usgov", "grace@agency.example", "t3", 1, false),
        ];
        assert_eq!(shown, expected);
        assert!(az.asked().contains("az account list --all --output json"));
    }

    #[tokio::test]
    async fn an_az_that_is_missing_or_tells_nothing_is_told_as_that() {
        let missing = || Err(io::Error::new(io::ErrorKind::NotFound, NO_AZURE_CLI));
        for (answer, expected) in [
            (missing(), NO_AZURE_CLI),
            (exited(127, "", "env: python3: not there"), "the Azure CLI broke (env: python3: not there)"),
            (exited(1, "", "ERROR: Broken profile.\nx"), "the Azure CLI broke (Broken profile.)"),
            (exited(0, "not json", ""), "the Azure CLI gave a list that can’t be read"),
        ] {
            let failure = listed(&Answers(tool(answer))).await.unwrap_err();
            let (Failure::NotSignedIn { detail, .. } | Failure::TokenToolFailed { detail, .. }) = failure else {
                panic!("another failure: {failure:?}")
            };
            assert_eq!(detail, expected);
        }
        for nobody in ["[]", "\u{feff}[]\r\n", "WARNING: A new release is there.\n[]\n"] {
            assert!(listed(&Answers(tool(exited(0, nobody, "")))).await.unwrap().is_empty(), "{nobody}");
        }
    }
}

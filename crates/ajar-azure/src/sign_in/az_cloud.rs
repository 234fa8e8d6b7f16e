//! The clouds of the Azure CLI. One of them is active, and it acts in another where `AZURE_CLOUD_NAME` names that one.
//! <https://learn.microsoft.com/cli/azure/azure-cli-configuration>

use std::fmt::Debug;
use std::sync::Arc;

use azure_identity::Executor;
use serde::Deserialize;
use url::Url;

use super::az_accounts::{Subscription, json_of};
use crate::cloud::Cloud;

/// Names the cloud that the Azure CLI acts in.
pub(crate) const VARIABLE: &str = "AZURE_CLOUD_NAME";

/// What the Azure CLI calls the clouds that are built in there and here, and what they are called here.
const BUILT_IN: [(&str, &str); 3] =
    [("AzureCloud", "public"), ("AzureUSGovernment", "usgov"), ("AzureChinaCloud", "china")];

/// The name that a cloud of the Azure CLI has here; its own if it is not built in.
pub(super) fn name_here(name: &str) -> &str {
    BUILT_IN.iter().find(|(theirs, _)| *theirs == name).map_or(name, |(_, ours)| ours)
}

/// The Azure CLI, in any of its clouds.
pub(super) trait Az: Debug + Send + Sync {
    /// Runs it in the cloud of that name; in the active one if it is `None`.
    fn in_cloud(self: Arc<Self>, name: Option<&str>) -> Arc<dyn Executor>;
}

/// One of Ajar's clouds, as the Azure CLI knows it.
#[derive(Clone, Debug)]
pub(crate) enum AzCloud {
    /// Built in, by its name there.
    BuiltIn(&'static str),
    /// Registered there by its user, under any name: known by its resource manager, and here by its name.
    Registered(Url, String),
}

impl AzCloud {
    pub(crate) fn of(cloud: &Cloud) -> Self {
        let built_in = BUILT_IN.iter().find(|(_, ours)| *ours == cloud.name);
        built_in.map_or_else(
            || Self::Registered(cloud.resource_manager.clone(), cloud.name.clone()),
            |(theirs, _)| Self::BuiltIn(theirs),
        )
    }

    /// The name that it has here.
    pub(super) fn called_here(&self) -> &str {
        match self {
            Self::BuiltIn(name) => name_here(name),
            Self::Registered(_, name) => name,
        }
    }

    /// The name that needs no asking.
    pub(crate) fn name(&self) -> Option<&str> {
        if let Self::BuiltIn(name) = self { Some(name) } else { None }
    }

    /// Its name, where it is another than the active one; `az` is run in that.
    pub(super) async fn not_active(&self, az: &dyn Executor) -> Option<String> {
        let clouds: Vec<Registered> = json_of(az, "az cloud list --output json").await.ok()?;
        let is_it = |cloud: &Registered| match self {
            Self::BuiltIn(name) => cloud.name == *name,
            Self::Registered(url, _) => {
                let there = cloud.endpoints.resource_manager.as_deref().and_then(|there| there.parse::<Url>().ok());
                there.is_some_and(|there| there.origin() == url.origin())
            }
        };
        // One that is active has been asked.
        clouds.into_iter().find(is_it).filter(|cloud| !cloud.is_active).map(|cloud| cloud.name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    name: String,
    #[serde(default)]
    is_active: bool,
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoints {
    resource_manager: Option<String>,
}

/// Those of the Azure CLI's subscriptions that are in its cloud of that name. Old versions do not tell.
pub(super) fn of_cloud(listed: Vec<Subscription>, name: Option<&str>) -> Vec<Subscription> {
    let is_there = |one: &Subscription| name.is_none_or(|name| one.cloud_name.is_empty() || one.cloud_name == name);
    listed.into_iter().filter(is_there).collect()
}

//! Azure resource ids as types: compared without regard to case, shown in the casing they came in.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::message::given;

/// Why a text is no resource id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceIdError {
    /// The text does not have the shape of a resource id.
    #[error("{}", given::no_resource_id(.0))]
    Shape(String),
    /// A resource id, but of another type than the one wanted.
    #[error("{}", given::other_resource_type(.id, .found, .wanted))]
    Type {
        /// The id as given.
        id: String,
        /// Its type, such as `Microsoft.Network/networkInterfaces`.
        found: String,
        /// The type asked for.
        wanted: &'static str,
    },
}

/// `/subscriptions/{id}/resourceGroups/{group}/providers/{namespace}/{type}/{name}[/{type}/{name}…]`.
///
/// Azure returns ids in varying letter case, so equality, order and hash ignore ASCII case. Segments are limited to
/// the characters Azure allows in names, so an id is safe as a part of a URL path.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceId(String);

impl ResourceId {
    fn segment(&self, index: usize) -> &str {
        self.0.split('/').nth(index).unwrap_or_default()
    }

    /// The subscription's id (a GUID), as written.
    pub fn subscription_id(&self) -> &str {
        self.segment(2)
    }

    /// The resource group's name.
    pub fn resource_group(&self) -> &str {
        self.segment(4)
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Namespace and types, such as `Microsoft.Compute/virtualMachines`.
    pub fn resource_type(&self) -> String {
        let mut parts = self.0.split('/').skip(6);
        let mut out = parts.next().unwrap_or_default().to_owned();
        for kind in parts.step_by(2) {
            out.push('/');
            out.push_str(kind);
        }
        out
    }

    /// The id as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `/subscriptions/{id}/resourceGroups/{group}`.
    pub fn resource_group_scope(&self) -> String {
        self.0.split('/').take(5).collect::<Vec<_>>().join("/")
    }
}

fn is_name(segment: &str) -> bool {
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')'))
}

impl FromStr for ResourceId {
    type Err = ResourceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        let well_formed = parts.len() >= 9
            && parts.len() % 2 == 1
            && parts[0].is_empty()
            && parts[1].eq_ignore_ascii_case("subscriptions")
            && parts[3].eq_ignore_ascii_case("resourceGroups")
            && parts[5].eq_ignore_ascii_case("providers")
            && parts[2..].iter().all(|part| is_name(part));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(ResourceIdError::Shape(text.to_owned())) }
    }
}

impl TryFrom<String> for ResourceId {
    type Error = ResourceIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ResourceId> for String {
    fn from(id: ResourceId) -> Self {
        id.0
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}
impl Eq for ResourceId {}
impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        let lower = |id: &Self| id.0.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}
impl Hash for ResourceId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_ascii_lowercase().hash(state);
    }
}
impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a `Microsoft.Compute/virtualMachines` resource.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub struct VmResourceId(ResourceId);

impl VmResourceId {
    const TYPE: &'static str = "Microsoft.Compute/virtualMachines";

    /// The VM's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The underlying id.
    pub fn resource(&self) -> &ResourceId {
        &self.0
    }

    /// A stable, readable name for host keys and the like: `{vm}.{group}.{subscription}.azure`, in lower case.
    pub fn host_alias(&self) -> String {
        format!("{}.{}.{}.azure", self.0.name(), self.0.resource_group(), self.0.subscription_id()).to_lowercase()
    }
}

impl TryFrom<ResourceId> for VmResourceId {
    type Error = ResourceIdError;
    fn try_from(id: ResourceId) -> Result<Self, Self::Error> {
        let found = id.resource_type();
        if found.eq_ignore_ascii_case(Self::TYPE) {
            Ok(Self(id))
        } else {
            Err(ResourceIdError::Type { id: id.0, found, wanted: Self::TYPE })
        }
    }
}

impl FromStr for VmResourceId {
    type Err = ResourceIdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<ResourceId>()?.try_into()
    }
}
impl TryFrom<String> for VmResourceId {
    type Error = ResourceIdError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}
impl From<VmResourceId> for String {
    fn from(id: VmResourceId) -> Self {
        id.0.0
    }
}
impl fmt::Display for VmResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl fmt::Debug for VmResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VM: &str = "/subscriptions/20ff7fc3/resourceGroups/myRg1/providers/Microsoft.Compute/virtualMachines/vm1";

    #[test]
    fn ids_that_differ_only_in_case_are_equal_and_keep_their_casing() {
        let one: VmResourceId = VM.parse().unwrap();
        let two: VmResourceId = VM.to_uppercase().parse().unwrap();
        assert_eq!(one, two);
        assert_eq!(one.to_string(), VM);
        assert_eq!(std::collections::HashSet::from([one, two]).len(), 1);
    }

    #[test]
    fn an_id_gives_its_parts() {
        let id: ResourceId = VM.parse().unwrap();
        assert_eq!(id.subscription_id(), "20ff7fc3");
        assert_eq!(id.resource_group(), "myRg1");
        assert_eq!(id.name(), "vm1");
        assert_eq!(id.resource_type(), "Microsoft.Compute/virtualMachines");
        assert_eq!(id.resource_group_scope(), "/subscriptions/20ff7fc3/resourceGroups/myRg1");
        let child: ResourceId =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Security/locations/westeurope/jitNetworkAccessPolicies/default"
                .parse()
                .unwrap();
        assert_eq!(child.resource_type(), "Microsoft.Security/locations/jitNetworkAccessPolicies");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "web-01",
            "/subscriptions/s/resourceGroups/g",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/",
            "/subscriptions/s/resourceGroups/../providers/Microsoft.Compute/virtualMachines/vm",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm?x=1",
            "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v",
        ] {
            assert!(text.parse::<ResourceId>().is_err(), "{text}");
        }
        let nic = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n";
        assert_eq!(
            nic.parse::<VmResourceId>().unwrap_err().to_string(),
            format!("“{nic}” is a Microsoft.Network/networkInterfaces, not a Microsoft.Compute/virtualMachines")
        );
    }
}

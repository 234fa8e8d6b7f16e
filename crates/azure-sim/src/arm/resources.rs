//! `Microsoft.Resources`: all resources of a scope, whatever their type.

use crate::json::{Value, json};
use axum::response::Response;

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, disk, page, security_groups, virtual_network};
use crate::clock::offset_timestamp;
use crate::state::Cloud;
use crate::state::groups::{NicGroup, SecurityGroup};
use crate::state::places::NetworkWatcher;
use crate::state::vm::Vm;

/// The types of the fleet's resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    VirtualMachine,
    Disk,
    Interface,
    PublicIpAddress,
    SecurityGroup,
    VirtualNetwork,
    NetworkWatcher,
}

impl Kind {
    pub(super) const ALL: [Self; 7] = [
        Self::VirtualMachine,
        Self::Disk,
        Self::Interface,
        Self::PublicIpAddress,
        Self::SecurityGroup,
        Self::VirtualNetwork,
        Self::NetworkWatcher,
    ];

    /// As Resource Graph writes it.
    pub(super) fn lower_name(self) -> &'static str {
        match self {
            Self::VirtualMachine => "microsoft.compute/virtualmachines",
            Self::Disk => "microsoft.compute/disks",
            Self::Interface => "microsoft.network/networkinterfaces",
            Self::PublicIpAddress => "microsoft.network/publicipaddresses",
            Self::SecurityGroup => "microsoft.network/networksecuritygroups",
            Self::VirtualNetwork => "microsoft.network/virtualnetworks",
            Self::NetworkWatcher => "microsoft.network/networkwatchers",
        }
    }

    /// As Azure spells it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::VirtualMachine => "Microsoft.Compute/virtualMachines",
            Self::Disk => "Microsoft.Compute/disks",
            Self::Interface => "Microsoft.Network/networkInterfaces",
            Self::PublicIpAddress => "Microsoft.Network/publicIPAddresses",
            Self::SecurityGroup => "Microsoft.Network/networkSecurityGroups",
            Self::VirtualNetwork => "Microsoft.Network/virtualNetworks",
            Self::NetworkWatcher => "Microsoft.Network/networkWatchers",
        }
    }
}

/// One resource.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resource<'c> {
    /// Of this kind, and this VM's. A network is its first VM's; a network watcher is none's.
    OfVm(Kind, &'c Vm),
    /// A network security group that is not one VM's own, with its index in [`Cloud::security_groups`].
    SharedGroup(usize, &'c SecurityGroup),
    Watcher(&'c NetworkWatcher),
}

impl<'c> Resource<'c> {
    /// Those of the scope, of these kinds.
    pub(super) fn all(cloud: &'c Cloud, scope: &Scope, kinds: &[Kind]) -> Vec<Self> {
        let mut all = Vec::new();
        for kind in kinds {
            let one = |vm: &'c Vm| Self::OfVm(*kind, vm);
            let group = scope.resource_group.as_deref();
            match kind {
                Kind::VirtualMachine | Kind::Disk => all.extend(cloud.vms_in(&scope.subscription, group).map(one)),
                Kind::Interface => all.extend(cloud.interfaces_in(&scope.subscription, group).map(one)),
                Kind::PublicIpAddress => all.extend(cloud.addresses_in(&scope.subscription, group).map(one)),
                Kind::SecurityGroup => {
                    let own = |vm: &&Vm| vm.nic_group == NicGroup::Own;
                    all.extend(cloud.vms_in(&scope.subscription, group).filter(own).map(one));
                    let shared = security_groups::shared(cloud, scope);
                    all.extend(shared.map(|(index, group)| Self::SharedGroup(index, group)));
                }
                Kind::VirtualNetwork => all.extend(virtual_network::in_scope(cloud, scope).map(one)),
                Kind::NetworkWatcher => {
                    all.extend(cloud.places.watchers(&scope.subscription, group).map(Self::Watcher));
                }
            }
        }
        all
    }

    /// Whether there is one of this type and name in the scope; case does not matter.
    pub(super) fn exists(cloud: &'c Cloud, scope: &Scope, kind: &str, name: &str) -> bool {
        let kinds: Vec<_> = Kind::ALL.into_iter().filter(|known| known.name().eq_ignore_ascii_case(kind)).collect();
        Self::all(cloud, scope, &kinds).iter().any(|one| one.name().eq_ignore_ascii_case(name))
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::OfVm(kind, _) => *kind,
            Self::SharedGroup(..) => Kind::SecurityGroup,
            Self::Watcher(_) => Kind::NetworkWatcher,
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::OfVm(Kind::VirtualMachine, vm) => vm.name.clone(),
            Self::OfVm(Kind::Disk, vm) => disk::name(vm),
            Self::OfVm(Kind::Interface, vm) => vm.nic_name(),
            Self::OfVm(Kind::PublicIpAddress, vm) => vm.public_ip_name(),
            Self::OfVm(Kind::SecurityGroup, vm) => vm.nsg_name(),
            Self::OfVm(Kind::VirtualNetwork | Kind::NetworkWatcher, vm) => vm.network_name(),
            Self::SharedGroup(_, group) => group.name.clone(),
            Self::Watcher(watcher) => watcher.name(),
        }
    }

    pub(super) fn id(&self) -> String {
        match self {
            Self::OfVm(Kind::Interface, vm) => vm.nic_id(),
            Self::OfVm(Kind::PublicIpAddress, vm) => vm.public_ip_id().unwrap_or_default(),
            Self::OfVm(kind, vm) => [vm.group(), "/providers/", kind.name(), "/", &self.name()].concat(),
            Self::SharedGroup(_, group) => group.id(),
            Self::Watcher(watcher) => watcher.id(),
        }
    }

    pub(super) fn location(&self) -> &'c str {
        match self {
            Self::OfVm(_, vm) => &vm.location,
            Self::SharedGroup(_, group) => &group.location,
            Self::Watcher(watcher) => &watcher.location,
        }
    }

    pub(super) fn resource_group(&self) -> &'c str {
        match self {
            Self::OfVm(Kind::Interface, vm) => vm.interface_group(),
            Self::OfVm(Kind::PublicIpAddress, vm) => vm.public_ip_group(),
            Self::OfVm(_, vm) => &vm.resource_group,
            Self::SharedGroup(_, group) => &group.resource_group,
            Self::Watcher(_) => NetworkWatcher::GROUP,
        }
    }

    /// What the list of all resources tells of each; `expand` names what it tells on top.
    fn to_json(self, expand: &str) -> Value {
        let mut json = json!({
            "id": self.id(),
            "name": self.name(),
            "type": self.kind().name(),
            "location": self.location().to_owned(),
            "tags": compute::tags(),
        });
        if let Self::OfVm(Kind::Disk, vm) = self {
            json["managedBy"] = vm.id().into();
            json["sku"] = disk::sku();
        }
        for wanted in expand.split(',').map(str::trim) {
            match (wanted, self) {
                ("createdTime", Self::OfVm(_, vm)) => json["createdTime"] = offset_timestamp(vm.created).into(),
                ("changedTime", Self::OfVm(_, vm)) => json["changedTime"] = offset_timestamp(vm.created).into(),
                ("provisioningState", _) => json["provisioningState"] = "Succeeded".into(),
                _ => {}
            }
        }
        json
    }
}

/// `$filter` of lists: comparisons joined by `and`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Field in lower case, and value.
    equal: Vec<(String, String)>,
    name_contains: Option<String>,
}

impl Filter {
    /// `None` when it can't be read.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut filter = Self::default();
        let lower = text.to_ascii_lowercase();
        let mut start = 0;
        let mut clauses = Vec::new();
        for (at, _) in lower.match_indices(" and ") {
            clauses.push(&text[start..at]);
            start = at + " and ".len();
        }
        clauses.push(&text[start..]);
        for clause in clauses.iter().map(|clause| clause.trim()).filter(|clause| !clause.is_empty()) {
            if let Some(arguments) = clause.strip_prefix("substringof(").and_then(|rest| rest.strip_suffix(')')) {
                let (value, _) = arguments.split_once(',')?;
                filter.name_contains = Some(unquoted(value)?);
                continue;
            }
            let (field, value) = clause.split_once(" eq ")?;
            filter.equal.push((field.trim().to_ascii_lowercase(), unquoted(value)?));
        }
        let known = ["resourcetype", "name", "location", "resourcegroup", "tagname", "tagvalue"];
        filter.equal.iter().all(|(field, _)| known.contains(&field.as_str())).then_some(filter)
    }

    /// Whether what is said of tags fits the tags that everything here has.
    pub(super) fn admits_tags(&self) -> bool {
        let tags = compute::tags();
        let all = tags.members();
        self.equal.iter().all(|(field, value)| match field.as_str() {
            "tagname" => all.iter().any(|(name, _)| name.eq_ignore_ascii_case(value)),
            "tagvalue" => all.iter().any(|(_, known)| known.as_str() == Some(value)),
            _ => true,
        })
    }

    fn admits(&self, resource: &Resource<'_>) -> bool {
        let is = |field: &str, value: &str| match field {
            "resourcetype" => resource.kind().name().eq_ignore_ascii_case(value),
            "name" => resource.name().eq_ignore_ascii_case(value),
            "location" => resource.location().eq_ignore_ascii_case(&value.replace(' ', "")),
            "resourcegroup" => resource.resource_group().eq_ignore_ascii_case(value),
            _ => true,
        };
        let part = self.name_contains.as_ref().map(|part| part.to_ascii_lowercase());
        self.equal.iter().all(|(field, value)| is(field, value))
            && part.is_none_or(|part| resource.name().to_ascii_lowercase().contains(&part))
            && self.admits_tags()
    }
}

fn unquoted(value: &str) -> Option<String> {
    value.trim().strip_prefix('\'')?.strip_suffix('\'').map(str::to_owned)
}

/// `GET …/resources`: those that the caller may read.
pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    let text = call.query("$filter").unwrap_or_default();
    let expand = call.query("$expand").unwrap_or_default();
    let filter = Filter::parse(text).ok_or_else(|| ArmError::invalid_query("$filter", text))?;
    call.world.look(|cloud, _| {
        let mut listed = Vec::new();
        for kind in Kind::ALL {
            let may = call.may(cloud, &format!("{}/read", kind.name()));
            let of_kind = Resource::all(cloud, scope, &[kind]);
            let of_kind = of_kind.into_iter().filter(|resource| filter.admits(resource) && may.at(&resource.id()));
            listed.extend(of_kind.map(|resource| resource.to_json(expand)));
        }
        page::list(call, cloud, listed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_comparisons_joined_by_and() {
        let filter = Filter::parse("resourceType eq 'A/b' And name EQ 'x'");
        assert_eq!(filter, None, "EQ is written eq");
        let filter = Filter::parse("resourceType eq 'A/b' and Location eq 'westeurope'").unwrap();
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(filter.equal, [field("resourcetype", "A/b"), field("location", "westeurope")]);
        let part = Filter::parse("substringof('web', name)").unwrap();
        assert_eq!(part.name_contains.as_deref(), Some("web"));
        assert_eq!(Filter::parse("colour eq 'red'"), None);
        assert_eq!(Filter::parse(""), Some(Filter::default()));
    }
}

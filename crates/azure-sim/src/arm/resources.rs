//! `Microsoft.Resources`: all resources of a scope, whatever their type.

use crate::json::{Value, json};
use axum::response::Response;

use crate::arm::error::ArmError;
use crate::arm::filter::{Clause, Filter, Test, Verdict};
use crate::arm::route::Scope;
use crate::arm::{Call, compute, disk, page, security_groups, virtual_network};
use crate::clock::offset_timestamp;
use crate::state::Cloud;
use crate::state::bastion::BastionHost;
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
    BastionHost,
}

impl Kind {
    pub(super) const ALL: [Self; 8] = [
        Self::VirtualMachine,
        Self::Disk,
        Self::Interface,
        Self::PublicIpAddress,
        Self::SecurityGroup,
        Self::VirtualNetwork,
        Self::NetworkWatcher,
        Self::BastionHost,
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
            Self::BastionHost => "microsoft.network/bastionhosts",
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
            Self::BastionHost => "Microsoft.Network/bastionHosts",
        }
    }
}

/// One resource.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resource<'c> {
    /// Of this kind, and this VM's. A network is its first VM's; network watchers and Bastion hosts are none's.
    OfVm(Kind, &'c Vm),
    /// A network security group that is not one VM's own, with its index in [`Cloud::security_groups`].
    SharedGroup(usize, &'c SecurityGroup),
    Watcher(&'c NetworkWatcher),
    Bastion(&'c BastionHost),
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
                Kind::BastionHost => all.extend(cloud.bastions_in(&scope.subscription, group).map(Self::Bastion)),
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
            Self::Bastion(_) => Kind::BastionHost,
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::OfVm(Kind::VirtualMachine, vm) => vm.name.clone(),
            Self::OfVm(Kind::Disk, vm) => disk::name(vm),
            Self::OfVm(Kind::Interface, vm) => vm.nic_name(),
            Self::OfVm(Kind::PublicIpAddress, vm) => vm.public_ip_name(),
            Self::OfVm(Kind::SecurityGroup, vm) => vm.nsg_name(),
            Self::OfVm(Kind::VirtualNetwork | Kind::NetworkWatcher | Kind::BastionHost, vm) => vm.network_name(),
            Self::SharedGroup(_, group) => group.name.clone(),
            Self::Watcher(watcher) => watcher.name(),
            Self::Bastion(host) => host.name.clone(),
        }
    }

    pub(super) fn id(&self) -> String {
        match self {
            Self::OfVm(Kind::Interface, vm) => vm.nic_id(),
            Self::OfVm(Kind::PublicIpAddress, vm) => vm.public_ip_id().unwrap_or_default(),
            Self::OfVm(kind, vm) => [vm.group(), "/providers/", kind.name(), "/", &self.name()].concat(),
            Self::SharedGroup(_, group) => group.id(),
            Self::Watcher(watcher) => watcher.id(),
            Self::Bastion(host) => host.id(),
        }
    }

    pub(super) fn location(&self) -> &'c str {
        match self {
            Self::OfVm(_, vm) => &vm.location,
            Self::SharedGroup(_, group) => &group.location,
            Self::Watcher(watcher) => &watcher.location,
            Self::Bastion(host) => &host.location,
        }
    }

    pub(super) fn resource_group(&self) -> &'c str {
        match self {
            Self::OfVm(Kind::Interface, vm) => vm.interface_group(),
            Self::OfVm(Kind::PublicIpAddress, vm) => vm.public_ip_group(),
            Self::OfVm(_, vm) => &vm.resource_group,
            Self::SharedGroup(_, group) => &group.resource_group,
            Self::Watcher(_) => NetworkWatcher::GROUP,
            Self::Bastion(host) => &host.resource_group,
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

/// What the list of all resources takes in `$filter`, as its published description names it.
fn in_filter(clause: &Clause) -> Verdict {
    match (clause.property.as_str(), clause.test) {
        ("location" | "resourcetype" | "name" | "resourcegroup", Test::Equal | Test::NotEqual)
        | ("name" | "resourcegroup", Test::Contains) => Verdict::Served,
        ("tagname" | "tagvalue", _) => tag_in_filter(clause),
        (
            "location"
            | "resourcetype"
            | "name"
            | "resourcegroup"
            | "identity"
            | "identity/principalid"
            | "plan"
            | "plan/publisher"
            | "plan/product"
            | "plan/name"
            | "plan/version"
            | "plan/promotioncode"
            | "createdtime"
            | "changedtime"
            | "provisioningstate",
            _,
        ) => Verdict::NotSimulated,
        _ => Verdict::Unknown,
    }
}

/// What `$filter` takes of tags, for resources and resource groups.
pub(super) fn tag_in_filter(clause: &Clause) -> Verdict {
    match (clause.property.as_str(), clause.test) {
        ("tagname" | "tagvalue", Test::Equal) | ("tagname", Test::StartsWith) => Verdict::Served,
        _ => Verdict::NotSimulated,
    }
}

/// Whether a condition about tags is true of those that everything here has.
pub(super) fn holds_of_tags(clause: &Clause) -> bool {
    let tags = compute::tags();
    tags.members().iter().any(|(name, value)| match clause.property.as_str() {
        "tagname" => clause.holds_of(name),
        _ => value.as_str() == Some(&clause.value),
    })
}

fn holds(clause: &Clause, resource: &Resource<'_>) -> bool {
    match clause.property.as_str() {
        "resourcetype" => clause.holds_of(resource.kind().name()),
        "name" => clause.holds_of(&resource.name()),
        "location" => clause.holds_of_region(resource.location()),
        "resourcegroup" => clause.holds_of(resource.resource_group()),
        _ => holds_of_tags(clause),
    }
}

/// `GET …/resources`: those that the caller may read.
pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    let expand = call.query("$expand").unwrap_or_default();
    let filter = Filter::of(call, in_filter)?;
    call.world.look(|cloud, _| {
        let mut listed = Vec::new();
        for kind in Kind::ALL {
            let may = call.may(cloud, &format!("{}/read", kind.name()));
            let of_kind = Resource::all(cloud, scope, &[kind]);
            let admitted = |resource: &Resource<'_>| filter.admits(&|clause| holds(clause, resource));
            let of_kind = of_kind.into_iter().filter(|resource| admitted(resource) && may.at(&resource.id()));
            listed.extend(of_kind.map(|resource| resource.to_json(expand)));
        }
        page::list(call, cloud, listed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::filter::Refused;

    fn parsed(text: &str) -> Result<Filter, Refused> {
        Filter::parse(text, in_filter)
    }

    #[test]
    fn each_property_that_is_described_is_served_or_told_not_to_be() {
        for property in ["location", "resourceType", "name", "resourceGroup"] {
            for operator in ["eq", "ne"] {
                assert!(parsed(&format!("{property} {operator} 'x'")).is_ok(), "{property} {operator}");
            }
        }
        for served in [
            "substringof('web', name)",
            "substringof('demo', resourceGroup)",
            "startswith(tagName,'env')",
            "tagName eq 'environment' and tagValue eq 'simulated'",
        ] {
            assert!(parsed(served).is_ok(), "{served}");
        }
        for property in [
            "identity",
            "identity/principalId",
            "plan",
            "plan/publisher",
            "plan/product",
            "plan/name",
            "plan/version",
            "plan/promotionCode",
        ] {
            let refused = Err(Refused::NotSimulated(property.to_owned()));
            assert_eq!(parsed(&format!("name eq 'x' and {property} ne 'x'")), refused);
        }
        for other in ["colour eq 'red'", "identity/colour eq 'red'", "substringof('x', colour)"] {
            assert_eq!(parsed(other), Err(Refused::Malformed), "{other}");
        }
    }

    #[test]
    fn tags_are_compared_by_name_beginning_and_value() {
        let fits = |text: &str| parsed(text).unwrap().admits(&holds_of_tags);
        assert!(fits("tagName eq 'Environment'") && fits("startswith(tagName, 'env')"));
        assert!(fits("tagName eq 'environment' and tagValue eq 'simulated'"));
        assert!(!fits("tagValue eq 'Simulated'"), "values are compared with case");
        assert!(!fits("tagName eq 'env'") && !fits("startswith(tagName, 'ronment')"));
    }
}

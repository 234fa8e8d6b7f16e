//! The tables: what of the cloud is in them, and the columns of each row.

use crate::json::{Value, json};
use chrono::{DateTime, Utc};

use super::QueryError;
use super::bound::{Column, Type};
use super::limits::Spent;
use super::row::{Row, follow};
use super::syntax::{Comparison, Expr, Step};
use crate::arm::resources::{Kind, Resource};
use crate::arm::route::Scope;
use crate::arm::{Call, bastion_hosts, compute, diagnostics, disk, network, security_groups, virtual_network};
use crate::fleet::SubscriptionSpec;
use crate::state::Cloud;
use crate::state::groups::Group;
use crate::state::places::ResourceGroup;

/// What the caller sees, and as of when: Resource Graph is behind the resource providers.
#[derive(Clone, Copy)]
pub(super) struct View<'c> {
    pub(super) cloud: &'c Cloud,
    pub(super) now: DateTime<Utc>,
    pub(super) as_of: DateTime<Utc>,
    pub(super) spent: &'c Spent,
    /// Where the simulator is, and with it every Bastion host.
    pub(super) host: &'c str,
}

/// A row that is a VM, or what hangs on one.
#[derive(Clone, Copy)]
pub(super) struct OfVm {
    kind: Kind,
    /// Index into [`Cloud::vms`].
    vm: usize,
    /// Index into [`Cloud::subscriptions`].
    subscription: usize,
}

/// Columns of every table.
pub(super) const WIDTH: usize = 16;
const COLUMNS: [(&str, Type); WIDTH] = [
    ("id", Type::Text),
    ("name", Type::Text),
    ("type", Type::Text),
    ("tenantId", Type::Text),
    ("kind", Type::Text),
    ("location", Type::Text),
    ("resourceGroup", Type::Text),
    ("subscriptionId", Type::Text),
    ("managedBy", Type::Text),
    ("sku", Type::Dynamic),
    ("plan", Type::Dynamic),
    ("properties", Type::Dynamic),
    ("tags", Type::Dynamic),
    ("identity", Type::Dynamic),
    ("zones", Type::Dynamic),
    ("extendedLocation", Type::Dynamic),
];
const PROPERTIES: usize = 11;

/// The other tables that Resource Graph documents.
/// https://learn.microsoft.com/azure/governance/resource-graph/concepts/query-language
#[rustfmt::skip]
const WITHOUT_ROWS: [&str; 38] = [
    "advisorresources", "alertsmanagementresources", "appserviceresources", "authorizationresources", "awsresources",
    "azurebusinesscontinuityresources", "chaosresources", "communitygalleryresources", "computeresources",
    "desktopvirtualizationresources", "dnsresources", "edgeorderresources", "elasticsanresources",
    "extendedlocationresources", "featureresources", "guestconfigurationresources", "healthresourcechanges",
    "healthresources", "insightsresources", "iotsecurityresources", "kubernetesconfigurationresources",
    "kustoresources", "maintenanceresources", "managedserviceresources", "migrateresources", "networkresources",
    "patchassessmentresources", "patchinstallationresources", "policyresources", "quotaresources",
    "recoveryservicesresources", "resourcechanges", "resourcecontainerchanges", "securityresources",
    "servicefabricresources", "servicehealthresources", "spotresources", "supportresources",
];

pub(super) fn columns() -> Vec<Column> {
    COLUMNS.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect()
}

/// The rows of a table in these subscriptions, indices into [`Cloud::subscriptions`]. `steps` are what happens next: types
/// that they leave out are not made.
pub(super) fn rows(
    call: &Call<'_>,
    view: View<'_>,
    subscriptions: &[usize],
    table: &str,
    steps: &[Step],
) -> Result<Vec<Row>, QueryError> {
    match table.to_ascii_lowercase().as_str() {
        "resources" => Ok(resources(call, view, subscriptions, steps)),
        "resourcecontainers" => Ok(containers(call, view.cloud, subscriptions)),
        // Azure has no just-in-time policies in any of them, and this cloud has nothing of what they are about.
        other if WITHOUT_ROWS.contains(&other) => Ok(Vec::new()),
        _ => Err(QueryError::unresolved("table", table)),
    }
}

fn scope(subscription: &SubscriptionSpec) -> Scope {
    Scope { subscription: subscription.id.to_string(), resource_group: None }
}

fn resources(call: &Call<'_>, view: View<'_>, subscriptions: &[usize], steps: &[Step]) -> Vec<Row> {
    let mut all = Vec::new();
    for kind in kinds(steps) {
        let may = call.may(view.cloud, &format!("{}/read", kind.name()));
        let everywhere = may.decides_everywhere();
        for subscription in subscriptions {
            let of_kind = Resource::all(view.cloud, &scope(&view.cloud.subscriptions[*subscription]), &[kind]);
            let seen = |resource: &Resource<'_>| everywhere.unwrap_or_else(|| may.at(&resource.id()));
            all.extend(of_kind.into_iter().filter(seen).map(|resource| row(view, resource, *subscription)));
        }
    }
    all
}

/// What is no VM's there is little of, and its cells are made at once.
pub(super) fn row(view: View<'_>, resource: Resource<'_>, subscription: usize) -> Row {
    match resource {
        Resource::OfVm(kind, vm) => Row::OfVm(OfVm { kind, vm: vm.index, subscription }),
        Resource::SharedGroup(..) | Resource::Watcher(_) | Resource::Bastion(_) => {
            let of = &view.cloud.subscriptions[subscription];
            Row::Values(COLUMNS.iter().map(|(name, _)| of_resource(view, resource, of, name)).collect())
        }
    }
}

fn containers(call: &Call<'_>, cloud: &Cloud, subscriptions: &[usize]) -> Vec<Row> {
    let may = call.may(cloud, "Microsoft.Resources/subscriptions/resourceGroups/read");
    let mut all = Vec::new();
    for subscription in subscriptions.iter().map(|index| &cloud.subscriptions[*index]) {
        all.push(Row::Values(COLUMNS.iter().map(|(name, _)| of_subscription(subscription, name)).collect()));
        let id = subscription.id.to_string();
        let seen =
            |group: &&ResourceGroup| may.at_or_below(&format!("/subscriptions/{id}/resourceGroups/{}", group.name));
        let row = |group| Row::Values(COLUMNS.iter().map(|(name, _)| of_group(group, subscription, name)).collect());
        all.extend(cloud.places.groups(&id).filter(seen).map(row));
    }
    all
}

/// The types that the conditions let through that come first.
pub(super) fn kinds(steps: &[Step]) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| may_pass(*kind, steps)).collect()
}

/// Whether the conditions on `type` that come first let this type through.
fn may_pass(kind: Kind, steps: &[Step]) -> bool {
    steps.iter().map_while(|step| if let Step::Where(expr) = step { Some(expr) } else { None }).all(|expr| {
        let name = kind.name();
        admits(name, expr)
    })
}

/// Whether it says nothing but of which type a row is: then every row of the types that it admits fits.
pub(super) fn is_about_type(expr: &Expr) -> bool {
    let is_type = |expr: &Expr| matches!(expr, Expr::Column(column) if column == "type");
    match expr {
        Expr::Compare(Comparison::EqualAnyCase, left, right) => is_type(left) && matches!(**right, Expr::Text(_)),
        _ => false,
    }
}

/// False only when no resource of the type can fit.
fn admits(name: &str, expr: &Expr) -> bool {
    let is_type = |expr: &Expr| matches!(expr, Expr::Column(column) if column == "type");
    let same = |expr: &Expr| !matches!(expr, Expr::Text(text) if !text.eq_ignore_ascii_case(name));
    match expr {
        Expr::And(left, right) => admits(name, left) && admits(name, right),
        Expr::Or(left, right) => admits(name, left) || admits(name, right),
        Expr::Compare(Comparison::Equal | Comparison::EqualAnyCase, left, right) if is_type(left) => same(right),
        Expr::In { value, list, negated: false, .. } if is_type(value) => list.iter().any(same),
        _ => true,
    }
}

impl OfVm {
    pub(super) fn column(self, view: View<'_>, column: usize) -> Value {
        let subscription = &view.cloud.subscriptions[self.subscription];
        of_resource(view, self.resource(view), subscription, COLUMNS[column].0)
    }

    fn resource(self, view: View<'_>) -> Resource<'_> {
        Resource::OfVm(self.kind, &view.cloud.vms[self.vm])
    }

    /// A member of a column, of which only as much is made as is asked for.
    pub(super) fn path(self, view: View<'_>, column: usize, path: &[String]) -> Value {
        if let (PROPERTIES, Some((first, rest))) = (column, path.split_first())
            && let Some(member) = member(view, self.resource(view), first)
        {
            return follow(member, rest);
        }
        follow(self.column(view, column), path)
    }
}

fn of_resource(view: View<'_>, resource: Resource<'_>, subscription: &SubscriptionSpec, column: &str) -> Value {
    match column {
        "id" => resource.id().into(),
        "name" => resource.name().into(),
        // Resource Graph writes both in lower case, whatever their providers do.
        "type" => resource.kind().lower_name().into(),
        "resourceGroup" => resource.resource_group().to_ascii_lowercase().into(),
        "tenantId" => subscription.tenant_id.into(),
        "location" => resource.location().to_owned().into(),
        "subscriptionId" => subscription.id.into(),
        "managedBy" => match resource {
            Resource::OfVm(Kind::Disk, vm) => vm.id().into(),
            _ => "".into(),
        },
        "kind" => "".into(),
        "sku" => match resource {
            Resource::OfVm(Kind::Disk, _) => disk::sku(),
            Resource::OfVm(Kind::PublicIpAddress, vm) => network::sku(vm),
            Resource::Bastion(host) => bastion_hosts::sku(host),
            _ => Value::Null,
        },
        "tags" => compute::tags(),
        "zones" => match resource {
            Resource::OfVm(Kind::VirtualMachine | Kind::Disk, vm) => {
                vm.zone().map_or(Value::Null, |zone| json!([zone]))
            }
            _ => Value::Null,
        },
        "properties" => properties(view, resource),
        _ => Value::Null,
    }
}

fn properties(view: View<'_>, resource: Resource<'_>) -> Value {
    let View { cloud, now, as_of, .. } = view;
    let (kind, vm) = match resource {
        Resource::OfVm(kind, vm) => (kind, vm),
        Resource::SharedGroup(index, _) => return security_groups::properties(cloud, Group::Shared(index), now),
        Resource::Watcher(_) => return diagnostics::properties(),
        Resource::Bastion(host) => return bastion_hosts::properties(host, view.host),
    };
    match kind {
        Kind::VirtualMachine => {
            let mut properties = compute::model(vm, false, now)["properties"].take();
            properties["extended"] = compute::extended(vm, as_of);
            properties
        }
        Kind::Disk => disk::properties(vm),
        Kind::Interface => network::interface(cloud, vm)["properties"].take(),
        Kind::PublicIpAddress => network::address_properties(vm, vm.seen_at(as_of).address),
        Kind::SecurityGroup => security_groups::properties(cloud, Group::Own(vm), now),
        Kind::VirtualNetwork => virtual_network::properties(cloud, vm),
        Kind::NetworkWatcher | Kind::BastionHost => diagnostics::properties(),
    }
}

/// Members that are often asked for alone.
fn member(view: View<'_>, resource: Resource<'_>, name: &str) -> Option<Value> {
    let Resource::OfVm(kind, vm) = resource else { return None };
    match (kind, name) {
        (Kind::VirtualMachine, "extended") => Some(compute::extended(vm, view.as_of)),
        (Kind::VirtualMachine, "hardwareProfile") => Some(json!({ "vmSize": &vm.size })),
        (Kind::VirtualMachine, "storageProfile") => Some(compute::storage(vm)),
        (Kind::VirtualMachine, "vmId") => Some(vm.platform_id.into()),
        (Kind::Interface, "virtualMachine") => Some(json!({ "id": vm.id() })),
        (Kind::Interface, "primary") => Some(true.into()),
        (Kind::Interface, "ipConfigurations") => Some(json!([network::ip_configuration_of(vm)])),
        (Kind::PublicIpAddress, "ipAddress") => Some(vm.seen_at(view.as_of).address.into()),
        _ => None,
    }
}

fn of_subscription(subscription: &SubscriptionSpec, column: &str) -> Value {
    match column {
        "id" => format!("/subscriptions/{}", subscription.id).into(),
        "name" => subscription.name.clone().into(),
        "type" => "microsoft.resources/subscriptions".into(),
        "tenantId" => subscription.tenant_id.into(),
        "subscriptionId" => subscription.id.into(),
        "kind" | "managedBy" | "location" | "resourceGroup" => "".into(),
        "properties" => json!({
            "state": "Enabled",
            "managedByTenants": [],
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "PayAsYouGo_2014-09-01",
                "spendingLimit": "Off",
            },
        }),
        _ => Value::Null,
    }
}

fn of_group(group: &ResourceGroup, subscription: &SubscriptionSpec, column: &str) -> Value {
    match column {
        "id" => format!("/subscriptions/{}/resourceGroups/{}", subscription.id, group.name).into(),
        "name" => group.name.clone().into(),
        "type" => "microsoft.resources/subscriptions/resourcegroups".into(),
        "tenantId" => subscription.tenant_id.into(),
        "location" => group.location.clone().into(),
        "resourceGroup" => group.name.to_ascii_lowercase().into(),
        "subscriptionId" => subscription.id.into(),
        "kind" | "managedBy" => "".into(),
        "tags" => compute::tags(),
        "properties" => json!({ "provisioningState": "Succeeded" }),
        _ => Value::Null,
    }
}

//! Subscriptions, tenants and resource groups.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arm::error::ArmError;
use crate::arm::filter::Filter;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, resources};
use crate::fleet::{SubscriptionSpec, TenantSpec};
use crate::state::Cloud;
use crate::state::places::ResourceGroup;

const READ: &str = "Microsoft.Resources/subscriptions/read";
const READ_GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";

/// Those of the token's tenant in which the caller may read anything.
pub(super) fn all(call: &Call<'_>, cloud: &Cloud) -> Vec<Value> {
    let may = call.may(cloud, READ);
    let seen = |subscription: &&SubscriptionSpec| {
        belongs_to(subscription, call.caller.tenant) && may.at_or_below(&format!("/subscriptions/{}", subscription.id))
    };
    cloud.subscriptions.iter().filter(seen).map(to_json).collect()
}

/// Whether tokens of a tenant are good for a subscription.
pub(super) fn belongs_to(subscription: &SubscriptionSpec, tenant: Uuid) -> bool {
    subscription.tenant_id == tenant || subscription.managed_by_ids.contains(&tenant)
}

pub(super) fn one(call: &Call<'_>, cloud: &Cloud, id: &str) -> Result<Response, ArmError> {
    let found = cloud.subscriptions.iter().find(|known| known.id.to_string().eq_ignore_ascii_case(id));
    let subscription = found.ok_or_else(|| ArmError::subscription_not_found(id))?;
    let scope = format!("/subscriptions/{id}");
    if !call.may(cloud, READ).at_or_below(&scope) {
        return Err(ArmError::forbidden(&call.caller, READ, &scope));
    }
    Ok(Json(to_json(subscription)).into_response())
}

/// The tenants that know the caller, home first.
pub(super) fn tenants(call: &Call<'_>) -> Vec<Value> {
    let directory = &call.world.entra.directory;
    let known = call.caller.tenants.iter().filter_map(|id| directory.tenant_of_id(*id));
    let one = |tenant: &TenantSpec| {
        json!({
            "id": format!("/tenants/{}", tenant.id),
            "tenantId": tenant.id,
            "countryCode": "NL",
            "displayName": tenant.name,
            "domains": [tenant.domain],
            "tenantCategory": "Home",
            "defaultDomain": tenant.domain,
            "tenantType": "AAD",
        })
    };
    known.map(one).collect()
}

/// Those in which the caller may read anything, by name.
pub(super) fn resource_groups(call: &Call<'_>, cloud: &Cloud, scope: &Scope) -> Result<Vec<Value>, ArmError> {
    let may = call.may(cloud, READ_GROUPS);
    let named = Filter::of(call, resources::tag_in_filter)?.admits(&resources::holds_of_tags);
    let all = cloud.places.groups(&scope.subscription).filter(|_| named);
    let all = all.map(|group| (group_id(scope, &group.name), group));
    Ok(all.filter(|(id, _)| may.at_or_below(id)).map(|(id, group)| group_json(&id, group)).collect())
}

pub(super) fn resource_group(call: &Call<'_>, cloud: &Cloud, scope: &Scope) -> Result<Response, ArmError> {
    let name = scope.resource_group.as_deref().unwrap_or_default();
    let missing = || ArmError::resource_group_not_found(name);
    let group = cloud.places.group(&scope.subscription, name).ok_or_else(missing)?;
    let id = group_id(scope, &group.name);
    if !call.may(cloud, READ_GROUPS).at_or_below(&id) {
        return Err(ArmError::forbidden(&call.caller, READ_GROUPS, &id));
    }
    Ok(Json(group_json(&id, group)).into_response())
}

fn group_id(scope: &Scope, name: &str) -> String {
    format!("/subscriptions/{}/resourceGroups/{name}", scope.subscription)
}

fn group_json(id: &str, group: &ResourceGroup) -> Value {
    json!({
        "id": id,
        "name": group.name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": group.location,
        "tags": compute::tags(),
        "properties": { "provisioningState": "Succeeded" },
    })
}

fn to_json(subscription: &SubscriptionSpec) -> Value {
    let managed_by = subscription.managed_by_ids.iter().map(|tenant| json!({ "tenantId": tenant }));
    let managed_by: Vec<Value> = managed_by.collect();
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": managed_by,
        "subscriptionId": subscription.id,
        "tenantId": subscription.tenant_id,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

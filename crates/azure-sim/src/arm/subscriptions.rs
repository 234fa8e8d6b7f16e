//! Subscriptions, tenants and resource groups.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::Call;
use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::fleet::{SubscriptionSpec, TenantSpec};
use crate::state::Cloud;

const READ: &str = "Microsoft.Resources/subscriptions/read";

/// Those of the token's tenant in which the caller may read anything.
pub(super) fn all(call: &Call<'_>, cloud: &Cloud) -> Vec<Value> {
    let may = call.may(cloud, READ);
    let seen = |subscription: &&SubscriptionSpec| {
        subscription.tenant_id == call.caller.tenant && may.at_or_below(&format!("/subscriptions/{}", subscription.id))
    };
    cloud.subscriptions.iter().filter(seen).map(to_json).collect()
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

pub(super) fn resource_groups(cloud: &Cloud, scope: &Scope) -> Vec<Value> {
    let subscription = &scope.subscription;
    let one = |name: &str| {
        let vm = cloud.vms.iter().find(|vm| vm.resource_group == name);
        json!({
            "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"),
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": vm.map(|vm| vm.location.clone()),
            "properties": { "provisioningState": "Succeeded" },
        })
    };
    cloud.resource_groups(subscription).into_iter().map(one).collect()
}

fn to_json(subscription: &SubscriptionSpec) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
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

//! Subscriptions, tenants and resource groups.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::fleet::SubscriptionSpec;
use crate::state::Cloud;

pub(super) fn all(cloud: &Cloud) -> Vec<Value> {
    cloud.subscriptions.iter().map(|subscription| to_json(cloud, subscription)).collect()
}

pub(super) fn one(cloud: &Cloud, id: &str) -> Result<Response, ArmError> {
    let found = cloud.subscriptions.iter().find(|known| known.id.to_string().eq_ignore_ascii_case(id));
    let subscription = found.ok_or_else(|| ArmError::subscription_not_found(id))?;
    Ok(Json(to_json(cloud, subscription)).into_response())
}

pub(super) fn tenants(cloud: &Cloud) -> Vec<Value> {
    vec![json!({
        "id": format!("/tenants/{}", cloud.tenant_id),
        "tenantId": cloud.tenant_id,
        "countryCode": "NL",
        "displayName": "Contoso",
        "domains": ["contoso.onmicrosoft.com"],
        "tenantCategory": "Home",
        "defaultDomain": "contoso.onmicrosoft.com",
        "tenantType": "AAD",
    })]
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

fn to_json(cloud: &Cloud, subscription: &SubscriptionSpec) -> Value {
    json!({
        "id": format!("/subscriptions/{}", subscription.id),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": subscription.id,
        "tenantId": cloud.tenant_id,
        "displayName": subscription.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

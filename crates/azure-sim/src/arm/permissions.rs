//! `Microsoft.Authorization/permissions`: what the caller may at a place, as the role definitions say it.

use axum::response::Response;
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, compute, page};
use crate::state::Cloud;

const READ: &str = "Microsoft.Authorization/permissions/read";

pub(super) fn of_group(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| at(call, cloud, &scope.id()))
}

pub(super) fn of_vm(call: &Call<'_>, scope: &Scope, vm: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        let id = compute::named(scope, vm);
        call.permit(cloud, READ, &id)?;
        compute::find(cloud, scope, vm)?;
        at(call, cloud, &id)
    })
}

fn at(call: &Call<'_>, cloud: &Cloud, scope: &str) -> Result<Response, ArmError> {
    call.permit(cloud, READ, scope)?;
    let granted = cloud.rights.granted(call.caller.account, scope);
    let model = |(actions, not_actions): &(Vec<&str>, Vec<&str>)| -> Value {
        json!({ "actions": actions, "notActions": not_actions, "dataActions": [], "notDataActions": [] })
    };
    page::list(call, cloud, granted.iter().map(model))
}

//! `Microsoft.Security/locations`: where Defender keeps what it knows of a subscription. Azure has one for each, whatever
//! the regions of its VMs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, page};

const TYPE: &str = "Microsoft.Security/locations";
const READ: &str = "Microsoft.Security/locations/read";
const HOME: &str = "westeurope";

pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        page::list(call, cloud, [model(scope)])
    })
}

pub(super) fn one(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &id(scope, name))?;
        if !name.eq_ignore_ascii_case(HOME) {
            return Err(ArmError::resource_not_found(&format!("{TYPE}/{name}"), ""));
        }
        Ok(Json(model(scope)).into_response())
    })
}

fn id(scope: &Scope, name: &str) -> String {
    format!("{}/providers/{TYPE}/{name}", scope.id())
}

fn model(scope: &Scope) -> Value {
    json!({ "id": id(scope, HOME), "name": HOME, "type": TYPE, "properties": { "homeRegionName": HOME } })
}

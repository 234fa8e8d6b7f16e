//! `Microsoft.Security/pricings`: which Defender plans a subscription has. Here, that for servers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::arm::error::ArmError;
use crate::arm::route::Scope;
use crate::arm::{Call, page};
use crate::fleet::DefenderPlan;
use crate::state::Cloud;

const READ: &str = "Microsoft.Security/pricings/read";

pub(super) fn all(call: &Call<'_>, scope: &Scope) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &scope.id())?;
        page::list(call, cloud, [model(scope, cloud.defender_plan(&scope.subscription))])
    })
}

pub(super) fn one(call: &Call<'_>, scope: &Scope, name: &str) -> Result<Response, ArmError> {
    call.world.look(|cloud, _| {
        call.permit(cloud, READ, &format!("{}/providers/Microsoft.Security/pricings/{name}", scope.id()))?;
        if !name.eq_ignore_ascii_case("VirtualMachines") {
            return Err(ArmError::resource_not_found(&format!("Microsoft.Security/pricings/{name}"), ""));
        }
        Ok(Json(model(scope, cloud.defender_plan(&scope.subscription))).into_response())
    })
}

impl Cloud {
    /// The subscription's Defender for Servers plan.
    pub(crate) fn defender_plan(&self, subscription: &str) -> DefenderPlan {
        let known = self.subscriptions.iter().find(|known| known.id.to_string().eq_ignore_ascii_case(subscription));
        known.map(|known| known.defender).unwrap_or_default()
    }
}

fn model(scope: &Scope, plan: DefenderPlan) -> Value {
    let mut properties = json!({ "pricingTier": "Standard", "freeTrialRemainingTime": "PT0S" });
    match plan {
        DefenderPlan::Free => properties["pricingTier"] = "Free".into(),
        DefenderPlan::P1 => properties["subPlan"] = "P1".into(),
        DefenderPlan::P2 => properties["subPlan"] = "P2".into(),
    }
    json!({
        "id": format!("{}/providers/Microsoft.Security/pricings/VirtualMachines", scope.id()),
        "name": "VirtualMachines",
        "type": "Microsoft.Security/pricings",
        "properties": properties,
    })
}

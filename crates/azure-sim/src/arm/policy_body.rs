//! `JitNetworkAccessPolicy`, as a caller sends it in a PUT.

use chrono::{DateTime, Utc};

use crate::arm::error::ArmError;
use crate::arm::json_body::{self, Object};
use crate::state::configure::{ListedWindow, PolicyInput, PortRuleInput, VmInput};

/// Read but not judged: a wrong shape is `InvalidRequestContent`, what makes no sense is for the policy to refuse.
pub(super) fn read(body: &[u8]) -> Result<PolicyInput, ArmError> {
    let body = json_body::parse(body)?;
    let body = Object::whole(&body)?;
    let properties = body.required_object("properties")?;
    Ok(PolicyInput {
        kind: body.text("kind")?.map(str::to_owned),
        location: body.text("location")?.map(str::to_owned),
        vms: properties.objects("virtualMachines")?.iter().map(read_vm).collect::<Result<_, _>>()?,
        windows: read_windows(&properties)?,
    })
}

fn read_vm(vm: &Object<'_>) -> Result<VmInput, ArmError> {
    let ports = vm.objects("ports")?.iter().map(read_rule).collect::<Result<_, _>>()?;
    Ok(VmInput { id: vm.required_text("id")?.to_owned(), ports })
}

fn read_rule(rule: &Object<'_>) -> Result<PortRuleInput, ArmError> {
    Ok(PortRuleInput {
        number: rule.port_number("number")?,
        protocol: rule.required_text("protocol")?.to_owned(),
        max_request_access_duration: rule.required_text("maxRequestAccessDuration")?.to_owned(),
        source: rule.text("allowedSourceAddressPrefix")?.map(str::to_owned),
        sources: rule.texts("allowedSourceAddressPrefixes")?,
    })
}

/// The windows that the body's `requests` name.
fn read_windows(properties: &Object<'_>) -> Result<Vec<ListedWindow>, ArmError> {
    let mut windows = Vec::new();
    for request in properties.objects("requests")? {
        for vm in request.objects("virtualMachines")? {
            for port in vm.objects("ports")? {
                let end = port.required_text("endTimeUtc")?;
                let time = DateTime::parse_from_rfc3339(end).map(|end| end.with_timezone(&Utc));
                let end =
                    time.map_err(|_| ArmError::invalid_json(&format!("Could not convert string to DateTime: {end}.")))?;
                windows.push(ListedWindow {
                    vm: vm.required_text("id")?.to_owned(),
                    number: port.port_number("number")?,
                    end,
                });
            }
        }
    }
    Ok(windows)
}

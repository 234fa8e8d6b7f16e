//! `JitNetworkAccessPolicyInitiateRequest`, as a caller sends it.

use chrono::{DateTime, Utc};

use crate::arm::error::ArmError;
use crate::arm::json_body::{self, Object};
use crate::duration;
use crate::state::initiate::{End, InitiateInput, InitiatePort, InitiateVm, Refusal};
use crate::switches::{InitiateBody, InitiateSourcePrefixes, Switches};

/// What the caller asks for. A wrong shape is `InvalidRequestContent`; what makes no sense is `InvalidInitiateInput`.
pub(super) fn read(body: &[u8], switches: &Switches) -> Result<InitiateInput, ArmError> {
    let body = json_body::parse(body)?;
    let body = Object::whole(&body)?;
    let vms = body.objects("virtualMachines")?;
    let vms = vms.iter().map(|vm| read_vm(vm, switches)).collect::<Result<_, _>>()?;
    Ok(InitiateInput { vms, justification: body.text("justification")?.map(str::to_owned) })
}

fn read_vm(vm: &Object<'_>, switches: &Switches) -> Result<InitiateVm, ArmError> {
    let id = vm.text("id")?.unwrap_or_default().to_owned();
    let ports = vm.objects("ports")?.iter().map(|port| read_port(port, switches)).collect::<Result<_, _>>()?;
    Ok(InitiateVm { id, ports })
}

fn read_port(port: &Object<'_>, switches: &Switches) -> Result<InitiatePort, ArmError> {
    let number = port.port_number("number")?;
    let plural = port.texts("allowedSourceAddressPrefixes")?.filter(|sources| !sources.is_empty());
    let sources = match (port.text("allowedSourceAddressPrefix")?, plural) {
        (Some(_), Some(_)) => {
            return Err(ArmError::from(Refusal::invalid_input(
                "Only one of fields 'AllowedSourceAddressPrefix' and 'AllowedSourceAddressPrefixes' can be set",
            )));
        }
        (Some(one), None) => Some(vec![one.to_owned()]),
        (None, Some(many)) if switches.initiate_source_prefixes == InitiateSourcePrefixes::Accept => Some(many),
        (None, Some(_) | None) => None,
    };
    let end = read_end(port.text("endTimeUtc")?, port.text("duration")?, switches.initiate_body)?;
    Ok(InitiatePort { number, sources, end })
}

fn read_end(end: Option<&str>, length: Option<&str>, takes: InitiateBody) -> Result<End, Refusal> {
    match (end, length) {
        (Some(end), None) if takes != InitiateBody::Duration => read_time(end),
        (None, Some(length)) if takes != InitiateBody::EndTimeUtc => duration::parse(length)
            .map(End::Duration)
            .ok_or_else(|| Refusal::invalid_input(format!("The duration '{length}' is not valid."))),
        (Some(_), None) => Err(Refusal::invalid_input("The field 'Duration' must be set")),
        (None, Some(_)) => Err(Refusal::invalid_input("The field 'EndTimeUtc' must be set")),
        (Some(_), Some(_)) | (None, None) => {
            Err(Refusal::invalid_input("Only one of fields 'EndTimeUtc' and 'Duration' can be set"))
        }
    }
}

fn read_time(text: &str) -> Result<End, Refusal> {
    let time = DateTime::parse_from_rfc3339(text).map(|time| time.with_timezone(&Utc));
    // A time without an offset is taken for UTC.
    let time = time.or_else(|_| text.parse::<chrono::NaiveDateTime>().map(|time| time.and_utc()));
    time.map(End::EndTimeUtc).map_err(|_| Refusal::invalid_input(format!("The end time '{text}' is not valid.")))
}

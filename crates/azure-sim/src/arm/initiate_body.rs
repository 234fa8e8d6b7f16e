//! `JitNetworkAccessPolicyInitiateRequest`: read by hand, so that mistakes are told by their place in the body.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::arm::error::ArmError;
use crate::duration;
use crate::state::initiate::{End, InitiateInput, InitiatePort, InitiateVm, Refusal};
use crate::switches::{InitiateBody, InitiateSourcePrefixes, Switches};

/// What the caller asks for. A wrong shape is `InvalidRequestContent`; what makes no sense is `InvalidInitiateInput`.
pub(super) fn read(body: &[u8], switches: &Switches) -> Result<InitiateInput, ArmError> {
    let body: Value = serde_json::from_slice(body).map_err(|error| ArmError::invalid_json(&error.to_string()))?;
    let body = Object::new(&body, String::new())?;
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

/// An object of the body, and where it is: `virtualMachines[0].ports[1]`.
struct Object<'b> {
    fields: &'b Map<String, Value>,
    path: String,
}

impl<'b> Object<'b> {
    fn new(value: &'b Value, path: String) -> Result<Self, ArmError> {
        match value.as_object() {
            Some(fields) => Ok(Self { fields, path }),
            None => Err(wrong(value, &path, "an object")),
        }
    }

    /// The field's value; `null` is as good as absent.
    fn field(&self, name: &str) -> Option<&'b Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn text(&self, name: &str) -> Result<Option<&'b str>, ArmError> {
        let text = |value: &'b Value| value.as_str().ok_or_else(|| wrong(value, &self.at(name), "a string"));
        self.field(name).map(text).transpose()
    }

    fn array(&self, name: &str) -> Result<Option<&'b [Value]>, ArmError> {
        let array = |value: &'b Value| value.as_array().ok_or_else(|| wrong(value, &self.at(name), "an array"));
        Ok(self.field(name).map(array).transpose()?.map(Vec::as_slice))
    }

    fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ArmError> {
        let Some(array) = self.array(name)? else { return Ok(None) };
        let text = |(index, value): (usize, &Value)| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| wrong(value, &format!("{}[{index}]", self.at(name)), "a string"))
        };
        array.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    fn objects(&self, name: &str) -> Result<Vec<Self>, ArmError> {
        let array = self.array(name)?.unwrap_or_default().iter().enumerate();
        array.map(|(index, value)| Self::new(value, format!("{}[{index}]", self.at(name)))).collect()
    }

    fn port_number(&self, name: &str) -> Result<u16, ArmError> {
        let Some(value) = self.field(name) else {
            let problem = format!("Required property '{name}' not found in JSON. Path '{}'", self.path);
            return Err(ArmError::invalid_json(&problem));
        };
        let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
        number.ok_or_else(|| wrong(value, &self.at(name), "a number from 0 to 65535"))
    }
}

fn wrong(value: &Value, path: &str, wanted: &str) -> ArmError {
    let kind = match value {
        Value::Null => "null".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    };
    ArmError::invalid_json(&format!("{kind} is not {wanted}. Path '{path}'"))
}

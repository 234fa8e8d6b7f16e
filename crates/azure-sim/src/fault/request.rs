//! The body of `POST /_sim/faults`, and what is wrong with it where it is wrong.

use super::kind::{FaultKind, Named, RetryForm};
use super::matching::Match;
use super::{Fault, To};
use crate::said::Said;
use crate::served::route_names;
use crate::state::rights::glob;

const EXAMPLE: &str = r#"{"match": {"method": "POST", "path": "*/initiate"}, "fault": "resetAfter", "times": 1}"#;
const MATCH: &str =
    r#"{"method": "POST", "path": "*/initiate", "route": "VirtualMachines_*", "query": "statusOnly=true"}"#;

/// Reads a fault; the error is a sentence that says what would be right.
pub(super) fn read(body: &[u8]) -> Result<Fault, String> {
    let mut said = Said::read("a fault", body, EXAMPLE)?;
    let named = match said.text("fault", "\"resetAfter\"")? {
        Some(name) => FaultKind::find(&name)?,
        None => return Err(format!("'fault' is missing; a fault is said so: {EXAMPLE}")),
    };
    unheard(named, &said)?;
    let mut wanted = said.within("match", MATCH)?;
    let matches = Match {
        method: method(wanted.text("method", "\"POST\"")?)?,
        path: wanted.text("path", "\"*/initiate\"")?,
        route: route(wanted.text("route", "\"VirtualMachines_Start\"")?)?,
        query: wanted.text("query", "\"statusOnly=true\"")?,
    };
    wanted.end()?;
    let probability = said.number("probability", 0.0..=1.0)?;
    let forever = said.take("times");
    let left = match forever {
        // What strikes by chance goes on to.
        None => probability.is_none().then_some(1),
        Some(serde_json::Value::Null) => None,
        Some(times) => match times.as_u64().and_then(|times| u32::try_from(times).ok()).filter(|times| *times > 0) {
            Some(times) => Some(times),
            None => return Err(format!("times must be a whole number from 1 on, or null for each time, not {times}")),
        },
    };
    let fault = Fault {
        matches,
        name: named.name,
        kind: named.kind,
        left,
        probability: probability.unwrap_or(1.0),
        seconds: said.number("seconds", 0.0..=3600.0)?,
        retry_after: said.whole("retryAfter", 0)?,
        retry_form: retry_form(said.text("retryForm", "\"date\"")?.as_deref())?,
        applied: said.truth("applied")?.unwrap_or(false),
        minutes: said.number("minutes", -525_600.0..=525_600.0)?.unwrap_or(10.0),
        megabytes: said.whole("megabytes", 1)?.unwrap_or(64),
        body: said.text("body", "\"a text\"")?,
        to: to(said.text("to", "\"foreign\"")?)?,
    };
    said.end()?;
    Ok(fault)
}

/// What only some faults take.
const OF_SOME: [&str; 8] = ["seconds", "retryAfter", "retryForm", "applied", "minutes", "megabytes", "body", "to"];

/// Whether something is said that the fault does not go by.
fn unheard(named: &Named, said: &Said) -> Result<(), String> {
    let unheard = |name: &&'static str| said.says(name) && !named.takes.contains(name);
    let Some(name) = OF_SOME.into_iter().find(unheard) else { return Ok(()) };
    let able = FaultKind::ALL.iter().filter(|other| other.takes.contains(&name)).map(|other| other.name);
    let able = able.collect::<Vec<_>>().join(", ");
    Err(format!("'{name}' is said of {able}; {} does not go by it", named.name))
}

/// A method, or `*` for all.
fn method(name: Option<String>) -> Result<Option<String>, String> {
    const KNOWN: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"];
    match &name {
        Some(name) if !KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
            Err(format!("there is no method '{name}'; there are {}", KNOWN.join(", ")))
        }
        _ => Ok(name),
    }
}

/// The pattern of a route, if there is one that it fits: a fault for another would wait for ever.
fn route(pattern: Option<String>) -> Result<Option<String>, String> {
    match &pattern {
        Some(pattern) if !route_names().iter().any(|name| glob(pattern, name)) => Err(format!(
            "there is no route '{pattern}'; the journal tells each request's, and docs/simulator.md has them all"
        )),
        _ => Ok(pattern),
    }
}

fn retry_form(name: Option<&str>) -> Result<RetryForm, String> {
    let Some(name) = name else { return Ok(RetryForm::default()) };
    RetryForm::ALL.iter().find(|(known, ..)| *known == name).map(|(_, form, _)| *form).ok_or_else(|| {
        let names: Vec<_> = RetryForm::ALL.iter().map(|(name, ..)| *name).collect();
        format!("there is no retryForm '{name}'; there are {}", names.join(", "))
    })
}

fn to(text: Option<String>) -> Result<To, String> {
    match text {
        None => Ok(To::Foreign),
        Some(text) => match text.as_str() {
            "foreign" => Ok(To::Foreign),
            "http" => Ok(To::Http),
            "self" => Ok(To::Itself),
            url if url.starts_with("https://") || url.starts_with("http://") => Ok(To::Url(text)),
            _ => Err(format!("to must be foreign, http, self or a URL such as https://example.com/, not '{text}'")),
        },
    }
}

//! The faults: all that the simulator lists, each in all its forms, once and each time.

use azure_sim::{ListForm, list_faults};
use serde_json::{Value, json};

/// A fault in one of its forms.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) label: String,
    pub(crate) body: Value,
}

pub(crate) fn variants() -> Vec<Variant> {
    let listed: Vec<Value> = serde_json::from_str(&list_faults(ListForm::Json)).unwrap();
    let forms = listed.iter().flat_map(|fault| forms(fault["name"].as_str().unwrap(), &fault["takes"]));
    forms.flat_map(|(label, body)| often(&label, &body)).collect()
}

/// Once, which passes, and each time, which lasts.
fn often(label: &str, body: &Value) -> [Variant; 2] {
    [("once", json!(1)), ("each time", Value::Null)].map(|(often, times)| {
        let mut body = body.clone();
        body["times"] = times;
        Variant { label: format!("{label}, {often}"), body }
    })
}

/// What is said of a fault beside its name, in all the ways that make a difference.
fn forms(name: &str, takes: &Value) -> Vec<(String, Value)> {
    let takes: Vec<&str> = takes.as_array().unwrap().iter().map(|what| what.as_str().unwrap()).collect();
    let said = |more: Value| {
        let mut body = json!({ "fault": name });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let more: Vec<_> = more.as_object().unwrap().values().map(|value| value.to_string().replace('"', "")).collect();
        ([name.to_owned()].into_iter().chain(more).collect::<Vec<_>>().join(" "), body)
    };
    if name == "throttle" {
        let form = |form: &str, wait: u32| said(json!({ "retryAfter": wait, "retryForm": form }));
        return vec![
            form("seconds", 1),
            form("seconds", 86_400),
            form("date", 1),
            form("retry-after-ms", 1),
            form("x-ms-retry-after-ms", 1),
            form("absent", 1),
            form("garbage", 1),
        ];
    }
    let mut forms = match takes.as_slice() {
        ["to", ..] => ["foreign", "http", "self"].map(|to| said(json!({ "to": to }))).into(),
        ["minutes"] => [-30, 30].map(|minutes| said(json!({ "minutes": minutes }))).into(),
        ["megabytes"] => vec![said(json!({ "megabytes": 1 }))],
        ["seconds"] if name == "slow" => vec![said(json!({ "seconds": 0.1 }))],
        // Crumbs come often enough that no silence ends the call, and last longer than a call may.
        ["seconds"] if name == "slowTrickle" => vec![said(json!({ "seconds": 14 }))],
        _ => vec![said(json!({}))],
    };
    if takes.contains(&"applied") && !takes.contains(&"to") {
        forms.push(said(json!({ "applied": true })));
    }
    if name == "unavailable" {
        // Longer than is waited for.
        let later = |applied: bool| said(json!({ "applied": applied, "retryAfter": 120, "retryForm": "seconds" }));
        forms.extend([false, true].map(later));
    }
    forms
}

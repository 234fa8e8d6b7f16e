//! The lists of faults and switches, for people and for programs.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::fault::{FaultKind, RetryForm};
use crate::switches::Switches;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// For people: a paragraph for each.
    Text,
    /// One JSON array of objects.
    Json,
}

/// All switches of `POST /_sim/switches`: name, values, default, meaning.
pub fn list_switches(form: ListForm) -> String {
    if form == ListForm::Json {
        let one = |switch: &crate::switches::Switch| {
            json!({
                "name": switch.name,
                "values": switch.values,
                "default": switch.values[0],
                "meaning": switch.meaning(),
            })
        };
        return lines(&Switches::ALL.iter().map(one).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for switch in Switches::ALL {
        let values = switch.values.join(", ");
        paragraph(&mut text, switch.name, &format!("{values} (default {})", switch.values[0]), switch.meaning());
    }
    text
}

/// All faults of `POST /_sim/faults`: name, meaning, what else can be said of each.
pub fn list_faults(form: ListForm) -> String {
    if form == ListForm::Json {
        let one =
            |named: &crate::fault::Named| json!({ "name": named.name, "meaning": named.meaning, "takes": named.takes });
        return lines(&FaultKind::ALL.iter().map(one).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for named in FaultKind::ALL {
        paragraph(&mut text, named.name, &named.takes.join(", "), named.meaning);
    }
    text.push_str("retryForm is one of\n");
    for (name, _, example) in RetryForm::ALL {
        paragraph_line(&mut text, name, example);
    }
    text.push_str(
        "Each also takes match {method, path, route, query}, times (1; null for each time) and probability (0 to 1).\n",
    );
    text
}

/// An array with one member a line.
fn lines(members: &[Value]) -> String {
    let members: Vec<_> = members.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", members.join(",\n"))
}

fn paragraph_line(text: &mut String, name: &str, example: &str) {
    let _infallible = writeln!(text, "    {name:<20} {example}");
}

fn paragraph(text: &mut String, name: &str, values: &str, meaning: &str) {
    // Writing to a string never fails.
    let _infallible = writeln!(text, "{}\n    {meaning}", format!("{name}  {values}").trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_and_fault_is_listed_in_both_forms() {
        let switches: Vec<Value> = serde_json::from_str(&list_switches(ListForm::Json)).unwrap();
        assert_eq!(switches.len(), Switches::ALL.len());
        for switch in switches {
            assert_eq!(switch["default"], switch["values"][0]);
            assert!(list_switches(ListForm::Text).contains(switch["name"].as_str().unwrap()));
        }
        let faults: Vec<Value> = serde_json::from_str(&list_faults(ListForm::Json)).unwrap();
        assert_eq!(faults.len(), FaultKind::ALL.len());
        for fault in faults {
            assert!(list_faults(ListForm::Text).contains(fault["meaning"].as_str().unwrap()));
        }
    }
}

//! Where only examples are at hand: an answer has no field that the example does not have.

use serde_json::Value;

/// Checks that every field of `answer` is in the example, with the same JSON type.
#[track_caller]
pub(crate) fn shaped_like(example: &Value, answer: &Value, at: &str) {
    match (example, answer) {
        (Value::Object(known), Value::Object(fields)) => {
            for (name, value) in fields {
                let member = known.get(name).unwrap_or_else(|| panic!("{at}.{name} is not in the example"));
                shaped_like(member, value, &format!("{at}.{name}"));
            }
        }
        (Value::Array(known), Value::Array(items)) => {
            for item in items {
                // Items differ in their optional fields: one of the example's that has all of this one's.
                let names = |value: &Value| value.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
                let has_all = |one: &&Value| names(item).unwrap_or_default().iter().all(|name| one.get(name).is_some());
                let model = known.iter().find(has_all).or(known.first()).unwrap_or_else(|| panic!("{at}: no example"));
                shaped_like(model, item, at);
            }
        }
        (known, value) => {
            assert_eq!(std::mem::discriminant(known), std::mem::discriminant(value), "{at}: {value}");
        }
    }
}

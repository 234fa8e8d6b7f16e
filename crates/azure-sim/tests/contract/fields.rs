//! Which of the published fields a body has: "the published models to the last field".

use std::collections::BTreeSet;

use serde_json::Value;

use crate::specification::{File, Specification};

/// Fields as `Model.field`.
pub(crate) type Fields = BTreeSet<String>;

/// The models' fields that `value` has, where `schema` of `file` describes it.
pub(crate) fn present(specification: &Specification, file: &str, schema: &Value, value: &Value) -> Fields {
    let mut fields = Fields::new();
    walk(specification, (specification.file(file), "", schema), Some(value), &mut fields);
    fields
}

/// All fields that a schema's models have.
pub(crate) fn published(specification: &Specification, file: &str, schema: &Value) -> Fields {
    let mut fields = Fields::new();
    walk(specification, (specification.file(file), "", schema), None, &mut fields);
    fields
}

/// Without a value, what there could be.
fn walk(
    specification: &Specification,
    (file, model, schema): (&File, &str, &Value),
    value: Option<&Value>,
    fields: &mut Fields,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        let (file, name) = file.target(specification.files(), reference);
        return walk(specification, (file, name, file.definition(name)), value, fields);
    }
    for parent in schema["allOf"].as_array().into_iter().flatten() {
        walk(specification, (file, model, parent), value, fields);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let member = value.map(|value| value.get(name));
        // Models contain themselves: what is known is not gone into again.
        if member != Some(None) && (fields.insert(format!("{model}.{name}")) || member.is_some()) {
            walk(specification, (file, model, property), member.flatten(), fields);
        }
    }
    if let Some(items) = schema.get("items") {
        match value {
            None => walk(specification, (file, model, items), None, fields),
            Some(value) => {
                for item in value.as_array().into_iter().flatten() {
                    walk(specification, (file, model, items), Some(item), fields);
                }
            }
        }
    }
}

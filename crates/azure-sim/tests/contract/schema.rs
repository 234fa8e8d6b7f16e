//! Swagger 2.0 models as JSON Schema 2020-12, all files' models in one document.

use serde_json::{Map, Value, json};

use crate::specification::File;

/// Which way a body goes. What only the server sets is not required of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Answer,
}

/// Keywords that mean the same in both languages.
const SAME: [&str; 12] = [
    "type",
    "format",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "exclusiveMinimum",
    "multipleOf",
];

/// Translates what one file says.
#[derive(Clone, Copy)]
pub(crate) struct Translator<'s> {
    pub(crate) files: &'s [File],
    pub(crate) file: &'s File,
    pub(crate) direction: Direction,
}

/// A complete schema: `root` of `file`, and every model of every file.
pub(crate) fn document(files: &[File], file: &File, root: &Value, direction: Direction) -> Value {
    let mut definitions = Map::new();
    for file in files {
        let translator = Translator { files, file, direction };
        for (name, model) in file.definitions() {
            definitions.insert(translator.key(name), translator.closed(name, model));
            definitions.insert(open(&translator.key(name)), translator.open(model));
        }
    }
    let mut document = Translator { files, file, direction }.schema(root);
    document["definitions"] = Value::Object(definitions);
    document
}

/// The name of a model that may have more fields than its own: another one builds on it.
fn open(key: &str) -> String {
    format!("{key}.open")
}

fn pointer(key: &str) -> Value {
    json!({ "$ref": format!("#/definitions/{key}") })
}

/// `type: object` without anything else is how these files say "any JSON".
fn is_anything(swagger: &Value) -> bool {
    let says_more = ["properties", "allOf", "additionalProperties", "items", "enum"];
    swagger.get("type").is_none_or(|kind| kind == "object") && says_more.iter().all(|key| swagger.get(key).is_none())
}

fn is_object(swagger: &Value) -> bool {
    swagger.get("properties").is_some() || swagger.get("allOf").is_some()
}

impl Translator<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.file.name.trim_end_matches(".json"))
    }

    fn key_of(&self, reference: &str) -> String {
        let (file, name) = self.file.target(self.files, reference);
        Translator { file, ..*self }.key(name)
    }

    /// A model as something refers to it: no field but its own and those that it builds on.
    fn closed(&self, name: &str, model: &Value) -> Value {
        let itself = pointer(&open(&self.key(name)));
        if let Some(discriminator) = model["discriminator"].as_str() {
            return self.one_of(name, discriminator, &itself);
        }
        if !is_object(model) {
            return itself;
        }
        json!({ "allOf": [itself], "unevaluatedProperties": false })
    }

    /// A model of which there are several kinds, told apart by a field.
    fn one_of(&self, base: &str, discriminator: &str, itself: &Value) -> Value {
        let builds_on = |model: &Value| {
            let parents = model["allOf"].as_array().into_iter().flatten();
            parents.filter_map(|parent| parent["$ref"].as_str()).any(|parent| self.key_of(parent) == self.key(base))
        };
        let (mut kinds, mut names) = (Vec::new(), Vec::new());
        for (name, model) in self.file.definitions().filter(|(_, model)| builds_on(model)) {
            let value = model["x-ms-discriminator-value"].as_str().unwrap_or(name);
            kinds.push(json!({
                "allOf": [pointer(&self.key(name))],
                "properties": { discriminator: { "const": value } },
            }));
            names.push(value);
        }
        // Kinds that are not published may come.
        kinds.push(json!({ "allOf": [itself], "properties": { discriminator: { "not": { "enum": names } } } }));
        json!({ "oneOf": kinds })
    }

    /// What stands where a value is described.
    pub(crate) fn schema(&self, swagger: &Value) -> Value {
        if let Some(reference) = swagger["$ref"].as_str() {
            return pointer(&self.key_of(reference));
        }
        let mut schema = self.open(swagger);
        if is_object(swagger) {
            schema["unevaluatedProperties"] = false.into();
        }
        schema
    }

    fn open(&self, swagger: &Value) -> Value {
        if is_anything(swagger) {
            return json!({});
        }
        let mut schema = Map::new();
        for keyword in SAME {
            schema.extend(swagger.get(keyword).map(|value| (keyword.to_owned(), value.clone())));
        }
        // Where Azure models an enumeration as a string, it may add to it at any time.
        if swagger["x-ms-enum"]["modelAsString"] != true {
            schema.extend(swagger.get("enum").map(|values| ("enum".to_owned(), values.clone())));
        }
        if let Some(items) = swagger.get("items") {
            schema.insert("items".to_owned(), self.schema(items));
        }
        if let Some(properties) = swagger["properties"].as_object() {
            let properties = properties.iter().map(|(name, property)| (name.clone(), self.schema(property)));
            schema.insert("properties".to_owned(), properties.collect());
            schema.insert("type".to_owned(), "object".into());
            schema.insert("required".to_owned(), self.required(swagger));
        }
        match swagger.get("additionalProperties") {
            Some(Value::Bool(any)) => schema.extend([("additionalProperties".to_owned(), (*any).into())]),
            Some(more) => schema.extend([("additionalProperties".to_owned(), self.schema(more))]),
            None => {}
        }
        if let Some(parents) = swagger["allOf"].as_array() {
            let parents = parents.iter().map(|parent| match parent["$ref"].as_str() {
                Some(reference) => pointer(&open(&self.key_of(reference))),
                None => self.open(parent),
            });
            schema.insert("allOf".to_owned(), parents.collect());
        }
        Value::Object(schema)
    }

    fn required(&self, swagger: &Value) -> Value {
        let names = swagger["required"].as_array().into_iter().flatten();
        let servers = |name: &Value| swagger["properties"][name.as_str().unwrap_or_default()]["readOnly"] == true;
        names.filter(|name| self.direction == Direction::Answer || !servers(name)).cloned().collect()
    }
}

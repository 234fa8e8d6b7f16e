//! The check itself: what is wrong is found. The description is of this file, so that it runs everywhere.

use serde_json::{Value, json};

use crate::schema::Direction;
use crate::specification::{File, Specification};

fn described() -> Specification {
    let types = json!({ "definitions": {
        "Resource": { "type": "object", "properties": { "id": { "type": "string", "readOnly": true } } },
    } });
    let doors = json!({ "definitions": {
        "Door": {
            "type": "object",
            "required": ["properties", "etag"],
            "properties": {
                "properties": { "$ref": "#/definitions/DoorProperties" },
                "etag": { "type": "string", "readOnly": true },
            },
            "allOf": [{ "$ref": "../common/types.json#/definitions/Resource" }],
        },
        "DoorProperties": {
            "properties": {
                "number": { "$ref": "#/definitions/Number" },
                "opened": { "type": "string", "format": "date-time" },
                "colour": { "type": "string", "enum": ["red"], "x-ms-enum": { "modelAsString": true } },
                "swing": { "type": "string", "enum": ["in"], "x-ms-enum": { "modelAsString": false } },
                "anything": { "type": "object" },
                "tags": { "type": "object", "additionalProperties": { "type": "string" } },
                "lock": { "$ref": "#/definitions/Lock" },
            },
        },
        "Number": { "type": "integer", "maximum": 65535 },
        "Lock": { "discriminator": "kind", "required": ["kind"], "properties": { "kind": { "type": "string" } } },
        "CodeLock": {
            "x-ms-discriminator-value": "Code",
            "allOf": [{ "$ref": "#/definitions/Lock" }],
            "required": ["digits"],
            "properties": { "digits": { "type": "integer" } },
        },
    } });
    Specification::of(vec![File::new("types.json", types), File::new("doors.json", doors)])
}

fn complaints(direction: Direction, door: &Value) -> String {
    let schema = json!({ "$ref": "#/definitions/Door" });
    described().complaints("doors.json", &schema, direction, door).join("\n")
}

fn door(properties: &Value) -> Value {
    json!({ "id": "/doors/1", "etag": "a", "properties": properties })
}

#[test]
fn what_the_models_describe_is_right() {
    for properties in [
        json!({}),
        json!({ "number": 22, "opened": "2026-11-22T10:00:00Z", "swing": "in" }),
        json!({ "colour": "a colour that came later", "anything": [1, { "a": null }], "tags": { "a": "b" } }),
        json!({ "lock": { "kind": "Code", "digits": 4 } }),
        json!({ "lock": { "kind": "OfAKindThatCameLater" } }),
    ] {
        assert_eq!(complaints(Direction::Answer, &door(&properties)), "", "{properties}");
    }
}

#[test]
fn wrong_fields_values_and_types_are_found_wherever_they_are() {
    for (properties, named) in [
        (json!({ "handle": 1 }), "handle"),
        (json!({ "number": "22" }), "/properties/number"),
        (json!({ "number": 70000 }), "/properties/number"),
        (json!({ "number": null }), "/properties/number"),
        (json!({ "opened": "yesterday" }), "/properties/opened"),
        (json!({ "swing": "out" }), "/properties/swing"),
        (json!({ "tags": { "a": 1 } }), "/properties/tags/a"),
        (json!({ "lock": { "kind": "Code" } }), "/properties/lock"),
        (json!({ "lock": { "kind": "Code", "digits": 4, "key": 1 } }), "/properties/lock"),
        (json!([]), "/properties"),
    ] {
        let found = complaints(Direction::Answer, &door(&properties));
        assert!(found.contains(named), "{properties}: {found}");
    }
    let mut extra = door(&json!({}));
    extra["colour"] = "red".into();
    assert!(complaints(Direction::Answer, &extra).contains("colour"));
}

#[test]
fn missing_required_fields_are_found_and_only_answers_must_have_what_the_server_sets() {
    assert!(complaints(Direction::Answer, &json!({ "etag": "a" })).contains("\"properties\""));
    assert!(complaints(Direction::Request, &json!({})).contains("\"properties\""));
    assert!(complaints(Direction::Answer, &json!({ "properties": {} })).contains("etag"));
    assert_eq!(complaints(Direction::Request, &json!({ "properties": {} })), "");
}

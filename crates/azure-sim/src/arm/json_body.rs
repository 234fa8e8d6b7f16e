//! JSON bodies read by hand, so that mistakes are told by their place: `virtualMachines[0].ports[1].number`.

use serde_json::{Map, Value};

use crate::arm::error::ArmError;
use crate::arm::json_mistake;

/// The JSON in a request's body. A byte order mark before it is passed over, as .NET's readers of text do.
pub(super) fn parse(body: &[u8]) -> Result<Value, ArmError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    serde_json::from_slice(body).map_err(|_| ArmError::invalid_json(&json_mistake::mistake(body)))
}

/// An object of the body, and where it is: `virtualMachines[0].ports[1]`.
pub(super) struct Object<'b> {
    fields: &'b Map<String, Value>,
    path: String,
}

impl<'b> Object<'b> {
    /// The body itself.
    pub(super) fn whole(body: &'b Value) -> Result<Self, ArmError> {
        Self::new(body, String::new())
    }

    fn new(value: &'b Value, path: String) -> Result<Self, ArmError> {
        match value.as_object() {
            Some(fields) => Ok(Self { fields, path }),
            None => Err(wrong(value, &path, "an object")),
        }
    }

    /// The field's value; `null` is as good as absent. Names count in any casing, as Json.NET reads them, of which Azure's
    /// own messages tell; one in the right casing comes first.
    fn field(&self, name: &str) -> Option<&'b Value> {
        let alike = || self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        self.fields.get(name).or_else(alike).filter(|value| !value.is_null())
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'b str>, ArmError> {
        let text = |value: &'b Value| value.as_str().ok_or_else(|| wrong(value, &self.at(name), "a string"));
        self.field(name).map(text).transpose()
    }

    fn array(&self, name: &str) -> Result<Option<&'b [Value]>, ArmError> {
        let array = |value: &'b Value| value.as_array().ok_or_else(|| wrong(value, &self.at(name), "an array"));
        Ok(self.field(name).map(array).transpose()?.map(Vec::as_slice))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ArmError> {
        let Some(array) = self.array(name)? else { return Ok(None) };
        let text = |(index, value): (usize, &Value)| {
            let text = value.as_str().map(str::to_owned);
            text.ok_or_else(|| wrong(value, &format!("{}[{index}]", self.at(name)), "a string"))
        };
        array.iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn objects(&self, name: &str) -> Result<Vec<Self>, ArmError> {
        let array = self.array(name)?.unwrap_or_default().iter().enumerate();
        array.map(|(index, value)| Self::new(value, format!("{}[{index}]", self.at(name)))).collect()
    }

    /// The text of a field that must be there.
    pub(super) fn required_text(&self, name: &str) -> Result<&'b str, ArmError> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// The object in a field that must be there.
    pub(super) fn required_object(&self, name: &str) -> Result<Self, ArmError> {
        Self::new(self.field(name).ok_or_else(|| self.missing(name))?, self.at(name))
    }

    /// The object in a field, if one is there.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, ArmError> {
        self.field(name).map(|value| Self::new(value, self.at(name))).transpose()
    }

    /// The whole number in a field, if one is there.
    pub(super) fn whole_number(&self, name: &str) -> Result<Option<i64>, ArmError> {
        let number = |value: &Value| {
            let past_all = value.as_u64().map(|_| i64::MAX);
            value.as_i64().or(past_all).ok_or_else(|| wrong(value, &self.at(name), "a whole number"))
        };
        self.field(name).map(number).transpose()
    }

    /// What one of these words in a field stands for, in any case, if one is there.
    pub(super) fn choice<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, ArmError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)).map(|(_, meaning)| *meaning);
        let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join("' or '");
        found.map(Some).ok_or_else(|| wrong(&text.into(), &self.at(name), &format!("'{}'", known())))
    }

    fn missing(&self, name: &str) -> ArmError {
        ArmError::invalid_json(&format!("Required property '{name}' not found in JSON. Path '{}'", self.path))
    }

    pub(super) fn port_number(&self, name: &str) -> Result<u16, ArmError> {
        let value = self.field(name).ok_or_else(|| self.missing(name))?;
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

//! What a control request says, member by member, and the sentences for those who say it wrongly.

use serde_json::{Map, Value};

/// The members of a JSON object, taken one by one; what is left at the end is a mistake.
#[derive(Debug)]
pub(crate) struct Said {
    /// Such as `a fault`.
    what: &'static str,
    members: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Said {
    /// Reads a body. `example` shows what is wanted.
    pub(crate) fn read(what: &'static str, body: &[u8], example: &str) -> Result<Self, String> {
        let wanted = || format!("the body must be a JSON object such as {example}");
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self::of(what, members)),
            Ok(other) => Err(format!("{}; this is {}", wanted(), kind(&other))),
            Err(error) if body.is_empty() || error.is_eof() => Err(format!("{}; this one ends too early", wanted())),
            Err(error) => Err(format!("{}; line {} column {} is no JSON", wanted(), error.line(), error.column())),
        }
    }

    /// What these members say.
    pub(crate) fn of(what: &'static str, members: Map<String, Value>) -> Self {
        Self { what, members, known: Vec::new() }
    }

    /// Whether anything is said by that name: neither `null` nor `false` is anything.
    pub(crate) fn says(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|said| !matches!(said, Value::Null | Value::Bool(false)))
    }

    /// The member of that name, `null` included.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.members.remove(name)
    }

    /// A text; `None` when it is absent or null.
    pub(crate) fn text(&mut self, name: &'static str, example: &str) -> Result<Option<String>, String> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(format!("{name} must be a text such as {example}, not {}", kind(&other))),
        }
    }

    /// A number within bounds; `None` when it is absent or null.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<f64>,
    ) -> Result<Option<f64>, String> {
        let (low, high) = (bounds.start(), bounds.end());
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64().filter(|number| bounds.contains(number)) {
                Some(number) => Ok(Some(number)),
                None => Err(format!("{name} must be a number from {low} to {high}, not {value}")),
            },
        }
    }

    /// A whole number within bounds; `None` when it is absent or null.
    pub(crate) fn whole(&mut self, name: &'static str, least: u32) -> Result<Option<u32>, String> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
                match number.filter(|number| *number >= least) {
                    Some(number) => Ok(Some(number)),
                    None if value.is_u64() && value.as_u64() > Some(u64::from(u32::MAX)) => {
                        Err(format!("{name} must be a whole number of at most {}, not {value}", u32::MAX))
                    }
                    None => Err(format!("{name} must be a whole number from {least} on, not {value}")),
                }
            }
        }
    }

    /// `true` or `false`; `None` when it is absent or null.
    pub(crate) fn truth(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(other) => Err(format!("{name} must be true or false, not {other}")),
        }
    }

    /// The members of an object within; none when it is absent or null.
    pub(crate) fn within(&mut self, name: &'static str, example: &str) -> Result<Self, String> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(Self::of(name, Map::new())),
            Some(Value::Object(members)) => Ok(Self::of(name, members)),
            Some(other) => Err(format!("{name} must be an object such as {example}, not {}", kind(&other))),
        }
    }

    /// All that was said.
    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.members
    }

    /// Nothing else may have been said.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("{} has no '{name}'; it takes {}", self.what, self.known.join(", "))),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

//! The body of `POST /_sim/vms`: what befalls a VM by no caller's doing.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fleet::{Lock, StartFailure};
use crate::said::Said;
use crate::state::power::Untold;

const EXAMPLE: &str = r#"{"id": "/subscriptions/…", "deleted": true}"#;

/// What is to change.
#[expect(clippy::option_option, reason = "null takes away, and what is not there leaves as it is")]
pub(super) struct VmChange {
    /// Its resource id.
    pub(super) id: String,
    pub(super) deleted: bool,
    pub(super) recreated: bool,
    pub(super) generalized: Option<bool>,
    pub(super) lock: Option<Option<Lock>>,
    pub(super) start_fails: Option<Option<StartFailure>>,
    pub(super) power_state: Option<Option<Untold>>,
}

impl VmChange {
    /// Reads the body, or says what would be right.
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let mut said = Said::read("a change of a VM", body, EXAMPLE)?;
        let id = said.text("id", "\"/subscriptions/…\"")?;
        let deleted = said.truth("deleted")?.unwrap_or_default();
        let recreated = said.truth("recreated")?.unwrap_or_default();
        let generalized = said.truth("generalized")?;
        let lock = word(&mut said, "lock")?;
        let start_fails = word(&mut said, "startFails")?;
        let power_state = word(&mut said, "powerState")?;
        let nothing = !deleted
            && !recreated
            && generalized.is_none()
            && lock.is_none()
            && start_fails.is_none()
            && power_state.is_none();
        said.end()?;
        let id = id.ok_or_else(|| format!("id is missing; say {EXAMPLE}"))?;
        if nothing {
            return Err(format!("nothing is said of the VM; say {EXAMPLE}"));
        }
        if deleted && recreated {
            return Err("a VM is deleted or recreated, not both".to_owned());
        }
        Ok(Self { id, deleted, recreated, generalized, lock, start_fails, power_state })
    }
}

/// One of Azure's words, or `null`, which takes it away; `None` when nothing is said.
#[expect(clippy::option_option, reason = "null takes away, and what is not there leaves as it is")]
fn word<T: DeserializeOwned>(said: &mut Said, name: &'static str) -> Result<Option<Option<T>>, String> {
    let Some(value) = said.take(name) else { return Ok(None) };
    // Of a text serde tells the words that there are; of anything else, types of its own.
    match &value {
        Value::Null => Ok(Some(None)),
        Value::String(_) => {
            T::deserialize(&value).map(|word| Some(Some(word))).map_err(|error| format!("{name}: {error}"))
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("{name} must be a text, or null to take it away, not {value}"))
        }
    }
}

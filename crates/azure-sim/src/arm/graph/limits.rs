//! How large a result may become while it is worked out: Kusto's limits, the number of records below its 500000.

use std::cell::Cell;

use serde_json::json;

use super::QueryError;
use crate::json::Value;

/// Records of one step's result.
pub(super) const MOST_RECORDS: usize = 100_000;
/// Bytes of what expressions have made.
const MOST_BYTES: usize = 64 << 20;

/// What a query has used up.
#[derive(Debug, Default)]
pub(super) struct Spent(Cell<usize>);

impl Spent {
    /// Counts a value that would be kept. False beyond the limit: the query is refused in the end.
    pub(super) fn admits(&self, value: &Value) -> bool {
        self.0.set(self.0.get().saturating_add(weight(value)));
        !self.is_over()
    }

    /// The value, or nothing beyond the limit.
    pub(super) fn keep(&self, value: Value) -> Value {
        if self.admits(&value) { value } else { Value::Null }
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.get()
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.get() > MOST_BYTES
    }

    pub(super) fn check(&self) -> Result<(), QueryError> {
        if self.is_over() { Err(exceeded(&format!("data size limit {MOST_BYTES}"))) } else { Ok(()) }
    }
}

/// Whether so many records may be.
pub(super) fn check_records(records: usize) -> Result<(), QueryError> {
    if records <= MOST_RECORDS { Ok(()) } else { Err(exceeded(&format!("record count limit {MOST_RECORDS}"))) }
}

fn exceeded(limit: &str) -> QueryError {
    let message = format!(
        "Query execution has exceeded the allowed limits (80DA0003): Query result set has exceeded the internal {limit} \
         (E_QUERY_RESULT_SET_TOO_LARGE)."
    );
    QueryError(json!({ "code": "LimitsExceeded", "message": message }))
}

/// Roughly, in bytes.
fn weight(value: &Value) -> usize {
    let parts: usize = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| size_of_val(name) + weight(value)).sum(),
    };
    size_of::<Value>() + parts
}

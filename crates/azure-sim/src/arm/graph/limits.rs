//! How large a result may become while it is worked out: Kusto's limits, the number of records below its 500000. And how
//! deep working it out may go.

use std::cell::Cell;

use serde_json::json;

use super::QueryError;
use crate::json::Value;

/// Records of one step's result.
pub(super) const MOST_RECORDS: usize = 100_000;
/// Bytes of what expressions have made.
const MOST_BYTES: usize = 64 << 20;

/// Expressions may be worked out so deep inside each other: within one, and from step to step, since those of a step ask
/// for those of the step before.
const DEEPEST: usize = 160;

/// What a query has used up.
#[derive(Debug, Default)]
pub(super) struct Spent {
    bytes: Cell<usize>,
    depth: Cell<usize>,
    too_deep: Cell<bool>,
}

/// An expression that is being worked out.
pub(super) struct Level<'s>(&'s Cell<usize>);

impl Drop for Level<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Spent {
    /// Counts a value that would be kept. False beyond the limit: the query is refused in the end.
    pub(super) fn admits(&self, value: &Value) -> bool {
        self.bytes.set(self.bytes.get().saturating_add(weight(value)));
        !self.is_over()
    }

    /// The value, or nothing beyond the limit.
    pub(super) fn keep(&self, value: Value) -> Value {
        if self.admits(&value) { value } else { Value::Null }
    }

    /// One level deeper, until what is given ends. `None` beyond the limit: the query is refused in the end.
    pub(super) fn level(&self) -> Option<Level<'_>> {
        if self.depth.get() == DEEPEST {
            self.too_deep.set(true);
            return None;
        }
        self.depth.set(self.depth.get() + 1);
        Some(Level(&self.depth))
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.get()
    }

    pub(super) fn is_over(&self) -> bool {
        self.bytes.get() > MOST_BYTES || self.too_deep.get()
    }

    pub(super) fn check(&self) -> Result<(), QueryError> {
        if self.too_deep.get() {
            let problem = format!("Expressions of the query build on each other more than {DEEPEST} levels deep.");
            return Err(QueryError::semantic(problem));
        }
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

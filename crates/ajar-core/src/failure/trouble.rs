//! A failure, and the call that it came of.

use serde::{Deserialize, Serialize};

use super::Failure;

/// A failure with what support will ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trouble {
    /// What went wrong.
    pub failure: Failure,
    /// Azure's `x-ms-correlation-request-id` (or `x-ms-request-id`) of the call, where there was one. Of a call to Entra its
    /// `correlation_id`, with its `trace_id` behind: `5d3a…, trace 0c8e…`. Of two calls that are told as one, both.
    pub correlation_id: Option<String>,
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self { failure, correlation_id: None }
    }
}

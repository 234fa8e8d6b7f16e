//! `QueryRequest`, as the published specification has it.

use serde::Deserialize;
use serde_json::json;

use super::bad_request;
use crate::arm::error::ArmError;

/// Rows of a page when the request does not say.
const DEFAULT_TOP: usize = 100;
const LARGEST_TOP: usize = 1000;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QueryRequest {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) subscriptions: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) management_groups: Vec<String>,
    pub(super) query: String,
    #[serde(default, deserialize_with = "or_default")]
    options: Options,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) facets: Vec<FacetRequest>,
    #[serde(skip)]
    pub(super) format: ResultFormat,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    #[serde(rename = "$top")]
    top: Option<usize>,
    #[serde(rename = "$skip")]
    skip: Option<usize>,
    #[serde(rename = "$skipToken")]
    skip_token: Option<String>,
    result_format: Option<ResultFormat>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum ResultFormat {
    #[default]
    ObjectArray,
    Table,
}

/// Statistics over the result of the query, beside it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct FacetRequest {
    /// What to group by.
    pub(super) expression: String,
    #[serde(default, deserialize_with = "or_default")]
    options: FacetOptions,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FacetOptions {
    sort_by: Option<String>,
    sort_order: Option<SortOrder>,
    filter: Option<String>,
    #[serde(rename = "$top")]
    top: Option<usize>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum SortOrder {
    Asc,
    Desc,
}

impl FacetRequest {
    /// The query that answers it, made of the request's own.
    pub(super) fn query(&self, of: &str) -> String {
        let FacetOptions { sort_by, sort_order, filter, .. } = &self.options;
        let filter = filter.as_ref().map(|filter| format!("\n| where {filter}")).unwrap_or_default();
        let sort_by = sort_by.as_deref().unwrap_or("count");
        let order = if *sort_order == Some(SortOrder::Asc) { "asc" } else { "desc" };
        // On lines of their own, because the query may end with a comment.
        format!("{of}{filter}\n| summarize count = count() by {}\n| order by {sort_by} {order}", self.expression)
    }

    /// How many rows of it are wanted at most.
    pub(super) fn top(&self) -> usize {
        self.options.top.unwrap_or(DEFAULT_TOP)
    }
}

/// Clients write null for what they leave out.
fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(value: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(value)?.unwrap_or_default())
}

impl QueryRequest {
    pub(super) fn read(body: &[u8]) -> Result<Self, ArmError> {
        let mut request: Self =
            serde_json::from_slice(body).map_err(|error| ArmError::invalid_json(&error.to_string()))?;
        request.format = request.options.result_format.unwrap_or_default();
        let tops = request.facets.iter().map(|facet| facet.options.top).chain([request.options.top]);
        if tops.flatten().any(|top| !(1..=LARGEST_TOP).contains(&top)) {
            return Err(refused("InvalidTop", "The value of $top must be from 1 to 1000."));
        }
        Ok(request)
    }

    /// First row and number of rows of the page. What the options say outranks the token.
    pub(super) fn place(&self, read: impl Fn(&str) -> Option<(usize, usize)>) -> Result<(usize, usize), ArmError> {
        let (mut skip, mut top) = (0, DEFAULT_TOP);
        if let Some(token) = &self.options.skip_token {
            let invalid = || refused("InvalidSkipToken", "The skip token is not one of this query and these scopes.");
            (skip, top) = read(token).ok_or_else(invalid)?;
        }
        Ok((self.options.skip.unwrap_or(skip), self.options.top.unwrap_or(top)))
    }

    /// What a skip token is good for: this query over these scopes.
    pub(super) fn context(&self) -> String {
        let mut scopes = [self.subscriptions.clone(), self.management_groups.clone()].concat();
        scopes.sort_unstable();
        let text = format!("{}\n{}", self.query, scopes.join(","));
        format!("{:016x}", crate::state::jit::checksum(&text))
    }
}

fn refused(code: &str, message: &str) -> ArmError {
    bad_request(vec![json!({ "code": code, "message": message })])
}

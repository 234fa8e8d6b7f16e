//! `QueryRequest`, as the published specification has it.

use serde_json::json;

use super::bad_request;
use crate::arm::error::ArmError;
use crate::arm::json_body::{self, Object};

/// Rows of a page when the request does not say.
const DEFAULT_TOP: usize = 100;
const LARGEST_TOP: usize = 1000;

#[derive(Clone, Debug)]
pub(super) struct QueryRequest {
    pub(super) subscriptions: Vec<String>,
    pub(super) management_groups: Vec<String>,
    pub(super) query: String,
    options: Options,
    pub(super) facets: Vec<FacetRequest>,
    pub(super) format: ResultFormat,
}

#[derive(Clone, Debug, Default)]
struct Options {
    top: Option<usize>,
    skip: Option<usize>,
    skip_token: Option<String>,
    result_format: Option<ResultFormat>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ResultFormat {
    #[default]
    ObjectArray,
    Table,
}

/// Statistics over the result of the query, beside it.
#[derive(Clone, Debug)]
pub(super) struct FacetRequest {
    /// What to group by.
    pub(super) expression: String,
    options: FacetOptions,
}

#[derive(Clone, Debug, Default)]
struct FacetOptions {
    sort_by: Option<String>,
    sort_order: Option<SortOrder>,
    filter: Option<String>,
    top: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl QueryRequest {
    pub(super) fn read(body: &[u8]) -> Result<Self, ArmError> {
        let body = json_body::parse(body)?;
        let body = Object::whole(&body)?;
        // Clients write null for what they leave out.
        let options = body.object("options")?.map(|options| read_options(&options)).transpose()?.unwrap_or_default();
        Ok(Self {
            subscriptions: body.texts("subscriptions")?.unwrap_or_default(),
            management_groups: body.texts("managementGroups")?.unwrap_or_default(),
            query: body.required_text("query")?.to_owned(),
            format: options.result_format.unwrap_or_default(),
            options,
            facets: body.objects("facets")?.iter().map(read_facet).collect::<Result<_, _>>()?,
        })
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

fn read_options(options: &Object<'_>) -> Result<Options, ArmError> {
    let formats = [("objectArray", ResultFormat::ObjectArray), ("table", ResultFormat::Table)];
    Ok(Options {
        top: read_top(options)?,
        skip: match options.whole_number("$skip")? {
            Some(skip) => Some(
                usize::try_from(skip)
                    .map_err(|_| refused("InvalidSkip", "The value of $skip must be 0 or greater."))?,
            ),
            None => None,
        },
        skip_token: options.text("$skipToken")?.map(str::to_owned),
        result_format: options.choice("resultFormat", &formats)?,
    })
}

fn read_facet(facet: &Object<'_>) -> Result<FacetRequest, ArmError> {
    Ok(FacetRequest {
        expression: facet.required_text("expression")?.to_owned(),
        options: match facet.object("options")? {
            Some(options) => read_facet_options(&options)?,
            None => FacetOptions::default(),
        },
    })
}

fn read_facet_options(options: &Object<'_>) -> Result<FacetOptions, ArmError> {
    let orders = [("asc", SortOrder::Asc), ("desc", SortOrder::Desc)];
    Ok(FacetOptions {
        sort_by: options.text("sortBy")?.map(str::to_owned),
        sort_order: options.choice("sortOrder", &orders)?,
        filter: options.text("filter")?.map(str::to_owned),
        top: read_top(options)?,
    })
}

fn read_top(options: &Object<'_>) -> Result<Option<usize>, ArmError> {
    let Some(top) = options.whole_number("$top")? else { return Ok(None) };
    let top = usize::try_from(top).ok().filter(|top| (1..=LARGEST_TOP).contains(top));
    top.map(Some).ok_or_else(|| refused("InvalidTop", "The value of $top must be from 1 to 1000."))
}

fn refused(code: &str, message: &str) -> ArmError {
    bad_request(vec![json!({ "code": code, "message": message })])
}

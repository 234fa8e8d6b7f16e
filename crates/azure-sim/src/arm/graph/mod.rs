//! `Microsoft.ResourceGraph`: queries over everything that the caller may read, in the part of Kusto that inventories use.

#![expect(clippy::wildcard_enum_match_arm, reason = "few of many kinds of values and expressions are treated apart")]

mod aggregate;
mod bound;
mod expression;
mod function;
mod kept;
mod lexer;
mod limits;
mod page;
mod parser;
mod pattern;
mod quota;
mod request;
mod row;
mod run;
mod source;
mod syntax;
#[cfg(test)]
mod tests;
mod time;
mod union;
mod value;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::arm::Call;
use crate::arm::error::ArmError;
use crate::arm::subscriptions::belongs_to;
use crate::fleet::SubscriptionSpec;
use crate::state::Cloud;
use crate::switches::ResourceGraphLag;
pub(crate) use kept::Kept;
use kept::Question;
use limits::Spent;
use page::Facet;
pub(crate) use quota::Quotas;
use request::QueryRequest;
use source::View;

/// What is wrong with a query: the details below `InvalidQuery`.
#[derive(Clone, Debug, PartialEq)]
struct QueryError(Value);

impl QueryError {
    /// At a place of the text, of which `rest` is left.
    fn parse(query: &str, at: usize, rest: &str) -> Self {
        let before = query.get(..at).unwrap_or(query);
        let token: String = rest.chars().take_while(|c| !c.is_whitespace()).take(40).collect();
        Self(json!({
            "code": "ParserFailure",
            "message": "ParserFailure",
            "line": before.matches('\n').count() + 1,
            "characterPositionInLine": before.chars().rev().take_while(|c| *c != '\n').count(),
            "token": if token.is_empty() { "<EOF>".to_owned() } else { token },
        }))
    }

    fn semantic(problem: impl Into<String>) -> Self {
        Self(json!({ "code": "SemanticError", "message": problem.into() }))
    }

    fn unresolved(what: &str, name: &str) -> Self {
        Self::semantic(format!("Failed to resolve {what} named '{name}'"))
    }

    fn unknown_function(name: &str) -> Self {
        Self::semantic(format!("Unknown function: '{name}'."))
    }

    fn dynamic(step: &str, name: Option<String>) -> Self {
        let name = name.unwrap_or_default();
        Self::semantic(format!(
            "{step} key '{name}' is of a 'dynamic' type. Please use an explicit cast as grouping by a 'dynamic' type is \
             not supported."
        ))
    }
}

impl From<QueryError> for ArmError {
    fn from(QueryError(detail): QueryError) -> Self {
        let message = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix \
                       the error before retrying.";
        bad_request(vec![json!({ "code": "InvalidQuery", "message": message }), detail])
    }
}

/// 400 in Resource Graph's shape: what is wrong is in the details.
fn bad_request(details: Vec<Value>) -> ArmError {
    let timestamp = crate::clock::timestamp(chrono::Utc::now());
    let message = format!(
        "Please provide below info when asking for support: timestamp = {timestamp}, correlationId = {}.",
        Uuid::new_v4()
    );
    ArmError::bad_request(message).with_details(details)
}

/// `POST /providers/Microsoft.ResourceGraph/resources`
pub(super) fn resources(call: &Call<'_>) -> Result<Response, ArmError> {
    let request = QueryRequest::read(call.body)?;
    let left = call.world.quotas().take(call.caller.account, call.world)?;
    let mut response = call.world.look_and_compare(|cloud, now, age| {
        let lag = match cloud.switches.resource_graph_lag {
            ResourceGraphLag::Minute => 60.0,
            ResourceGraphLag::None => 0.0,
            ResourceGraphLag::Hour => 3600.0,
        };
        let spent = Spent::default();
        let view =
            View { cloud, now, as_of: now - cloud.latencies.scaled(lag), spent: &spent, host: call.world.host() };
        let subscriptions = in_scope(call, cloud, &request)?;
        let answer = |text: &str| {
            let query = parser::parse(text)?;
            let tables = |table: &str, steps: &[syntax::Step]| source::rows(call, view, &subscriptions, table, steps);
            run::run(&query, view, &tables).map(run::Table::shown)
        };
        let work_out = || answer(&request.query);
        let facets = || {
            let facet = |one| Facet { request: one, result: answer(&one.query(&request.query)) };
            request.facets.iter().map(facet).collect::<Vec<_>>()
        };
        // As long as some changes are not to be seen yet, time alone brings others.
        if age.since > view.as_of || lexer::tells_the_time(&request.query) {
            return page::page(&request, &work_out()?, &facets(), view);
        }
        let question = Question {
            generation: age.generation,
            account: call.caller.account,
            subscriptions: subscriptions.clone(),
            query: request.query.clone(),
        };
        let table = call.world.kept(|kept| kept.find_or_make(question, work_out))?;
        page::page(&request, &table, &facets(), view)
    })?;
    response.headers_mut().extend(left.headers());
    Ok(response)
}

/// `GET /providers/Microsoft.ResourceGraph/operations`
pub(super) fn operations() -> Response {
    let operation = |name: &str, resource: &str, operation: &str, description: &str| {
        json!({
            "name": name,
            "display": {
                "provider": "Microsoft Resource Graph",
                "resource": resource,
                "operation": operation,
                "description": description,
            },
        })
    };
    Json(json!({ "value": [
        operation("Microsoft.ResourceGraph/operations/read", "Operation", "Get Operations", "Gets the list of operations"),
        operation("Microsoft.ResourceGraph/resources/read", "Resources", "Query resources", "Submits a query on resources"),
    ] }))
    .into_response()
}

/// The subscriptions that the request is about, as indices into [`Cloud::subscriptions`]: all that the caller may read when it names none.
fn in_scope(call: &Call<'_>, cloud: &Cloud, request: &QueryRequest) -> Result<Vec<usize>, ArmError> {
    let may = call.may(cloud, "Microsoft.Resources/subscriptions/read");
    let named = |subscription: &SubscriptionSpec| {
        let id = subscription.id.to_string();
        let by_id = request.subscriptions.is_empty()
            || request.subscriptions.iter().any(|wanted| wanted.eq_ignore_ascii_case(&id));
        // The tenant's root management group has the tenant's id, and there are no others.
        let tenant = subscription.tenant_id.to_string();
        let by_group = request.management_groups.is_empty()
            || request.management_groups.iter().any(|wanted| wanted.eq_ignore_ascii_case(&tenant));
        by_id && by_group && may.at_or_below(&format!("/subscriptions/{id}"))
    };
    let all = cloud.subscriptions.iter().enumerate();
    let mine = all.filter(|(_, subscription)| belongs_to(subscription, call.caller.tenant));
    let found: Vec<_> = mine.filter(|(_, subscription)| named(subscription)).map(|(index, _)| index).collect();
    if found.is_empty() {
        let given =
            request.subscriptions.iter().chain(&request.management_groups).cloned().collect::<Vec<_>>().join(", ");
        let message =
            format!("There must be at least one subscription that is eligible to contain resources. Given: '{given}'.");
        return Err(bad_request(vec![json!({ "code": "NoValidSubscriptionsInQueryRequest", "message": message })]));
    }
    Ok(found)
}

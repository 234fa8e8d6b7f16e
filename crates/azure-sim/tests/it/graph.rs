//! Resource Graph over the wire: pages, formats, refusals, quota, and how far it is behind.

use azure_sim::Options;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::client::Azure;

const VMS: &str = "Resources | where type =~ 'microsoft.compute/virtualmachines'";

async fn ask(azure: &Azure, body: Value) -> Response {
    let path = "/providers/Microsoft.ResourceGraph/resources";
    azure.request(Method::POST, path).json(&body).send().await.unwrap()
}

async fn answer(azure: &Azure, body: Value) -> Value {
    let answer = ask(azure, body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_by_skip_token_add_up_to_the_whole_result() {
    let azure = Azure::start().await;
    let query = format!("{VMS} | project id, name | order by name asc");
    let whole = answer(&azure, json!({ "query": query })).await;
    let (mut rows, mut token) = (Vec::new(), Value::Null);
    loop {
        let page = answer(&azure, json!({ "query": query, "options": { "$top": 5, "$skipToken": token } })).await;
        assert_eq!(page["totalRecords"], whole["totalRecords"]);
        rows.extend(page["data"].as_array().unwrap().clone());
        token = page["$skipToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(json!(rows), whole["data"]);
    let others = json!({ "query": VMS, "options": { "$skipToken": "bWluZQ" } });
    assert_eq!(ask(&azure, others).await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vm_that_is_deleted_is_in_no_result_any_more_nor_is_what_was_its_own() {
    let azure = Azure::start().await;
    let query = json!({ "query": "Resources | where name startswith 'db-replica-3' | project type" });
    let before = answer(&azure, query.clone()).await;
    assert_eq!(before["totalRecords"], 5, "VM, disk, interface, address, security group: {before}");
    azure.set("vms", json!({ "id": azure.vm("db-replica-3").id, "deleted": true })).await;
    assert_eq!(answer(&azure, query).await["data"], json!([]));
    let others = answer(&azure, json!({ "query": format!("{VMS} | where name == 'web-01'") })).await;
    assert_eq!(others["totalRecords"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ids_a_result_that_is_too_long_is_truncated() {
    let azure = Azure::start().await;
    let page = answer(&azure, json!({ "query": format!("{VMS} | project name"), "options": { "$top": 5 } })).await;
    assert_eq!((&page["resultTruncated"], page.get("$skipToken")), (&json!("true"), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mistakes_are_told_in_the_details() {
    let azure = Azure::start().await;
    let refused = ask(&azure, json!({ "query": "Resources | where nosuchcolumn == 1" })).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let body: Value = refused.json().await.unwrap();
    assert_eq!(body["error"]["code"], "BadRequest");
    assert_eq!(body["error"]["details"][0]["code"], "InvalidQuery");
    assert!(body["error"]["details"][1]["message"].as_str().unwrap().contains("nosuchcolumn"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sixteenth_query_in_five_seconds_is_throttled() {
    // Slow enough that sixteen queries fall into one window.
    let azure = Azure::start_with(Options { speed: 5.0, ..Options::default() }).await;
    azure.set("switches", json!({ "resourceGraphQuota": "15" })).await;
    let queries = (0..40).map(|_| ask(&azure, json!({ "query": VMS })));
    let mut throttled = 0;
    for answer in futures_of(queries).await {
        let left = answer.headers()["x-ms-user-quota-remaining"].to_str().unwrap().to_owned();
        assert!(answer.headers().contains_key("x-ms-user-quota-resets-after"));
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(left, "0");
            throttled += 1;
        }
    }
    assert!(throttled >= 10, "{throttled}");
}

/// All at once.
async fn futures_of(all: impl Iterator<Item = impl Future<Output = Response>>) -> Vec<Response> {
    let mut waiting: Vec<_> = all.map(Box::pin).collect();
    let mut answers = Vec::new();
    std::future::poll_fn(move |context| {
        waiting.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                answers.push(answer);
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(std::mem::take(&mut answers)) } else { std::task::Poll::Pending }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facets_count_over_the_whole_result_and_fail_one_by_one() {
    let azure = Azure::start().await;
    let query = format!("{VMS} | project id, location, name // all of them");
    let facets = json!([
        { "expression": "location" },
        { "expression": "location", "options": { "sortBy": "location", "sortOrder": "asc", "$top": 1 } },
        { "expression": "location", "options": { "filter": "name == 'web-01'" } },
        { "expression": "nonsense" },
    ]);
    let page = answer(&azure, json!({ "query": query, "facets": facets, "options": { "$top": 1 } })).await;
    let facet = |at: usize| &page["facets"][at];
    let counts: Vec<_> =
        facet(0)["data"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), page["totalRecords"].as_u64().unwrap());
    assert!(counts.len() > 1 && counts.is_sorted_by(|one, next| one >= next), "{counts:?}");
    assert_eq!((&facet(0)["resultType"], &facet(0)["expression"]), (&json!("FacetResult"), &json!("location")));
    assert_eq!((&facet(1)["count"], &facet(1)["totalRecords"]), (&json!(1), &json!(counts.len())));
    assert_eq!(facet(2)["data"], json!([{ "location": "westeurope", "count": 1 }]));
    assert_eq!(
        (&facet(3)["resultType"], &facet(3)["errors"][0]["code"]),
        (&json!("FacetError"), &json!("SemanticError"))
    );
    let table = answer(
        &azure,
        json!({
            "query": VMS, "facets": [{ "expression": "location" }], "options": { "resultFormat": "table" },
        }),
    );
    assert_eq!(table.await["facets"][0]["data"]["columns"][1]["name"], "count");
    let expanded = ask(&azure, json!({ "query": format!("{VMS} | mv-expand zones limit 2001") })).await;
    assert_eq!(expanded.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_is_told_in_azures_words_and_by_its_place() {
    let azure = Azure::start().await;
    for (body, expected) in [
        ("{bad", "Invalid property identifier character: b. Path '', line 1, position 1."),
        (r#"{"query": null}"#, "Required property 'query' not found in JSON. Path ''"),
        (r#"{"query": 7}"#, "7 is not a string. Path 'query'"),
        (
            r#"{"query": "resources", "options": {"resultFormat": "foo"}}"#,
            "is not 'objectArray' or 'table'. Path 'options.resultFormat'",
        ),
        (r#"{"query": "resources", "options": {"$top": "x"}}"#, "\"x\" is not a whole number. Path 'options.$top'"),
        (r#"{"query": "resources", "options": {"$top": -1}}"#, "The value of $top must be from 1 to 1000."),
        (
            r#"{"query": "resources", "options": {"$top": 18446744073709551615}}"#,
            "The value of $top must be from 1 to 1000.",
        ),
        (r#"{"query": "resources", "options": {"$skip": -1}}"#, "The value of $skip must be 0 or greater."),
        (r#"{"query": "resources", "facets": [{"expression": "type", "options": {"$top": 0}}]}"#, "The value of $top"),
        (
            r#"{"query": "resources", "facets": [{}]}"#,
            "Required property 'expression' not found in JSON. Path 'facets[0]'",
        ),
    ] {
        let path = "/providers/Microsoft.ResourceGraph/resources";
        let request = azure.request(Method::POST, path).header("content-type", "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body}");
        let error: Value = answer.json().await.unwrap();
        let told = error["error"]["details"][0]["message"].as_str().or(error["error"]["message"].as_str()).unwrap();
        assert!(told.contains(expected), "{body}: {told}");
    }
}

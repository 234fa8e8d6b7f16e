//! Managed identities: the endpoint of App Service, and the instance metadata service over plain http.

use azure_sim::{Fleet, Options};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::Azure;

const ARM: (&str, &str) = ("resource", "https://management.azure.com/");
const NONE: &[(&str, &str)] = &[];

async fn app_service(azure: &Azure, header: Option<(&str, &str)>, query: &[(&str, &str)]) -> Response {
    let request = azure.http.get(&azure.simulator.announce().identity_endpoint).query(query);
    let request = header.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    request.send().await.unwrap()
}

async fn imds(azure: &Azure, path: &str, headers: &[(&str, &str)], query: &[(&str, &str)]) -> (StatusCode, Value) {
    let url = format!("{}/metadata/{path}", azure.simulator.announce().imds_endpoint);
    let request = azure.http.get(url).query(query);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn app_service_issues_tokens_by_either_version_to_who_knows_the_header() {
    let mut azure = Azure::start().await;
    let secret = azure.simulator.announce().identity_header.clone();
    let identity = azure.account("identity").clone();
    for (header, version) in [("X-IDENTITY-HEADER", "2019-08-01"), ("Secret", "2017-09-01")] {
        let query = [("api-version", version), ARM];
        for wrong in [None, Some((header, "wrong"))] {
            let refused = app_service(&azure, wrong, &query).await;
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{version}");
        }
        let answer = app_service(&azure, Some((header, &secret)), &query).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["client_id"], json!(identity.client_id));
        let told = claims(&body["access_token"]);
        assert_eq!((&told["oid"], &told["idtyp"]), (&json!(identity.object_id), &json!("app")));
        assert_eq!(body["expires_on"].as_str().unwrap(), told["exp"].to_string());
        body["access_token"].as_str().unwrap().clone_into(&mut azure.token);
        azure.get("/subscriptions").await;
    }
    let header = Some(("X-IDENTITY-HEADER", secret.as_str()));
    for (query, status) in [
        (vec![ARM], 400),
        (vec![("api-version", "2019-08-01")], 400),
        (vec![("api-version", "2019-08-01"), ("resource", "https://other.example")], 500),
        (vec![("api-version", "2019-08-01"), ARM, ("client_id", "99999999-9999-4999-8999-999999999999")], 400),
    ] {
        let answer = app_service(&azure, header, &query).await;
        assert_eq!(answer.status().as_u16(), status, "{query:?}");
        let body: Value = answer.json().await.unwrap();
        assert!(body["statusCode"] == status && body["message"].is_string(), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metadata_service_of_a_vm_issues_tokens_over_plain_http() {
    let mut azure = Azure::start().await;
    assert!(azure.simulator.announce().imds_endpoint.starts_with("http://127.0.0.1:"));
    let (token, version, metadata) = ("identity/oauth2/token", ("api-version", "2018-02-01"), ("Metadata", "true"));
    let (status, body) = imds(&azure, token, &[metadata], &[version, ARM]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert!(body["expires_in"].as_str().unwrap().parse::<i64>().unwrap() > 3600, "{body}");
    body["access_token"].as_str().unwrap().clone_into(&mut azure.token);
    azure.get("/subscriptions").await;

    for (headers, query, error, text) in [
        (NONE, &[version, ARM][..], "bad_request_102", "Required metadata header not specified"),
        (&[("Metadata", "false")], &[version, ARM], "bad_request_102", "Required metadata header not specified"),
        (&[metadata, ("X-Forwarded-For", "192.0.2.1")], &[version, ARM], "invalid_request", "X-Forwarded-For"),
        (&[metadata], &[ARM], "invalid_request", "'api-version' is missing"),
        (&[metadata], &[("api-version", "2017-12-01"), ARM], "invalid_request", "is not a version"),
        (&[metadata], &[("api-version", "2018-2-1"), ARM], "invalid_request", "is not a version"),
        (&[metadata], &[version], "invalid_request", "'resource' is missing"),
        (&[metadata], &[version, ("resource", "https://other.example")], "invalid_resource", "AADSTS500011"),
        (&[metadata], &[version, ARM, ("client_id", "nobody")], "invalid_request", "Identity not found"),
        (&[metadata], &[version, ARM, ("msi_res_id", "/x")], "invalid_request", "Identity not found"),
    ] {
        let (status, body) = imds(&azure, token, headers, query).await;
        assert_eq!((status, &body["error"]), (StatusCode::BAD_REQUEST, &json!(error)), "{body}");
        assert!(body["error_description"].as_str().unwrap().contains(text), "{body}");
    }
    azure.set("accounts", json!({ "account": "identity", "demand": "blocked" })).await;
    let (status, body) = imds(&azure, token, &[metadata], &[version, ARM]).await;
    assert_eq!((status, &body["error"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("unknown")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metadata_service_tells_the_zone_that_the_resource_manager_tells() {
    for (size, zone, zones) in [("Standard_E4s_v5", "1", json!(["1"])), ("Standard_D2s_v5", "", Value::Null)] {
        let fleet = format!(
            "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Contoso\"\n[[vms]]\nname = \"vm\"\n\
             resource_group = \"rg\"\nsize = \"{size}\"\nports = []\n"
        );
        let options = Options { speed: 200.0, fleet: Some(fleet.parse().unwrap()), ..Options::default() };
        let azure = Azure::start_with(options).await;
        let asked = [("Metadata", "true")];
        let (_, body) = imds(&azure, "instance", &asked, &[("api-version", "2021-02-01")]).await;
        let vm = azure.get(&azure.simulator.announce().vms[0].id).await;
        assert_eq!((&body["compute"]["zone"], &vm["zones"]), (&json!(zone), &zones), "{size}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metadata_service_tells_of_its_vm() {
    let azure = Azure::start().await;
    let (version, metadata) = (("api-version", "2021-02-01"), ("Metadata", "true"));
    let (status, body) = imds(&azure, "instance", &[metadata], &[version]).await;
    assert_eq!(status, StatusCode::OK);
    let first = &azure.simulator.announce().vms[0];
    assert_eq!(body["compute"]["resourceId"], first.id.as_str());
    assert_eq!(body["network"]["interface"][0]["ipv4"]["ipAddress"][0]["publicIpAddress"], json!(first.public_ip));
    let subnet = &body["network"]["interface"][0]["ipv4"]["subnet"][0];
    assert_eq!(subnet, &json!({ "address": "10.1.0.0", "prefix": "16" }));
    // It and the resource manager speak of the same VM.
    let nic = first.id.replace("Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces");
    let interface = azure.get(&format!("{nic}-nic")).await;
    let mac = interface["properties"]["macAddress"].as_str().unwrap().replace('-', "");
    assert_eq!(body["network"]["interface"][0]["macAddress"], mac);
    let (status, body) = imds(&azure, "versions", &[metadata], NONE).await;
    assert_eq!((status, body["apiVersions"].as_array().unwrap().len()), (StatusCode::OK, 23));
    assert_eq!(imds(&azure, "versions", NONE, NONE).await.0, StatusCode::BAD_REQUEST);
    let url = format!("{}/metadata/instance/compute/location", azure.simulator.announce().imds_endpoint);
    let text = azure.http.get(url).query(&[version, ("format", "text")]).header("Metadata", "true");
    assert_eq!(text.send().await.unwrap().text().await.unwrap(), first.location);

    assert_eq!(imds(&azure, "instance/nothing", &[metadata], &[version]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(imds(&azure, "instance", NONE, &[version]).await.0, StatusCode::BAD_REQUEST);
    let (status, body) = imds(&azure, "instance", &[metadata], NONE).await;
    assert_eq!((status, &body["newest-versions"][0]), (StatusCode::BAD_REQUEST, &json!("2021-02-01")));
    // Nothing else is to be had without TLS.
    let (status, _) = imds(&azure, "endpoints", &[metadata], &[version]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_identities_the_parameters_choose_one() {
    let resource =
        "/subscriptions/s/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deploy";
    let fleet: Fleet = format!(
        r#"
        [[subscriptions]]
        id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
        name = "One"
        [[accounts]]
        name = "deploy"
        kind = "managedIdentity"
        resource_id = "{resource}"
        [[accounts]]
        name = "system"
        kind = "managedIdentity"
        role = "none"
        "#
    )
    .parse()
    .unwrap();
    let azure = Azure::start_with(Options { fleet: Some(fleet), speed: 200.0, ..Options::default() }).await;
    let (deploy, system) = (azure.account("deploy").clone(), azure.account("system").clone());
    let (client, object) = (deploy.client_id.unwrap().to_string(), deploy.object_id.to_string());
    let upper = resource.to_uppercase();
    for (parameter, wanted) in [
        (None, &system),
        (Some(("client_id", client.as_str())), &deploy),
        (Some(("object_id", object.as_str())), &deploy),
        (Some(("mi_res_id", upper.as_str())), &deploy),
        (Some(("msi_res_id", resource)), &deploy),
    ] {
        let query: Vec<_> = [("api-version", "2018-02-01"), ARM].into_iter().chain(parameter).collect();
        let (_, body) = imds(&azure, "identity/oauth2/token", &[("Metadata", "true")], &query).await;
        let told = claims(&body["access_token"]);
        assert_eq!(told["oid"], json!(wanted.object_id), "{parameter:?}");
        let shown = if wanted.name == "deploy" { json!(resource) } else { Value::Null };
        assert_eq!(told["xms_mirid"], shown);
    }
}

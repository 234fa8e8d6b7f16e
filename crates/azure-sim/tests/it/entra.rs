//! Signing in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Azure, error};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_issued_for_the_secret_and_lets_one_in() {
    let azure = Azure::start().await;
    let subscriptions = azure.get("/subscriptions").await;
    assert_eq!(subscriptions["value"].as_array().unwrap().len(), 2);
    let base = azure.simulator.announce().resource_manager.clone();
    for scope in [format!("{base}/.default"), format!("{base}//.default")] {
        assert_eq!(azure.sign_in(&scope).await.status(), StatusCode::OK, "{scope}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_is_refused_as_entra_does() {
    let azure = Azure::start().await;
    let answer = azure.sign_in_with("wrong", "https://management.azure.com/.default").await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "invalid_client");
    assert_eq!(body["error_codes"], json!([7_000_215]));
    assert!(body["error_description"].as_str().unwrap().starts_with("AADSTS7000215: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_may_show_its_secret_in_the_header_as_rfc_6749_has_it() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let url = format!("{}/{}/oauth2/v2.0/token", announce.authority, announce.tenant_id);
    let form = [("grant_type", "client_credentials"), ("scope", "https://management.azure.com/.default")];
    let ask = |secret: &str| {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        azure.http.post(&url).basic_auth(announce.client_id, Some(encoded)).form(&form).send()
    };
    assert_eq!(ask(&announce.client_secret).await.unwrap().status(), StatusCode::OK);
    let refused: Value = ask("wr+ong &").await.unwrap().json().await.unwrap();
    assert_eq!(refused["error_codes"], json!([7_000_215]));
    let nobody = azure.http.post(&url).header("authorization", "Basic !").form(&form).send().await.unwrap();
    assert_eq!(nobody.json::<Value>().await.unwrap()["error_codes"], json!([900_144]));
    let known = format!("{}/{}/v2.0/.well-known/openid-configuration", announce.authority, announce.tenant_id);
    let configuration: Value = azure.http.get(known).send().await.unwrap().json().await.unwrap();
    let methods = configuration["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("client_secret_basic")), "{methods:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_tenants_and_applications_are_refused_by_number() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let stranger = "99999999-9999-4999-8999-999999999999";
    for (tenant, client, code) in [
        (stranger, announce.client_id.to_string(), 90_002),
        (&announce.tenant_id.to_string(), stranger.to_owned(), 700_016),
    ] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &client),
            ("client_secret", "x"),
            ("scope", "y/.default"),
        ];
        let url = format!("{}/{tenant}/oauth2/v2.0/token", announce.authority);
        let body: Value = azure.http.post(url).form(&form).send().await.unwrap().json().await.unwrap();
        assert_eq!(body["error_codes"], json!([code]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_good_token_nothing_is_answered() {
    let mut azure = Azure::start().await;
    let url = format!("{}/subscriptions?api-version=2022-12-01", azure.simulator.announce().resource_manager);
    let answer = azure.http.get(&url).send().await.unwrap();
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.starts_with("Bearer authorization_uri="), "{challenge}");
    assert_eq!(error(answer).await.1, "AuthenticationFailed");

    let answer = azure.http.get(&url).bearer_auth("nonsense").send().await.unwrap();
    let (status, code, _) = error(answer).await;
    assert_eq!((status, code.as_str()), (401, "InvalidAuthenticationToken"));

    azure.set("advance", json!({ "seconds": 3600 })).await;
    let answer = azure.http.get(&url).bearer_auth(&azure.token).send().await.unwrap();
    assert_eq!(error(answer).await.1, "ExpiredAuthenticationToken");
    azure.renew_token().await;
    azure.get("/subscriptions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn discovery_names_the_endpoints() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let url = format!("{}/{}/v2.0/.well-known/openid-configuration", announce.authority, announce.tenant_id);
    let body: Value = azure.http.get(url).send().await.unwrap().json().await.unwrap();
    assert!(body["token_endpoint"].as_str().unwrap().ends_with("/oauth2/v2.0/token"));
    assert!(body["authorization_endpoint"].is_string());
    let keys: Value = azure.http.get(body["jwks_uri"].as_str().unwrap()).send().await.unwrap().json().await.unwrap();
    let header = azure.token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    assert_eq!((&header["kid"], &header["alg"]), (&keys["keys"][0]["kid"], &json!("RS256")));
    let url = format!("{}/metadata/endpoints?api-version=2022-09-01", announce.resource_manager);
    let cloud: Value = azure.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(cloud["authentication"]["loginEndpoint"], announce.authority.as_str());
    assert!(cloud["authentication"]["audiences"][0].is_string() && cloud["suffixes"].is_object());
    assert!(cloud["microsoftGraphResourceId"].is_string(), "the Azure CLI takes a cloud without for a broken one");
    for (version, pointer) in [
        ("2015-01-01", "/authentication/loginEndpoint"),
        ("2018-05-01", "/authentication/loginEndpoint"),
        ("2019-05-01", "/0/authentication/loginEndpoint"),
        ("2020-06-01", "/0/authentication/loginEndpoint"),
    ] {
        let url = format!("{}/metadata/endpoints?api-version={version}", announce.resource_manager);
        let cloud: Value = azure.http.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!(cloud.pointer(pointer), Some(&json!(announce.authority)), "{version}");
        // What the older Python clients cannot do without.
        if version < "2019" {
            let needed = ["galleryEndpoint", "graphEndpoint", "portalEndpoint"];
            assert!(needed.iter().all(|name| cloud[name].is_string()), "{cloud}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_called_adfs_is_served_on_paths_of_its_own() {
    let mut azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let adfs = format!("{}/adfs", announce.authority);
    let url = format!("{adfs}/.well-known/openid-configuration");
    let body: Value = azure.http.get(url).send().await.unwrap().json().await.unwrap();
    assert!(body["authorization_endpoint"].is_string());
    let token_endpoint = body["token_endpoint"].as_str().unwrap();
    assert_eq!(token_endpoint, format!("{adfs}/oauth2/token"));
    let client = announce.client_id.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &client),
        ("client_secret", &announce.client_secret),
        ("scope", "https://management.azure.com/.default"),
    ];
    let body: Value = azure.http.post(token_endpoint).form(&form).send().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();

    // The paths of tenants are not adfs's.
    let answer = azure.http.get(format!("{adfs}/v2.0/.well-known/openid-configuration")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);

    azure.token = token;
    azure.get("/subscriptions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_name_of_a_tenant_is_an_authority_and_others_are_not() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let configuration = async |path: &str| {
        let url = format!("{}/{path}/.well-known/openid-configuration", announce.authority);
        let answer = azure.http.get(url).send().await.unwrap();
        let status = answer.status();
        (status, answer.json::<Value>().await.unwrap())
    };
    let id = announce.tenants[1].id;
    for (path, issuer) in [
        (format!("{id}/v2.0"), format!("{}/{id}/v2.0", announce.authority)),
        ("fabrikam.onmicrosoft.com/v2.0".to_owned(), format!("{}/{id}/v2.0", announce.authority)),
        ("organizations/v2.0".to_owned(), format!("{}/{{tenantid}}/v2.0", announce.authority)),
        ("FABRIKAM.onmicrosoft.com".to_owned(), format!("{}/{id}/", announce.authority)),
    ] {
        let (status, body) = configuration(&path).await;
        assert_eq!((status, &body["issuer"]), (StatusCode::OK, &json!(issuer)), "{path}");
        assert!(body["device_authorization_endpoint"].as_str().unwrap().ends_with("/devicecode"), "{body}");
    }
    let (status, body) = configuration("nobody.onmicrosoft.com/v2.0").await;
    assert_eq!((status, &body["error_codes"]), (StatusCode::BAD_REQUEST, &json!([90_002])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instance_discovery_knows_this_cloud_under_all_its_names_and_no_other() {
    let azure = Azure::start().await;
    let base = &azure.simulator.announce().authority;
    let ask = async |about: &str| -> Value {
        let url = format!("{base}/common/discovery/instance");
        let query = [("api-version", "1.1"), ("authorization_endpoint", about)];
        azure.http.get(url).query(&query).send().await.unwrap().json().await.unwrap()
    };
    for about in
        [format!("{base}/common/oauth2/v2.0/authorize"), "https://localhost/common/oauth2/v2.0/authorize".to_owned()]
    {
        let body = ask(&about).await;
        let wanted = format!("{base}/common/v2.0/.well-known/openid-configuration");
        assert_eq!(body["tenant_discovery_endpoint"], wanted, "{about}");
        assert!(body["metadata"][0]["aliases"].as_array().unwrap().len() > 1, "{body}");
    }
    let body = ask("https://evil.example/common/oauth2/v2.0/authorize").await;
    assert_eq!((&body["error"], &body["error_codes"]), (&json!("invalid_instance"), &json!([50_049])));

    let realm = async |user: &str| -> Value {
        let url = format!("{base}/common/userrealm/{user}?api-version=1.0");
        azure.http.get(url).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(realm("ada@contoso.onmicrosoft.com").await["account_type"], "Managed");
    assert_eq!(realm("ada@elsewhere.example").await["account_type"], "Unknown");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_tells_what_support_asks_for() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let at = |what: &str| format!("{}/{}/{what}", announce.authority, announce.tenant_id);
    let own = "5c8b11ae-0000-4000-8000-000000000001";
    let token = || azure.http.post(at("oauth2/v2.0/token")).form(&[("grant_type", "client_credentials")]);
    let page = at("oauth2/v2.0/authorize?client_id=nobody&response_type=code&redirect_uri=http%3A%2F%2Flocalhost");
    for request in [
        token(),
        azure.http.get(at("v2.0/.well-known/openid-configuration")),
        azure.http.get(at("discovery/v2.0/keys")),
        azure.http.get(&page),
    ] {
        let answer = request.header("client-request-id", own).send().await.unwrap();
        let headers = answer.headers();
        let id = headers["x-ms-request-id"].to_str().unwrap().to_owned();
        assert!(headers["x-ms-ests-server"].to_str().unwrap().ends_with(" ProdSlices"));
        assert_eq!(headers["strict-transport-security"], "max-age=31536000; includeSubDomains");
        assert!(!headers.contains_key("client-request-id"), "it was not asked for");
        let is_refusal = answer.status() == StatusCode::BAD_REQUEST;
        let said = answer.text().await.unwrap();
        assert_eq!(said.contains(&format!("Trace ID: {id}")), is_refusal, "{said}");
    }
    let asked = token().header("client-request-id", own).header("return-client-request-id", "true");
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.headers()["client-request-id"], own);
    let id = answer.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["trace_id"], &body["correlation_id"]), (&json!(id), &json!(own)));

    // What goes wrong at Entra itself is told with them, and what answers in its place knows nothing of them.
    azure.set("faults", json!({ "match": { "route": "Entra_Token" }, "fault": "internal" })).await;
    let answer = token().header("client-request-id", own).send().await.unwrap();
    let id = answer.headers()["x-ms-request-id"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["trace_id"], &body["correlation_id"]), (&json!(id), &json!(own)));
    azure.set("faults", json!({ "match": { "route": "Entra_Token" }, "fault": "html" })).await;
    assert!(!token().send().await.unwrap().headers().contains_key("x-ms-request-id"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_form_or_no_post_is_refused_in_entras_words() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let at = |what: &str| format!("{}/{}/oauth2/{what}", announce.authority, announce.tenant_id);
    let refusal = async |request: reqwest::RequestBuilder| {
        let answer = request.header("client-request-id", announce.client_id.to_string()).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8");
        let body: Value = answer.json().await.unwrap();
        assert_eq!((&body["error"], &body["correlation_id"]), (&json!("invalid_request"), &json!(announce.client_id)));
        let description = body["error_description"].as_str().unwrap().to_owned();
        (body["error_codes"][0].clone(), description)
    };
    let json = json!({ "grant_type": "client_credentials" });
    for (endpoint, missing) in [("v2.0/token", "grant_type"), ("token", "grant_type"), ("v2.0/devicecode", "client_id")]
    {
        let (number, description) = refusal(azure.http.post(at(endpoint)).json(&json)).await;
        assert_eq!(number, 900_144, "{endpoint}");
        assert!(description.contains(&format!("parameter: '{missing}'")), "{description}");
        let (number, description) = refusal(azure.http.get(at(endpoint))).await;
        assert_eq!(number, 900_561, "{endpoint}");
        assert!(description.contains("Received a GET request"), "{description}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_out_is_led_back_to_where_an_application_is_and_nowhere_else() {
    let azure = Azure::start().await;
    let announce = azure.simulator.announce();
    let ca = std::fs::read(&announce.ca_bundle).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let configuration = format!("{}/{}/v2.0/.well-known/openid-configuration", announce.authority, announce.tenant_id);
    let configuration: Value = client.get(configuration).send().await.unwrap().json().await.unwrap();
    let url = configuration["end_session_endpoint"].as_str().unwrap();
    let out = async |back: &str| {
        client.get(url).query(&[("post_logout_redirect_uri", back), ("state", "s")]).send().await.unwrap()
    };
    let led = out("http://localhost:51234").await;
    assert_eq!(
        (led.status(), &led.headers()["location"]),
        (StatusCode::FOUND, &"http://localhost:51234/?state=s".parse().unwrap())
    );
    let stays = out("https://elsewhere.example/").await;
    assert_eq!(stays.status(), StatusCode::OK);
    assert!(stays.text().await.unwrap().contains("You have signed out"));
}

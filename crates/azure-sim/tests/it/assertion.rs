//! Service principals: assertions that a certificate's key signs, and what Entra has against secrets and audiences.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use azure_sim::{Fleet, Options};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::Azure;

/// The announced key and certificate.
struct Certificate {
    key: RsaKeyPair,
    der: Vec<u8>,
}

impl Certificate {
    fn of(azure: &Azure) -> Self {
        let pem = std::fs::read_to_string(&azure.simulator.announce().client_certificate).unwrap();
        let block = |name: &str| {
            let (_, rest) = pem.split_once(&format!("-----BEGIN {name}-----")).unwrap();
            let (base64, _) = rest.split_once("-----END").unwrap();
            STANDARD.decode(base64.split_whitespace().collect::<String>()).unwrap()
        };
        Self { key: RsaKeyPair::from_pkcs8(&block("PRIVATE KEY")).unwrap(), der: block("CERTIFICATE") }
    }

    fn sha1(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der))
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let padding: &'static dyn aws_lc_rs::signature::RsaEncoding =
            if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        self.key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn endpoint(azure: &Azure) -> String {
    let announce = azure.simulator.announce();
    format!("{}/{}/oauth2/v2.0/token", announce.authority, announce.tenant_id)
}

/// The claims of a good assertion, with these in place of theirs.
fn claims(azure: &Azure, more: &Value) -> Value {
    let client = azure.simulator.announce().client_id;
    let now = chrono::Utc::now().timestamp();
    let mut claims = json!({ "aud": endpoint(azure), "iss": client, "sub": client, "nbf": now, "exp": now + 600 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

async fn ask(azure: &Azure, more: &[(&str, &str)]) -> (StatusCode, Value) {
    let client = azure.simulator.announce().client_id.to_string();
    let mut form = std::collections::HashMap::from([
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("scope", "https://management.azure.com/.default"),
    ]);
    form.extend(more.iter().copied());
    let answer: Response = azure.http.post(endpoint(azure)).form(&form).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn assert_with(azure: &Azure, assertion: &str) -> (StatusCode, Value) {
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    ask(azure, &[("client_assertion_type", kind), ("client_assertion", assertion)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_stands_for_the_secret_in_every_form_that_clients_write() {
    let azure = Azure::start().await;
    let certificate = Certificate::of(&azure);
    let sha256 = URL_SAFE_NO_PAD.encode(digest(&SHA256, &certificate.der));
    let padded = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate.der));
    let authority = format!("{}/{}/v2.0", azure.simulator.announce().authority, azure.simulator.announce().tenant_id);
    for (header, more) in [
        (json!({ "alg": "RS256", "x5t": certificate.sha1() }), json!({})),
        (json!({ "alg": "RS256", "x5t": padded }), json!({ "aud": authority })),
        (json!({ "alg": "PS256", "x5t#S256": sha256 }), json!({ "exp": 4_000_000_000.5 })),
        (json!({ "alg": "PS256", "x5t#S256": sha256 }), json!({ "nbf": null })),
    ] {
        let (status, body) = assert_with(&azure, &certificate.sign(&header, &claims(&azure, &more))).await;
        assert_eq!(status, StatusCode::OK, "{header} {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_an_assertion_has_a_number_each() {
    let azure = Azure::start().await;
    let certificate = Certificate::of(&azure);
    let header = json!({ "alg": "RS256", "x5t": certificate.sha1() });
    let now = chrono::Utc::now().timestamp();
    let good = certificate.sign(&header, &claims(&azure, &json!({})));
    let other = certificate.sign(&header, &claims(&azure, &json!({ "jti": "other" })));
    let spliced = format!("{}.{}", good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
    let with = |more: Value| certificate.sign(&header, &claims(&azure, &more));
    let unknown_key = json!({ "alg": "RS256", "x5t": URL_SAFE_NO_PAD.encode([7; 20]) });
    for (assertion, number) in [
        ("nonsense".to_owned(), 50_027),
        (with(json!({ "sub": "99999999-9999-4999-8999-999999999999" })), 700_021),
        (certificate.sign(&unknown_key, &claims(&azure, &json!({}))), 700_027),
        (certificate.sign(&json!({ "alg": "none", "x5t": certificate.sha1() }), &claims(&azure, &json!({}))), 700_027),
        (spliced, 700_027),
        (with(json!({ "aud": "https://login.microsoftonline.com/common/oauth2/v2.0/token" })), 700_023),
        (with(json!({ "exp": now - 301 })), 700_024),
        (with(json!({ "nbf": now + 301 + 60 })), 700_024),
        (with(json!({ "exp": null })), 700_024),
    ] {
        let (status, body) = assert_with(&azure, &assertion).await;
        assert_eq!((status, &body["error"]), (StatusCode::UNAUTHORIZED, &json!("invalid_client")), "{body}");
        assert_eq!(body["error_codes"], json!([number]), "{body}");
    }
    let (_, body) = ask(&azure, &[("client_assertion", &good)]).await;
    assert_eq!(body["error_codes"], json!([900_144]), "{body}");
    // A year later the certificate itself may be good, the assertion is not.
    azure.set("advance", json!({ "seconds": 3600 })).await;
    assert_eq!(assert_with(&azure, &good).await.1["error_codes"], json!([700_024]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_expire_and_are_needed() {
    let mut azure = Azure::start().await;
    let secret = azure.simulator.announce().client_secret.clone();
    assert_eq!(ask(&azure, &[]).await.1["error_codes"], json!([7_000_218]));
    azure.set("accounts", json!({ "account": "app", "demand": "secretExpired" })).await;
    let (status, body) = ask(&azure, &[("client_secret", &secret)]).await;
    assert_eq!((status, &body["error_codes"]), (StatusCode::UNAUTHORIZED, &json!([7_000_222])), "{body}");
    azure.set("accounts", json!({ "account": "app", "demand": "none" })).await;

    let fleet = r#"
        [[subscriptions]]
        id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
        name = "One"
        [[accounts]]
        name = "old"
        kind = "servicePrincipal"
        client_id = "99999999-9999-4999-8999-999999999999"
        secret = "of old"
        secret_expires = 2020-01-01T00:00:00Z
    "#;
    let fleet: Fleet = fleet.parse().unwrap();
    azure = Azure::start_with(Options { fleet: Some(fleet), speed: 200.0, ..Options::default() }).await;
    let old = [("client_id", "99999999-9999-4999-8999-999999999999"), ("client_secret", "of old")];
    assert_eq!(ask(&azure, &old).await.1["error_codes"], json!([7_000_222]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_asks_for_one_known_resource_in_a_tenant_of_its_own() {
    let azure = Azure::start().await;
    let secret = azure.simulator.announce().client_secret.clone();
    for (scope, error, number) in [
        ("https://other.example/.default", "invalid_resource", 500_011),
        ("https://management.azure.com/user_impersonation", "invalid_scope", 1_002_012),
        ("nonsense", "invalid_scope", 70_011),
        ("", "invalid_request", 900_144),
    ] {
        let (status, body) = ask(&azure, &[("client_secret", &secret), ("scope", scope)]).await;
        assert_eq!(
            (status.as_u16(), &body["error"], &body["error_codes"]),
            (400, &json!(error), &json!([number])),
            "{scope}"
        );
    }
    let announce = azure.simulator.announce();
    let client = announce.client_id.to_string();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client.as_str()),
        ("client_secret", secret.as_str()),
        ("resource", "https://management.core.windows.net/"),
    ];
    let at = async |path: String| -> Value {
        azure
            .http
            .post(format!("{}/{path}", announce.authority))
            .form(&form)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    assert_eq!(at("common/oauth2/token".to_owned()).await["error_codes"], json!([50_059]));
    assert_eq!(at(format!("{}/oauth2/token", announce.tenants[1].id)).await["error_codes"], json!([700_016]));
    // The older endpoint, by the tenant's domain: numbers and times are text.
    let body = at("contoso.onmicrosoft.com/oauth2/token".to_owned()).await;
    assert_eq!(body["resource"], "https://management.core.windows.net/", "{body}");
    assert!(
        body["expires_in"].is_string() && body["expires_on"].is_string() && body["not_before"].is_string(),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_principals_token_is_called_back_and_the_next_one_is_good() {
    let azure = Azure::start().await;
    let secret = azure.simulator.announce().client_secret.clone();
    let cp1 = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    let token = async || {
        let (_, body) = ask(&azure, &[("client_secret", &secret), ("claims", cp1)]).await;
        body["access_token"].as_str().unwrap().to_owned()
    };
    let url = format!("{}/subscriptions?api-version=2022-12-01", azure.simulator.announce().resource_manager);
    let status = async |token: &str| azure.http.get(&url).bearer_auth(token).send().await.unwrap().status();
    let first = token().await;
    assert_eq!(status(&first).await, StatusCode::OK);
    azure.set("accounts", json!({ "account": "app", "revoke": true })).await;
    assert_eq!(status(&first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&token().await).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_address_challenges_those_who_understand_it_where_that_is_switched_on() {
    let azure = Azure::start().await;
    let secret = azure.simulator.announce().client_secret.clone();
    let cp1 = ("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#);
    let token = async |more: &[(&str, &str)]| {
        let form: Vec<_> = [("client_secret", secret.as_str())].into_iter().chain(more.iter().copied()).collect();
        let (_, body) = ask(&azure, &form).await;
        body["access_token"].as_str().unwrap().to_owned()
    };
    let url = format!("{}/subscriptions?api-version=2022-12-01", azure.simulator.announce().resource_manager);
    let read = async |token: &str| azure.http.get(&url).bearer_auth(token).send().await.unwrap();
    let (capable, plain) = (token(&[cp1]).await, token(&[]).await);
    azure.set("address", json!({ "publicIp": "198.51.100.9" })).await;
    assert_eq!(read(&capable).await.status(), StatusCode::OK, "by default an address is not looked at");

    azure.set("switches", json!({ "addressChange": "challenge" })).await;
    azure.set("address", json!({ "publicIp": "198.51.100.9" })).await;
    assert_eq!(read(&capable).await.status(), StatusCode::OK, "the same address again is none that changed");
    azure.set("address", json!({ "publicIp": "198.51.100.10" })).await;
    let refused = read(&capable).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let claims = challenge.split("claims=\"").nth(1).unwrap().split('"').next().unwrap();
    let claims: Value = serde_json::from_slice(&STANDARD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["access_token"]["xms_rp_ipaddr"]["value"], "198.51.100.10");
    assert_eq!(read(&plain).await.status(), StatusCode::OK, "who declares nothing is not challenged");
    assert_eq!(read(&token(&[cp1]).await).await.status(), StatusCode::OK);
}

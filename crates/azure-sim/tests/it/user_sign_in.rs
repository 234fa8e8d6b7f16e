//! Users: the sign-in page, device codes, refresh tokens, and what can stand in the way.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, StatusCode, redirect};
use serde_json::{Value, json};

use crate::client::Azure;

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const HOME: &str = "http://localhost:51234";
/// RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SCOPE: &str = "https://management.azure.com/.default offline_access openid profile";

/// Somebody with a browser that shows where it is sent.
struct Browser {
    azure: Azure,
    http: Client,
}

impl Browser {
    async fn start() -> Self {
        let azure = Azure::start().await;
        let ca = std::fs::read(&azure.simulator.announce().ca_bundle).unwrap();
        let trusted = reqwest::Certificate::from_pem(&ca).unwrap();
        let plain = Client::builder().tls_certs_only([trusted]).no_proxy().redirect(redirect::Policy::none());
        Self { azure, http: plain.build().unwrap() }
    }

    fn tenant(&self, index: usize) -> String {
        self.azure.simulator.announce().tenants[index].id.to_string()
    }

    /// The address of the page, with these parameters on top of (or in place of) what every request has.
    fn page(&self, tenant: &str, more: &[(&str, &str)]) -> reqwest::Url {
        let mut query = HashMap::from([
            ("client_id", AZURE_CLI),
            ("response_type", "code"),
            ("redirect_uri", HOME),
            ("scope", SCOPE),
            ("state", "as <it> was"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        query.extend(more.iter().copied());
        let base = &self.azure.simulator.announce().authority;
        reqwest::Url::parse_with_params(&format!("{base}/{tenant}/oauth2/v2.0/authorize"), query).unwrap()
    }

    /// Where the page sends one that posts this form.
    async fn press(&self, page: &reqwest::Url, form: &[(&str, &str)]) -> HashMap<String, String> {
        let answer = self.http.post(page.clone()).form(form).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FOUND, "{}", answer.text().await.unwrap());
        let to = reqwest::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        assert!(to.as_str().starts_with(HOME), "{to}");
        to.query_pairs().into_owned().collect()
    }

    async fn code(&self, tenant: &str, account: &str, more: &[(&str, &str)]) -> String {
        self.press(&self.page(tenant, more), &[("account", account)]).await["code"].clone()
    }

    async fn token(&self, tenant: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let base = &self.azure.simulator.announce().authority;
        let mut all = HashMap::from([("client_id", AZURE_CLI)]);
        all.extend(form.iter().copied());
        let answer = self.http.post(format!("{base}/{tenant}/oauth2/v2.0/token")).form(&all).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn redeem(&self, tenant: &str, code: &str) -> (StatusCode, Value) {
        self.token(tenant, &redemption(code)).await
    }

    /// A user's tokens, by the page.
    async fn sign_in(&self, account: &str) -> Value {
        let code = self.code("organizations", account, &[]).await;
        let (status, body) = self.redeem("organizations", &code).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    async fn refresh(&self, tenant: &str, tokens: &Value, more: &[(&str, &str)]) -> (StatusCode, Value) {
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", SCOPE)];
        form.extend(more);
        self.token(tenant, &form).await
    }
}

fn redemption(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", HOME),
        ("code_verifier", VERIFIER),
        ("client_info", "1"),
    ]
}

fn claims(token: &Value) -> Value {
    let part = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[track_caller]
fn refused(answer: &(StatusCode, Value), error: &str, number: u32) {
    let (status, body) = answer;
    assert_eq!((&body["error"], &body["error_codes"]), (&json!(error), &json!([number])), "{body}");
    assert!(status.is_client_error(), "{status}");
    let description = body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{number}: ")), "{description}");
    for part in ["Trace ID: ", "Correlation ID: ", "Timestamp: "] {
        assert!(description.contains(part), "{description}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_click_signs_a_user_in_and_the_tokens_say_who_it_is() {
    let browser = Browser::start().await;
    let page = browser.page("organizations", &[("nonce", "n-0S6"), ("client_info", "1")]);
    let shown = browser.http.get(page.clone()).send().await.unwrap();
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().contains("script-src 'self'"));
    let html = shown.text().await.unwrap();
    for user in ["Ada Lovelace", "ada@contoso.onmicrosoft.com", "Grace Hopper", "edsger@fabrikam.onmicrosoft.com"] {
        assert!(html.contains(user), "{user}: {html}");
    }
    let back = browser.press(&page, &[("account", "ada")]).await;
    assert_eq!(back["state"], "as <it> was");

    let (status, body) = browser.redeem("organizations", &back["code"]).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let ada = browser.azure.account("ada").clone();
    let id = claims(&body["id_token"]);
    assert_eq!(
        [&id["preferred_username"], &id["oid"], &id["tid"], &id["nonce"], &id["aud"], &id["ver"]],
        [
            &json!("ada@contoso.onmicrosoft.com"),
            &json!(ada.object_id),
            &json!(ada.tenants[0]),
            &json!("n-0S6"),
            &json!(AZURE_CLI),
            &json!("2.0")
        ]
    );
    let info = URL_SAFE_NO_PAD.decode(body["client_info"].as_str().unwrap()).unwrap();
    let info: Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(info, json!({ "uid": ada.object_id, "utid": ada.tenants[0] }));
    assert!(body["scope"].as_str().unwrap().contains("https://management.azure.com/.default"), "{body}");
    let access = claims(&body["access_token"]);
    assert_eq!(
        [&access["upn"], &access["idtyp"], &access["appid"], &access["aud"]],
        ["ada@contoso.onmicrosoft.com", "user", AZURE_CLI, "https://management.azure.com"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_access_is_from_the_user_who_made_it() {
    let mut browser = Browser::start().await;
    let tokens = browser.sign_in("ada").await;
    browser.azure.token = tokens["access_token"].as_str().unwrap().to_owned();
    let answer = browser.azure.initiate("jump-eu", json!({ "duration": "PT1H" })).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["requestor"], "ada@contoso.onmicrosoft.com");
    let policy = browser.azure.get(&browser.azure.policy("jump-eu")).await;
    assert_eq!(policy["properties"]["requests"][0]["requestor"], "ada@contoso.onmicrosoft.com");

    let grace = browser.sign_in("grace").await;
    browser.azure.token = grace["access_token"].as_str().unwrap().to_owned();
    let (status, code, message) =
        crate::client::error(browser.azure.initiate("jump-eu", json!({ "duration": "PT1H" })).await).await;
    assert_eq!((status, code.as_str()), (403, "AuthorizationFailed"));
    assert!(message.starts_with("The client 'grace@contoso.onmicrosoft.com' with object id '"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_once_for_its_client_address_and_verifier_and_for_ten_minutes() {
    let browser = Browser::start().await;
    let code = browser.code("organizations", "ada", &[]).await;
    let with = |name: &'static str, value: &'static str| {
        let mut form = redemption(&code).to_vec();
        form.retain(|(known, _)| *known != name);
        form.extend((!value.is_empty()).then_some((name, value)));
        form
    };
    let other_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXX";
    for (form, error, number) in [
        (with("code_verifier", other_verifier), "invalid_grant", 501_481),
        (with("code_verifier", "short"), "invalid_grant", 501_481),
        (with("code_verifier", ""), "invalid_request", 900_144),
        (with("redirect_uri", "http://localhost:51235"), "invalid_grant", 500_112),
        (with("client_id", "1950a258-227b-4e31-a9cf-717495945fc2"), "invalid_grant", 70_000),
        (with("code", "1.nonsense"), "invalid_grant", 70_000),
        (with("client_secret", "x"), "invalid_client", 700_025),
        (with("client_id", "99999999-9999-4999-8999-999999999999"), "unauthorized_client", 700_016),
        (with("grant_type", "password"), "unsupported_grant_type", 70_003),
    ] {
        refused(&browser.token("organizations", &form).await, error, number);
    }
    refused(&browser.redeem(&browser.tenant(1), &code).await, "invalid_grant", 700_005);
    // What was refused for the tenant was redeemed all the same.
    refused(&browser.redeem("organizations", &code).await, "invalid_grant", 54_005);

    let code = browser.code("organizations", "ada", &[]).await;
    assert_eq!(browser.redeem("organizations", &code).await.0, StatusCode::OK);
    refused(&browser.redeem("organizations", &code).await, "invalid_grant", 54_005);

    let code = browser.code("organizations", "ada", &[]).await;
    browser.azure.set("advance", json!({ "seconds": 601 })).await;
    refused(&browser.redeem("organizations", &code).await, "invalid_grant", 70_008);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_is_told_to_the_application_or_to_the_user() {
    let browser = Browser::start().await;
    // Without a good address there is no application to tell.
    for (more, number) in [
        (("redirect_uri", "http://127.0.0.1:51234"), 50_011),
        (("redirect_uri", "https://evil.example/<script>"), 50_011),
        (("client_id", "99999999-9999-4999-8999-999999999999"), 700_016),
    ] {
        let answer = browser.http.get(browser.page("organizations", &[more])).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let html = answer.text().await.unwrap();
        assert!(html.contains(&format!("AADSTS{number}: ")) && !html.contains("<script>"), "{html}");
    }
    for (more, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("prompt", "none"), "login_required"),
        (("code_challenge", "short"), "invalid_request"),
        (("scope", "https://a/x https://b/y"), "invalid_scope"),
        (("scope", ""), "invalid_request"),
        (("scope", "https://nobody.example/.default"), "invalid_resource"),
        (("prompt", "foo"), "invalid_request"),
    ] {
        let answer = browser.http.get(browser.page("organizations", &[more])).send().await.unwrap();
        let to = reqwest::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let told: HashMap<_, _> = to.query_pairs().into_owned().collect();
        assert_eq!((told["error"].as_str(), told["state"].as_str()), (error, "as <it> was"), "{more:?}");
        assert!(told["error_description"].starts_with("AADSTS"), "{told:?}");
    }
    let page = browser.page("organizations", &[]);
    assert_eq!(browser.press(&page, &[("cancel", "1")]).await["error"], "access_denied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_comes_back_as_the_application_wants_it() {
    let browser = Browser::start().await;
    let page = browser.page("organizations", &[("response_mode", "fragment")]);
    let answer = browser.http.post(page).form(&[("account", "ada")]).send().await.unwrap();
    let to = answer.headers()["location"].to_str().unwrap();
    assert!(to.starts_with(&format!("{HOME}/#code=")), "{to}");

    let page = browser.page("organizations", &[("response_mode", "form_post")]);
    let answer = browser.http.post(page).form(&[("account", "ada")]).send().await.unwrap();
    let html = answer.text().await.unwrap();
    assert!(html.contains(&format!("<form method=\"post\" action=\"{HOME}/\">")), "{html}");
    assert!(html.contains("name=\"state\" value=\"as &lt;it&gt; was\""), "{html}");

    // A hint leaves one account; asked for explicitly, all are shown.
    let hinted = [("login_hint", "grace@contoso.onmicrosoft.com")];
    let html = browser.http.get(browser.page("common", &hinted)).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("Grace Hopper") && !html.contains("Ada Lovelace"), "{html}");
    let all = [hinted[0], ("prompt", "select_account")];
    let html = browser.http.get(browser.page("common", &all)).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("Grace Hopper") && html.contains("Ada Lovelace"), "{html}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_is_replaced_by_each_use_and_is_good_in_every_tenant_of_the_user() {
    let mut browser = Browser::start().await;
    let first = browser.sign_in("ada").await;
    let (status, second) = browser.refresh("organizations", &first, &[]).await;
    assert_eq!(status, StatusCode::OK, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    // The old one is not called back by that.
    assert_eq!(browser.refresh("organizations", &first, &[]).await.0, StatusCode::OK);

    let (fabrikam, research) = (browser.tenant(1), "Fabrikam Research");
    let (_, there) = browser.refresh(&fabrikam, &second, &[]).await;
    let guest = claims(&there["access_token"]);
    assert_eq!((&guest["tid"], &guest["email"]), (&json!(fabrikam), &json!("ada@contoso.onmicrosoft.com")));
    assert_ne!(guest["oid"], json!(browser.azure.account("ada").object_id));
    browser.azure.token = there["access_token"].as_str().unwrap().to_owned();
    let seen = browser.azure.get("/subscriptions").await;
    assert_eq!(seen["value"].as_array().unwrap().iter().map(|one| &one["displayName"]).collect::<Vec<_>>(), [research]);
    assert_eq!(browser.azure.get("/tenants").await["value"].as_array().unwrap().len(), 2);

    // Grace is no guest there. Microsoft's own applications are a family that share; any other can't use Ada's.
    let grace = browser.sign_in("grace").await;
    refused(&browser.refresh(&fabrikam, &grace, &[]).await, "invalid_grant", 50_020);
    let powershell = [("client_id", "1950a258-227b-4e31-a9cf-717495945fc2")];
    let (status, shared) = browser.refresh("organizations", &second, &powershell).await;
    assert_eq!((status, &shared["foci"]), (StatusCode::OK, &json!("1")));
    assert_eq!(claims(&shared["access_token"])["appid"], powershell[0].1);
    let announce = browser.azure.simulator.announce();
    let app = announce.client_id.to_string();
    let stranger = [("client_id", app.as_str()), ("client_secret", announce.client_secret.as_str())];
    refused(&browser.refresh("organizations", &second, &stranger).await, "invalid_grant", 70_000);
    let nonsense = json!({ "refresh_token": "nonsense" });
    refused(&browser.refresh("organizations", &nonsense, &[]).await, "invalid_grant", 9_002_313);

    browser.azure.set("advance", json!({ "seconds": 91 * 86_400 })).await;
    refused(&browser.refresh("organizations", &second, &[]).await, "invalid_grant", 700_082);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_signed_in_by_the_code_that_is_typed_elsewhere() {
    let browser = Browser::start().await;
    let base = browser.azure.simulator.announce().authority.clone();
    let ask = async || -> Value {
        let form = [("client_id", AZURE_CLI), ("scope", SCOPE)];
        let url = format!("{base}/organizations/oauth2/v2.0/devicecode");
        browser.http.post(url).form(&form).send().await.unwrap().json().await.unwrap()
    };
    let poll = async |device: &Value| {
        let code = device["device_code"].as_str().unwrap();
        let grant = "urn:ietf:params:oauth:grant-type:device_code";
        browser.token("organizations", &[("grant_type", grant), ("device_code", code)]).await
    };
    let device = ask().await;
    let (user_code, page) = (device["user_code"].as_str().unwrap(), device["verification_uri"].as_str().unwrap());
    assert!(device["message"].as_str().unwrap().contains(user_code) && device["interval"].is_u64(), "{device}");
    refused(&poll(&device).await, "authorization_pending", 70_016);
    refused(&poll(&device).await, "slow_down", 70_016);

    let html = browser.http.get(page).send().await.unwrap().text().await.unwrap();
    assert!(html.contains("name=\"otc\""), "{html}");
    let type_in =
        async |form: &[(&str, &str)]| browser.http.post(page).form(form).send().await.unwrap().text().await.unwrap();
    assert!(type_in(&[("otc", "WRONG<b>")]).await.contains("That code didn&#39;t work"));
    let small = user_code.to_ascii_lowercase();
    assert!(type_in(&[("otc", &small)]).await.contains("Ada Lovelace"));
    assert!(
        type_in(&[("otc", user_code), ("account", "ada")]).await.contains("You have signed in to Microsoft Azure CLI")
    );
    let (status, tokens) = poll(&device).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(claims(&tokens["id_token"])["preferred_username"], "ada@contoso.onmicrosoft.com");
    refused(&poll(&device).await, "invalid_grant", 70_000);
    assert!(type_in(&[("otc", user_code)]).await.contains("That code didn&#39;t work"), "used up");

    let declined = ask().await;
    type_in(&[("otc", declined["user_code"].as_str().unwrap()), ("cancel", "1")]).await;
    refused(&poll(&declined).await, "authorization_declined", 65_004);

    let (expired, approved) = (ask().await, ask().await);
    type_in(&[("otc", approved["user_code"].as_str().unwrap()), ("account", "ada")]).await;
    browser.azure.set("advance", json!({ "seconds": 901 })).await;
    for device in [&expired, &approved] {
        refused(&poll(device).await, "expired_token", 70_020);
    }
    refused(&poll(&json!({ "device_code": "nonsense" })).await, "bad_verification_code", 70_018);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_demand_on_an_account_is_refused_by_its_number_until_it_is_lifted() {
    let browser = Browser::start().await;
    let tokens = browser.sign_in("ada").await;
    for (demand, error, number, suberror) in [
        ("mfa", "interaction_required", 50_076, "basic_action"),
        ("mfaEnrolment", "interaction_required", 50_079, "basic_action"),
        ("mfaEnrolmentHere", "interaction_required", 50_072, "basic_action"),
        ("mfaExpired", "interaction_required", 50_078, "basic_action"),
        ("strongAuthentication", "interaction_required", 50_074, "basic_action"),
        ("consent", "invalid_grant", 65_001, "consent_required"),
        ("blocked", "interaction_required", 53_003, "message_only"),
        ("compliantDevice", "interaction_required", 53_000, "message_only"),
        ("notAssigned", "invalid_grant", 50_105, ""),
        ("disabled", "invalid_grant", 50_057, ""),
        ("passwordExpired", "invalid_grant", 50_055, "user_password_expired"),
        ("signInFrequency", "invalid_grant", 70_043, "bad_token"),
        ("sessionExpired", "invalid_grant", 70_044, "bad_token"),
        ("refreshTokenExpired", "invalid_grant", 700_082, ""),
        ("guestPending", "invalid_grant", 50_014, ""),
    ] {
        browser.azure.set("accounts", json!({ "account": "ada", "demand": demand })).await;
        let answer = browser.refresh("organizations", &tokens, &[]).await;
        refused(&answer, error, number);
        assert_eq!(answer.1["suberror"].as_str().unwrap_or_default(), suberror, "{demand}");
    }
    browser.azure.set("accounts", json!({ "account": "ada", "demand": "unavailable" })).await;
    assert_eq!(browser.refresh("organizations", &tokens, &[]).await.0, StatusCode::SERVICE_UNAVAILABLE);
    browser.azure.set("accounts", json!({ "account": "ada", "demand": "none" })).await;
    assert_eq!(browser.refresh("organizations", &tokens, &[]).await.0, StatusCode::OK);

    let wrong = browser.azure.control("accounts", json!({ "account": "ada", "demand": "tea" })).await;
    let (status, _, message) = crate::client::error(wrong).await;
    assert!(status == 400 && message.contains("'tea'") && message.contains("mfaEnrolment"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_can_do_about_a_demand_takes_one_more_click() {
    let browser = Browser::start().await;
    browser.azure.set("accounts", json!({ "account": "ada", "demand": "mfa" })).await;
    let page = browser.page("organizations", &[]);
    let answer = browser.http.post(page.clone()).form(&[("account", "ada")]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.text().await.unwrap().contains("Approve sign-in request"));
    let code = browser.press(&page, &[("account", "ada"), ("met", "1")]).await["code"].clone();
    let (_, tokens) = browser.redeem("organizations", &code).await;
    assert_eq!(claims(&tokens["access_token"])["amr"], json!(["pwd", "mfa"]));
    assert_eq!(browser.refresh("organizations", &tokens, &[]).await.0, StatusCode::OK);

    // About being blocked nobody can do anything on the page.
    browser.azure.set("accounts", json!({ "account": "ada", "demand": "blocked" })).await;
    let answer = browser.http.post(page).form(&[("account", "ada"), ("met", "1")]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(answer.text().await.unwrap().contains("AADSTS53003: "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_tenant_demands_of_its_guest_is_met_there_and_nowhere_else() {
    let browser = Browser::start().await;
    let (home, guest) = (browser.tenant(0), browser.tenant(1));
    browser.azure.set("accounts", json!({ "account": "ada", "demand": "mfa", "tenant": guest })).await;
    let told = browser.azure.look("accounts").await;
    let ada = told.as_array().unwrap().iter().find(|account| account["account"] == "ada").unwrap();
    assert_eq!((&ada["demand"], &ada["demandOf"][&guest]), (&Value::Null, &json!("mfa")), "{ada}");
    let first = browser.sign_in("ada").await;
    assert_eq!(browser.refresh(&home, &first, &[]).await.0, StatusCode::OK);
    let refusal = browser.refresh(&guest, &first, &[]).await;
    refused(&refusal, "interaction_required", 50_076);
    for (tenant, wants_more, met) in [("organizations", true, false), (guest.as_str(), true, true)] {
        let page = browser.page(tenant, &[("claims", refusal.1["claims"].as_str().unwrap())]);
        let asked = browser.http.post(page.clone()).form(&[("account", "ada")]).send().await.unwrap();
        assert_eq!(asked.status() == StatusCode::OK, wants_more, "{tenant}");
        let code = browser.press(&page, &[("account", "ada"), ("met", "1")]).await["code"].clone();
        let (_, tokens) = browser.redeem(tenant, &code).await;
        assert_eq!(browser.refresh(&guest, &tokens, &[]).await.0 == StatusCode::OK, met, "{tenant}");
        // Who it is at home is told by neither the tenant nor the object of the token.
        let told = URL_SAFE_NO_PAD.decode(tokens["client_info"].as_str().unwrap()).unwrap();
        let (told, id): (Value, Value) = (serde_json::from_slice(&told).unwrap(), claims(&tokens["id_token"]));
        assert_eq!((&told["utid"], id["tid"] == json!(home)), (&json!(home), tenant == "organizations"));
        assert_eq!(told["uid"] == id["oid"], tenant == "organizations");
    }
    browser.azure.set("accounts", json!({ "account": "ada", "demand": "none", "tenant": guest })).await;
    assert_eq!(browser.refresh(&guest, &first, &[]).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_called_back_is_refused_and_a_new_sign_in_is_good_again() {
    let mut browser = Browser::start().await;
    let cp1 = [("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#)];
    let first = browser.sign_in("ada").await;
    let (_, capable) = browser.refresh("organizations", &first, &cp1).await;
    assert!(capable["expires_in"].as_i64().unwrap() > 20 * 3600, "{capable}");
    browser.azure.set("accounts", json!({ "account": "ada", "revoke": true })).await;
    refused(&browser.refresh("organizations", &first, &[]).await, "invalid_grant", 50_173);

    let base = browser.azure.simulator.announce().resource_manager.clone();
    let url = format!("{base}/subscriptions?api-version=2022-12-01");
    let with = |token: &Value| browser.azure.http.get(&url).bearer_auth(token.as_str().unwrap()).send();
    // A client that can't handle challenges keeps its token until it expires.
    assert_eq!(with(&first["access_token"]).await.unwrap().status(), StatusCode::OK);
    let answer = with(&capable["access_token"]).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.starts_with("Bearer ") && challenge.contains("error=\"insufficient_claims\""), "{challenge}");
    let (_, rest) = challenge.split_once("claims=\"").unwrap();
    let wanted = base64::engine::general_purpose::STANDARD.decode(rest.trim_end_matches('"')).unwrap();
    let wanted: Value = serde_json::from_slice(&wanted).unwrap();
    assert_eq!(wanted["access_token"]["nbf"]["essential"], true, "{wanted}");

    let again = browser.sign_in("ada").await;
    let (_, newer) = browser.refresh("organizations", &again, &cp1).await;
    let nbf: i64 = wanted["access_token"]["nbf"]["value"].as_str().unwrap().parse().unwrap();
    assert!(claims(&newer["access_token"])["iat"].as_i64().unwrap() >= nbf);
    browser.azure.token = newer["access_token"].as_str().unwrap().to_owned();
    browser.azure.get("/subscriptions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_for_others_and_forged_ones_do_not_let_one_in() {
    let browser = Browser::start().await;
    let tokens = browser.sign_in("ada").await;
    let (_, graph) = browser.refresh("organizations", &tokens, &[("scope", "openid profile")]).await;
    let mut forged: Vec<String> = tokens["access_token"].as_str().unwrap().split('.').map(str::to_owned).collect();
    let mut claims = claims(&tokens["access_token"]);
    claims["oid"] = json!(browser.azure.account("app").object_id);
    forged[1] = URL_SAFE_NO_PAD.encode(claims.to_string());
    let base = &browser.azure.simulator.announce().resource_manager;
    for (token, code) in [
        (graph["access_token"].as_str().unwrap(), "InvalidAuthenticationTokenAudience"),
        (forged.join(".").as_str(), "InvalidAuthenticationToken"),
        ("nonsense", "InvalidAuthenticationToken"),
    ] {
        let url = format!("{base}/subscriptions?api-version=2022-12-01");
        let answer = browser.http.get(url).bearer_auth(token).send().await.unwrap();
        assert!(answer.headers()["www-authenticate"].to_str().unwrap().contains("error=\"invalid_token\""));
        assert_eq!(answer.headers()["x-ms-failure-cause"], "gateway");
        let (status, its_code, _) = crate::client::error(answer).await;
        assert_eq!((status, its_code.as_str()), (401, code));
    }
}

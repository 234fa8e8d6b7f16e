//! The browser's way.

use ajar_core::failure::{ClientFlaw, Failure};
use url::Url;

use super::*;

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

#[tokio::test]
async fn a_person_signs_in_with_the_browser_and_reads_a_vm() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (account, signed_in) = azure.ada(&drawer).await;
    assert_eq!(signed_in.username.as_deref(), Some("ada@contoso.onmicrosoft.com"));
    let (_, tenant) = signed_in.home_account_id.split_once('.').unwrap();
    assert_eq!(tenant, azure.simulator.announce().tenant_id.to_string());
    assert_eq!(signed_in.tenant_id.as_deref(), Some(tenant));
    azure.reads(&account, Some(tenant), &azure.vm("home")).await.unwrap();
    // The sign-in brought a token for that.
    assert_eq!(azure.posts("/token").await, 1);
}

#[tokio::test]
async fn the_browser_is_asked_for_all_that_the_specifications_want() {
    let azure = azure().await;
    let first = azure.begin(ada(), None).await;
    let of = |name| parameter(first.url(), name);
    assert_eq!(first.url().path(), "/organizations/oauth2/v2.0/authorize");
    assert_eq!(of("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(of("code_challenge").map(|challenge| challenge.len()), Some(43));
    assert!(of("state").is_some_and(|state| state.len() >= 16));
    assert_eq!(of("prompt").as_deref(), Some("select_account"));
    assert_eq!(of("claims").as_deref(), Some(r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#));
    assert!(of("redirect_uri").unwrap().starts_with("http://localhost:"), "{}", first.url());
    assert_eq!(of("scope"), Some(format!("{}/.default offline_access openid profile", azure.cloud.audience)));
    let known =
        Person { username: Some("ada@contoso.example".into()), tenant: Some("contoso.example".into()), ..ada() };
    let again = azure.begin(known, None).await;
    assert_eq!(again.url().path(), "/contoso.example/oauth2/v2.0/authorize");
    assert_eq!(parameter(again.url(), "login_hint").as_deref(), Some("ada@contoso.example"));
    assert_eq!(parameter(again.url(), "prompt"), None);
    assert_ne!(parameter(again.url(), "state"), of("state"));
    assert_ne!(parameter(again.url(), "code_challenge"), of("code_challenge"));
}

#[tokio::test]
async fn a_code_with_another_state_is_not_taken_and_the_sign_in_goes_on() {
    let azure = azure().await;
    let sign_in = azure.begin(ada(), None).await;
    let page = sign_in.url().clone();
    let browser = async {
        let right = azure.click(&page, &[("account", "ada")]).await.unwrap();
        let mut wrong = right.clone();
        wrong.query_pairs_mut().clear().append_pair("code", "stolen").append_pair("state", "guessed");
        let shown = azure.follow(wrong).await;
        assert!(shown.contains("Not this sign-in"), "{shown}");
        assert_eq!(azure.posts("/token").await, 0, "the stolen code was redeemed");
        azure.follow(right).await
    };
    let (signed_in, shown) = tokio::join!(sign_in.finish(), browser);
    assert!(shown.contains("You can close this page"), "{shown}");
    assert!(signed_in.is_ok(), "{signed_in:?}");
}

#[tokio::test]
async fn a_code_that_was_redeemed_before_signs_nobody_in() {
    let azure = azure().await;
    let sign_in = azure.begin(ada(), None).await;
    let page = sign_in.url().clone();
    let back = azure.click(&page, &[("account", "ada")]).await.unwrap();
    // Somebody else has seen the code and is quicker; without the verifier it is worth nothing, and with it the second
    // one is refused.
    azure.control("faults", serde_json::json!({ "match": { "path": "*/token" }, "fault": "resetAfter" })).await;
    let (lost, _) = tokio::join!(sign_in.finish(), azure.follow(back));
    assert!(matches!(lost.unwrap_err().failure, Failure::Unreachable { .. }));
    assert_eq!(azure.posts("/token").await, 1, "a code is sent once");
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_the_verifier_of_its_own_sign_in() {
    let azure = azure().await;
    let (victim, thief) = (azure.begin(ada(), None).await, azure.begin(ada(), None).await);
    let back = azure.click(victim.url(), &[("account", "ada")]).await.unwrap();
    let mut injected: Url = parameter(thief.url(), "redirect_uri").unwrap().parse().unwrap();
    injected
        .query_pairs_mut()
        .append_pair("code", &parameter(&back, "code").unwrap())
        .append_pair("state", &parameter(thief.url(), "state").unwrap());
    let (result, _) = tokio::join!(thief.finish(), azure.follow(injected));
    assert_eq!(result.unwrap_err().failure, Failure::SignInNotCompleted, "no sign-in has run out");
}

#[tokio::test]
async fn a_late_callback_of_an_older_sign_in_changes_nothing() {
    let azure = azure().await;
    let older = azure.begin(ada(), None).await;
    let late = azure.click(older.url(), &[("account", "grace")]).await.unwrap();
    let newer = azure.begin(ada(), None).await;
    drop(older);
    assert!(azure.browser.get(late.clone()).send().await.is_err(), "somebody still listens for the older one");
    let page = newer.url().clone();
    let browser = async {
        // Even where it gets to the newer one's port.
        let own: Url = parameter(&page, "redirect_uri").unwrap().parse().unwrap();
        let mut late = late;
        late.set_port(own.port()).unwrap();
        assert!(azure.follow(late).await.contains("Not this sign-in"));
        azure.follow(azure.click(&page, &[("account", "ada")]).await.unwrap()).await
    };
    let (signed_in, _) = tokio::join!(newer.finish(), browser);
    assert_eq!(signed_in.unwrap().username.as_deref(), Some("ada@contoso.onmicrosoft.com"));
}

#[tokio::test]
async fn who_declines_is_told_so() {
    let azure = azure().await;
    let sign_in = azure.begin(ada(), None).await;
    let back = azure.click(sign_in.url(), &[("cancel", "1")]).await.unwrap();
    let (result, shown) = tokio::join!(sign_in.finish(), azure.follow(back));
    let trouble = result.unwrap_err();
    assert_eq!(trouble.failure, Failure::SignInDeclined);
    assert!(trouble.correlation_id.is_some_and(|ids| ids.contains(", trace ")));
    assert!(shown.contains("Not signed in") && !shown.contains("AADSTS"), "{shown}");
}

#[tokio::test]
async fn nobody_is_waited_for_longer_than_five_minutes() {
    let azure = azure().await;
    let sign_in = azure.begin(ada(), None).await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let failure = sign_in.finish().await.unwrap_err().failure;
    assert_eq!((failure, began.elapsed().as_secs()), (Failure::SignInTimedOut, 300));
}

#[tokio::test]
async fn an_application_that_cannot_sign_people_in_is_told_for_what_it_lacks() {
    let azure = azure().await;
    let of = |client_id: &str| Person { client_id: client_id.into(), ..ada() };
    let code = |person| {
        let azure = &azure;
        async move {
            let started = ajar_azure::DeviceCodeSignIn::begin(&azure.cloud, azure.http.clone(), person, None).await;
            started.unwrap_err().failure
        }
    };
    let unknown = "00000000-1111-2222-3333-444444444444";
    let expected =
        Failure::ClientUnknown { client_id: unknown.into(), tenant: "organizations".into(), flaw: ClientFlaw::Unknown };
    assert_eq!(code(of(unknown)).await, expected);
    // The service principal wants its secret.
    let confidential = azure.simulator.announce().client_id.to_string();
    let sign_in = azure.begin(of(&confidential), None).await;
    let failure = azure.browse(sign_in, "ada").await.unwrap_err().failure;
    assert!(matches!(failure, Failure::ClientUnknown { flaw: ClientFlaw::NotPublic, .. }), "{failure:?}");
}

//! No token gets to another host than its own cloud's, whatever an answer says. Both hosts are servers of the test's own
//! with certificates that the client trusts: nothing but the client itself keeps a token from the other one.

use std::sync::Arc;

use ajar_azure::{
    ArmClient, ClientProof, Cloud, Http, Person, SignIn, TokenCredential, Wanted, http_client, tenant_of,
};
use ajar_core::failure::Failure;
use ajar_core::resource_id::VmResourceId;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenRequestOptions};
use time::OffsetDateTime;

use crate::people::{AJAR, Drawer};
use crate::tls_server::Server;

/// The secret that must not get about.
const CANARY: &str = "canary-canary-canary";

#[derive(Debug)]
struct Canary;

#[async_trait]
impl TokenCredential for Canary {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new(CANARY, OffsetDateTime::now_utc() + std::time::Duration::from_hours(1)))
    }
}

/// A server with one text as the answer to each request.
fn server(answer: impl Fn(&str) -> String + Send + 'static) -> Server {
    Server::start(move |request, tls| tls.write_all(answer(request).as_bytes()))
}

fn reply(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{headers}\r\n{body}"
    )
}

/// The cloud that `ours` is, in which the client trusts `theirs` as well.
fn cloud(ours: &Server, theirs: &Server) -> (Cloud, Http) {
    let cloud = ours.cloud(&[theirs]);
    let http = http_client(&cloud).unwrap();
    (cloud, http)
}

fn vm() -> VmResourceId {
    let id = "/subscriptions/5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001/resourceGroups/g/providers/\
              Microsoft.Compute/virtualMachines/v";
    id.parse().unwrap()
}

/// Another cloud's resource manager, which would be glad of a token.
fn theirs() -> Server {
    server(|_| reply(200, "", r#"{"value":[],"status":"Succeeded"}"#))
}

#[tokio::test]
async fn redirects_and_links_to_another_host_are_followed_by_nobody() {
    let theirs = theirs();
    let to = theirs.url.clone();
    let ours = server(move |request| {
        let page = format!(r#"{{"value":[],"nextLink":"{to}/next"}}"#);
        match request {
            _ if request.contains("/jitNetworkAccessPolicies?") => reply(200, "", &page),
            _ if request.contains("/permissions?") => reply(200, "", &page),
            _ if request.contains("/tenants?") || request.contains("/subscriptions?") => reply(200, "", &page),
            _ if request.contains("/resources?") => reply(403, "", ""),
            _ if request.contains("/start?") => {
                reply(202, &format!("azure-asyncoperation: {to}/operation\r\nlocation: {to}/result\r\n"), "")
            }
            _ if request.contains("/deallocate?") => reply(202, &format!("location: {to}/result\r\n"), ""),
            _ => reply(307, &format!("location: {to}/moved\r\n"), ""),
        }
    });
    let (cloud, http) = cloud(&ours, &theirs);
    let client = ArmClient::new(&cloud, Arc::new(Canary), http).unwrap();
    let (vm, wanted) = (vm(), Wanted::new());
    let (tenants, inventory, machine, policies, granted, started, stopped) = tokio::join!(
        client.tenants(),
        client.inventory(&drop),
        client.virtual_machine(&vm),
        client.jit_policies(&vm),
        client.granted(&vm),
        client.start(&vm, &wanted),
        client.deallocate(&vm, &wanted, &|| {})
    );
    assert!(tenants.is_err() && inventory.is_err());
    assert!(machine.is_err() && policies.is_err() && granted.is_err() && started.is_err() && stopped.is_err());
    let asked = ours.asked();
    let bearing = asked.iter().filter(|request| request.contains(CANARY)).count();
    assert!(bearing >= 8 && bearing == asked.len(), "{bearing} of {} had the token", asked.len());
    assert_eq!(theirs.asked(), Vec::<String>::new());
}

/// An authority that gives the canary to everybody, and a resource manager that has nothing.
fn generous() -> Server {
    server(|request| {
        let token = format!(r#"{{"token_type":"Bearer","expires_in":3600,"access_token":"{CANARY}"}}"#);
        reply(200, "", if request.starts_with("POST ") { &token } else { r#"{"value":[]}"# })
    })
}

#[tokio::test]
async fn a_client_of_one_cloud_has_no_token_for_another_resource_manager() {
    let (ours, theirs) = (generous(), theirs());
    let (cloud, http) = cloud(&ours, &theirs);
    let elsewhere = Cloud { resource_manager: theirs.url.parse().unwrap(), ..cloud.clone() };
    let drawer = Arc::new(Drawer::keeping("o.t", "refresh"));
    let person = Person { account: "work".into(), client_id: AJAR.into(), tenant: None, username: None };
    for sign_in in [
        SignIn::Person { person, home_account_id: "o.t".into(), refresh_tokens: drawer },
        SignIn::ServicePrincipal {
            account: "environment".into(),
            tenant_id: "t".into(),
            client_id: "c".into(),
            proof: ClientProof::Secret("s".to_owned().into()),
        },
    ] {
        let credential = sign_in.credential(&cloud, http.clone()).unwrap().in_tenant(None);
        // At home the same account is let in: what keeps its token from going elsewhere is nothing but where that is.
        let home = ArmClient::new(&cloud, Arc::clone(&credential), http.clone()).unwrap();
        home.jit_policies(&vm()).await.unwrap();
        assert!(ours.asked().last().unwrap().contains(CANARY));
        let before = ours.asked().len();

        // Whoever mixes two clouds up, with a token in hand or without one, sends none.
        for credential in [credential, sign_in.credential(&cloud, http.clone()).unwrap().in_tenant(None)] {
            let client = ArmClient::new(&elsewhere, credential, http.clone()).unwrap();
            let failure = client.jit_policies(&vm()).await.unwrap_err().failure;
            let Failure::Internal { detail } = failure else { panic!("{failure:?}") };
            assert!(detail.starts_with("refused to get a token of another cloud"), "{detail}");
        }
        assert_eq!(theirs.asked(), Vec::<String>::new());
        assert_eq!(ours.asked().len(), before, "no token was even asked for");
    }
}

#[tokio::test]
async fn a_refresh_token_is_not_taken_along_by_a_redirect_of_the_authority() {
    let theirs = theirs();
    let to = theirs.url.clone();
    let ours = server(move |_| reply(307, &format!("location: {to}/token\r\n"), ""));
    let (cloud, http) = cloud(&ours, &theirs);
    let drawer = Arc::new(Drawer::keeping("o.t", CANARY));
    let person = Person { account: "work".into(), client_id: AJAR.into(), tenant: None, username: None };
    let sign_in = SignIn::Person { person, home_account_id: "o.t".into(), refresh_tokens: drawer };
    let credential = sign_in.credential(&cloud, http.clone()).unwrap().in_tenant(None);
    let client = ArmClient::new(&cloud, credential, http).unwrap();
    let failure = client.virtual_machine(&vm()).await.unwrap_err().failure;
    assert!(matches!(failure, Failure::NotFromAzure { status: 307, .. }), "{failure:?}");
    assert!(ours.asked().iter().all(|request| request.starts_with("POST /t/oauth2/v2.0/token")));
    assert!(ours.asked()[0].contains(CANARY));
    assert_eq!(theirs.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn whose_a_subscription_is_is_asked_without_a_token_and_signs_in_at_no_other_authority() {
    const TENANT: &str = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02";
    let theirs = theirs();
    let to = theirs.url.clone();
    let ours = server(move |_| {
        let challenge =
            format!("www-authenticate: Bearer authorization_uri=\"{to}/{TENANT}\", error=\"invalid_token\"\r\n");
        reply(401, &challenge, r#"{"error":{"code":"AuthenticationFailed","message":"No."}}"#)
    });
    let (cloud, http) = cloud(&ours, &theirs);
    assert_eq!(tenant_of(&cloud, http, "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001").await.unwrap(), TENANT);
    let asked = ours.asked();
    assert!(asked.len() == 1 && !asked[0].to_ascii_lowercase().contains("authorization:"), "{asked:?}");
    assert_eq!(theirs.asked(), Vec::<String>::new());
}

//! No token gets to another host than its own cloud's, whatever an answer says. Both hosts are servers of the test's own
//! with certificates that the client trusts: nothing but the client itself keeps a token from the other one.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use ajar_azure::{ArmClient, Cloud, Http, Person, SignIn, TokenCredential, Wanted, http_client, tenant_of};
use ajar_core::failure::Failure;
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::CloudSettings;
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenRequestOptions};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};
use time::OffsetDateTime;

use crate::people::{AJAR, Drawer};

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

/// A server over TLS that notes what it is asked.
struct Server {
    url: String,
    pem: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request, head and body, by `answer`.
    fn start(answer: impl Fn(&str) -> String + Send + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into()).unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&asked);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                // A client that hangs up is none of its business.
                let _hung_up = serve(connection.unwrap(), Arc::clone(&config), &answer, &noting);
            }
        });
        Self { url, pem: made.cert.pem(), asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(
    mut connection: TcpStream,
    config: Arc<ServerConfig>,
    answer: &impl Fn(&str) -> String,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut tls = Stream::new(&mut session, &mut connection);
    let mut request = Vec::new();
    loop {
        let mut byte = [0];
        tls.read_exact(&mut byte)?;
        request.extend(byte);
        if let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let body: usize = length.map_or(0, |length| length.trim().parse().unwrap_or_default());
            if request.len() == head + 4 + body {
                break;
            }
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let answer = answer(&request);
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    tls.write_all(answer.as_bytes())?;
    tls.conn.send_close_notify();
    tls.flush()
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
    let settings = CloudSettings {
        authority: ours.url.clone(),
        resource_manager: ours.url.clone(),
        audience: None,
        client_id: None,
        ca_bundle: None,
        public_ip_endpoints: None,
    };
    let trusted = format!("{}{}", ours.pem, theirs.pem);
    let cloud = Cloud::from_settings("ours", &settings, Some(trusted.into_bytes())).unwrap();
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
    Server::start(|_| reply(200, "", r#"{"value":[],"status":"Succeeded"}"#))
}

#[tokio::test]
async fn redirects_and_links_to_another_host_are_followed_by_nobody() {
    let theirs = theirs();
    let to = theirs.url.clone();
    let ours = Server::start(move |request| {
        let page = format!(r#"{{"value":[],"nextLink":"{to}/next"}}"#);
        match request {
            _ if request.contains("/jitNetworkAccessPolicies?") => reply(200, "", &page),
            _ if request.contains("/permissions?") => reply(200, "", &page),
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
    assert!(client.virtual_machine(&vm).await.is_err());
    assert!(client.jit_policies(&vm).await.is_err());
    assert!(client.granted(&vm).await.is_err());
    for failed in [client.start(&vm, &wanted).await, client.deallocate(&vm, &wanted).await] {
        assert!(failed.is_err(), "{failed:?}");
    }
    let asked = ours.asked();
    let bearing = asked.iter().filter(|request| request.contains(CANARY)).count();
    assert!(bearing >= 5 && bearing == asked.len(), "{bearing} of {} had the token", asked.len());
    assert_eq!(theirs.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_client_of_one_cloud_has_no_token_for_another_resource_manager() {
    let theirs = theirs();
    let ours = Server::start(|_| reply(200, "", "{}"));
    let (cloud, http) = cloud(&ours, &theirs);
    let elsewhere = Cloud { resource_manager: theirs.url.parse().unwrap(), ..cloud.clone() };
    // Whoever mixes two clouds up gets a token of the audience asked for, and no other.
    let drawer = Arc::new(Drawer::default());
    let person = Person { account: "work".into(), client_id: AJAR.into(), tenant: None, username: None };
    let sign_in = SignIn::Person { person, home_account_id: "o.t".into(), refresh_tokens: drawer };
    let credential = sign_in.credential(&cloud, http.clone()).unwrap().in_tenant(None);
    let client = ArmClient::new(&elsewhere, credential, http).unwrap();
    assert!(client.virtual_machine(&vm()).await.is_err());
    assert_eq!(theirs.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_refresh_token_is_not_taken_along_by_a_redirect_of_the_authority() {
    let theirs = theirs();
    let to = theirs.url.clone();
    let ours = Server::start(move |_| reply(307, &format!("location: {to}/token\r\n"), ""));
    let (cloud, http) = cloud(&ours, &theirs);
    let drawer = Arc::new(Drawer::default());
    ajar_azure::RefreshTokens::store(&*drawer, "o.t", &CANARY.to_owned().into()).await.unwrap();
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
    let ours = Server::start(move |_| {
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

//! The ways to a token. Each cell has a tenant of its own, with an account that nobody else signs in to.

use std::sync::{Arc, Mutex};

use ajar_azure::{
    ArmClient, BrowserSignIn, DeviceCodeSignIn, Http, Person, RefreshTokens, SignIn, SignedIn, Stored, TokensByTenant,
};
use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use url::Url;

use crate::azure::Azure;
use crate::calls::{Called, Came, Subject, make};

/// The application that people sign in with.
const AJAR: &str = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01";

/// The secret of each application that signs in by itself.
pub(crate) const SECRET: &str = "open-sesame";

pub(crate) fn tenant(number: usize) -> String {
    format!("00000000-0000-4000-9000-{number:012}")
}

pub(crate) fn client_id(number: usize) -> String {
    format!("00000000-0000-4000-a000-{number:012}")
}

/// A cell's tenant and account, for the fleet file.
pub(crate) fn fleet(number: usize, called: Called) -> String {
    let application =
        format!("kind = \"servicePrincipal\"\nclient_id = \"{}\"\nsecret = \"{SECRET}\"\n", client_id(number));
    format!(
        "[[tenants]]\nid = \"{}\"\nname = \"t{number}\"\n[[accounts]]\nname = \"who{number}\"\ntenant = \"t{number}\"\n{}",
        tenant(number),
        if called.is_of_a_person() { "" } else { &application }
    )
}

/// The application of people, for the fleet file.
pub(crate) fn application() -> String {
    format!("[[applications]]\nclient_id = \"{AJAR}\"\nname = \"Ajar\"\nredirect_uris = [\"http://localhost\"]\n")
}

fn person(number: usize) -> Person {
    Person { account: "work".into(), client_id: AJAR.into(), tenant: Some(tenant(number)), username: None }
}

/// Signs in as far as the call that the fault is struck at, and gives what goes on from there.
pub(crate) async fn up_to(
    azure: &Azure,
    http: Http,
    called: Called,
    number: usize,
    subject: Subject,
) -> BoxFuture<'static, Came> {
    match called {
        Called::Refresh => up_to_refresh(azure, http, number).await,
        Called::Code => up_to_code(azure, http, number).await,
        Called::DeviceCode => {
            let cloud = azure.cloud.clone();
            async move { DeviceCodeSignIn::begin(&cloud, http, person(number), None).await.map(drop).into() }.boxed()
        }
        Called::DeviceGrant => up_to_device_grant(azure, http, number).await,
        Called::Secret => up_to_secret(azure, http, number, subject),
        Called::Arm(_)
        | Called::Tenant
        | Called::Identity
        | Called::Attempt(_)
        | Called::ToolToken
        | Called::ToolRead => {
            unreachable!("{called:?} is no sign-in")
        }
    }
}

async fn up_to_refresh(azure: &Azure, http: Http, number: usize) -> BoxFuture<'static, Came> {
    let cloud = azure.cloud.clone();
    let signed_in = signed_in(azure, number).await;
    let account = SignIn::Person {
        person: person(number),
        home_account_id: signed_in.home_account_id.clone(),
        refresh_tokens: Arc::new(Drawer::default()),
    };
    account.credential(&cloud, http.clone()).unwrap().signed_in(&signed_in).await.unwrap();
    // As the next run has it: with no access token yet.
    let credential = account.credential(&cloud, http).unwrap();
    async move { credential.try_out(&cloud, None).await.into() }.boxed()
}

async fn up_to_code(azure: &Azure, http: Http, number: usize) -> BoxFuture<'static, Came> {
    let sign_in = BrowserSignIn::begin(&azure.cloud, http, person(number), None).await.unwrap();
    let back = click(azure, &sign_in, number).await;
    let browser = azure.browser.clone();
    async move {
        let (signed_in, _) = tokio::join!(sign_in.finish(), browser.get(back).send());
        came(signed_in)
    }
    .boxed()
}

async fn up_to_device_grant(azure: &Azure, http: Http, number: usize) -> BoxFuture<'static, Came> {
    // It is not this call that the fault is for: what passes is waited out.
    let sign_in = loop {
        let begun = DeviceCodeSignIn::begin(&azure.cloud, http.clone(), person(number), None).await;
        if let Ok(sign_in) = begun {
            break sign_in;
        }
    };
    let account = format!("who{number}");
    let form = [("account", account.as_str()), ("otc", sign_in.user_code())];
    let typed = azure.browser.post(sign_in.verification_uri()).form(&form).send().await.unwrap();
    assert!(typed.status().is_success());
    async move { came(sign_in.finish().await) }.boxed()
}

fn up_to_secret(azure: &Azure, http: Http, number: usize, subject: Subject) -> BoxFuture<'static, Came> {
    let application = SignIn::from_environment(|name| {
        Some(match name {
            "AZURE_TENANT_ID" => tenant(number),
            "AZURE_CLIENT_ID" => client_id(number),
            _ => SECRET.to_owned(),
        })
    });
    let application = application.unwrap();
    let credential = application.credential(&azure.cloud, http.clone()).unwrap().in_tenant(None);
    let client = ArmClient::new(&azure.cloud, credential, http).unwrap().acting_as(&application, None);
    async move { make(&client, ajar_azure::Call::Vm, &subject).await }.boxed()
}

fn came(signed_in: Result<SignedIn, Trouble>) -> Came {
    signed_in.map(drop).into()
}

/// Somebody signs in whom nothing troubles.
async fn signed_in(azure: &Azure, number: usize) -> SignedIn {
    let sign_in = BrowserSignIn::begin(&azure.cloud, azure.http.clone(), person(number), None).await.unwrap();
    let back = click(azure, &sign_in, number).await;
    let (signed_in, _) = tokio::join!(sign_in.finish(), azure.browser.get(back).send());
    signed_in.unwrap()
}

/// Signs in on the page, and gives where it leads.
async fn click(azure: &Azure, sign_in: &BrowserSignIn, number: usize) -> Url {
    let account = format!("who{number}");
    let answer = azure.browser.post(sign_in.url().clone()).form(&[("account", account.as_str())]).send().await.unwrap();
    answer.headers()["location"].to_str().unwrap().parse().unwrap()
}

/// A keychain in memory.
#[derive(Debug, Default)]
struct Drawer {
    kept: Mutex<TokensByTenant>,
    changing: tokio::sync::Mutex<()>,
}

#[async_trait]
impl RefreshTokens for Drawer {
    fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.changing
    }

    async fn load(&self, _: &str) -> Result<TokensByTenant, Failure> {
        Ok(self.kept.lock().unwrap().clone())
    }

    async fn store(&self, _: &str, tokens: &TokensByTenant, _: &str) -> Result<Stored, Failure> {
        self.kept.lock().unwrap().clone_from(tokens);
        Ok(Stored::Keychain)
    }

    async fn remove(&self, _: &str) -> Result<bool, Failure> {
        Ok(!std::mem::take(&mut *self.kept.lock().unwrap()).is_empty())
    }
}

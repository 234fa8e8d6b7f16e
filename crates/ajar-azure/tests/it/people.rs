//! People who sign in with Ajar, against the simulator: its page is signed by POST, as a browser would.

mod demands;
mod device;
mod keeping;
mod page;
mod tenants;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ajar_azure::{
    ArmClient, BrowserSignIn, Credential, Limits, Person, RefreshTokens, SignIn, SignedIn, Stored, TokensByTenant,
};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::VmResourceId;
use async_trait::async_trait;
use url::Url;

use crate::azure::Azure;

/// Longer than a token of continuous access evaluation lasts.
const TWO_DAYS: i64 = 2 * 24 * 3_600;

/// The application that is registered in the fleet.
pub(crate) const AJAR: &str = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01";

const FLEET: &str = r#"
[[tenants]]
id = "e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02"
name = "Fabrikam"

[[tenants]]
id = "0b8a5c1e-2d74-4f38-9a0c-6f3d1e7b9c03"
name = "Northwind"

[[subscriptions]]
id = "5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001"
name = "Home"

[[subscriptions]]
id = "c3a8e9b2-1f64-4d0e-8a57-90b4d2f1e003"
name = "Research"
tenant = "Fabrikam"

[[subscriptions]]
id = "d90c4b7f-3e15-4a62-8c9d-5b2f7a1e6d04"
name = "Trade"
tenant = "Northwind"

[[accounts]]
name = "ada"
guest_in = ["Fabrikam", "Northwind"]

[[accounts]]
name = "grace"

[[applications]]
client_id = "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01"
name = "Ajar"
redirect_uris = ["http://localhost"]

[[applications]]
client_id = "7a2d33e1-1e4f-4b6c-8d88-9f3e62ca1b02"
name = "Elsewhere"
redirect_uris = ["https://app.example/back"]

[[vms]]
name = "home"
subscription = "Home"
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "lab"
subscription = "Research"
ports = [{ number = 22, jit = {} }]

[[vms]]
name = "desk"
subscription = "Trade"
ports = [{ number = 22, jit = {} }]
"#;

/// A keychain in memory that notes what is stored, and refuses when told to.
#[derive(Debug, Default)]
pub(crate) struct Drawer {
    kept: Mutex<HashMap<String, TokensByTenant>>,
    changing: tokio::sync::Mutex<()>,
    /// How often something was stored.
    pub(crate) stored: AtomicUsize,
    pub(crate) stuck: Mutex<bool>,
}

impl Drawer {
    /// With one token, of the home tenant.
    pub(crate) fn keeping(home: &str, token: &str) -> Self {
        let (_, tenant) = home.split_once('.').unwrap();
        let tokens = TokensByTenant::from([(tenant.to_owned(), token.to_owned().into())]);
        Self { kept: Mutex::new(HashMap::from([(home.to_owned(), tokens)])), ..Self::default() }
    }

    /// What is kept outlives the process; nothing else does.
    pub(crate) fn of_the_next_run(&self) -> Self {
        Self { kept: Mutex::new(self.kept.lock().unwrap().clone()), ..Self::default() }
    }

    pub(crate) fn holds(&self, home: &str) -> Option<TokensByTenant> {
        self.kept.lock().unwrap().get(home).cloned()
    }
}

#[async_trait]
impl RefreshTokens for Drawer {
    fn changing(&self) -> &tokio::sync::Mutex<()> {
        &self.changing
    }

    async fn load(&self, home: &str) -> Result<TokensByTenant, Failure> {
        Ok(self.holds(home).unwrap_or_default())
    }

    async fn store(&self, home: &str, tokens: &TokensByTenant, _: &str) -> Result<Stored, Failure> {
        if *self.stuck.lock().unwrap() {
            // The process ends here, as far as anybody can tell.
            std::future::pending::<()>().await;
        }
        self.stored.fetch_add(1, Ordering::Relaxed);
        self.kept.lock().unwrap().insert(home.to_owned(), tokens.clone());
        Ok(Stored::Keychain)
    }

    async fn remove(&self, home: &str) -> Result<bool, Failure> {
        Ok(self.kept.lock().unwrap().remove(home).is_some())
    }
}

pub(crate) async fn azure() -> Azure {
    Azure::start_with(Limits::default(), Some(FLEET.parse().unwrap())).await
}

pub(crate) fn ada() -> Person {
    Person { account: "work".into(), client_id: AJAR.into(), tenant: None, username: None }
}

/// Somebody at the page of the sign-in.
impl Azure {
    pub(crate) async fn begin(&self, person: Person, claims: Option<String>) -> BrowserSignIn {
        BrowserSignIn::begin(&self.cloud, self.http.clone(), person, claims).await.unwrap()
    }

    /// Posts the page's form, and gives where it leads; `None` where the page shows something itself.
    pub(crate) async fn click(&self, page: &Url, form: &[(&str, &str)]) -> Option<Url> {
        let answer = self.browser.post(page.clone()).form(form).send().await.unwrap();
        let location = answer.headers().get("location")?;
        Some(location.to_str().unwrap().parse().unwrap())
    }

    /// Goes where the page leads, as the browser does; gives what is shown there.
    pub(crate) async fn follow(&self, back: Url) -> String {
        self.browser.get(back).send().await.unwrap().text().await.unwrap()
    }

    /// Signs in as that account, meeting what is demanded.
    pub(crate) async fn browse(&self, sign_in: BrowserSignIn, account: &str) -> Result<SignedIn, Trouble> {
        let page = sign_in.url().clone();
        let browser = async {
            let back = match self.click(&page, &[("account", account)]).await {
                Some(back) => Some(back),
                None => self.click(&page, &[("account", account), ("met", "1")]).await,
            };
            self.follow(back.expect("the page leads nowhere")).await
        };
        tokio::join!(sign_in.finish(), browser).0
    }

    /// The account of a sign-in, as the next run finds it too.
    pub(crate) fn account(&self, home: &str, drawer: &Arc<Drawer>) -> Credential {
        self.account_of(ada(), home, drawer)
    }

    pub(crate) fn account_of(&self, person: Person, home: &str, drawer: &Arc<Drawer>) -> Credential {
        let refresh_tokens = Arc::clone(drawer) as Arc<dyn RefreshTokens>;
        let sign_in = SignIn::Person { person, home_account_id: home.to_owned(), refresh_tokens };
        sign_in.credential(&self.cloud, self.http.clone()).unwrap()
    }

    /// Ada, signed in.
    pub(crate) async fn ada(&self, drawer: &Arc<Drawer>) -> (Credential, SignedIn) {
        let signed_in = self.browse(self.begin(ada(), None).await, "ada").await.unwrap();
        let account = self.account(&signed_in.home_account_id, drawer);
        assert_eq!(account.signed_in(&signed_in).await, Ok(Stored::Keychain));
        (account, signed_in)
    }

    /// A client of an account in a tenant; none is the account's own.
    pub(crate) fn client_of(&self, account: &Credential, tenant: Option<&str>) -> ArmClient {
        let acting_as = SignIn::Person {
            person: ada(),
            home_account_id: String::new(),
            refresh_tokens: Arc::new(Drawer::default()),
        };
        let client = ArmClient::new(&self.cloud, account.in_tenant(tenant), self.http.clone());
        client.unwrap().acting_as(&acting_as, tenant)
    }

    pub(crate) async fn reads(
        &self,
        account: &Credential,
        tenant: Option<&str>,
        vm: &VmResourceId,
    ) -> Result<(), Failure> {
        let read = self.client_of(account, tenant).virtual_machine(vm).await;
        read.map(drop).map_err(|trouble| trouble.failure)
    }

    /// The next thing asked of the resource manager finds its token run out.
    pub(crate) async fn run_out(&self, seconds: i64) {
        self.control("advance", serde_json::json!({ "seconds": seconds })).await;
    }
}

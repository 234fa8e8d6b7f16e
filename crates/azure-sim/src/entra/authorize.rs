//! The authorize endpoint: a page with the fleet's users, one click to sign in, and the way back to the application.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, OriginalUri, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::Url;
use uuid::Uuid;

use crate::entra::client::Client;
use crate::entra::directory::Account;
use crate::entra::grants::{CodeAsk, SignIn};
use crate::entra::page::{self, Choice};
use crate::entra::random_text;
use crate::entra::refusal::{self, Refusal};
use crate::entra::resource::{self, Wanted};
use crate::entra::stamp::traced;
use crate::entra::user_grants::{client_info, no_such_guest};
use crate::fleet::TenantSpec;
use crate::latency::Wait;
use crate::world::World;

/// How the answer goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// An authorize request that can be answered by a redirect, with a code or with an error.
struct Request<'a> {
    world: &'a World,
    query: &'a HashMap<String, String>,
    client: Client<'a>,
    tenant: Option<&'a TenantSpec>,
    redirect_uri: &'a str,
    mode: ResponseMode,
    /// `resource` in place of `scope`, and none where an application wants to know the user alone.
    v1: bool,
}

/// What `prompt` can say; the older endpoint has its own words beside.
const PROMPTS: [&str; 8] =
    ["none", "login", "consent", "select_account", "create", "admin_consent", "attempt_none", "refresh_session"];

/// `GET /{tenant}/oauth2/v2.0/authorize`
pub(crate) async fn show(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    world.wait(Wait::Read).await;
    let action = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    match Request::read(&world, &tenant, &query, uri.path()) {
        Ok(request) => request.page(&action),
        Err(refusal) => failure(&world, &refusal),
    }
}

/// `POST` of the page's forms, with the request still in the query: `account` signs in, `cancel` does not, `met` says
/// that what was demanded on top has been done.
pub(crate) async fn decide(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<HashMap<String, String>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    world.wait(Wait::Token).await;
    let action = uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let request = match Request::read(&world, &tenant, &query, uri.path()) {
        Ok(request) => request,
        Err(refusal) => return failure(&world, &refusal),
    };
    if let Err(refusal) = request.check() {
        return request.refuse(&refusal);
    }
    if form.contains_key("cancel") {
        return request.refuse(&Refusal::new("access_denied", 65_004, "User declined to consent to access the app."));
    }
    let chosen = form.get("account").and_then(|name| world.entra.directory.users().find(|user| user.is(name)));
    match chosen {
        Some(account) => request.sign_in(account, form.contains_key("met"), &action),
        None => failure(&world, &Refusal::new("invalid_request", 50_034, "The user account does not exist.")),
    }
}

/// A refusal that can't be sent to the application, because it isn't known where that is.
fn failure(world: &World, refusal: &Refusal) -> Response {
    let trace = Uuid::new_v4();
    let text = refusal.text(trace, &Uuid::new_v4().to_string(), world.clock.now());
    traced(page::message(StatusCode::BAD_REQUEST, "Sign-in is not possible", &text), trace)
}

impl<'a> Request<'a> {
    fn read(
        world: &'a World,
        authority: &str,
        query: &'a HashMap<String, String>,
        path: &str,
    ) -> Result<Self, Refusal> {
        let tenant = world.entra.directory.authority(authority)?;
        let id = query.get("client_id").ok_or_else(|| Refusal::missing("client_id"))?;
        let place = tenant.map_or(authority, |tenant| &tenant.name);
        let client = Client::find(&world.entra.directory, id).ok_or_else(|| Refusal::unknown_application(id, place))?;
        let redirect_uri = query.get("redirect_uri").ok_or_else(|| Refusal::missing("redirect_uri"))?;
        if !client.redirect_uris().iter().any(|registered| matches(registered, redirect_uri)) {
            let description = format!(
                "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured \
                 for the application '{id}'. Make sure the redirect URI sent in the request matches one added to your \
                 application in the Azure portal."
            );
            return Err(Refusal::new("invalid_request", 50_011, description));
        }
        let mode = match query.get("response_mode").map(String::as_str) {
            None | Some("query") => ResponseMode::Query,
            Some("fragment") => ResponseMode::Fragment,
            Some("form_post") => ResponseMode::FormPost,
            Some(other) => {
                let description = format!("The value '{other}' of the parameter 'response_mode' is not supported.");
                return Err(Refusal::new("invalid_request", 900_144, description));
            }
        };
        let v1 = !path.to_ascii_lowercase().contains("/v2.0/");
        Ok(Self { world, query, client, tenant, redirect_uri, mode, v1 })
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// What is wrong with the rest of the request.
    fn check(&self) -> Result<(), Refusal> {
        match self.parameter("response_type") {
            Some("code") => {}
            Some(other) => {
                let description = format!("response_type '{other}' is not enabled for the application.");
                return Err(Refusal::new("unsupported_response_type", 700_054, description));
            }
            None => return Err(Refusal::missing("response_type")),
        }
        let method = self.parameter("code_challenge_method").unwrap_or("plain");
        if !["S256", "plain"].contains(&method) {
            let description =
                format!("The value '{method}' of the parameter 'code_challenge_method' is not supported.");
            return Err(Refusal::new("invalid_request", 50_148, description));
        }
        let sizes = if method == "S256" { 43..=43 } else { 43..=128 };
        if self.parameter("code_challenge").is_some_and(|challenge| !sizes.contains(&challenge.len())) {
            return Err(Refusal::new("invalid_request", 501_491, "Invalid size of Code_Challenge parameter."));
        }
        refusal::check_claims(self.parameter("claims"))?;
        let prompt = self.parameter("prompt").unwrap_or_default();
        if let Some(other) = prompt.split_ascii_whitespace().find(|word| !PROMPTS.contains(word)) {
            let description = format!("The value '{other}' of the parameter 'prompt' is not supported.");
            return Err(Refusal::new("invalid_request", 90_023, description));
        }
        let wanted = match (self.parameter("scope"), self.parameter("resource")) {
            (None, None) if !self.v1 => return Err(Refusal::missing("scope")),
            (_, Some(resource)) if self.v1 => Wanted::of_resource(resource),
            (scope, _) => Wanted::of_scope(scope.unwrap_or("openid"))?,
        };
        let place = self.tenant.map_or("common", |tenant| tenant.name.as_str());
        wanted.audience.map_or(Ok(()), |audience| resource::known(self.world, &audience, place).map(|_| ()))
    }

    fn page(&self, action: &str) -> Response {
        if let Err(refusal) = self.check() {
            return self.refuse(&refusal);
        }
        let prompt = self.parameter("prompt").unwrap_or_default();
        if prompt == "none" {
            let description = "A silent sign-in request was sent but no user is signed in.";
            return self.refuse(&Refusal::new("login_required", 50_058, description));
        }
        let directory = &self.world.entra.directory;
        let hinted = self.parameter("login_hint").filter(|_| prompt != "select_account");
        let hinted = hinted.and_then(|hint| directory.users().find(|user| user.is(hint)));
        let shown: Vec<(&Account, String)> = directory
            .users()
            .filter(|user| hinted.is_none_or(|hinted| hinted.id == user.id))
            .map(|user| (user, user.label()))
            .collect();
        let mut choices: Vec<Choice<'_>> = shown
            .iter()
            .map(|(user, upn)| Choice {
                action,
                fields: vec![("account", user.spec.name.as_str())],
                label: user.display_name(),
                small: upn,
                plain: false,
            })
            .collect();
        choices.push(cancel(action));
        let place = self.tenant.map_or("your organization", |tenant| tenant.name.as_str());
        let sentence = format!("to {} with an account of {place}", self.client.name());
        page::choices("Pick an account", &sentence, &choices)
    }

    /// Signs in, or asks for one more click where more is demanded.
    fn sign_in(&self, account: &Account, met: bool, action: &str) -> Response {
        let directory = &self.world.entra.directory;
        let tenant = self.tenant.map_or(account.home(), |tenant| tenant.id);
        if account.in_tenant(tenant).is_none() {
            let name = directory.tenant_of_id(tenant).map(|tenant| tenant.name.as_str()).unwrap_or_default();
            return failure(self.world, &no_such_guest(account, name, self.client));
        }
        let conditions = self.world.entra.conditions();
        let demand = conditions.demand(account.id, tenant).map(|demanded| demanded.demand);
        let valid_from = conditions.valid_from(account.id);
        drop(conditions);
        match demand {
            Some(demand) if !demand.can_be_met() => {
                let id = self.client.id().to_string();
                return failure(self.world, &demand.refusal(&account.label(), &id, self.client.name()));
            }
            Some(_) if !met => return self.one_more_click(account, action),
            None if !met && (self.asks_for_more() || self.parameter("prompt") == Some("consent")) => {
                return self.one_more_click(account, action);
            }
            Some(_) | None => {}
        }
        let now = self.world.clock.now();
        let sign_in = SignIn {
            account: account.id,
            tenant,
            client: self.client.id(),
            at: now.timestamp().max(valid_from),
            mfa: met,
            met,
        };
        let hashed = self.parameter("code_challenge_method") == Some("S256");
        let ask = CodeAsk {
            redirect_uri: self.redirect_uri.to_owned(),
            nonce: self.parameter("nonce").map(str::to_owned),
            scope: self.parameter("scope").unwrap_or_default().to_owned(),
            challenge: self.parameter("code_challenge").map(|challenge| (challenge.to_owned(), hashed)),
        };
        let code = self.world.entra.grants().add_code(sign_in, ask, now);
        let mut answer = vec![("code", code)];
        if self.parameter("client_info").is_some() {
            answer.push(("client_info", client_info(account)));
        }
        answer.push(("session_state", random_text()));
        self.back(answer)
    }

    /// The claims of a challenge can ask for more than a plain sign-in.
    fn asks_for_more(&self) -> bool {
        self.parameter("claims")
            .is_some_and(|claims| ["capolids", "acrs", "amr"].iter().any(|word| claims.contains(word)))
    }

    fn one_more_click(&self, account: &Account, action: &str) -> Response {
        let upn = account.label();
        let approve = Choice {
            action,
            fields: vec![("account", account.spec.name.as_str()), ("met", "1")],
            label: "Approve",
            small: "as if on your phone",
            plain: false,
        };
        let sentence = format!("{} wants to sign in as {upn}, and more is needed for that.", self.client.name());
        page::choices("Approve sign-in request", &sentence, &[approve, cancel(action)])
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let trace = Uuid::new_v4();
        let body = refusal.json(trace, self.parameter("client-request-id"), self.world.clock.now());
        let description = body["error_description"].as_str().unwrap_or_default().to_owned();
        let mut answer = vec![("error", refusal.error.to_owned()), ("error_description", description)];
        answer.extend(refusal.suberror.map(|suberror| ("error_subcode", suberror.to_owned())));
        traced(self.back(answer), trace)
    }

    /// Takes the browser back to the application.
    fn back(&self, mut answer: Vec<(&'static str, String)>) -> Response {
        answer.extend(self.parameter("state").map(|state| ("state", state.to_owned())));
        let Ok(mut to) = Url::parse(self.redirect_uri) else {
            return failure(self.world, &Refusal::new("invalid_request", 50_011, "The redirect URI is no URI."));
        };
        match self.mode {
            ResponseMode::Query => {
                to.query_pairs_mut().extend_pairs(&answer);
            }
            ResponseMode::Fragment => {
                let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&answer).finish();
                to.set_fragment(Some(&pairs));
            }
            ResponseMode::FormPost => {
                let fields: Vec<_> = answer.iter().map(|(name, value)| (*name, value.as_str())).collect();
                return page::post_on(to.as_str(), &fields);
            }
        }
        let headers = [(header::LOCATION, to.to_string()), (header::CACHE_CONTROL, "no-store".to_owned())];
        (StatusCode::FOUND, headers).into_response()
    }
}

fn cancel(action: &str) -> Choice<'_> {
    Choice { action, fields: vec![("cancel", "1")], label: "Cancel", small: "", plain: true }
}

/// Whether a sign-in may come back here. Of `http://localhost` the port does not matter; everywhere else it does.
pub(super) fn matches(registered: &str, sent: &str) -> bool {
    let (Ok(registered), Ok(sent)) = (Url::parse(registered), Url::parse(sent)) else { return false };
    let loose = registered.scheme() == "http" && registered.host_str() == Some("localhost");
    registered.scheme() == sent.scheme()
        && registered.host_str() == sent.host_str()
        && (loose || registered.port_or_known_default() == sent.port_or_known_default())
        && registered.path().trim_end_matches('/') == sent.path().trim_end_matches('/')
        && sent.fragment().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_comes_back_on_any_port() {
        assert!(matches("http://localhost", "http://localhost:51234"));
        assert!(matches("http://localhost", "http://localhost:51234/"));
        assert!(matches("https://app.example/back", "https://app.example/back?x=1"));
        for (registered, sent) in [
            ("http://localhost", "http://localhost:51234/callback"),
            ("http://localhost", "http://127.0.0.1:51234"),
            ("http://localhost", "https://localhost:51234"),
            ("http://127.0.0.1:8400", "http://127.0.0.1:8401"),
            ("https://app.example/back", "https://app.example.evil/back"),
            ("https://app.example/back", "javascript:alert(1)"),
            ("http://localhost", "http://localhost#x"),
        ] {
            assert!(!matches(registered, sent), "{sent}");
        }
    }
}

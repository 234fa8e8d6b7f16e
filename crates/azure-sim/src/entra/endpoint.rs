//! The token endpoint: `POST /{tenant}/oauth2/v2.0/token`, `/{tenant}/oauth2/token`, `/adfs/oauth2/token`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::entra::client::prove;
use crate::entra::directory::Account;
use crate::entra::refusal::{self, Refusal, correlation};
use crate::entra::resource::{self, Wanted};
use crate::entra::token::{self, Issued, Subject};
use crate::entra::user_grants;
use crate::fleet::TenantSpec;
use crate::latency::Wait;
use crate::world::World;

/// A request for a token, with its form's fields.
pub(super) struct Ask<'a> {
    pub(super) world: &'a World,
    form: &'a HashMap<String, String>,
    /// As the path has it.
    pub(super) authority: &'a str,
    /// `resource` in place of `scope`.
    pub(super) v1: bool,
    pub(super) now: DateTime<Utc>,
}

impl<'a> Ask<'a> {
    pub(super) fn field(&self, name: &str) -> Option<&'a str> {
        self.form.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a str, Refusal> {
        self.field(name).ok_or_else(|| Refusal::missing(name))
    }

    /// The tenant of the path; `None` for `common` and its like.
    pub(super) fn tenant(&self) -> Result<Option<&'a TenantSpec>, Refusal> {
        self.world.entra.directory.authority(self.authority)
    }

    pub(super) fn wanted(&self) -> Result<Wanted, Refusal> {
        match (self.field("scope"), self.field("resource")) {
            (None, Some(resource)) => Ok(Wanted::of_resource(resource)),
            (_, Some(resource)) if self.v1 => Ok(Wanted::of_resource(resource)),
            (Some(scope), _) => Wanted::of_scope(scope),
            (None, None) => Ok(Wanted::default()),
        }
    }

    /// Whether the client says that it handles claims challenges: `{"access_token":{"xms_cc":{"values":["CP1"]}}}`.
    pub(super) fn cp1(&self) -> bool {
        let claims = self.field("claims").and_then(|text| serde_json::from_str::<Value>(text).ok());
        let values = claims.as_ref().and_then(|claims| claims.pointer("/access_token/xms_cc/values")?.as_array());
        values.is_some_and(|values| values.iter().any(token::is_cp1))
    }
}

/// `POST /{tenant}/oauth2/v2.0/token`
pub(crate) async fn token(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&world, &tenant, &headers, &body, false).await
}

/// `POST /{tenant}/oauth2/token`, with `resource` in place of `scope`.
pub(crate) async fn token_v1(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&world, &tenant, &headers, &body, true).await
}

/// Any other method at an endpoint that takes forms.
pub(crate) async fn only_post(State(world): State<Arc<World>>, method: Method, headers: HeaderMap) -> Response {
    let description = format!("The endpoint only accepts POST requests. Received a {method} request.");
    Refusal::new("invalid_request", 900_561, description).answer(correlation(&headers), world.clock.now())
}

/// The fields of a form. A body of another kind, such as JSON, has none, and then the first that is needed is missing.
pub(super) fn fields(headers: &HeaderMap, body: &[u8]) -> HashMap<String, String> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.is_empty() && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return HashMap::new();
    }
    url::form_urlencoded::parse(body).into_owned().collect()
}

/// The fields of a token request: those of the form, and who the client is where the header says so (RFC 6749, 2.3.1).
fn token_fields(headers: &HeaderMap, body: &[u8]) -> HashMap<String, String> {
    let mut fields = fields(headers, body);
    if let Some((id, secret)) = basic(headers) {
        // What is in the form too is not looked for twice.
        fields.entry("client_id".to_owned()).or_insert(id);
        fields.entry("client_secret".to_owned()).or_insert(secret);
    }
    fields
}

/// `Authorization: Basic …`: id and secret, each encoded as in a form.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = sent.split_once(' ')?;
    let both = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let both = String::from_utf8(both).ok()?;
    let (id, secret) = both.split_once(':')?;
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().map(std::borrow::Cow::into_owned).ok()
    };
    Some((decoded(id)?, decoded(secret)?))
}

async fn answer(world: &World, authority: &str, headers: &HeaderMap, body: &[u8], v1: bool) -> Response {
    world.wait(Wait::Token).await;
    let ask = Ask { world, form: &token_fields(headers, body), authority, v1, now: world.clock.now() };
    let mut response = match grant(&ask) {
        Ok(body) => Json(body).into_response(),
        Err(refusal) => refusal.answer(correlation(headers), ask.now),
    };
    let kept = [(header::CACHE_CONTROL, "no-store, no-cache"), (header::PRAGMA, "no-cache")];
    response.headers_mut().extend(kept.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

fn grant(ask: &Ask<'_>) -> Result<Value, Refusal> {
    let tenant = ask.tenant()?;
    refusal::check_claims(ask.field("claims"))?;
    match ask.required("grant_type")? {
        "client_credentials" => client_credentials(ask, tenant),
        "authorization_code" => user_grants::authorization_code(ask, tenant),
        "refresh_token" => user_grants::refresh_token(ask, tenant),
        // The older endpoint knows it by this name.
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => user_grants::device_code(ask, tenant),
        other => {
            let description = format!("The app requested an unsupported grant type '{other}'.");
            Err(Refusal::new("unsupported_grant_type", 70_003, description))
        }
    }
}

fn client_credentials(ask: &Ask<'_>, tenant: Option<&TenantSpec>) -> Result<Value, Refusal> {
    let client = ask.required("client_id")?;
    let tenant = tenant.ok_or_else(|| {
        let description = "No tenant-identifying information found in either the request or implied by any provided \
                           credentials.";
        Refusal::new("invalid_request", 50_059, description)
    })?;
    let account = ask.world.entra.directory.service_principal(client);
    let account = account.ok_or_else(|| Refusal::unknown_application(client, &tenant.name))?;
    let membership = account.in_tenant(tenant.id).ok_or_else(|| Refusal::unknown_application(client, &tenant.name))?;
    let proof = prove(ask, account)?;
    if let Some(demanded) = ask.world.entra.conditions().demand(account.id, tenant.id) {
        return Err(demanded.demand.refusal_of_application(&account.label(), client, account.display_name()));
    }
    let subject = Subject {
        account,
        membership,
        client: account.spec.client_id.unwrap_or_default(),
        proof,
        audience: application_audience(ask, account, &tenant.name)?,
        cp1: ask.cp1(),
        mfa: false,
        address: ask.world.look(|cloud, _| cloud.public_ip),
        not_before: ask.world.entra.conditions().tokens_from(account.id),
    };
    Ok(token_json(ask, &issued(ask, &subject)?, &subject))
}

/// The audience of an application's own token: one resource, with `/.default`.
fn application_audience(ask: &Ask<'_>, account: &Account, tenant: &str) -> Result<String, Refusal> {
    let scope = ask.field("scope").unwrap_or_default();
    let wanted = ask.wanted()?;
    let by_resource = ask.field("resource").is_some();
    match wanted.audience {
        Some(audience) if by_resource || scope.split(' ').any(|word| word.ends_with("/.default")) => {
            resource::known(ask.world, &audience, tenant)
        }
        Some(_) => {
            let description = format!(
                "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
                 /.default suffixed to the resource identifier (application ID URI)."
            );
            Err(Refusal::new("invalid_scope", 1_002_012, description))
        }
        // The older endpoints take an application that names no resource for its own.
        None if ask.v1 => resource::known(ask.world, &account.label(), tenant),
        None => Err(Refusal::missing("scope")),
    }
}

/// Signs; that it fails is nobody's fault but ours.
pub(super) fn issued(ask: &Ask<'_>, subject: &Subject<'_>) -> Result<Issued, Refusal> {
    token::issue(&ask.world.base, subject, ask.now).map_err(|error| Refusal {
        status: StatusCode::SERVICE_UNAVAILABLE,
        ..Refusal::new("temporarily_unavailable", 90_033, error.to_string())
    })
}

/// What every token answer has.
pub(super) fn token_json(ask: &Ask<'_>, issued: &Issued, subject: &Subject<'_>) -> Value {
    let lifetime = issued.lifetime.num_seconds();
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": issued.text,
    });
    if subject.cp1 {
        // Long-lived tokens are to be renewed at half their time.
        body["refresh_in"] = (lifetime / 2).into();
    }
    if ask.v1 {
        // The older endpoints write numbers as text, and times as well.
        body["expires_in"] = lifetime.to_string().into();
        body["ext_expires_in"] = lifetime.to_string().into();
        body["expires_on"] = issued.expires.timestamp().to_string().into();
        body["not_before"] = issued.not_before.timestamp().to_string().into();
        body["resource"] = subject.audience.clone().into();
    }
    body
}

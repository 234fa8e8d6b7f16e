//! Microsoft Entra ID: discovery, tokens for a service principal, and the managed identity endpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::latency::Wait;
use crate::world::World;

/// As long as Entra's ordinary tokens.
const LIFETIME: TimeDelta = TimeDelta::seconds(3599);

/// What a token stands for.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) audience: String,
    pub(crate) expires: DateTime<Utc>,
}

/// The tenant with its one application, and the tokens issued to it.
pub(crate) struct Entra {
    pub(crate) tenant_id: Uuid,
    pub(crate) client_id: Uuid,
    pub(crate) object_id: Uuid,
    pub(crate) client_secret: String,
    /// What `X-IDENTITY-HEADER` must say.
    pub(crate) identity_header: String,
    tokens: Mutex<HashMap<String, Token>>,
}

impl Entra {
    pub(crate) fn new(tenant_id: Uuid, client_id: Uuid, object_id: Uuid) -> Self {
        Self {
            tenant_id,
            client_id,
            object_id,
            client_secret: random_text(),
            identity_header: random_text(),
            tokens: Mutex::default(),
        }
    }

    /// The token with this text, expired or not.
    pub(crate) fn token(&self, text: &str) -> Option<Token> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }

    fn issue(&self, audience: &str, base: &str, now: DateTime<Utc>) -> String {
        let payload = json!({
            "aud": audience,
            "iss": format!("{base}/{}/", self.tenant_id),
            "iat": now.timestamp(),
            "nbf": now.timestamp(),
            "exp": (now + LIFETIME).timestamp(),
            "appid": self.client_id,
            "appidacr": "1",
            "idtyp": "app",
            "oid": self.object_id,
            "sub": self.object_id,
            "tid": self.tenant_id,
            "uti": random_text(),
            "ver": "1.0",
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "azure-sim" });
        // Nobody but this simulator checks it, and the simulator remembers what it issued.
        let text = format!("{}.{}.{}", part(&header), part(&payload), random_text());
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.expires + TimeDelta::days(1) > now);
        tokens.insert(text.clone(), Token { audience: audience.to_owned(), expires: now + LIFETIME });
        text
    }

    fn is_tenant(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.tenant_id.to_string())
    }
}

/// 256 bits, in the alphabet of URLs.
fn random_text() -> String {
    URL_SAFE_NO_PAD.encode([Uuid::new_v4().as_bytes().as_slice(), Uuid::new_v4().as_bytes()].concat())
}

/// An answer in Entra's error shape.
fn error(status: StatusCode, error: &str, number: u32, description: &str, now: DateTime<Utc>) -> Response {
    let (trace, correlation) = (Uuid::new_v4(), Uuid::new_v4());
    let timestamp = now.format("%Y-%m-%d %H:%M:%SZ").to_string();
    let body = json!({
        "error": error,
        "error_description": format!(
            "AADSTS{number}: {description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}"
        ),
        "error_codes": [number],
        "timestamp": timestamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": format!("https://login.microsoftonline.com/error?code={number}"),
    });
    (status, Json(body)).into_response()
}

fn unknown_tenant(tenant: &str, now: DateTime<Utc>) -> Response {
    let description = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct \
         cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the \
         tenant."
    );
    error(StatusCode::BAD_REQUEST, "invalid_request", 90_002, &description, now)
}

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub(crate) async fn openid_configuration(State(world): State<Arc<World>>, Path(tenant): Path<String>) -> Response {
    world.wait(Wait::Read).await;
    let generic = ["common", "organizations"].contains(&tenant.as_str());
    if !generic && !world.entra.is_tenant(&tenant) {
        return unknown_tenant(&tenant, world.clock.now());
    }
    let issuer = format!("{}/{}/v2.0", world.base, world.entra.tenant_id);
    discovery(&issuer, &format!("{}/{tenant}/oauth2/v2.0", world.base))
}

/// `GET /adfs/.well-known/openid-configuration`: of an authority called `adfs`, clients ask for no instance discovery.
pub(crate) async fn adfs_configuration(State(world): State<Arc<World>>) -> Response {
    world.wait(Wait::Read).await;
    discovery(&format!("{}/adfs", world.base), &format!("{}/adfs/oauth2", world.base))
}

/// What is served, and `authorization_endpoint`, without which MSAL refuses to go on.
fn discovery(issuer: &str, oauth2: &str) -> Response {
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{oauth2}/authorize"),
        "token_endpoint": format!("{oauth2}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "azure-sim",
    }))
    .into_response()
}

/// `POST /{tenant}/oauth2/v2.0/token`
pub(crate) async fn token(
    State(world): State<Arc<World>>,
    Path(tenant): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if world.entra.is_tenant(&tenant) {
        return issue_to_application(&world, &form).await;
    }
    world.wait(Wait::Token).await;
    unknown_tenant(&tenant, world.clock.now())
}

/// `POST /adfs/oauth2/token`
pub(crate) async fn adfs_token(State(world): State<Arc<World>>, Form(form): Form<HashMap<String, String>>) -> Response {
    issue_to_application(&world, &form).await
}

async fn issue_to_application(world: &World, form: &HashMap<String, String>) -> Response {
    world.wait(Wait::Token).await;
    let now = world.clock.now();
    match client_credentials(world, form, now) {
        Ok(audience) => {
            let lifetime = LIFETIME.num_seconds();
            let access_token = world.entra.issue(&audience, &world.base, now);
            Json(json!({
                "token_type": "Bearer",
                "expires_in": lifetime,
                "ext_expires_in": lifetime,
                "access_token": access_token,
            }))
            .into_response()
        }
        Err(refusal) => *refusal,
    }
}

/// The audience that the form may have a token for.
fn client_credentials(
    world: &World,
    form: &HashMap<String, String>,
    now: DateTime<Utc>,
) -> Result<String, Box<Response>> {
    let entra = &world.entra;
    let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let required = |name: &str| {
        let description = format!("The request body must contain the following parameter: '{name}'.");
        field(name)
            .ok_or_else(|| Box::new(error(StatusCode::BAD_REQUEST, "invalid_request", 900_144, &description, now)))
    };
    let grant = required("grant_type")?;
    if grant != "client_credentials" {
        let description = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(Box::new(error(StatusCode::BAD_REQUEST, "unsupported_grant_type", 70_003, &description, now)));
    }
    let client = required("client_id")?;
    if !client.eq_ignore_ascii_case(&entra.client_id.to_string()) {
        let description = format!(
            "Application with identifier '{client}' was not found in the directory 'azure-sim'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant."
        );
        return Err(Box::new(error(StatusCode::BAD_REQUEST, "unauthorized_client", 700_016, &description, now)));
    }
    if field("client_secret") != Some(entra.client_secret.as_str()) {
        let description = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not \
             the client secret ID, for a secret added to app '{client}'."
        );
        return Err(Box::new(error(StatusCode::UNAUTHORIZED, "invalid_client", 7_000_215, &description, now)));
    }
    let scope = required("scope")?;
    let Some(audience) = scope.strip_suffix("/.default") else {
        let description = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {scope} is not valid."
        );
        return Err(Box::new(error(StatusCode::BAD_REQUEST, "invalid_scope", 1_002_012, &description, now)));
    };
    known_audience(world, audience, now)
}

/// Only the resource manager is installed in this tenant.
fn known_audience(world: &World, audience: &str, now: DateTime<Utc>) -> Result<String, Box<Response>> {
    if world.is_audience(audience) {
        return Ok(audience.to_owned());
    }
    let description = format!(
        "The resource principal named {audience} was not found in the tenant named azure-sim. This can happen if the \
         application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
    );
    Err(Box::new(error(StatusCode::BAD_REQUEST, "invalid_resource", 500_011, &description, now)))
}

/// `GET /_identity/token`: the managed identity endpoint of App Service, `IDENTITY_ENDPOINT`.
pub(crate) async fn managed_identity(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    world.wait(Wait::Token).await;
    let header = headers.get("x-identity-header").and_then(|value| value.to_str().ok());
    if header != Some(world.entra.identity_header.as_str()) {
        let body = json!({ "statusCode": 401, "message": "Invalid or missing X-IDENTITY-HEADER." });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    }
    let now = world.clock.now();
    let resource = query.get("resource").map(String::as_str).unwrap_or_default();
    match known_audience(&world, resource, now) {
        Ok(audience) => Json(json!({
            "access_token": world.entra.issue(&audience, &world.base, now),
            "expires_on": (now + LIFETIME).timestamp().to_string(),
            "resource": audience,
            "token_type": "Bearer",
            "client_id": world.entra.client_id,
        }))
        .into_response(),
        Err(refusal) => *refusal,
    }
}

/// `GET /metadata/endpoints`: how a client learns of this cloud.
pub(crate) async fn cloud_metadata(
    State(world): State<Arc<World>>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    world.wait(Wait::Read).await;
    let base = &world.base;
    let cloud = json!({
        "name": "AzureSim",
        "portal": base,
        "authentication": {
            "loginEndpoint": base,
            "audiences": [base],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": base,
        "suffixes": {},
    });
    // Since 2022-09-01 the answer is one cloud; before, it was a list.
    let version = query.get("api-version").map(String::as_str).unwrap_or_default();
    Json(if version >= "2022-09-01" { cloud } else { json!([cloud]) })
}

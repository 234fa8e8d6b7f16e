//! Where everything is: OpenID configurations, keys, instance discovery, realms, and the cloud's own metadata.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::Url;

use crate::entra::directory::ALIASES;
use crate::entra::refusal::Refusal;
use crate::entra::signing::SigningKey;
use crate::latency::Wait;
use crate::world::World;

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`
pub(crate) async fn openid_configuration(State(world): State<Arc<World>>, Path(tenant): Path<String>) -> Response {
    world.wait(Wait::Read).await;
    let base = &world.base;
    let issuer = match issuing(&world, &tenant) {
        Ok(issuing) => format!("{base}/{issuing}/v2.0"),
        Err(refusal) => return refusal.answer(None, world.clock.now()),
    };
    let mut body = configuration(&world, &tenant, &issuer, &format!("{base}/{tenant}/oauth2/v2.0"));
    body["jwks_uri"] = format!("{base}/{tenant}/discovery/v2.0/keys").into();
    Json(body).into_response()
}

/// `GET /{tenant}/.well-known/openid-configuration`, of the v1.0 endpoints and of `adfs`.
pub(crate) async fn openid_configuration_v1(State(world): State<Arc<World>>, Path(tenant): Path<String>) -> Response {
    world.wait(Wait::Read).await;
    let base = &world.base;
    let issuer = match issuing(&world, &tenant) {
        _ if tenant.eq_ignore_ascii_case("adfs") => format!("{base}/adfs"),
        Ok(issuing) => format!("{base}/{issuing}/"),
        Err(refusal) => return refusal.answer(None, world.clock.now()),
    };
    let mut body = configuration(&world, &tenant, &issuer, &format!("{base}/{tenant}/oauth2"));
    body["jwks_uri"] = format!("{base}/{tenant}/discovery/keys").into();
    Json(body).into_response()
}

/// What a tenant calls itself as an issuer: its id; `{tenantid}`, to be filled in, where any tenant may issue.
fn issuing(world: &World, tenant: &str) -> Result<String, Refusal> {
    if ALIASES.iter().any(|alias| alias.eq_ignore_ascii_case(tenant)) {
        return Ok("{tenantid}".to_owned());
    }
    let found = world.entra.directory.tenant(tenant);
    found.map(|tenant| tenant.id.to_string()).ok_or_else(|| Refusal::unknown_tenant(tenant))
}

fn configuration(world: &World, tenant: &str, issuer: &str, oauth2: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{oauth2}/authorize"),
        "token_endpoint": format!("{oauth2}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "device_authorization_endpoint": format!("{oauth2}/devicecode"),
        "end_session_endpoint": format!("{oauth2}/logout"),
        "grant_types_supported": [
            "authorization_code", "client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "oid", "ver", "upn",
        ],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_uri_parameter_supported": false,
        "http_logout_supported": true,
        "frontchannel_logout_supported": false,
        "tenant_region_scope": if ALIASES.contains(&tenant) { Value::Null } else { "EU".into() },
        "cloud_instance_name": world.host(),
    })
}

/// `GET /{tenant}/discovery/v2.0/keys`: the JSON Web Key Set of every tenant.
pub(crate) async fn keys(State(world): State<Arc<World>>, Path(tenant): Path<String>) -> Response {
    world.wait(Wait::Read).await;
    let issuer = match issuing(&world, &tenant) {
        Ok(issuing) => format!("{}/{issuing}/v2.0", world.base),
        Err(refusal) if !tenant.eq_ignore_ascii_case("adfs") => return refusal.answer(None, world.clock.now()),
        Err(_) => format!("{}/adfs", world.base),
    };
    match SigningKey::of_this_process() {
        Ok(key) => Json(json!({ "keys": [key.json_web_key(&issuer)] })).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// `GET /common/discovery/instance`: whether an authority is one of this cloud's, and where its configuration is.
pub(crate) async fn instance(
    State(world): State<Arc<World>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    world.wait(Wait::Read).await;
    let asked = query.get("authorization_endpoint").and_then(|text| Url::parse(text).ok());
    // Some clients leave the port out of what they ask about.
    let ours = |url: &Url| url.scheme() == "https" && url.host_str().is_some_and(World::is_host);
    let Some(asked) = asked.filter(ours) else {
        let description = "Unknown or invalid instance.";
        return Refusal::new("invalid_instance", 50_049, description).answer(None, world.clock.now());
    };
    let tenant = asked.path_segments().and_then(|mut segments| segments.next()).unwrap_or("common");
    let version = if asked.path().contains("/v2.0/") { "/v2.0" } else { "" };
    let host = asked.host_str().unwrap_or_default();
    let mut aliases = vec![host.to_owned(), format!("{host}:{}", world.port())];
    aliases.dedup();
    Json(json!({
        "tenant_discovery_endpoint": format!("{}/{tenant}{version}/.well-known/openid-configuration", world.base),
        "api-version": query.get("api-version").map_or("1.1", String::as_str),
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": aliases }],
    }))
    .into_response()
}

/// `GET /common/userrealm/{user}`: whether a user's organization signs its users in by itself. None does here.
pub(crate) async fn user_realm(State(world): State<Arc<World>>, Path(user): Path<String>) -> Json<Value> {
    world.wait(Wait::Read).await;
    let domain = user.rsplit('@').next().unwrap_or_default();
    let known = world.entra.directory.tenants.iter().any(|tenant| tenant.domain.eq_ignore_ascii_case(domain));
    let mut realm = json!({ "ver": "1.0", "account_type": if known { "Managed" } else { "Unknown" } });
    if known {
        realm["domain_name"] = domain.into();
        realm["cloud_instance_name"] = world.host().into();
        realm["cloud_audience_urn"] = "urn:federation:MicrosoftOnline".into();
    }
    Json(realm)
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
        "microsoftGraphResourceId": base,
        "suffixes": {},
    });
    // The answer is one cloud since 2022-09-01, a list of them since 2019-05-01, and was one in words of its own before.
    Json(match query.get("api-version").map(String::as_str) {
        Some(version) if version >= "2022-09-01" => cloud,
        Some(version) if version < "2019" => json!({
            "galleryEndpoint": base,
            "graphEndpoint": base,
            "portalEndpoint": base,
            "authentication": { "loginEndpoint": base, "audiences": [base] },
        }),
        Some(_) | None => json!([cloud]),
    })
}

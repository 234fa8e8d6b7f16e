//! Managed identities: the endpoint of App Service (`IDENTITY_ENDPOINT`, `MSI_ENDPOINT`) and that of VMs (IMDS).
//! https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use crate::entra::directory::Account;
use crate::entra::imds;
use crate::entra::resource;
use crate::entra::token::{self, ClientProof, Issued, Subject};
use crate::latency::Wait;
use crate::world::World;

type Parameters = HashMap<String, String>;

/// Why there is no token, to be said in the words of either endpoint.
enum Failure {
    NoResource,
    UnknownResource(String),
    UnknownIdentity,
    Entra(String),
}

/// `GET /_identity/token`: App Service, `X-IDENTITY-HEADER` and 2019-08-01, or `Secret` and 2017-09-01.
pub(crate) async fn app_service(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
) -> Response {
    world.wait(Wait::Token).await;
    let refused = |status: StatusCode, message: &str| {
        let body = json!({ "statusCode": status.as_u16(), "message": message, "correlationId": Uuid::new_v4() });
        (status, Json(body)).into_response()
    };
    let header = match query.get("api-version").map(String::as_str) {
        None => return refused(StatusCode::BAD_REQUEST, "The api-version query parameter is missing."),
        Some("2017-09-01") => "secret",
        Some(_) => "x-identity-header",
    };
    if headers.get(header).and_then(|value| value.to_str().ok()) != Some(world.entra.identity_header.as_str()) {
        return refused(StatusCode::UNAUTHORIZED, "Unauthorized: the identity header is missing or wrong.");
    }
    match issue(&world, &query) {
        Ok((issued, subject)) => Json(json!({
            "access_token": issued.text,
            "expires_on": issued.expires.timestamp().to_string(),
            "resource": subject.audience,
            "token_type": "Bearer",
            "client_id": subject.client,
        }))
        .into_response(),
        Err(Failure::NoResource) => refused(StatusCode::BAD_REQUEST, "The resource query parameter is missing."),
        Err(Failure::UnknownIdentity) => refused(
            StatusCode::BAD_REQUEST,
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        ),
        Err(Failure::UnknownResource(_) | Failure::Entra(_)) => {
            refused(StatusCode::INTERNAL_SERVER_ERROR, "An unexpected error occurred while fetching the AAD Token.")
        }
    }
}

/// `GET /metadata/identity/oauth2/token` of the plain-http listener: the token endpoint inside a VM.
pub(crate) async fn vm_token(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
) -> Response {
    world.wait(Wait::Token).await;
    let refused = |status: StatusCode, error: &str, description: &str| {
        (status, Json(json!({ "error": error, "error_description": description }))).into_response()
    };
    if let Err(response) = imds::check(&headers) {
        return *response;
    }
    if !query.contains_key("api-version") {
        let description = "Required query variable 'api-version' is missing";
        return refused(StatusCode::BAD_REQUEST, "invalid_request", description);
    }
    if !query.get("api-version").is_some_and(|version| imds::is_since(version, "2018-02-01")) {
        let description = "The query variable 'api-version' is not a version of this service";
        return refused(StatusCode::BAD_REQUEST, "invalid_request", description);
    }
    match issue(&world, &query) {
        Ok((issued, subject)) => {
            let lifetime = issued.lifetime.num_seconds().to_string();
            Json(json!({
                "access_token": issued.text,
                "client_id": subject.client,
                "expires_in": lifetime,
                "expires_on": issued.expires.timestamp().to_string(),
                "ext_expires_in": lifetime,
                "not_before": issued.not_before.timestamp().to_string(),
                "resource": subject.audience,
                "token_type": "Bearer",
            }))
            .into_response()
        }
        Err(Failure::NoResource) => {
            let description = "Required query variable 'resource' is missing";
            refused(StatusCode::BAD_REQUEST, "invalid_request", description)
        }
        Err(Failure::UnknownIdentity) => refused(StatusCode::BAD_REQUEST, "invalid_request", "Identity not found"),
        Err(Failure::UnknownResource(resource)) => {
            let description = format!(
                "AADSTS500011: The resource principal named {resource} was not found in the tenant. This can happen if the \
                 application has not been installed by the administrator of the tenant or consented to by any user in the \
                 tenant."
            );
            refused(StatusCode::BAD_REQUEST, "invalid_resource", &description)
        }
        Err(Failure::Entra(description)) => refused(StatusCode::INTERNAL_SERVER_ERROR, "unknown", &description),
    }
}

fn issue<'w>(world: &'w World, query: &Parameters) -> Result<(Issued, Subject<'w>), Failure> {
    let field = |name: &str| query.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let resource = field("resource").ok_or(Failure::NoResource)?;
    let audience = resource::known(world, resource, "").map_err(|_| Failure::UnknownResource(resource.to_owned()))?;
    let account = chosen(world, field).ok_or(Failure::UnknownIdentity)?;
    let conditions = world.entra.conditions();
    if let Some(demanded) = conditions.demand(account.id, account.home()) {
        let refusal = demanded.demand.refusal(&account.label(), &account.label(), account.display_name());
        return Err(Failure::Entra(format!("AADSTS{}: {}", refusal.number, refusal.description)));
    }
    let not_before = conditions.valid_from(account.id);
    drop(conditions);
    let subject = Subject {
        account,
        membership: account.memberships[0],
        client: account.spec.client_id.unwrap_or_default(),
        proof: ClientProof::Certificate,
        audience,
        cp1: false,
        mfa: false,
        address: world.look(|cloud, _| cloud.public_ip),
        not_before,
    };
    let issued =
        token::issue(&world.base, &subject, world.clock.now()).map_err(|error| Failure::Entra(error.to_string()))?;
    Ok((issued, subject))
}

/// The identity that the parameters name. Without any it is the system-assigned one, or the only one.
fn chosen<'w, 'q>(world: &'w World, field: impl Fn(&str) -> Option<&'q str>) -> Option<&'w Account> {
    let all: Vec<&Account> = world.entra.directory.managed_identities().collect();
    let first = |names: &[&str]| names.iter().find_map(|name| field(name));
    if let Some(client) = first(&["client_id", "clientid"]) {
        return all.into_iter().find(|account| account.is_client(client));
    }
    if let Some(object) = first(&["object_id", "principal_id"]) {
        return all.into_iter().find(|account| Uuid::parse_str(object).is_ok_and(|object| object == account.id));
    }
    if let Some(resource) = first(&["mi_res_id", "msi_res_id"]) {
        let is_it = |account: &&Account| {
            account.spec.resource_id.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(resource))
        };
        return all.into_iter().find(is_it);
    }
    let system = all.iter().find(|account| account.spec.resource_id.is_none());
    system.copied().or(match all.as_slice() {
        [only] => Some(*only),
        _ => None,
    })
}

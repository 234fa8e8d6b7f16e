//! Azure Resource Manager's errors: `{"error":{"code","message"}}`, with Azure's own codes and sentences.

use std::net::Ipv4Addr;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::entra::Entra;
use crate::entra::directory::Caller;
use crate::state::change::Declined;
use crate::state::initiate::Refusal;

/// One error answer.
#[derive(Clone, Debug)]
pub(crate) struct ArmError {
    status: StatusCode,
    code: String,
    message: String,
    /// `WWW-Authenticate` of a 401.
    challenge: Option<Box<str>>,
    /// The parameter at fault.
    target: Option<&'static str>,
    details: Vec<Value>,
    headers: Box<HeaderMap>,
}

impl ArmError {
    pub(crate) fn new(status: StatusCode, code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self { status, code, message, challenge: None, target: None, details: Vec::new(), headers: Box::default() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// How it is answered.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The same with `details`, each of the same shape.
    pub(crate) fn with_details(self, details: Vec<Value>) -> Self {
        Self { details, ..self }
    }

    pub(crate) fn with_headers(self, headers: HeaderMap) -> Self {
        Self { headers: Box::new(headers), ..self }
    }

    /// 401: the bearer is missing, unknown, expired or for somebody else.
    pub(crate) fn unauthenticated(authority: &str, code: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let challenge = format!(
            "Bearer authorization_uri=\"{authority}\", error=\"invalid_token\", error_description=\"{message}\""
        );
        Self { challenge: Some(challenge.into()), ..Self::new(StatusCode::UNAUTHORIZED, code, message) }
    }

    pub(crate) fn expired(authority: &str, expires: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let message = format!(
            "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
            shown(expires),
            shown(now)
        );
        Self::unauthenticated(authority, "ExpiredAuthenticationToken", message)
    }

    pub(crate) fn not_yet_valid(authority: &str, from: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let message = format!(
            "The access token is not valid yet: it is so from UTC time '{}', which is later than current UTC time '{}'.",
            shown(from),
            shown(now)
        );
        Self::unauthenticated(authority, "InvalidAuthenticationToken", message)
    }

    /// 401 of continuous access evaluation: the claims ask for a token that is not older than `valid_from` (seconds).
    pub(crate) fn insufficient_claims(base: &str, valid_from: i64) -> Self {
        let claims = json!({ "nbf": { "essential": true, "value": valid_from.to_string() } });
        Self::challenged(base, &claims, "TokenIssuedBeforeRevocationTimestamp")
    }

    /// The same for a token that was issued to another address than `address`, from which it comes now.
    pub(crate) fn moved(base: &str, valid_from: i64, address: Ipv4Addr) -> Self {
        let claims = json!({
            "nbf": { "essential": true, "value": valid_from.to_string() },
            "xms_rp_ipaddr": { "value": address },
        });
        Self::challenged(base, &claims, "LocationConditionEvaluationSatisfied")
    }

    fn challenged(base: &str, wanted: &Value, code: &str) -> Self {
        let claims = json!({ "access_token": wanted });
        let claims = STANDARD.encode(claims.to_string());
        let challenge = format!(
            "Bearer realm=\"\", authorization_uri=\"{base}/common/oauth2/authorize\", error=\"insufficient_claims\", \
             claims=\"{claims}\""
        );
        let message = format!(
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: {code}"
        );
        let error = Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message);
        Self { challenge: Some(challenge.into()), ..error }
    }

    pub(crate) fn wrong_audience(authority: &str, audience: &str, base: &str) -> Self {
        let message = format!(
            "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with \
             one of the allowed audiences '{base}/','{base}','https://management.core.windows.net/',\
             'https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'."
        );
        Self::unauthenticated(authority, "InvalidAuthenticationTokenAudience", message)
    }

    /// 401: a good token, but of a tenant that does not have the subscription. The challenge names the one that does.
    pub(crate) fn wrong_tenant(entra: &Entra, token: Uuid, subscription: Uuid) -> Self {
        let right = entra.authority(Some(subscription));
        let message = format!(
            "The access token is from the wrong issuer '{}/'. It must match the tenant '{right}/' associated with this \
             subscription. Please use the authority (URL) '{right}' to get the token. Note, if the subscription is \
             transferred to another tenant there is no impact to the services, but information about new tenant could \
             take time to propagate (up to an hour). If you just transferred your subscription and see this error \
             message, please try back later.",
            entra.authority(Some(token))
        );
        let challenge = format!(
            "Bearer authorization_uri=\"{right}\", error=\"invalid_token\", error_description=\"The access token is from \
             the wrong issuer. It must match the tenant associated with this subscription. Please use correct authority \
             to get the token.\""
        );
        let error = Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationTokenTenant", message);
        Self { challenge: Some(challenge.into()), ..error }
    }

    /// 403, in Azure's exact sentence.
    pub(crate) fn forbidden(caller: &Caller, action: &str, scope: &str) -> Self {
        let message = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.name, caller.object_id
        );
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
    }

    pub(crate) fn missing_api_version() -> Self {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        Self::new(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message)
    }

    pub(crate) fn invalid_api_version(version: &str) -> Self {
        let message = format!(
            "The api-version '{version}' is invalid. The supported versions have the form 'YYYY-MM-DD' or \
             'YYYY-MM-DD-preview'."
        );
        Self::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", message)
    }

    pub(crate) fn invalid_subscription_id(subscription: &str) -> Self {
        let message = format!("The provided subscription identifier '{subscription}' is malformed or invalid.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidSubscriptionId", message)
    }

    pub(crate) fn subscription_not_found(subscription: &str) -> Self {
        let message = format!("The subscription '{subscription}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", message)
    }

    pub(crate) fn resource_group_not_found(group: &str) -> Self {
        let message = format!("Resource group '{group}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message)
    }

    /// `resource` is type and name: `Microsoft.Compute/virtualMachines/web-01`.
    pub(crate) fn resource_not_found(resource: &str, group: &str) -> Self {
        let message = format!(
            "The Resource '{resource}' under resource group '{group}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix"
        );
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    /// 404: `kind` is a type below the namespace, such as `networkSecurityGroups/securityRules`.
    pub(crate) fn invalid_type(namespace: &str, kind: &str, version: &str, versions: &[&str]) -> Self {
        let message = format!(
            "The resource type '{kind}' could not be found in the namespace '{namespace}' for api version '{version}'. \
             The supported api-versions are '{}'.",
            versions.join(",")
        );
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceType", message)
    }

    /// 400: the type is known, but not in this version.
    pub(crate) fn no_registered_provider(kind: &str, version: &str, versions: &[&str]) -> Self {
        let message = format!(
            "No registered resource provider found for API version '{version}' for type '{kind}'. The supported \
             api-versions are '{}'.",
            versions.join(", ")
        );
        Self::new(StatusCode::BAD_REQUEST, "NoRegisteredProviderFound", message)
    }

    /// 404: the path is neither a subscription's nor that of a provider that does without.
    pub(crate) fn missing_subscription() -> Self {
        let message = "The request did not have a subscription or a valid tenant level resource provider.";
        Self::new(StatusCode::NOT_FOUND, "MissingSubscription", message)
    }

    /// 404: the type is known, what is asked of it is not.
    pub(crate) fn not_served(method: &Method, path: &str) -> Self {
        let message = format!("The requested resource '{path}' has no operation that '{method}' would ask for.");
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// 400: a value that a parameter does not take.
    pub(crate) fn invalid_parameter(name: &'static str, value: &str) -> Self {
        let message = format!("The value '{value}' of parameter {name} is invalid.");
        Self { target: Some(name), ..Self::new(StatusCode::BAD_REQUEST, "InvalidParameter", message) }
    }

    /// 400: a parameter of the query can't be used.
    pub(crate) fn invalid_query(name: &str, value: &str) -> Self {
        let message = format!("Invalid {name} '{value}' specified in the query string.");
        let name = name.trim_start_matches('$');
        let code = match name {
            "filter" => "InvalidFilterInQueryString",
            "skiptoken" => "InvalidSkipToken",
            _ => "InvalidParameter",
        };
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn invalid_namespace(namespace: &str) -> Self {
        let message = format!("The resource namespace '{namespace}' is invalid.");
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceNamespace", message)
    }

    /// 405: the path is served, but not so.
    pub(crate) fn method_not_allowed(method: &Method, path: &str) -> Self {
        let message = format!("The requested resource '{path}' does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    /// 409: no VM here can hibernate.
    pub(crate) fn hibernation_not_enabled(vm: &str) -> Self {
        let message = format!(
            "The Hibernate-Deallocate Operation is not allowed on VM '{vm}' since Hibernation is not enabled on it."
        );
        Self::new(StatusCode::CONFLICT, "OperationNotAllowed", message)
    }

    /// 415
    pub(crate) fn unsupported_media_type(given: &str) -> Self {
        let message =
            format!("The content media type '{given}' is not supported. Only 'application/json' is supported.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// 413
    pub(crate) fn too_large() -> Self {
        let message = "The request content size exceeds the maximum size of 4 MB.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestContentTooLarge", message)
    }

    /// 429, with the seconds to wait.
    pub(crate) fn too_many_requests(seconds: i64) -> Self {
        let message = format!(
            "Number of requests for subscription exceeded the limit. Please try again after '{seconds}' seconds."
        );
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from(seconds))]);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message).with_headers(headers)
    }

    pub(crate) fn invalid_json(problem: &str) -> Self {
        let message = format!("The request content was invalid and could not be deserialized: '{problem}'.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
    }
}

/// A time as messages about tokens tell it: `11/22/2026 6:05:00 PM`.
fn shown(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format("%-m/%-d/%Y %-I:%M:%S %p")
}

impl From<Declined> for ArmError {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Refused(refusal) => refusal.into(),
            Declined::Conflict { code, message } => Self::new(StatusCode::CONFLICT, code, message),
        }
    }
}

impl From<Refusal> for ArmError {
    fn from(refusal: Refusal) -> Self {
        let broken = refusal.code == "InternalServerError";
        let status = if broken { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::BAD_REQUEST };
        Self::new(status, refusal.code, refusal.message)
    }
}

impl IntoResponse for ArmError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": { "code": self.code, "message": self.message } });
        if let Some(target) = self.target {
            body["error"]["target"] = target.into();
        }
        if !self.details.is_empty() {
            body["error"]["details"] = self.details.into();
        }
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().extend(*self.headers);
        if let Some(challenge) = self.challenge.and_then(|challenge| challenge.parse().ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            // It never got as far as a resource provider.
            response.headers_mut().insert("x-ms-failure-cause", HeaderValue::from_static("gateway"));
        }
        response
    }
}

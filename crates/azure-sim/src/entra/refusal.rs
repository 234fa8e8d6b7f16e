//! Entra's error answers: `{"error", "error_description": "AADSTS…", "error_codes", …}`.
//! https://learn.microsoft.com/entra/identity-platform/reference-error-codes

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::stamp::traced;

/// One refusal, not yet dated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) error: &'static str,
    pub(crate) number: u32,
    pub(crate) description: String,
    pub(crate) suberror: Option<&'static str>,
    /// What a new authorize request must carry, as JSON text.
    pub(crate) claims: Option<String>,
}

/// Claims that are asked for are JSON, at the page of a sign-in as at the token endpoint.
pub(super) fn check_claims(claims: Option<&str>) -> Result<(), Refusal> {
    match claims.map(serde_json::from_str::<serde::de::IgnoredAny>) {
        Some(Err(_)) => Err(Refusal::new("invalid_request", 900_144, "The 'claims' parameter is no JSON.")),
        Some(Ok(_)) | None => Ok(()),
    }
}

impl Refusal {
    /// 400.
    pub(crate) fn new(error: &'static str, number: u32, description: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error,
            number,
            description: description.into(),
            suberror: None,
            claims: None,
        }
    }

    /// 401 `invalid_client`.
    pub(crate) fn invalid_client(number: u32, description: impl Into<String>) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", number, description) }
    }

    pub(crate) fn invalid_grant(number: u32, description: impl Into<String>) -> Self {
        Self::new("invalid_grant", number, description)
    }

    pub(crate) fn suberror(self, suberror: &'static str) -> Self {
        Self { suberror: Some(suberror), ..self }
    }

    /// What passes by itself.
    pub(crate) fn transient() -> Self {
        Self::new("temporarily_unavailable", 90_033, "A transient error has occurred. Please try again.")
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        let description = format!("The request body must contain the following parameter: '{parameter}'.");
        Self::new("invalid_request", 900_144, description)
    }

    pub(crate) fn unknown_tenant(tenant: &str) -> Self {
        let description = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        Self::new("invalid_request", 90_002, description)
    }

    pub(crate) fn unknown_application(client: &str, tenant: &str) -> Self {
        let description = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You may have sent your authentication request to the wrong tenant."
        );
        Self::new("unauthorized_client", 700_016, description)
    }

    pub(crate) fn unknown_resource(resource: &str, tenant: &str) -> Self {
        let description = format!(
            "The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the \
             application has not been installed by the administrator of the tenant or consented to by any user in the \
             tenant. You might have sent your authentication request to the wrong tenant."
        );
        Self::new("invalid_resource", 500_011, description)
    }

    /// `error_description`: number, sentence, and what support asks for.
    pub(crate) fn text(&self, trace: Uuid, correlation: &str, now: DateTime<Utc>) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {}",
            self.number,
            self.description,
            stamp(now)
        )
    }

    /// The answer of a token endpoint. `correlation` is what the caller sent as `client-request-id`.
    pub(crate) fn answer(&self, correlation: Option<&str>, now: DateTime<Utc>) -> Response {
        let trace = Uuid::new_v4();
        traced((self.status, Json(self.json(trace, correlation, now))).into_response(), trace)
    }

    pub(crate) fn json(&self, trace: Uuid, correlation: Option<&str>, now: DateTime<Utc>) -> Value {
        let correlation = correlation.and_then(|text| Uuid::parse_str(text).ok()).unwrap_or_else(Uuid::new_v4);
        let mut body = json!({
            "error": self.error,
            "error_description": self.text(trace, &correlation.to_string(), now),
            "error_codes": [self.number],
            "timestamp": stamp(now),
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.number),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = &self.claims {
            body["claims"] = claims.clone().into();
        }
        body
    }
}

/// What the caller calls its request by.
pub(crate) fn correlation(headers: &HeaderMap) -> Option<&str> {
    headers.get("client-request-id").and_then(|id| id.to_str().ok())
}

/// `2026-11-22 18:05:00Z`
fn stamp(now: DateTime<Utc>) -> String {
    now.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

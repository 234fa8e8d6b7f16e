//! What all of Entra's answers carry beside what they say, as the recorded tests of Azure's SDKs show it
//! (azure-sdk-for-js, `recordings/*`).

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// Version, and the region of who answered.
const SERVER: &str = "2.1.24800.4 - WEULR1 ProdSlices";

const PRIVACY: &str = "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"";

/// Stamps an answer to a request with those headers. One that [tells of a refusal](traced) has its id already.
pub(crate) fn stamp(sent: &HeaderMap, response: &mut Response) {
    let headers = response.headers_mut();
    if !headers.contains_key(REQUEST_ID) {
        headers.extend(value(&Uuid::new_v4().to_string()).map(|id| (REQUEST_ID, id)));
    }
    for (name, value) in [
        ("x-ms-ests-server", SERVER),
        ("p3p", PRIVACY),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let is_wanted = |name: &str| sent.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    // Who asks for it gets its own id of the request back.
    if let Some(own) = sent.get("client-request-id").filter(|_| is_wanted("return-client-request-id")) {
        headers.insert(HeaderName::from_static("client-request-id"), own.clone());
    }
}

/// The answer that tells of a refusal: its id is the trace that the refusal names.
pub(crate) fn traced(mut response: Response, trace: Uuid) -> Response {
    response.headers_mut().extend(value(&trace.to_string()).map(|id| (REQUEST_ID, id)));
    response
}

fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

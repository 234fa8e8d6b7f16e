//! Faults that a test asks for: the next matching requests go wrong in a named way.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::state::rights::glob;

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// 429 with `Retry-After`.
    Throttle,
    /// 503.
    Unavailable,
    /// 500.
    Internal,
    /// The connection drops before the request is looked at.
    Reset,
    /// The request takes effect, then the connection drops.
    ResetAfter,
    /// The answer takes `seconds` longer.
    Slow,
    /// 403 `AuthorizationFailed`.
    Forbidden,
    /// The answer is cut off in the middle.
    Malformed,
    /// 401 as for an expired token.
    Unauthorized,
    /// 404 `ResourceNotFound`.
    NotFound,
    /// 409.
    Conflict,
    /// A public address endpoint tells another address.
    OtherAddress,
    /// A captive portal answers in place of the service.
    Html,
}

impl FaultKind {
    const ALL: [(&'static str, Self); 13] = [
        ("throttle", Self::Throttle),
        ("unavailable", Self::Unavailable),
        ("internal", Self::Internal),
        ("reset", Self::Reset),
        ("resetAfter", Self::ResetAfter),
        ("slow", Self::Slow),
        ("forbidden", Self::Forbidden),
        ("malformed", Self::Malformed),
        ("unauthorized", Self::Unauthorized),
        ("notFound", Self::NotFound),
        ("conflict", Self::Conflict),
        ("otherAddress", Self::OtherAddress),
        ("html", Self::Html),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    fn parse(name: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
        known.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("there is no fault '{name}'; there are {}", names.join(", "))
        })
    }
}

/// How `throttle` tells when to come back.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RetryForm {
    /// `Retry-After: 2`.
    #[default]
    Seconds,
    /// `Retry-After: Sun, 06 Nov 1994 08:49:37 GMT`.
    Date,
    /// `retry-after-ms` and `x-ms-retry-after-ms` alone.
    Milliseconds,
    /// No header at all.
    Absent,
}

/// The body of `POST /_sim/faults`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FaultRequest {
    #[serde(default, rename = "match")]
    matches: Match,
    fault: String,
    /// How many requests are hit; all when left out or null.
    #[serde(default = "once")]
    times: Option<u32>,
    #[serde(default)]
    seconds: Option<f64>,
    #[serde(default)]
    retry_after: Option<u32>,
    #[serde(default)]
    retry_form: RetryForm,
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn once() -> Option<u32> {
    Some(1)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    method: Option<String>,
    path: Option<String>,
}

/// A fault that is waiting for its requests.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    matches: Match,
    pub(crate) kind: FaultKind,
    left: Option<u32>,
    /// For `slow`.
    pub(crate) seconds: f64,
    /// For `throttle` and `unavailable`: seconds.
    pub(crate) retry_after: Option<u32>,
    pub(crate) retry_form: RetryForm,
}

impl TryFrom<FaultRequest> for Fault {
    type Error = String;

    fn try_from(request: FaultRequest) -> Result<Self, String> {
        let kind = FaultKind::parse(&request.fault)?;
        let seconds = request.seconds.unwrap_or(5.0);
        if !(0.0..=3600.0).contains(&seconds) {
            return Err("seconds must be 0 to 3600".to_owned());
        }
        let (retry_after, retry_form) = (request.retry_after, request.retry_form);
        Ok(Self { matches: request.matches, kind, left: request.times, seconds, retry_after, retry_form })
    }
}

impl Fault {
    fn hits(&self, method: &str, path: &str) -> bool {
        let same_method = |wanted: &String| wanted == "*" || wanted.eq_ignore_ascii_case(method);
        let same_path = |wanted: &String| glob(&format!("*{wanted}*"), path);
        self.left != Some(0)
            && self.matches.method.as_ref().is_none_or(same_method)
            && self.matches.path.as_ref().is_none_or(same_path)
    }

    fn to_json(&self) -> Value {
        json!({
            "match": { "method": self.matches.method, "path": self.matches.path },
            "fault": self.kind.name(),
            "times": self.left,
        })
    }
}

/// The faults that wait, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    waiting: Vec<Fault>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.waiting.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The fault that hits this request, if any; it is then used up by one.
    pub(crate) fn take(&mut self, method: &str, path: &str) -> Option<Fault> {
        let fault = self.waiting.iter_mut().find(|fault| fault.hits(method, path))?;
        fault.left = fault.left.map(|left| left - 1);
        let taken = fault.clone();
        self.waiting.retain(|fault| fault.left != Some(0));
        Some(taken)
    }

    pub(crate) fn to_json(&self) -> Value {
        self.waiting.iter().map(Fault::to_json).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(json: Value) -> Fault {
        serde_json::from_value::<FaultRequest>(json).unwrap().try_into().unwrap()
    }

    #[test]
    fn a_fault_hits_as_often_as_asked_and_only_where_it_matches() {
        let mut faults = Faults::default();
        faults.add(fault(json!({ "match": { "method": "POST", "path": "/Initiate" }, "fault": "reset", "times": 2 })));
        assert!(faults.take("GET", "/x/initiate").is_none());
        assert!(faults.take("POST", "/x/start").is_none());
        assert!(faults.take("post", "/x/initiate").is_some());
        assert!(faults.take("POST", "/x/initiate").is_some());
        assert!(faults.take("POST", "/x/initiate").is_none());
    }

    #[test]
    fn without_a_limit_a_fault_stays() {
        let mut faults = Faults::default();
        faults.add(fault(json!({ "match": { "path": "/virtualMachines/*/start" }, "fault": "slow", "times": null })));
        for _ in 0..10 {
            assert!(faults.take("POST", "/a/virtualMachines/web-01/start").is_some());
        }
    }

    #[test]
    fn an_unknown_fault_is_answered_with_the_names_of_all() {
        let complaint = FaultKind::parse("nonsense").unwrap_err();
        assert!(complaint.contains("resetAfter") && complaint.contains("otherAddress"), "{complaint}");
    }
}

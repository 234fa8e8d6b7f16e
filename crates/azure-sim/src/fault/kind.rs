//! The faults there are: their names, what they do, and what else can be said of them.

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The connection drops before the request is looked at.
    Reset,
    /// Another answer comes in place of the request's own.
    Instead(Instead),
    /// The request takes effect, and its answer goes wrong.
    Tampered(Tamper),
}

/// An answer in place of the request's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instead {
    Throttle,
    Internal,
    BadGateway,
    Unavailable,
    GatewayTimeout,
    Forbidden,
    ExpiredToken,
    ClaimsChallenge,
    TwoChallenges,
    NotFound,
    Conflict,
    Html,
    ProxyForbidden,
    ProxyNotFound,
    ProxyAuthentication,
    NetworkAuthentication,
    Redirect,
    OtherAddress,
}

/// What goes wrong with a request's own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tamper {
    ResetAfter,
    Slow,
    StalledHeaders,
    StalledBody,
    SlowTrickle,
    Truncated,
    Malformed,
    InvalidJson,
    EmptyBody,
    OversizedBody,
    WrongContentType,
    ByteOrderMark,
    ClockSkew,
}

/// One line of the list of faults.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) name: &'static str,
    pub(crate) kind: FaultKind,
    pub(crate) meaning: &'static str,
    /// What else can be said of it, beside `match`, `times` and `probability`.
    pub(crate) takes: &'static [&'static str],
}

const WAIT: &[&str] = &["retryAfter", "retryForm", "applied", "body"];
const RETRY: &[&str] = &["retryAfter", "retryForm"];
const PAGE: &[&str] = &["applied", "body"];
const SECONDS: &[&str] = &["seconds"];

impl FaultKind {
    /// All faults by name. `unauthorized` and `expiredToken` are one.
    pub(crate) const ALL: &[Named] = &[
        named(
            "throttle",
            instead(Instead::Throttle),
            "429, and when to come back in the form that retryForm names",
            RETRY,
        ),
        named("internal", instead(Instead::Internal), "500", WAIT),
        named("badGateway", instead(Instead::BadGateway), "502, a page of the gateway's", WAIT),
        named("unavailable", instead(Instead::Unavailable), "503", WAIT),
        named("gatewayTimeout", instead(Instead::GatewayTimeout), "504, a page of the gateway's", WAIT),
        named("forbidden", instead(Instead::Forbidden), "403 AuthorizationFailed", &[]),
        named("unauthorized", instead(Instead::ExpiredToken), "401 ExpiredAuthenticationToken", &[]),
        named("expiredToken", instead(Instead::ExpiredToken), "401 ExpiredAuthenticationToken", &[]),
        named(
            "claimsChallenge",
            instead(Instead::ClaimsChallenge),
            "401 insufficient_claims: continuous access evaluation wants a token with other claims",
            &[],
        ),
        named(
            "twoChallenges",
            instead(Instead::TwoChallenges),
            "401 with two WWW-Authenticate headers: a claims challenge, then a plain one",
            &[],
        ),
        named("notFound", instead(Instead::NotFound), "404 ResourceNotFound", &[]),
        named("conflict", instead(Instead::Conflict), "409 Conflict", RETRY),
        named("reset", Self::Reset, "the connection drops before the request is looked at", &[]),
        named("resetAfter", tampered(Tamper::ResetAfter), "the request takes effect, then the connection drops", &[]),
        named("slow", tampered(Tamper::Slow), "the request takes effect, the answer comes seconds later (5)", SECONDS),
        named(
            "stalledHeaders",
            tampered(Tamper::StalledHeaders),
            "the request takes effect, no byte of an answer comes for seconds (120), then the connection drops",
            SECONDS,
        ),
        named(
            "stalledBody",
            tampered(Tamper::StalledBody),
            "the answer stops in the middle of its body for seconds (120), then the connection drops",
            SECONDS,
        ),
        named(
            "slowTrickle",
            tampered(Tamper::SlowTrickle),
            "the answer's body comes in crumbs over seconds (5)",
            SECONDS,
        ),
        named("truncated", tampered(Tamper::Truncated), "the connection drops in the middle of the answer's body", &[]),
        named("malformed", tampered(Tamper::Malformed), "the answer is complete for HTTP, its JSON is cut off", &[]),
        named("invalidJson", tampered(Tamper::InvalidJson), "the answer is complete, its JSON is none", &["body"]),
        named("emptyBody", tampered(Tamper::EmptyBody), "status and headers are right, the body is empty", &[]),
        named(
            "oversizedBody",
            tampered(Tamper::OversizedBody),
            "the body has megabytes (64) of spaces before it ends",
            &["megabytes"],
        ),
        named("wrongContentType", tampered(Tamper::WrongContentType), "the right body, said to be text/html", &[]),
        named(
            "byteOrderMark",
            tampered(Tamper::ByteOrderMark),
            "the right body, after the byte order mark of UTF-8",
            &[],
        ),
        named(
            "html",
            instead(Instead::Html),
            "a captive portal answers with a page and 200 in place of the service",
            PAGE,
        ),
        named("proxyForbidden", instead(Instead::ProxyForbidden), "403, a page of a proxy's", PAGE),
        named("proxyNotFound", instead(Instead::ProxyNotFound), "404, a page of a proxy's", PAGE),
        named("proxyAuthentication", instead(Instead::ProxyAuthentication), "407, a page of a proxy's", PAGE),
        named("networkAuthentication", instead(Instead::NetworkAuthentication), "511, a network's page", PAGE),
        named(
            "redirect",
            instead(Instead::Redirect),
            "307 to another host (to: foreign), to the same without TLS (http), to itself (self), or to a URL",
            &["to"],
        ),
        named(
            "clockSkew",
            tampered(Tamper::ClockSkew),
            "the Date header, and the times of a token's answer, are off by minutes (10; below zero is the past)",
            &["minutes"],
        ),
        named("otherAddress", instead(Instead::OtherAddress), "a public address endpoint tells 198.51.100.77", &[]),
    ];

    /// The fault of that name.
    pub(crate) fn find(name: &str) -> Result<&'static Named, String> {
        Self::ALL.iter().find(|named| named.name == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|named| named.name).collect();
            format!("there is no fault '{name}'; there are {}", names.join(", "))
        })
    }
}

const fn instead(answer: Instead) -> FaultKind {
    FaultKind::Instead(answer)
}

const fn tampered(tamper: Tamper) -> FaultKind {
    FaultKind::Tampered(tamper)
}

const fn named(name: &'static str, kind: FaultKind, meaning: &'static str, takes: &'static [&'static str]) -> Named {
    Named { name, kind, meaning, takes }
}

/// How a wait is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RetryForm {
    #[default]
    Seconds,
    Date,
    Milliseconds,
    RetryAfterMs,
    XMsRetryAfterMs,
    Absent,
    Garbage,
}

impl RetryForm {
    pub(crate) const ALL: &[(&'static str, Self, &'static str)] = &[
        ("seconds", Self::Seconds, "Retry-After: 2"),
        ("date", Self::Date, "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT"),
        ("milliseconds", Self::Milliseconds, "retry-after-ms and x-ms-retry-after-ms"),
        ("retry-after-ms", Self::RetryAfterMs, "retry-after-ms alone"),
        ("x-ms-retry-after-ms", Self::XMsRetryAfterMs, "x-ms-retry-after-ms alone"),
        ("absent", Self::Absent, "no header at all"),
        ("garbage", Self::Garbage, "Retry-After: soon"),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_fault_is_answered_with_the_names_of_all() {
        let complaint = FaultKind::find("nonsense").unwrap_err();
        assert!(FaultKind::ALL.iter().all(|named| complaint.contains(named.name)), "{complaint}");
    }

    #[test]
    fn every_fault_is_found_by_its_name() {
        for named in FaultKind::ALL {
            assert_eq!(FaultKind::find(named.name).unwrap().kind, named.kind, "{}", named.name);
        }
    }
}

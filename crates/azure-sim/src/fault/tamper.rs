//! What goes wrong with an answer on its way to the client.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::response::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::TimeDelta;
use futures::stream;
use serde_json::Value;

use super::Fault;
use super::kind::{FaultKind, Tamper};

const CRUMBS: usize = 20;
const MEGABYTE: usize = 1 << 20;

const INVALID_JSON: &str = "{\"value\": [{\"id\": nowhere}, ]";

/// HTTP/2 drops what it has not sent yet when a stream is reset: headers and half a body get this head start.
const BEFORE_THE_END: Duration = Duration::from_millis(50);

impl Fault {
    /// The answer as it reaches the client; `None` when the connection drops in place of it.
    pub(crate) async fn tamper(&self, tamper: Tamper, response: Response) -> Option<Response> {
        let seconds = |default: f64| Duration::from_secs_f64(self.seconds.unwrap_or(default));
        let (mut parts, body) = response.into_parts();
        let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        parts.headers.remove(header::CONTENT_LENGTH);
        let body = match tamper {
            Tamper::ResetAfter => return None,
            Tamper::StalledHeaders => {
                tokio::time::sleep(seconds(120.0)).await;
                return None;
            }
            Tamper::Slow => {
                // The effect is there at once: what a caller that gives up early must reckon with.
                tokio::time::sleep(seconds(5.0)).await;
                Body::from(whole)
            }
            Tamper::StalledBody => cut_off(&mut parts, &whole, seconds(120.0)),
            Tamper::Truncated => cut_off(&mut parts, &whole, BEFORE_THE_END),
            Tamper::SlowTrickle => crumbs(&whole, seconds(5.0)),
            Tamper::Malformed => Body::from(whole.slice(..whole.len() / 2)),
            Tamper::InvalidJson => Body::from(self.body.clone().unwrap_or_else(|| INVALID_JSON.to_owned())),
            Tamper::EmptyBody => Body::empty(),
            Tamper::OversizedBody => padded(&whole, self.megabytes),
            Tamper::WrongContentType => {
                parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
                Body::from(whole)
            }
            Tamper::ByteOrderMark if whole.is_empty() => Body::from(whole),
            Tamper::ByteOrderMark => Body::from([b"\xef\xbb\xbf", &whole[..]].concat()),
            Tamper::ClockSkew => Body::from(shifted(&whole, self.skew())),
        };
        Some(Response::from_parts(parts, body))
    }

    /// How far the clock of the answer is off.
    pub(crate) fn skew(&self) -> TimeDelta {
        if self.kind != FaultKind::Tampered(Tamper::ClockSkew) {
            return TimeDelta::zero();
        }
        let skew = TimeDelta::from_std(Duration::from_secs_f64(self.minutes.abs() * 60.0)).unwrap_or_default();
        if self.minutes < 0.0 { -skew } else { skew }
    }
}

/// Half of it, silence, and the end of the connection where the headers promise more.
fn cut_off(parts: &mut Parts, whole: &Bytes, silence: Duration) -> Body {
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().max(2)));
    let half = whole.slice(..whole.len() / 2);
    Body::from_stream(stream::unfold(Some(Some(half)), move |state| async move {
        if let Some(half) = state? {
            return Some((Ok(half), Some(None)));
        }
        tokio::time::sleep(silence).await;
        Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
    }))
}

fn crumbs(whole: &Bytes, over: Duration) -> Body {
    let size = whole.len().div_ceil(CRUMBS).max(1);
    let pause = over / u32::try_from(CRUMBS).unwrap_or(1);
    Body::from_stream(stream::unfold(whole.clone(), move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        tokio::time::sleep(pause).await;
        let crumb = left.split_to(size.min(left.len()));
        Some((Ok::<_, Infallible>(crumb), left))
    }))
}

/// Spaces after the first character: JSON stays JSON.
fn padded(whole: &Bytes, megabytes: u32) -> Body {
    let spaces = Bytes::from(vec![b' '; MEGABYTE]);
    let split = usize::from(!whole.is_empty());
    let before = whole.slice(..split);
    let after = whole.slice(split..);
    let padding = std::iter::repeat_n(spaces, usize::try_from(megabytes).unwrap_or_default());
    let all = std::iter::once(before).chain(padding).chain([after]);
    Body::from_stream(stream::iter(all.map(Ok::<_, Infallible>)))
}

/// The times of a token's answer, seconds since 1970 as numbers or texts.
const TIMES: [&str; 2] = ["expires_on", "not_before"];

fn shifted(whole: &Bytes, skew: TimeDelta) -> Bytes {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(whole) else { return whole.clone() };
    let mut changed = false;
    for name in TIMES {
        let Some(value) = members.get_mut(name) else { continue };
        let moved = |seconds: i64| seconds.saturating_add(skew.num_seconds());
        match value {
            Value::Number(number) => *value = number.as_i64().map_or(Value::Null, |at| moved(at).into()),
            Value::String(text) => {
                *value = text.parse().map_or(Value::Null, |at: i64| moved(at).to_string().into());
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => continue,
        }
        changed = true;
    }
    if changed { Bytes::from(Value::Object(members).to_string()) } else { whole.clone() }
}

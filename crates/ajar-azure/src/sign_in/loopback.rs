//! Where the browser comes back to: a server on this machine for the length of one sign-in (RFC 8252, 7.3).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use azure_core::credentials::Secret;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

use super::refusal::Refusal;

/// A request's line and headers; codes have one or two thousand characters.
const LONGEST_REQUEST: usize = 16 << 10;
/// A browser sends what it has to say at once.
const LONGEST_CONNECTION: Duration = Duration::from_secs(10);
/// Browsers open a few connections ahead. Of more, the oldest that has said nothing makes room.
const MOST_CONNECTIONS: usize = 32;
/// Ports that one family has and another program the other are tried no further than this.
const TRIES: usize = 16;

/// Listens on one port of both loopback addresses: which of them “localhost” is, the browser decides.
#[derive(Debug)]
pub(super) struct Loopback {
    listeners: Vec<TcpListener>,
    port: u16,
}

/// What the browser brought.
#[derive(Debug)]
pub(super) enum Callback {
    /// An authorization code.
    Code(Secret),
    /// Why there is none.
    Refused(Refusal),
}

impl Loopback {
    /// A port that is free on both addresses, or on the only one that this machine has.
    pub(super) async fn bind() -> io::Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::bind_on(0).await {
                // Somebody else has the port on the other address, and the browser might go there.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < TRIES => {}
                result => return result,
            }
        }
    }

    async fn bind_on(port: u16) -> io::Result<Self> {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        let port = first.as_ref().ok().and_then(|first| first.local_addr().ok()).map_or(port, |address| address.port());
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await;
        let mut listeners = Vec::new();
        let mut missing = None;
        for listener in [first, second] {
            match listener {
                Ok(listener) => listeners.push(listener),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                // This machine does not have that address.
                Err(error) => missing = Some(error),
            }
        }
        let address: SocketAddr = match (listeners.first(), missing) {
            (Some(listener), _) => listener.local_addr()?,
            (None, Some(error)) => return Err(error),
            (None, None) => return Err(io::ErrorKind::AddrNotAvailable.into()),
        };
        Ok(Self { listeners, port: address.port() })
    }

    /// Entra ignores the port of `http://localhost` and of no other redirect.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Waits for the browser to come back with `state`, however long that takes. Whoever comes with another one, or for
    /// something else, is turned away and changes nothing.
    pub(super) async fn callback(&self, state: &str) -> Callback {
        let state: Arc<str> = state.into();
        let (sender, mut callbacks) = mpsc::channel(1);
        let (mut connections, mut visitors) = (JoinSet::new(), VecDeque::new());
        loop {
            tokio::select! {
                biased;
                Some(callback) = callbacks.recv() => return callback,
                Some(_) = connections.join_next() => {}
                stream = accept(&self.listeners) => {
                    make_room(&mut visitors);
                    let has_spoken = Arc::default();
                    let serving = serve(stream, Arc::clone(&state), Arc::clone(&has_spoken), sender.clone());
                    visitors.push_back(Visitor { task: connections.spawn(serving), has_spoken });
                }
            }
        }
    }
}

/// A connection.
#[derive(Debug)]
struct Visitor {
    task: AbortHandle,
    /// Whether its request is read: it is answered, and then gone by itself.
    has_spoken: Arc<AtomicBool>,
}

/// Whoever is silent keeps nobody out.
fn make_room(visitors: &mut VecDeque<Visitor>) {
    visitors.retain(|visitor| !visitor.task.is_finished());
    if visitors.len() < MOST_CONNECTIONS {
        return;
    }
    let silent = visitors.iter().position(|visitor| !visitor.has_spoken.load(Ordering::Relaxed));
    if let Some(oldest) = silent.and_then(|at| visitors.remove(at)) {
        oldest.task.abort();
    }
}

async fn accept(listeners: &[TcpListener]) -> TcpStream {
    loop {
        let accepts = listeners.iter().map(|listener| Box::pin(listener.accept()));
        match futures::future::select_all(accepts).await.0 {
            Ok((stream, _)) => return stream,
            // Whoever came is gone again, or there are no file descriptors left for the moment.
            Err(error) => {
                tracing::debug!(%error, "nobody came back");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Answers one request, and passes on what it brought once the browser has its page.
async fn serve(stream: TcpStream, state: Arc<str>, has_spoken: Arc<AtomicBool>, callbacks: mpsc::Sender<Callback>) {
    let (found, mut brought) = mpsc::channel(1);
    let service = service_fn(move |request: Request<Incoming>| {
        has_spoken.store(true, Ordering::Relaxed);
        let (page, callback) = read(request.method(), request.uri(), &state);
        if let Some(callback) = callback {
            // One connection has one request.
            drop(found.try_send(callback));
        }
        std::future::ready(Ok::<_, Infallible>(page.response()))
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    let connection =
        http.keep_alive(false).max_buf_size(LONGEST_REQUEST).serve_connection(TokioIo::new(stream), service);
    if let Ok(Err(error)) = tokio::time::timeout(LONGEST_CONNECTION, connection).await {
        tracing::debug!(%error, "a connection of the browser broke");
    }
    if let Ok(callback) = brought.try_recv() {
        // Only the first one counts.
        drop(callbacks.try_send(callback));
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Done,
    Refused,
    Stranger,
    NotFound,
}

fn read(method: &Method, uri: &hyper::Uri, state: &str) -> (Page, Option<Callback>) {
    if method != Method::GET || uri.path() != "/" {
        return (Page::NotFound, None);
    }
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let one = |name: &str| {
        let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        values.next().filter(|value| !value.is_empty() && values.next().is_none())
    };
    let is_ours = one("state").is_some_and(|sent| {
        aws_lc_rs::constant_time::verify_slices_are_equal(sent.as_bytes(), state.as_bytes()).is_ok()
    });
    match (one("code"), one("error")) {
        _ if !is_ours => (Page::Stranger, None),
        (Some(code), None) => (Page::Done, Some(Callback::Code(code.to_owned().into()))),
        (None, Some(error)) => {
            let suberror = one("error_subcode").or(one("suberror")).unwrap_or_default().to_owned();
            let error_description = one("error_description").unwrap_or_default().to_owned();
            let refusal = Refusal { error: error.to_owned(), suberror, error_description, ..Refusal::default() };
            (Page::Refused, Some(Callback::Refused(refusal)))
        }
        (Some(_), Some(_)) | (None, None) => (Page::Stranger, None),
    }
}

impl Page {
    /// Says nothing of what the browser brought, and has the browser tell nobody about its address.
    fn response(self) -> Response<Full<Bytes>> {
        let (status, title, sentence) = match self {
            Self::Done => (StatusCode::OK, "Back to Ajar", "You can close this page. Ajar goes on by itself."),
            Self::Refused => {
                (StatusCode::OK, "Not signed in", "You can close this page. Ajar says what can be done about it.")
            }
            Self::Stranger => (
                StatusCode::BAD_REQUEST,
                "Not this sign-in",
                "Ajar is not waiting for this page. You can close it; a newer one may be open.",
            ),
            Self::NotFound => (StatusCode::NOT_FOUND, "Nothing here", "You can close this page."),
        };
        let html = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
             <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:30rem;margin:18vh auto;padding:0 1.5rem}}\
             </style><h1>{title}</h1><p>{sentence}</p></html>\n"
        );
        let mut response = Response::new(Full::new(Bytes::from(html)));
        *response.status_mut() = status;
        for (name, value) in [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests;

//! A connection to a VM's port through an Azure Bastion host, as `az network bastion tunnel` makes it: a token for the port, a web
//! socket whose binary frames are the connection's bytes, and the end of the token.
//!
//! Source: <https://github.com/Azure/azure-cli-extensions/blob/main/src/bastion/azext_bastion/tunnel.py>. The protocol is not
//! documented otherwise. The web socket's token stands in its address, which is told nowhere for that.

use std::io;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ajar_core::bastion::BastionHost;
use ajar_core::failure::{BastionFlaw, Failure, Trouble};
use ajar_core::resource_id::VmResourceId;
use azure_core::credentials::Secret;
use futures::{SinkExt, StreamExt};
use reqwest::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Response, StatusCode, Upgraded};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use url::Url;

use crate::arm_client::ArmClient;
use crate::bastion::door;
use crate::connection::{self, Http};

/// By this a host that is several machines finds the one that knows the token.
const NODE: HeaderName = HeaderName::from_static("x-node-id");

/// As much as `az` puts into one frame: hosts are said to take no message in several.
const FRAME: usize = 4096;

/// The longest refusal that is read.
const MOST_SAID: usize = 64 << 10;

/// How long a VM may be silent once this side is done, before no more is waited for.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long the end of a token may take, which nobody waits for.
const CLOSING: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    auth_token: String,
    node_id: String,
    websocket_token: String,
}

#[derive(Default, Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
}

/// A token that ends with this.
struct Session {
    http: Http,
    door: Url,
    token: String,
    node: String,
    is_over: bool,
}

impl Session {
    /// Ends the token.
    fn ending(&mut self) -> impl Future<Output = ()> + Send + 'static {
        self.is_over = true;
        let ending = below(&self.door, &["api", "tokens", &self.token]);
        let request = self.http.plain().delete(ending).header(NODE, &self.node).timeout(CLOSING);
        async move {
            match request.send().await.map(|answer| answer.status()) {
                Ok(StatusCode::OK | StatusCode::NO_CONTENT | StatusCode::NOT_FOUND) => {}
                Ok(status) => tracing::info!(%status, "a Bastion host keeps a token"),
                Err(error) => tracing::info!(error = %told(&error), "a Bastion host keeps a token"),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Where nothing runs any more it ends by itself.
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.is_over
        {
            drop(runtime.spawn(self.ending()));
        }
    }
}

/// A connection to a VM's port. Dropped, it is closed, and its token ended.
pub struct Tunnel {
    socket: WebSocketStream<Upgraded>,
    session: Session,
}

impl std::fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tunnel")
    }
}

impl ArmClient {
    /// Connects to a VM's port through a Bastion host.
    ///
    /// # Errors
    /// [`Failure::BastionRefused`] where the host says no; [`BastionFlaw::Unknown`] where it speaks otherwise; [`Failure::Unreachable`] where it cannot be asked, or breaks off; what a
    /// token can fail of.
    pub async fn tunnel(&self, host: &BastionHost, vm: &VmResourceId, port: u16) -> Result<Tunnel, Trouble> {
        let door = door(&host.dns_name).filter(|door| self.is_of_bastion(door));
        let internal = || Failure::Internal { detail: "no way to that Bastion host".into() };
        let (door, http) = door.zip(self.http().cloned()).ok_or_else(internal)?;
        let token = self.token().await?;
        let asked = Wish { http: &http, door: &door, vm, port };
        let mut answer = asked.send(&token).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            // It may have been called back meanwhile.
            self.reject(token);
            answer = asked.send(&self.token().await?).await?;
        }
        let opened = opened(host, &door, answer).await?;
        let session = Session {
            http: http.clone(),
            door: door.clone(),
            token: opened.auth_token,
            node: opened.node_id,
            is_over: false,
        };
        let connected = connected(&http, host, &session, &opened.websocket_token);
        let late = || Failure::Unreachable { host: connection::host(&door), detail: "timed out".into() };
        let socket = tokio::time::timeout(http.limits().call, connected).await.map_err(|_| late())??;
        Ok(Tunnel { socket, session })
    }
}

/// What is asked of a host.
struct Wish<'a> {
    http: &'a Http,
    door: &'a Url,
    vm: &'a VmResourceId,
    port: u16,
}

impl Wish<'_> {
    async fn send(&self, token: &Secret) -> Result<Response, Trouble> {
        let port = self.port.to_string();
        let form = [
            ("resourceId", self.vm.resource().as_str()),
            ("protocol", "tcptunnel"),
            ("workloadHostPort", &port),
            ("aztoken", token.secret()),
        ];
        let sent = self.http.plain().post(below(self.door, &["api", "tokens"])).form(&form).send().await;
        sent.map_err(|error| unreachable(self.door, &error))
    }
}

async fn opened(host: &BastionHost, door: &Url, answer: Response) -> Result<Opened, Trouble> {
    let status = answer.status();
    let body = read(answer).await.map_err(|error| unreachable(door, &error))?;
    if status != StatusCode::OK {
        return Err(refused(host, status, &body));
    }
    Ok(serde_json::from_slice(&body).map_err(|_| unknown(host, "What it answers has another shape."))?)
}

/// The web socket to what was opened.
async fn connected(
    http: &Http,
    host: &BastionHost,
    session: &Session,
    token: &str,
) -> Result<WebSocketStream<Upgraded>, Trouble> {
    let door = &session.door;
    let broken = |detail: &str| {
        let host = connection::host(door);
        Trouble::from(Failure::Unreachable { host, detail: detail.into() })
    };
    let client = http.upgrading().ok_or_else(|| broken("no web sockets"))?;
    let mut url = below(door, &["webtunnelv2", token]);
    url.query_pairs_mut().append_pair("X-Node-Id", &session.node);
    let key = generate_key();
    let request = client.get(url).header(CONNECTION, "Upgrade").header(UPGRADE, "websocket");
    let request = request.header(SEC_WEBSOCKET_VERSION, "13").header(SEC_WEBSOCKET_KEY, &key);
    let answer = request.send().await.map_err(|error| unreachable(door, &error))?;
    if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
        let status = answer.status();
        let body = read(answer).await.unwrap_or_default();
        return Err(refused(host, status, &body));
    }
    let accepted = answer.headers().get(SEC_WEBSOCKET_ACCEPT).map(|value| value.as_bytes().to_vec());
    if accepted != Some(derive_accept_key(key.as_bytes()).into_bytes()) {
        return Err(broken("somebody else answers in its place"));
    }
    let stream = answer.upgrade().await.map_err(|error| unreachable(door, &error))?;
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

async fn read(mut answer: Response) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await? {
        let room = MOST_SAID.saturating_sub(body.len());
        if room == 0 {
            break;
        }
        body.extend_from_slice(&part[..part.len().min(room)]);
    }
    Ok(body)
}

/// A server that has trouble of its own, or wants to be left alone, has not said no.
fn refused(host: &BastionHost, status: StatusCode, body: &[u8]) -> Trouble {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    let passes = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let bastion = host.id.name().to_owned();
    // Such a refusal is about what is asked, and not about who asks.
    let is_unknown = said.message.is_empty() && matches!(status.as_u16(), 404 | 405 | 410 | 415 | 426 | 501);
    let failure = if is_unknown {
        unknown(host, &format!("It says HTTP {}, and not why.", status.as_u16()))
    } else if passes {
        Failure::Unreachable { host: host.dns_name.clone(), detail: format!("HTTP {}", status.as_u16()) }
    } else {
        Failure::BastionRefused { bastion, status: status.as_u16(), said: without_tokens(&said.message) }
    };
    failure.into()
}

/// The protocol is another by now, or was never this one.
fn unknown(host: &BastionHost, how: &str) -> Failure {
    Failure::BastionUnfit { bastion: host.id.name().to_owned(), flaw: BastionFlaw::Unknown(how.to_owned()) }
}

/// A host may repeat the token that it was sent: what looks like one (RFC 7519) is told nowhere.
fn without_tokens(said: &str) -> String {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
    let mut told = String::new();
    for piece in said.split_inclusive(|c| !is_of_token(c)) {
        let word = piece.trim_end_matches(|c| !is_of_token(c));
        let is_token = word.contains("eyJ") && word.len() > 20;
        told.push_str(if is_token { "…" } else { word });
        told.push_str(&piece[word.len()..]);
    }
    told
}

fn unreachable(door: &Url, error: &reqwest::Error) -> Trouble {
    Failure::Unreachable { host: connection::host(door), detail: told(error) }.into()
}

/// The cause at the bottom: what stands above it may have the address in it.
fn told(error: &reqwest::Error) -> String {
    match connection::innermost(error).downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "timed out".into(),
        Some(error) if error.is_connect() => "cannot connect".into(),
        Some(_) => "the connection broke".into(),
        None => connection::innermost(error).to_string(),
    }
}

/// The address of something at a host; what stands in it is one segment of the path each.
fn below(door: &Url, segments: &[&str]) -> Url {
    let mut url = door.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(segments);
    }
    url
}

impl Tunnel {
    /// Carries bytes both ways until one side is done: a web socket has no end of one direction alone.
    ///
    /// # Errors
    /// What breaks either connection.
    pub async fn carry(mut self, stream: impl AsyncRead + AsyncWrite + Send) -> io::Result<()> {
        let carried = self.carry_to_the_end(stream).await;
        // Whoever does not wait for it ends it all the same.
        drop(tokio::spawn(self.session.ending()).await);
        carried
    }

    async fn carry_to_the_end(&mut self, stream: impl AsyncRead + AsyncWrite + Send) -> io::Result<()> {
        let (mut from_here, mut to_here) = tokio::io::split(stream);
        let silent_since = Mutex::new(None);
        {
            let (mut sink, mut source) = (&mut self.socket).split();
            // Each for itself: who waits for room in one direction must not hold up the other.
            let sending = async {
                let mut piece = [0; FRAME];
                loop {
                    match from_here.read(&mut piece).await? {
                        0 => return io::Result::Ok(()),
                        count => {
                            let sent = sink.send(Message::Binary(piece[..count].to_vec().into())).await;
                            sent.map_err(io::Error::other)?;
                        }
                    }
                }
            };
            let receiving = async {
                loop {
                    set(&silent_since, Some(Instant::now()));
                    let message = source.next().await;
                    set(&silent_since, None);
                    if !pass_on(message, &mut to_here).await? {
                        return io::Result::Ok(());
                    }
                }
            };
            let (mut sending, mut receiving) = (pin!(sending), pin!(receiving));
            let is_ended = tokio::select! {
                ended = &mut receiving => ended.map(|()| true)?,
                done = &mut sending => done.map(|()| false)?,
            };
            if !is_ended {
                // The host is not told that this side is done: it would end both, and what the VM still says would be lost.
                tokio::select! {
                    ended = &mut receiving => ended?,
                    () = silence(&silent_since) => {}
                }
            }
        }
        // It may be closed already.
        drop(tokio::time::timeout(LAST_WORDS, self.socket.close(None)).await);
        to_here.shutdown().await
    }
}

fn set(silent_since: &Mutex<Option<Instant>>, at: Option<Instant>) {
    *silent_since.lock().unwrap_or_else(PoisonError::into_inner) = at;
}

/// Waits until nothing has been said for [`LAST_WORDS`]. What is being passed on is no silence.
async fn silence(since: &Mutex<Option<Instant>>) {
    let mut until = Instant::now() + LAST_WORDS;
    loop {
        tokio::time::sleep_until(until).await;
        let since = *since.lock().unwrap_or_else(PoisonError::into_inner);
        until = since.unwrap_or_else(Instant::now) + LAST_WORDS;
        if until <= Instant::now() {
            return;
        }
    }
}

/// Whether there is more to come.
async fn pass_on(
    message: Option<tokio_tungstenite::tungstenite::Result<Message>>,
    to_here: &mut (impl AsyncWrite + Unpin),
) -> io::Result<bool> {
    match message.transpose().map_err(io::Error::other)? {
        Some(Message::Binary(bytes)) => to_here.write_all(&bytes).await.map(|()| true),
        // Pings are answered as they are read.
        Some(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Ok(true),
        Some(Message::Text(_)) => Err(io::Error::other("text where there is none in the protocol")),
        Some(Message::Close(_)) | None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_a_host_repeats_is_not_told() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL21hbmFnZW1lbnQifQ.c2lnbmF0dXJl";
        let said = format!("Bearer {token} is not valid (aztoken={token}), for vm-01.");
        assert_eq!(without_tokens(&said), "Bearer … is not valid (…), for vm-01.");
        assert_eq!(without_tokens("No access to hub."), "No access to hub.");
        assert_eq!(without_tokens(""), "");
    }
}

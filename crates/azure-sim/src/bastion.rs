//! The doors of Bastion hosts, as `az network bastion tunnel` goes through them: a token for a VM's port, a web socket
//! that is the connection, and the token's end.
//!
//! All hosts are at the simulator's own address; which of them is meant follows from the VM.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Form, Json, Router};
use bytes::BytesMut;
use chrono::{DateTime, TimeDelta, Utc};
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::entra::directory::Caller;
use crate::latency::Wait;
use crate::state::{Cloud, Guest};
use crate::world::World;

/// How long a token may wait for its web socket. How long Azure's may is not known.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// As much as goes into one frame.
const FRAME: usize = 16 << 10;

/// What was opened and has not ended, by its `authToken`.
#[derive(Default)]
pub(crate) struct Tunnels(HashMap<String, Tunnel>);

struct Tunnel {
    web_socket_token: String,
    node: String,
    vm: usize,
    port: u16,
    expires: DateTime<Utc>,
    is_used: bool,
    ended: Arc<Notify>,
}

/// What a client asks for; `hostname` and what else it may say is for other protocols.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    resource_id: String,
    protocol: String,
    workload_host_port: u16,
    aztoken: String,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "X-Node-Id")]
    id: Option<String>,
}

/// A refusal in the shape that clients read: `{"message": …}`. The words are the simulator's own.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

pub(crate) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/api/tokens", post(open))
        .route("/api/tokens/{token}", delete(close))
        .route("/webtunnelv2/{token}", get(connect))
}

async fn open(State(world): State<Arc<World>>, Form(wish): Form<Wish>) -> Result<Response, Refused> {
    world.wait(Wait::Read).await;
    if wish.protocol != "tcptunnel" {
        let message = format!("azure-sim does not simulate the protocol '{}' of Bastion hosts.", wish.protocol);
        return Err(Refused(StatusCode::NOT_IMPLEMENTED, message));
    }
    let caller = world.caller(&wish.aztoken);
    let caller = caller.ok_or_else(|| Refused(StatusCode::UNAUTHORIZED, "The token is not valid.".to_owned()))?;
    let vm = world.look(|cloud, _| permitted(cloud, &caller, &wish.resource_id))?;
    let (auth_token, web_socket_token) = (Uuid::new_v4().simple().to_string(), Uuid::new_v4().simple().to_string());
    let tunnel = Tunnel {
        web_socket_token: web_socket_token.clone(),
        node: Uuid::new_v4().simple().to_string(),
        vm,
        port: wish.workload_host_port,
        expires: world.clock.now() + LIFETIME,
        is_used: false,
        ended: Arc::new(Notify::new()),
    };
    let answer = json!({ "authToken": auth_token, "nodeId": tunnel.node, "websocketToken": web_socket_token });
    world.tunnels().0.insert(auth_token, tunnel);
    Ok(Json(answer).into_response())
}

/// The VM, if a Bastion host may lead the caller there.
fn permitted(cloud: &Cloud, caller: &Caller, id: &str) -> Result<usize, Refused> {
    let forbidden = |action: &str, scope: &str| {
        let message = format!("The caller lacks '{action}' at '{scope}'.");
        Err(Refused(StatusCode::FORBIDDEN, message))
    };
    let may = |action: &str, scope: &str| cloud.rights.of_action(caller.account, action).at(scope);
    let missing = || Refused(StatusCode::NOT_FOUND, format!("There is no virtual machine '{id}'."));
    let (index, vm) = cloud.vm_of_id(id).ok_or_else(missing)?;
    for (action, scope) in
        [("Microsoft.Compute/virtualMachines/read", vm.id()), ("Microsoft.Network/networkInterfaces/read", vm.nic_id())]
    {
        if !may(action, &scope) {
            return forbidden(action, &scope);
        }
    }
    let nearby: Vec<_> = cloud.bastion_hosts.iter().filter(|host| host.reaches(vm)).collect();
    let Some(first) = nearby.first() else {
        let message = format!("No Bastion host is in the network of '{id}', or in one that is peered with it.");
        return Err(Refused(StatusCode::NOT_FOUND, message));
    };
    let Some(host) = nearby.iter().find(|host| host.has_tunnel()) else {
        let message = format!("The Bastion host '{}' takes no native clients.", first.name);
        return Err(Refused(StatusCode::BAD_REQUEST, message));
    };
    let read = "Microsoft.Network/bastionHosts/read";
    if may(read, &host.id()) { Ok(index) } else { forbidden(read, &host.id()) }
}

async fn close(State(world): State<Arc<World>>, Path(token): Path<String>) -> Response {
    let ended = world.tunnels().0.remove(&token);
    match ended {
        Some(tunnel) => {
            tunnel.ended.notify_one();
            StatusCode::NO_CONTENT.into_response()
        }
        None => Refused(StatusCode::NOT_FOUND, "There is no such token.".to_owned()).into_response(),
    }
}

async fn connect(
    State(world): State<Arc<World>>,
    Path(token): Path<String>,
    Query(node): Query<Node>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refused> {
    let now = world.clock.now();
    let (vm, port, ended) = {
        let mut tunnels = world.tunnels();
        let is_meant = |tunnel: &&mut Tunnel| {
            tunnel.web_socket_token == token && node.id.as_ref() == Some(&tunnel.node) && !tunnel.is_used
        };
        let tunnel = tunnels.0.values_mut().find(is_meant).filter(|tunnel| now < tunnel.expires);
        let unknown = || Refused(StatusCode::UNAUTHORIZED, "The web socket token is not valid.".to_owned());
        let tunnel = tunnel.ok_or_else(unknown)?;
        tunnel.is_used = true;
        (tunnel.vm, tunnel.port, Arc::clone(&tunnel.ended))
    };
    Ok(upgrade.on_upgrade(move |socket| async move {
        // What a host does where it does not get through is not known: here the web socket ends.
        let Some(guest) = world.look(|cloud, now| reached(cloud, vm, port, now)) else { return };
        let relayed = async {
            match world.enter(guest, port).await? {
                Some(stream) => relay(socket, stream).await,
                None => Ok(()),
            }
        };
        tokio::select! {
            result = relayed => if let Err(error) = result {
                tracing::debug!(%error, "a tunnel broke");
            },
            () = ended.notified() => {}
        }
    }))
}

/// What answers there, if the host's connection gets through.
fn reached(cloud: &Cloud, vm: usize, port: u16, now: DateTime<Utc>) -> Option<Guest> {
    cloud.admits_bastion(&cloud.vms[vm], port, now).then(|| cloud.guest_of(vm))
}

/// Binary frames are the connection's bytes, both ways, each for itself.
async fn relay(socket: WebSocket, stream: TcpStream) -> io::Result<()> {
    let (mut from_guest, mut to_guest) = stream.into_split();
    let (mut sink, mut source) = socket.split();
    let out = async {
        let mut read = BytesMut::with_capacity(FRAME);
        while from_guest.read_buf(&mut read).await? > 0 {
            sink.send(Message::Binary(read.split().freeze())).await.map_err(io::Error::other)?;
            read.reserve(FRAME);
        }
        sink.send(Message::Close(None)).await.map_err(io::Error::other)
    };
    let into = async {
        while let Some(message) = source.next().await {
            match message.map_err(io::Error::other)? {
                Message::Binary(bytes) => to_guest.write_all(&bytes).await?,
                Message::Text(_) => return Err(io::Error::other("text is no part of the protocol")),
                // The library answers pings by itself.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => break,
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = out => ended,
        ended = into => ended,
    }
}

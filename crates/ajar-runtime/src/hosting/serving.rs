//! The host's side of the socket: every attached face gets the snapshots, and answers to its requests.

use std::fs::File;
use std::io;
use std::sync::Arc;

use ajar_core::protocol::{FaceMessage, HostMessage, PROTOCOL_VERSION};
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use serde::Serialize;
use tokio::io::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::address::is_of_this_user;
use crate::engine::EngineHandle;

/// The longest line read from a face, in bytes.
const LONGEST_LINE: u64 = 1 << 20;

/// Serves faces until it is dropped; the lock is let go of at the end.
pub(super) async fn serve(lock: File, listener: Listener, engine: EngineHandle) {
    let mut faces = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(stream) if is_of_this_user(&stream) => {
                    let engine = engine.clone();
                    faces.spawn(async move {
                        if let Err(error) = attend(stream, engine).await {
                            tracing::debug!(%error, "a face went away");
                        }
                    });
                }
                Ok(_) => tracing::warn!("a process of another user tried to attach"),
                Err(error) => {
                    tracing::warn!(%error, "the engine’s socket failed");
                    break;
                }
            },
            Some(_) = faces.join_next() => {}
        }
    }
    drop(lock);
}

async fn attend(stream: Stream, engine: EngineHandle) -> io::Result<()> {
    let (receiver, mut sender) = tokio::io::split(stream);
    send(&mut sender, &HostMessage::Hello { protocol: PROTOCOL_VERSION }).await?;
    let mut snapshots = engine.snapshots();
    snapshots.mark_changed();
    let (replies, mut answered) = mpsc::unbounded_channel();
    let listening = listen(BufReader::new(receiver), engine, replies);
    tokio::pin!(listening);
    loop {
        tokio::select! {
            ended = &mut listening => return ended,
            Some(message) = answered.recv() => send(&mut sender, &message).await?,
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                send(&mut sender, &HostMessage::Snapshot { snapshot: Box::new((*snapshot).clone()) }).await?;
            }
        }
    }
}

async fn listen(
    reader: impl tokio::io::AsyncBufRead + Unpin,
    engine: EngineHandle,
    replies: mpsc::UnboundedSender<HostMessage>,
) -> io::Result<()> {
    let mut reader = reader;
    while let Some(line) = next_line(&mut reader).await? {
        match serde_json::from_str::<FaceMessage>(&line)? {
            FaceMessage::Hello { protocol: PROTOCOL_VERSION } => {}
            FaceMessage::Hello { .. } => return Err(io::Error::other("a face of another version")),
            FaceMessage::Ask { id, request } => {
                let reply = engine.ask(request).await;
                drop(replies.send(HostMessage::Reply { id, reply }));
            }
        }
    }
    Ok(())
}

/// The next line; `None` at the end. A line without end is an error, not a full memory.
pub(super) async fn next_line(reader: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> io::Result<Option<String>> {
    use tokio::io::AsyncReadExt as _;
    let mut line = String::new();
    let read = reader.take(LONGEST_LINE).read_line(&mut line).await?;
    match (read, line.ends_with('\n')) {
        (0, _) => Ok(None),
        (_, true) => Ok(Some(line)),
        (_, false) => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

pub(super) async fn send(writer: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

//! A face's side of the socket.

use std::collections::HashMap;
use std::io;

use ajar_core::protocol::{FaceMessage, HostMessage, PROTOCOL_VERSION, Reply, Request};
use interprocess::local_socket::tokio::Stream;
use tokio::io::{BufReader, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::serving::{next_line, send};

/// The writing half of an attachment, with the answers waited for.
pub(super) struct Attachment {
    sender: WriteHalf<Stream>,
    /// Reads until it is dropped, which closes the socket.
    _reader: JoinSet<()>,
    next_id: u64,
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
}

/// What the host says, read by a task of its own so that no half-read line is lost. Ends when the host goes away.
pub(super) type Listening = mpsc::Receiver<HostMessage>;

/// Greets the host.
pub(super) async fn attach(stream: Stream) -> io::Result<(Attachment, Listening)> {
    let (receiver, mut sender) = tokio::io::split(stream);
    send(&mut sender, &FaceMessage::Hello { protocol: PROTOCOL_VERSION }).await?;
    let mut reader = BufReader::new(receiver);
    match next_message(&mut reader).await? {
        HostMessage::Hello { protocol: PROTOCOL_VERSION } => {}
        HostMessage::Hello { protocol } => {
            let message = format!(
                "another version of Ajar is running (it speaks protocol {protocol}, this one {PROTOCOL_VERSION}); quit it first"
            );
            return Err(io::Error::other(message));
        }
        HostMessage::Snapshot { .. } | HostMessage::Reply { .. } => {
            return Err(io::Error::other("the engine did not introduce itself"));
        }
    }
    let (heard, listening) = mpsc::channel(16);
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok(message) = next_message(&mut reader).await {
            if heard.send(message).await.is_err() {
                break;
            }
        }
    });
    Ok((Attachment { sender, _reader: task, next_id: 0, waiting: HashMap::new() }, listening))
}

async fn next_message(reader: &mut BufReader<ReadHalf<Stream>>) -> io::Result<HostMessage> {
    let line = next_line(reader).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(serde_json::from_str(&line)?)
}

impl Attachment {
    /// Sends a request; its answer goes to `reply`.
    pub(super) async fn ask(&mut self, request: Request, reply: oneshot::Sender<Reply>) -> io::Result<()> {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.insert(id, reply);
        send(&mut self.sender, &FaceMessage::Ask { id, request }).await
    }

    /// Passes an answer on to who waits for it.
    pub(super) fn answered(&mut self, id: u64, reply: Reply) {
        if let Some(waiting) = self.waiting.remove(&id) {
            drop(waiting.send(reply));
        }
    }
}

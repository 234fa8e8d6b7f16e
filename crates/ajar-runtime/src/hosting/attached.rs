//! A face's side of the socket.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use ajar_core::failure::Failure;
use ajar_core::protocol::{FaceMessage, HostMessage, PROTOCOL_VERSION, Reply, Request};
use interprocess::local_socket::tokio::Stream;
use tokio::io::{BufReader, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::address::process_of;
use super::following::Asker;
use super::serving::{next_line, send};

/// How long a host may take to introduce itself.
const GREETING: Duration = Duration::from_secs(10);

/// The longest line read from the host, in bytes: a snapshot with tens of thousands of favourites.
const LONGEST_LINE: u64 = 1 << 26;

/// The writing half of an attachment, with the answers waited for.
pub(super) struct Attachment {
    sender: WriteHalf<Stream>,
    /// Reads until it is dropped, which closes the socket.
    _reader: JoinSet<()>,
    next_id: u64,
    waiting: HashMap<u64, Asker>,
}

/// What the host says, read by a task of its own so that no half-read line is lost. Ends when the host goes away.
pub(super) type Listening = mpsc::Receiver<HostMessage>;

/// Why there is no talking to a host.
pub(super) enum NoTalk {
    /// It went away; another may be had.
    Gone,
    /// It is there, and no other is to be had.
    Failed(Failure),
}

impl From<io::Error> for NoTalk {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// Greets the host.
pub(super) async fn attach(stream: Stream) -> Result<(Attachment, Listening), NoTalk> {
    let pid = process_of(&stream);
    let (receiver, mut sender) = tokio::io::split(stream);
    send(&mut sender, &FaceMessage::Hello { protocol: PROTOCOL_VERSION }).await?;
    let mut reader = BufReader::new(receiver);
    let greeting = timeout(GREETING, next_message(&mut reader)).await;
    match greeting.map_err(|_| NoTalk::Failed(Failure::HostSilent { pid }))?? {
        HostMessage::Hello { protocol: PROTOCOL_VERSION } => {}
        HostMessage::Hello { protocol: running } => {
            return Err(NoTalk::Failed(Failure::OtherVersion { running, ours: PROTOCOL_VERSION }));
        }
        HostMessage::Snapshot { .. } | HostMessage::Reply { .. } => {
            let detail = "the engine did not introduce itself".into();
            return Err(NoTalk::Failed(Failure::Internal { detail }));
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
    let line = next_line(reader, LONGEST_LINE).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(serde_json::from_str(&line)?)
}

impl Attachment {
    /// Sends a request; its answer goes to `asker`.
    pub(super) async fn ask(&mut self, request: Request, asker: Asker) -> io::Result<()> {
        let id = self.next_id;
        self.next_id += 1;
        self.waiting.insert(id, asker);
        send(&mut self.sender, &FaceMessage::Ask { id, request: Box::new(request) }).await
    }

    /// Passes an answer on to who waits for it.
    pub(super) fn answered(&mut self, id: u64, reply: Reply) {
        if let Some(asker) = self.waiting.remove(&id) {
            asker.answered(reply);
        }
    }
}

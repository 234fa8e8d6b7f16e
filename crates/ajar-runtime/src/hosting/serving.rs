//! The host's side of the socket: every attached face gets the snapshots, and answers to its requests.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ajar_core::protocol::{FaceMessage, HostMessage, PROTOCOL_VERSION};
use ajar_core::snapshot::Snapshot;
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use serde::Serialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::address::is_of_this_user;
use crate::engine::EngineHandle;

/// The longest line read from whoever has not greeted yet, in bytes.
const GREETING: u64 = 1 << 20;

/// The longest line read from a face: favourites are taken in by one, and JSON makes up to six letters of one.
const LONGEST_LINE: u64 = 6 * ajar_core::exchange::MAX_BYTES as u64;

/// How long to wait when no face can be let in, as when this process has too many files open.
const BREATHER: Duration = Duration::from_millis(200);

/// How long a face may take to hear the last of a host that ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// Ends when `open` is dropped by the host: every face then hears the last snapshot before its connection closes.
pub(super) type Open = watch::Receiver<()>;

/// The newest snapshot as it goes to the faces: written once, however many are attached.
#[derive(Default)]
struct Newest(Mutex<Option<Written>>);

struct Written {
    snapshot: Arc<Snapshot>,
    line: Arc<[u8]>,
}

impl Newest {
    fn line(&self, snapshot: &Arc<Snapshot>) -> io::Result<Arc<[u8]>> {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(written) = newest.as_ref().filter(|written| Arc::ptr_eq(&written.snapshot, snapshot)) {
            return Ok(Arc::clone(&written.line));
        }
        let message = HostMessage::Snapshot { snapshot: Box::new((**snapshot).clone()) };
        let line: Arc<[u8]> = line(&message)?.into();
        *newest = Some(Written { snapshot: Arc::clone(snapshot), line: Arc::clone(&line) });
        Ok(line)
    }
}

/// Serves faces as long as the host is open.
pub(super) async fn serve(listener: Listener, engine: EngineHandle, mut open: Open) {
    let mut faces = JoinSet::new();
    let newest = Arc::new(Newest::default());
    loop {
        tokio::select! {
            _ = open.changed() => break,
            accepted = listener.accept() => match accepted {
                Ok(stream) if is_of_this_user(&stream) => {
                    let (engine, open, newest) = (engine.of_another_face(), open.clone(), Arc::clone(&newest));
                    faces.spawn(async move {
                        if let Err(error) = attend(stream, engine, open, &newest).await {
                            tracing::debug!(%error, "a face went away");
                        }
                    });
                }
                Ok(_) => tracing::warn!("a process of another user tried to attach"),
                Err(error) => {
                    tracing::warn!(%error, "a face could not be let in");
                    tokio::time::sleep(BREATHER).await;
                }
            },
            Some(_) = faces.join_next() => {}
        }
    }
    drop((listener, engine));
    // Who does not read has to do without.
    drop(tokio::time::timeout(FAREWELL, async { while faces.join_next().await.is_some() {} }).await);
}

async fn attend(stream: Stream, engine: EngineHandle, mut open: Open, newest: &Newest) -> io::Result<()> {
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
            _ = open.changed() => {
                // Here, too, first what came of the requests: who has the answer looks for it in the snapshot.
                let answers: Vec<_> = std::iter::from_fn(|| answered.try_recv().ok()).collect();
                send_snapshot(&mut sender, &mut snapshots, newest).await?;
                for message in answers {
                    send(&mut sender, &message).await?;
                }
                return Ok(());
            }
            Some(message) = answered.recv() => {
                // First what came of the request, then the answer.
                if snapshots.has_changed().unwrap_or(false) {
                    send_snapshot(&mut sender, &mut snapshots, newest).await?;
                }
                send(&mut sender, &message).await?;
            }
            changed = snapshots.changed() => match changed {
                Ok(()) => send_snapshot(&mut sender, &mut snapshots, newest).await?,
                Err(_) => return Ok(()),
            }
        }
    }
}

async fn send_snapshot(
    sender: &mut (impl AsyncWrite + Unpin),
    snapshots: &mut watch::Receiver<Arc<Snapshot>>,
    newest: &Newest,
) -> io::Result<()> {
    let snapshot = Arc::clone(&snapshots.borrow_and_update());
    sender.write_all(&newest.line(&snapshot)?).await
}

async fn listen(
    reader: impl AsyncBufRead + Unpin,
    engine: EngineHandle,
    replies: mpsc::UnboundedSender<HostMessage>,
) -> io::Result<()> {
    let (mut reader, mut greeted) = (reader, false);
    let mut waiting = JoinSet::new();
    while let Some(line) = next_line(&mut reader, if greeted { LONGEST_LINE } else { GREETING }).await? {
        match serde_json::from_str::<FaceMessage>(&line)? {
            FaceMessage::Hello { protocol: PROTOCOL_VERSION } => greeted = true,
            FaceMessage::Hello { .. } => return Err(io::Error::other("a face of another version")),
            FaceMessage::Ask { .. } if !greeted => return Err(io::Error::other("a face that does not greet")),
            FaceMessage::Ask { id, request } => {
                // Taken in one after the other; an answer that has to be looked up first holds up nothing.
                let (answer, replies) = (engine.asked(*request).await, replies.clone());
                waiting.spawn(async move { drop(replies.send(HostMessage::Reply { id, reply: answer.await })) });
                while waiting.try_join_next().is_some() {}
            }
        }
    }
    Ok(())
}

/// The next line; `None` at the end. A line without end is an error, not a full memory.
pub(super) async fn next_line(reader: &mut (impl AsyncBufRead + Unpin), longest: u64) -> io::Result<Option<String>> {
    use tokio::io::AsyncReadExt as _;
    let mut line = String::new();
    let read = reader.take(longest).read_line(&mut line).await?;
    match (read, line.ends_with('\n')) {
        (0, _) => Ok(None),
        (_, true) => Ok(Some(line)),
        (_, false) if u64::try_from(read).is_ok_and(|read| read < longest) => Err(io::ErrorKind::UnexpectedEof.into()),
        (_, false) => Err(io::Error::new(io::ErrorKind::InvalidData, "a line without end")),
    }
}

pub(super) async fn send(writer: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    writer.write_all(&line(message)?).await
}

fn line(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

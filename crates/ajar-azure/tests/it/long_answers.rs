//! Answers without end, from a server of the test's own: the client takes in no more than its limit, and asks once. And
//! those that break off.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ajar_azure::{ArmClient, Limits, http_client_within};
use ajar_core::failure::{Failure, Trouble};
use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use time::OffsetDateTime;

use crate::tls_server::Server;

/// What lies in sockets and buffers when the client has enough.
const ON_THE_WAY: usize = 16 << 20;

/// Signs in whoever asks.
#[derive(Debug)]
pub(crate) struct AnyToken;

#[async_trait]
impl TokenCredential for AnyToken {
    async fn get_token(&self, _: &[&str], _: Option<TokenRequestOptions<'_>>) -> azure_core::Result<AccessToken> {
        Ok(AccessToken::new("token", OffsetDateTime::now_utc() + Duration::from_hours(1)))
    }
}

/// What the server has done.
#[derive(Debug, Default)]
struct Done {
    answers: AtomicUsize,
    bytes: AtomicUsize,
}

/// An answer: its headers, what its body begins with, and what then comes for ever.
struct Endless {
    headers: &'static str,
    start: Vec<u8>,
    again: Vec<u8>,
}

impl Endless {
    fn send(&self, tls: &mut dyn Write, done: &Done) -> io::Result<()> {
        done.answers.fetch_add(1, Ordering::Relaxed);
        write!(tls, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{}\r\n", self.headers)?;
        let mut part = &self.start;
        loop {
            // Before it is on its way: the client may have enough before this thread goes on.
            done.bytes.fetch_add(part.len(), Ordering::Relaxed);
            tls.write_all(part)?;
            part = &self.again;
        }
    }
}

/// As [`Limits::default`], with time enough to take in megabytes on a machine that is very busy.
fn patient() -> Limits {
    let long = Duration::from_mins(5);
    Limits { silence: long, call: long, read: long, ..Limits::default() }
}

/// Reads a VM of a resource manager that answers so: how it failed, and what the server had to do for it.
async fn asked(answer: Endless, limits: Limits) -> (Trouble, Arc<Done>) {
    let done = Arc::new(Done::default());
    let noting = Arc::clone(&done);
    // It ends when the client hangs up.
    let server = Server::start(move |_, tls| answer.send(tls, &noting));
    (trouble_of(&server, limits).await, done)
}

async fn trouble_of(server: &Server, limits: Limits) -> Trouble {
    let cloud = server.cloud(&[]);
    let http = http_client_within(&cloud, limits).unwrap();
    let client = ArmClient::new(&cloud, Arc::new(AnyToken), http).unwrap();
    let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap();
    client.virtual_machine(&vm).await.unwrap_err()
}

fn assert_too_long(trouble: &Trouble) {
    let Failure::AzureError { status: 200, azure_code, azure_message } = &trouble.failure else {
        panic!("{trouble:?}")
    };
    assert_eq!(azure_code, ajar_core::failure::UNREADABLE_ANSWER);
    assert_eq!(azure_message, "Azure's answer could not be read: it is far longer than any of Azure's");
}

#[tokio::test]
async fn a_body_that_is_said_to_be_too_long_is_not_taken_in_at_all() {
    let headers = "content-length: 1099511627776\r\nx-ms-correlation-request-id: of-the-call\r\n";
    let (trouble, done) = asked(Endless { headers, start: vec![b'{'], again: vec![b' '; 65_536] }, patient()).await;
    assert_too_long(&trouble);
    assert_eq!(trouble.correlation_id.as_deref(), Some("of-the-call"));
    assert_eq!(done.answers.load(Ordering::Relaxed), 1);
    let sent = done.bytes.load(Ordering::Relaxed);
    assert!(sent < ON_THE_WAY, "{sent}");
}

#[tokio::test]
async fn chunks_without_end_are_taken_in_up_to_the_limit() {
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    for limits in [patient(), Limits { answer: 100_000, ..patient() }] {
        let (start, again) = (b"1\r\n{\r\n".to_vec(), chunk.clone());
        let (trouble, done) = asked(Endless { headers: "transfer-encoding: chunked\r\n", start, again }, limits).await;
        assert_too_long(&trouble);
        assert_eq!(done.answers.load(Ordering::Relaxed), 1);
        let sent = done.bytes.load(Ordering::Relaxed);
        assert!((limits.answer..limits.answer + ON_THE_WAY).contains(&sent), "{sent}");
    }
}

#[tokio::test]
async fn a_packed_body_counts_by_what_it_unpacks_to() {
    let (start, again) = endless_gzip();
    let (unpacks_to, packed) = (2_064, again.len());
    let again = again.repeat(1_000);
    let headers = "content-encoding: gzip\r\nconnection: close\r\n";
    let limits = patient();
    let (trouble, done) = asked(Endless { headers, start, again }, limits).await;
    assert_too_long(&trouble);
    assert_eq!(done.answers.load(Ordering::Relaxed), 1);
    // Unpacked it is more than a hundred times as long.
    let sent = done.bytes.load(Ordering::Relaxed);
    assert!(sent >= limits.answer / unpacks_to * packed && sent < limits.answer, "{sent}");
}

#[tokio::test]
async fn azures_id_of_a_call_is_kept_though_its_answer_breaks_off() {
    let server = Server::start(|_, tls| {
        let headers = "content-type: application/json\r\nx-ms-correlation-request-id: of-the-call";
        write!(tls, "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n{headers}\r\n\r\n{{")
    });
    let trouble = trouble_of(&server, Limits { first_wait: Duration::from_millis(1), ..patient() }).await;
    assert!(matches!(trouble.failure, Failure::Unreachable { .. }), "{trouble:?}");
    assert_eq!(trouble.correlation_id.as_deref(), Some("of-the-call"));
}

/// Spaces without end, as gzip (RFC 1952) of one block with the fixed codes of RFC 1951 3.2.6: a space, and after it
/// eight times “258 more of the last byte” in each thirteen bytes.
fn endless_gzip() -> (Vec<u8>, Vec<u8>) {
    let mut bits: Vec<bool> = Vec::new();
    // Not the last block; fixed codes.
    bits.extend([false, true, false]);
    let mut code = |value: u16, length: u32| bits.extend((0..length).rev().map(|at| value >> at & 1 == 1));
    code(0x30 + u16::from(b' '), 8);
    for _ in 0..16 {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    let bytes: Vec<u8> =
        bits.chunks(8).map(|byte| (0..).zip(byte).map(|(at, bit)| u8::from(*bit) << at).sum()).collect();
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    // What repeats begins in the middle of a byte: the first thirteen are the start.
    ([&header[..], &bytes[..13]].concat(), bytes[13..26].to_vec())
}

//! The first step of RDP: answers an X.224 Connection Request with a Connection Confirm (MS-RDPBCGR 2.2.1.1, 2.2.1.2).

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TPKT_VERSION: u8 = 3;
const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;
/// The longest request with a cookie is far below this.
const LONGEST: usize = 1024;
/// PROTOCOL_SSL, the plainest of the encrypted ones.
const PROTOCOL_SSL: u32 = 1;

/// Reads one request, confirms it, and closes.
pub(crate) async fn serve(stream: &mut TcpStream) -> io::Result<()> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if head[0] != TPKT_VERSION || !(11..=LONGEST).contains(&length) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no TPKT header"));
    }
    let mut request = vec![0; length - head.len()];
    stream.read_exact(&mut request).await?;
    if request[1] != CONNECTION_REQUEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no X.224 Connection Request"));
    }
    stream.write_all(&confirm(&request)).await?;
    stream.shutdown().await
}

fn confirm(request: &[u8]) -> Vec<u8> {
    let wanted = negotiation(request);
    let length: u8 = if wanted.is_some() { 19 } else { 11 };
    // TPKT, then length of the rest of X.224, code, our reference (the caller's back), class 0.
    let mut answer =
        vec![TPKT_VERSION, 0, 0, length, length - 5, CONNECTION_CONFIRM, request[4], request[5], 0x12, 0x34, 0];
    if let Some(protocols) = wanted {
        // TYPE_RDP_NEG_RSP, no flags, length 8, then the one protocol chosen.
        answer.extend([2, 0, 8, 0]);
        answer.extend((protocols & PROTOCOL_SSL).to_le_bytes());
    }
    answer
}

/// The protocols of an RDP Negotiation Request, which is the last eight bytes when there is one.
fn negotiation(request: &[u8]) -> Option<u32> {
    match *request.get(7..)?.last_chunk::<8>()? {
        [1, _, 8, 0, a, b, c, d] => Some(u32::from_le_bytes([a, b, c, d])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negotiation_request_is_answered_with_one_protocol() {
        // After the TPKT header: length, CR, references, class, negotiation request for SSL and CredSSP.
        let request = [0x0e, CONNECTION_REQUEST, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0];
        let answer = confirm(&request);
        assert_eq!(answer.len(), 19);
        assert_eq!(answer[..6], [3, 0, 0, 19, 14, CONNECTION_CONFIRM]);
        assert_eq!(answer[11..], [2, 0, 8, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn a_request_without_negotiation_is_answered_without() {
        let request = [6, CONNECTION_REQUEST, 0, 0, 0, 0, 0];
        assert_eq!(confirm(&request).len(), 11);
    }
}

//! What answers behind the guard: an SSH server, an X.224 responder, or a real server elsewhere.

pub(crate) mod forward;
pub(crate) mod shell;
pub(crate) mod ssh;
mod terminal;
pub(crate) mod x224;

use std::io;

use tokio::net::TcpStream;

/// One service on one port of one VM.
pub(crate) enum Service {
    Ssh(ssh::SshGuest),
    X224,
    Forward(String),
}

impl Service {
    /// The built-in SSH server, if it is that.
    pub(crate) fn ssh(&self) -> Option<&ssh::SshGuest> {
        match self {
            Self::Ssh(guest) => Some(guest),
            Self::X224 | Self::Forward(_) => None,
        }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        match self {
            Self::Ssh(guest) => guest.serve(stream).await,
            Self::X224 => x224::serve(&mut stream).await,
            Self::Forward(to) => forward::serve(&mut stream, to).await,
        }
    }
}

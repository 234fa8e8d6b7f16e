//! Splices a connection to a real server.

use std::io;

use tokio::net::TcpStream;

/// Passes bytes both ways until both sides are done. Fails when the server can't be reached.
pub(crate) async fn serve(stream: &mut TcpStream, to: &str) -> io::Result<()> {
    let mut server = TcpStream::connect(to).await?;
    server.set_nodelay(true)?;
    tokio::io::copy_bidirectional(stream, &mut server).await?;
    Ok(())
}

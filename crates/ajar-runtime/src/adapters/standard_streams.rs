//! Standard input and output as one end of a connection, as OpenSSH's ProxyCommand wants it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::port::Endpoint;
use tokio::sync::mpsc;

/// How long the port may take to answer that answered a moment ago.
const CONNECT: Duration = Duration::from_secs(15);

/// One direction has come to its end.
enum Ended {
    /// Standard input, and what became of carrying it.
    ToPort(io::Result<()>),
    /// What the port sends.
    FromPort(io::Result<()>),
}

/// A connection to a port, and what stands between it and those who go through.
#[derive(Debug)]
pub struct Way {
    endpoint: Endpoint,
    stream: TcpStream,
}

impl Way {
    /// Connects.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] if the port does not answer any more.
    pub async fn to(endpoint: &Endpoint) -> Result<Self, Trouble> {
        let connect = tokio::net::TcpStream::connect((endpoint.host.as_str(), endpoint.port));
        let stream = match tokio::time::timeout(CONNECT, connect).await {
            Ok(connected) => connected,
            Err(late) => Err(late.into()),
        };
        let way = stream.and_then(|stream| Self::through(endpoint, stream));
        way.map_err(|error| unreachable(endpoint, &error))
    }

    /// Goes through a connection that is there.
    pub(super) fn through(endpoint: &Endpoint, stream: tokio::net::TcpStream) -> io::Result<Self> {
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        // Each key that is pressed is a packet of its own.
        stream.set_nodelay(true)?;
        Ok(Self { endpoint: endpoint.clone(), stream })
    }
}

fn unreachable(endpoint: &Endpoint, error: &io::Error) -> Trouble {
    Failure::Unreachable { host: endpoint.to_string(), detail: error.to_string() }.into()
}

/// Carries bytes between standard input and output and a port, until both sides have said that they are done. When one of
/// them is, the other hears it and may go on (on Windows only the port may: what standard input still says is not waited for
/// once the port is done); where nobody reads any more, which is when `unread` is done, there is nothing
/// to go on for. Given up, it ends with the process.
///
/// # Errors
/// [`Failure::ConnectionLost`] if the connection breaks.
pub async fn carry(Way { endpoint, stream }: Way, unread: impl Future<Output = ()>) -> Result<(), Trouble> {
    let lost = |error: io::Error| Failure::ConnectionLost { endpoint: endpoint.clone(), detail: error.to_string() };
    let mut ends = begin(stream).map_err(lost)?;
    // Dropped with the end of what the port sends: it may hold standard output open.
    let mut unread = Some(Box::pin(unread));
    let mut sent = false;
    while unread.is_some() || !sent {
        let nobody_reads = async {
            match &mut unread {
                Some(unread) => unread.await,
                None => std::future::pending().await,
            }
        };
        let end = tokio::select! {
            end = ends.recv() => end,
            () = nobody_reads => break,
        };
        match end {
            // A port that takes nothing more may still have something to say.
            Some(Ended::ToPort(Ok(()))) => sent = true,
            Some(Ended::ToPort(Err(error))) if is_gone(&error) => sent = true,
            // Where standard output cannot be let go of, whoever reads it waits for this process to end.
            Some(Ended::FromPort(Ok(()))) if cfg!(windows) => break,
            Some(Ended::FromPort(Ok(()))) => unread = None,
            // Nobody reads any more.
            Some(Ended::FromPort(Err(error))) if error.kind() == io::ErrorKind::BrokenPipe => break,
            Some(Ended::ToPort(Err(error)) | Ended::FromPort(Err(error))) => return Err(lost(error).into()),
            None => break,
        }
    }
    Ok(())
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Two threads that block: nothing is faster, or waits less.
fn begin(stream: TcpStream) -> io::Result<mpsc::UnboundedReceiver<Ended>> {
    let (input, output) = streams()?;
    let (to_port, from_port) = (stream.try_clone()?, stream);
    let pass = way_to_pass(&input, &output, &to_port)?;
    let (tell, ends) = mpsc::unbounded_channel();
    let told = tell.clone();
    std::thread::Builder::new().name("to the port".into()).spawn(move || {
        let carried = match pass {
            Pass::Copied => copy(&input, &to_port),
            #[cfg(target_os = "linux")]
            Pass::Spliced => super::splice::pass(&input, &to_port),
        };
        // It may be closed already.
        drop(to_port.shutdown(Shutdown::Write));
        drop(told.send(Ended::ToPort(carried)));
    })?;
    std::thread::Builder::new().name("from the port".into()).spawn(move || {
        let carried = match pass {
            Pass::Copied => copy(&from_port, &output),
            #[cfg(target_os = "linux")]
            Pass::Spliced => super::splice::pass(&from_port, &output),
        };
        drop(output);
        close_output();
        drop(tell.send(Ended::FromPort(carried)));
    })?;
    Ok(ends)
}

/// Who passes a piece on.
#[derive(Clone, Copy)]
enum Pass {
    /// This process, through its own memory.
    Copied,
    /// The kernel, without a copy.
    #[cfg(target_os = "linux")]
    Spliced,
}

#[cfg(target_os = "linux")]
fn way_to_pass(input: &File, output: &File, port: &TcpStream) -> io::Result<Pass> {
    use std::os::unix::fs::FileTypeExt as _;
    let is_pipe = |file: &File| Ok::<_, io::Error>(file.metadata()?.file_type().is_fifo());
    if !is_pipe(input)? || !is_pipe(output)? {
        return Ok(Pass::Copied);
    }
    port.set_nonblocking(true)?;
    Ok(Pass::Spliced)
}

#[cfg(not(target_os = "linux"))]
fn way_to_pass(_: &File, _: &File, _: &TcpStream) -> io::Result<Pass> {
    Ok(Pass::Copied)
}

/// Passes each piece on as soon as it comes.
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to.write_all(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Standard input and output without the buffers that wait for the end of a line.
#[cfg(unix)]
fn streams() -> io::Result<(File, File)> {
    use std::os::fd::AsFd as _;
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

#[cfg(windows)]
fn streams() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle as _;
    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

/// Lets whoever reads standard output see its end: nothing is written there any more.
#[cfg(unix)]
fn close_output() {
    let nowhere = File::options().write(true).open("/dev/null");
    if let Err(error) = nowhere.and_then(|nowhere| Ok(rustix::stdio::dup2_stdout(nowhere)?)) {
        tracing::debug!(%error, "standard output stays open until the end");
    }
}

/// It cannot be let go of here: it ends with the process, which ends for that (see [`carry`]).
#[cfg(windows)]
fn close_output() {}

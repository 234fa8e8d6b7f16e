//! Connections that can be reset: of a request that a fault answers so, not even an end is seen.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::http::Request;
use axum_server::accept::Accept;
use futures::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tower::Service;

/// Resets one connection. Every request that comes by it has this in its extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resetting(Arc<State>);

#[derive(Debug, Default)]
struct State {
    asked: AtomicBool,
    /// Whoever reads and writes the connection: one task, whatever the version of HTTP.
    waker: AtomicWaker,
}

impl Resetting {
    /// The connection ends now, with all requests on it and whatever has not reached the client.
    pub(crate) fn reset(&self) {
        self.0.asked.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Acquire)
    }

    /// Whether the connection may be used, or is to end with an error.
    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        self.0.waker.register(context.waker());
        if self.is_asked() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// Accepts connections that can be reset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ResettableAcceptor;

impl<S> Accept<TcpStream, S> for ResettableAcceptor {
    type Stream = Resettable;
    type Service = Served<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let resetting = Resetting::default();
        let served = Served { service, resetting: resetting.clone() };
        ready(stream.set_nodelay(true).map(|()| (Resettable { stream, resetting }, served)))
    }
}

/// The connection's bytes.
#[derive(Debug)]
pub(crate) struct Resettable {
    stream: TcpStream,
    resetting: Resetting,
}

impl Drop for Resettable {
    fn drop(&mut self) {
        if self.resetting.is_asked() {
            // Closing is then a reset. Where the system refuses it is an ordinary end, which is no answer either.
            let _ordinary_end = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Resettable {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.resetting.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Resettable {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.resetting.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.resetting.check(context)?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.resetting.check(context)?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.resetting.check(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Hands requests on together with the means to reset their connection.
#[derive(Clone, Debug)]
pub(crate) struct Served<S> {
    service: S,
    resetting: Resetting,
}

impl<S, B> Service<Request<B>> for Served<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.resetting.clone());
        self.service.call(request)
    }
}

//! Bytes that the kernel passes between a pipe and a socket, without a copy in this process (splice(2)).

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::pipe::{SpliceFlags, splice};

/// How much is asked for at once, in bytes: what a pipe holds (pipe(7)).
const PIECE: usize = 64 * 1024;

/// Passes each piece on as soon as it comes, until `from` has no more. One of both is a pipe, the other a socket that does not
/// block. A socket is waited for before the call, never within: there the kernel holds the pipe, and whoever is at its other end
/// waits, too, even for what is in it already. `io::copy` does not look out for that.
pub(super) fn pass(from: impl AsFd, to: impl AsFd) -> io::Result<()> {
    let (from, to) = (from.as_fd(), to.as_fd());
    loop {
        until(from, PollFlags::IN)?;
        match splice(from, None, to, None, PIECE, SpliceFlags::NONBLOCK) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => until(to, PollFlags::OUT)?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until there is something to read or room to write, or an end of either.
fn until(end: BorrowedFd<'_>, ready: PollFlags) -> io::Result<()> {
    loop {
        match poll(&mut [PollFd::from_borrowed_fd(end, ready)], None) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

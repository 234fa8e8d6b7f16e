//! Job control: to the shell, this process and the client that it runs in the terminal are one job.

use std::convert::Infallible;

/// Stops this process whenever the client `pid` has stopped, until the shell has the job go on: ssh's `~^Z` stops ssh
/// alone, and the shell that waits for this process would not get its terminal back.
#[cfg(unix)]
pub(super) async fn stop_with(pid: Option<u32>) -> Infallible {
    use rustix::process::{Pid, Signal, WaitIdOptions, getpid, kill_process};
    use tokio::signal::unix::{SignalKind, signal};

    let client = pid.and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    let (Some(client), Ok(mut changes)) = (client, signal(SignalKind::child())) else {
        return std::future::pending().await;
    };
    loop {
        let Some(stopped_by) = stays_stopped(client).await else {
            changes.recv().await;
            continue;
        };
        // Made now, so that it does not tell of a time before.
        let Ok(mut goes_on) = signal(SignalKind::from_raw(Signal::CONT.as_raw())) else {
            return std::future::pending().await;
        };
        // This stop is dealt with: what the system tells of the client from now on is news.
        news_of(client, WaitIdOptions::STOPPED);
        if let Err(error) = kill_process(getpid(), stopped_by) {
            tracing::debug!(%error, "the client has stopped alone");
        }
        goes_on.recv().await;
        // The shell tells the whole job, and by the time this process hears of it the client may have gone on and be
        // stopped anew. Whoever tells this process alone means the client, too.
        let peek = WaitIdOptions::STOPPED | WaitIdOptions::CONTINUED | WaitIdOptions::NOWAIT;
        if news_of(client, peek).is_none()
            && let Err(error) = kill_process(client, Signal::CONT)
        {
            tracing::debug!(%error, "the client was not told to go on");
        }
    }
}

/// What stopped the client, if it stays so: a Ctrl+Z that the terminal sends is for both, and when both go on this process
/// may be the first to look.
#[cfg(unix)]
async fn stays_stopped(client: rustix::process::Pid) -> Option<rustix::process::Signal> {
    const BOTH_GO_ON: std::time::Duration = std::time::Duration::from_millis(20);
    stopped_by(client)?;
    tokio::time::sleep(BOTH_GO_ON).await;
    stopped_by(client)
}

/// A look that leaves the stop to be looked at again.
#[cfg(unix)]
fn stopped_by(client: rustix::process::Pid) -> Option<rustix::process::Signal> {
    use rustix::process::{Signal, WaitIdOptions};
    let signal = news_of(client, WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT)?.stopping_signal()?;
    Signal::from_named_raw(signal)
}

/// What the system has to tell of the client, without waiting for it. Its end is never asked for here: that is for
/// whoever waits for it.
#[cfg(unix)]
fn news_of(client: rustix::process::Pid, of: rustix::process::WaitIdOptions) -> Option<rustix::process::WaitIdStatus> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    waitid(WaitId::Pid(client), of | WaitIdOptions::NOHANG).ok()?
}

/// Nothing is stopped here.
#[cfg(not(unix))]
pub(super) async fn stop_with(_pid: Option<u32>) -> Infallible {
    std::future::pending().await
}

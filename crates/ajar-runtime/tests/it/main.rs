//! The engine under paused time with a world of fakes, faces over the real local socket, adapters on the real system.

#![expect(
    clippy::unwrap_used,
    reason = "what is not as a test expects ends it; clippy knows that of test functions only"
)]

mod accounts;
mod adapters;
mod child;
mod engine;
mod hosting;
mod keychain;
mod network;
mod programs;
#[cfg(windows)]
mod recorded;
#[cfg(target_os = "linux")]
mod session;
mod settings;
mod simulated;
mod team_downloads;
#[path = "../../../../tests/tls_server.rs"]
mod tls_server;
mod world;

#[cfg(target_os = "linux")]
use simulated::soon;

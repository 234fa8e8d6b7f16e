//! The simulator over the wire: real HTTPS, real sockets, the real `ssh`.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, its client's too")]

mod activity_log;
mod assertion;
mod bastion;
mod client;
mod control;
mod entra;
mod failures;
mod faults;
mod graph;
mod guest;
mod http;
mod jit;
mod lists;
mod managed_identity;
mod network;
mod policy;
mod power;
#[cfg(unix)]
mod program;
mod rights;
mod routes;
mod switches;
mod user_sign_in;
mod vm_actions;

//! The engine of Ajar: runs the effects of attempts, hosted by one process and attached to by others.
//!
//! [`hosting::Face`] is the way in: it attaches to the engine that runs for this user, or hosts one. Everything that
//! touches the world is an adapter behind a port ([`ports`]).

pub mod accounts;
pub mod adapters;
pub mod connection;
pub mod core_files;
pub mod demo;
pub mod engine;
pub mod files;
pub mod hosting;
pub mod log;
pub mod ports;

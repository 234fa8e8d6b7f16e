//! Pure domain of Ajar: what is known of an attempt to open a VM, and what may be done next.
//!
//! Nothing here waits, reads a clock, opens a socket or touches a file; time and facts come in as arguments and
//! effects go out as data. `docs/ARCHITECTURE.md` names the invariants.

pub mod access_window;
pub mod account;
pub mod activity;
pub mod after_use;
pub mod attempt;
pub mod bastion;
pub mod exchange;
pub mod failure;
pub mod folders;
pub mod host_key;
pub mod inheritance;
pub mod inventory;
pub mod iso8601;
pub mod journal;
pub mod justification;
pub mod launch;
pub mod menu;
pub mod message;
pub mod network;
pub mod notice;
pub mod policy;
pub mod port;
pub mod profile;
pub mod protocol;
pub mod rdp_file;
pub mod renewal;
pub mod resource_id;
pub mod rights;
pub mod settings;
pub mod snapshot;
pub mod source;
pub mod ssh_certificate;
pub mod team;
mod template;
pub mod vm;
pub mod zone;

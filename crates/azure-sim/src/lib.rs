//! A local Azure over HTTPS: JIT policies, VMs with real sockets behind a guard, Entra tokens.
//!
//! [`Simulator::start`] brings one up; [`Simulator::announce`] says how to reach it. Official Azure clients take it for
//! the real thing. The state is pure and moves by a clock that `POST /_sim/advance` can push forward; sockets follow the
//! state. `docs/simulator.md` describes the fleet file, the control endpoints, and what is and is not like Azure.

mod announce;
mod arm;
mod bastion;
mod catalogue;
mod clock;
mod connection;
mod control;
mod duration;
mod entra;
mod fault;
mod fleet;
mod front;
mod guard;
mod guest;
mod journal;
mod json;
mod keys;
mod latency;
mod microsoft_graph;
mod public_ip;
mod said;
mod served;
mod simulator;
mod site;
mod state;
mod switches;
mod tls;
mod world;

pub use announce::{Announce, AnnounceAccount, AnnouncePort, AnnounceSsh, AnnounceTenant, AnnounceVm};
pub use catalogue::{ListForm, list_faults, list_switches};
pub use fleet::{Fleet, FleetError};
pub use served::route_names;
pub use simulator::{Options, SPEEDS, Simulator, StartError};

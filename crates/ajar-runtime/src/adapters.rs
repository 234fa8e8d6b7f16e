//! The real world behind the ports.

mod bastion_door;
mod beyond;
mod browser;
mod clock;
mod connections;
mod entra_certificate;
mod host_key;
mod job;
mod keychain;
mod launch_files;
mod launcher;
mod network_events;
mod own_way;
mod port_probe;
mod programs;
mod public_ip;
#[cfg(target_os = "linux")]
mod splice;
mod standard_streams;
mod straight;
mod team_downloads;

pub(crate) use bastion_door::BastionDoor;
pub(crate) use beyond::Beyond;
pub use browser::SystemBrowser;
pub use clock::{SystemClock, azure_now, why_unfit, words};
pub use connections::SystemConnections;
pub use keychain::{Keychain, OpenSecrets, SmallSecrets, SystemKeychain};
pub use launcher::{ClientLauncher, run_in_terminal};
pub use network_events::SystemNetwork;
pub use port_probe::TcpPortProbe;
pub use programs::{has_desktop, own_path, surroundings, surroundings_of};
pub use public_ip::PublicIpEndpoints;
pub use standard_streams::{Way, carry};
pub use team_downloads::HttpsTeamDownloads;

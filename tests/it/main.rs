//! End to end: the `ajar` binary, the simulated Azure, real `ssh` and `sshd`.

mod architecture;
#[cfg(unix)]
mod az;
#[cfg(unix)]
mod bastion;
#[cfg(unix)]
mod bastion_by_az;
#[cfg(unix)]
mod cancelling;
#[cfg(unix)]
mod carried;
mod click_to_client;
mod command_line;
mod doctor;
mod endings;
#[cfg(unix)]
mod entra_login;
mod exchange;
mod extending;
mod history;
#[cfg(unix)]
mod host_key;
mod inventory;
#[cfg(unix)]
mod killing;
mod network;
#[cfg(target_os = "linux")]
mod own_network;
#[cfg(target_os = "linux")]
mod port_alone;
mod private_way;
mod profiles;
#[cfg(unix)]
mod proxy;
#[cfg(unix)]
mod renewing;
mod secrets;
#[cfg(unix)]
mod signals;
#[cfg(target_os = "linux")]
mod ssh_config;
#[cfg(target_os = "linux")]
mod ssh_judges;
mod sshd;
mod status;
mod stopping;
mod takeover;
mod teams;
#[cfg(target_os = "linux")]
mod terminal;
#[path = "../tls_server.rs"]
mod tls_server;
mod together;
mod unknown_system;
mod unverified;
mod world;

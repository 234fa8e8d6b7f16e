//! ssh's arguments.

use super::quote::{DOLLAR, needs_dollar, ssh_path, ssh_value};
use super::{Surroundings, Target};
use crate::failure::Failure;

/// The program and its arguments, up to the host; a remote command may follow.
pub(super) fn command(target: &Target<'_>, around: &Surroundings) -> Result<Vec<String>, Failure> {
    target.check(around.os)?;
    let missing = || Failure::ClientNotFound { program: around.os.ssh_program().into() };
    let mut words = variables(target);
    words.push(around.ssh.clone().ok_or_else(missing)?);
    let option = |name: &str, value: &str| ["-o".to_owned(), format!("{name}={}", ssh_value(value))];
    // The host key belongs to the VM; its address may have been another VM's yesterday.
    words.extend(option("HostKeyAlias", &target.vm.host_alias()));
    // Azure forgets a flow that is idle for four minutes, and once the access window is over a lost connection cannot
    // be made anew. Ten unanswered signs of life are borne, so that a short outage does not do the same.
    words.extend(option("ServerAliveInterval", "60"));
    words.extend(option("ServerAliveCountMax", "10"));
    words.extend(["-p".to_owned(), target.endpoint.port.to_string()]);
    if let Some(identity) = &target.profile.identity_file {
        let path = ssh_path(identity);
        if path == *identity {
            words.extend(["-i".to_owned(), path]);
        } else {
            // `-i` looks for the file before it expands what is in its name, and warns of one that it finds afterwards.
            words.extend(option("IdentityFile", &path));
        }
        words.extend(option("IdentitiesOnly", "yes"));
    }
    if let Some(known_hosts) = &target.profile.known_hosts_file {
        words.extend(option("UserKnownHostsFile", &ssh_path(known_hosts)));
    }
    if let Some(user) = target.user() {
        words.extend(["-l".to_owned(), user.to_owned()]);
    }
    // After “--” ssh looks for no more options, in the remote command neither.
    words.extend(["--".to_owned(), target.endpoint.host.clone()]);
    Ok(words)
}

/// The words before ssh's own that set a variable for it. Terminals hand none on to what they run, so `env` sets it, which
/// Windows does not have: there a path that takes one was refused.
fn variables(target: &Target<'_>) -> Vec<String> {
    if target.paths().any(needs_dollar) { vec!["env".into(), format!("{}={}", DOLLAR.0, DOLLAR.1)] } else { Vec::new() }
}

/// Whether ssh takes the user's name. Since 9.6 it refuses these by itself, because `%r` carries the name into the shell
/// of a `ProxyCommand` or `Match exec` in the user's configuration (CVE-2023-51385); older ones are kept from it too.
pub(super) fn admits_user(user: &str) -> bool {
    let option_inside = user.split_whitespace().any(|word| word.starts_with('-'));
    !(option_inside
        || user.ends_with('\\')
        || user.contains(['\'', '`', '"', '$', ';', '&', '<', '>', '|', '(', ')', '{', '}']))
}

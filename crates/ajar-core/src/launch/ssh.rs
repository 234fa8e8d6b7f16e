//! ssh's arguments.

use super::quote::{DOLLAR, needs_dollar, ssh_path, ssh_value};
use super::{Surroundings, Target, is_unfit};
use crate::failure::Failure;
use crate::message::launch::Unfit;
use crate::profile::Forward;
use crate::ssh_certificate::SshCertificate;

/// The program and its arguments, up to the host; a remote command may follow.
pub(super) fn command(target: &Target<'_>, around: &Surroundings) -> Result<Vec<String>, Failure> {
    target.check(around.os)?;
    let missing = || Failure::ClientNotFound { program: around.os.ssh_program().into() };
    let mut words = variables(target);
    words.push(target.profile.client.clone().or_else(|| around.ssh.clone()).ok_or_else(missing)?);
    words.extend(target.arguments());
    words.extend(["-p".to_owned(), target.endpoint.port.to_string()]);
    for (name, value) in options(target) {
        let is_plain_file = target.profile.identity_file.as_ref() == Some(&value);
        if name == IDENTITY_FILE && is_plain_file {
            words.extend(["-i".to_owned(), value]);
        } else {
            // `-i` looks for the file before it expands what is in its name, and warns of one that it finds afterwards.
            words.extend(["-o".to_owned(), format!("{name}={}", ssh_value(&value))]);
        }
    }
    words.extend(target.forwards().iter().flat_map(Forward::arguments));
    if let Some(certificate) = &around.certificate {
        words.extend(by_certificate(target, certificate)?);
    } else if let Some(user) = target.user() {
        words.extend(["-l".to_owned(), user.to_owned()]);
    }
    // After “--” ssh looks for no more options, in the remote command neither.
    words.extend(["--".to_owned(), target.endpoint.host.clone()]);
    Ok(words)
}

/// What has ssh log in by a certificate: it names who that is, whatever the profile says.
fn by_certificate(target: &Target<'_>, certificate: &SshCertificate) -> Result<Vec<String>, Failure> {
    let SshCertificate { file, key, user } = certificate;
    if let Some(path) = [file, key].into_iter().find(|path| needs_dollar(path)) {
        return Err(target.refused(&Unfit::Variable(path)));
    }
    if is_unfit(user) || !admits_user(user) {
        return Err(target.refused(&Unfit::SshUser(user)));
    }
    let mut options = vec![("CertificateFile", ssh_path(file))];
    if target.profile.identity_file.is_none() {
        options.extend([(IDENTITY_FILE, ssh_path(key)), ("IdentitiesOnly", "yes".into())]);
    }
    let words =
        options.into_iter().flat_map(|(name, value)| ["-o".to_owned(), format!("{name}={}", ssh_value(&value))]);
    Ok(words.chain(["-l".to_owned(), user.clone()]).collect())
}

const IDENTITY_FILE: &str = "IdentityFile";

/// What ssh is told of the target wherever it is told of it, values unquoted. https://man.openbsd.org/ssh_config
pub(super) fn options(target: &Target<'_>) -> Vec<(&'static str, String)> {
    let mut options = vec![
        // The host key belongs to the VM; its address may have been another VM's yesterday.
        ("HostKeyAlias", target.vm.host_alias()),
        // Azure forgets a flow that is idle for four minutes, and once the access window is over a lost connection cannot
        // be made anew. Ten unanswered signs of life are borne, so that a short outage does not do the same.
        ("ServerAliveInterval", "60".into()),
        ("ServerAliveCountMax", "10".into()),
        // Whoever is root there can log in with what the agent has. What the user's configuration says of other hosts is no
        // word about this one.
        ("ForwardAgent", if target.profile.forwards_agent() { "yes" } else { "no" }.into()),
    ];
    if let Some(identity) = &target.profile.identity_file {
        options.push((IDENTITY_FILE, ssh_path(identity)));
        options.push(("IdentitiesOnly", "yes".into()));
    }
    if let Some(known_hosts) = &target.profile.known_hosts_file {
        options.push(("UserKnownHostsFile", ssh_path(known_hosts)));
    }
    options
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

//! Looking at the key of an SSH server with OpenSSH's own programs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use ajar_core::host_key::{HostKeyLook, SshSettings, compared, keys, kind_to_ask};
use ajar_core::launch::{LaunchPlan, OF_THE_ACCOUNT, Surroundings, Target, ssh_settings};
use tokio::process::Command;

/// How long a server may take to show its key. Who opens a VM waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What ssh's other programs need beside that to tell what a file says.
const IN_ALL: Duration = Duration::from_secs(5);

/// Asks ssh which files it goes by, looks there for the VM's keys, and has the server show one of the same kind. Where any of
/// that fails there is nothing to compare: ssh looks for itself in any case.
pub(super) async fn look_at_host_key(target: &Target<'_>, around: &Surroundings) -> HostKeyLook {
    let Ok(Some(plan)) = ssh_settings(target, around) else { return HostKeyLook::Unknown };
    let Some(ssh) = around.ssh.as_ref().filter(|ssh| is_openssh(Path::new(ssh))) else { return HostKeyLook::Unknown };
    let look = tokio::time::timeout(IN_ALL, look(target, &plan, Path::new(ssh))).await;
    look.ok().flatten().unwrap_or(HostKeyLook::Unknown)
}

/// Whether a program is OpenSSH's, by its name: what is called otherwise may do anything when it is asked for its settings.
fn is_openssh(program: &Path) -> bool {
    program.file_stem().is_some_and(|name| name.eq_ignore_ascii_case("ssh"))
}

async fn look(target: &Target<'_>, plan: &LaunchPlan, ssh: &Path) -> Option<HostKeyLook> {
    let settings = SshSettings::of(&told(settings_command(plan)).await?);
    if !settings.refuses_others {
        return None;
    }
    let alias = target.vm.host_alias();
    let mut all = Vec::new();
    for file in settings.known_hosts.iter().flat_map(|line| files(line)) {
        let mut find = quiet(beside(ssh, "ssh-keygen"));
        find.arg("-F").arg(&alias).arg("-f").arg(&file);
        let known = told(find).await.map(|text| keys(&text)).unwrap_or_default();
        if !known.is_empty() {
            all.push((file, known));
        }
    }
    // ssh asks for the best kind that any of them has, and takes a key that one of them knows.
    let known: Vec<_> = all.iter().flat_map(|(_, known)| known.clone()).collect();
    let (file, _) = all.first()?;
    let mut scan = quiet(beside(ssh, "ssh-keyscan"));
    scan.arg("-T").arg(PATIENCE.as_secs().to_string()).arg("-t").arg(kind_to_ask(&known)?);
    scan.arg("-p").arg(target.endpoint.port.to_string()).arg("--").arg(&target.endpoint.host);
    let shown = keys(&told(scan).await?);
    Some(compared(&known, &shown, &file.display().to_string()))
}

fn settings_command(plan: &LaunchPlan) -> Command {
    let mut command = quiet(PathBuf::from(&plan.program));
    command.args(&plan.args);
    command
}

/// OpenSSH's other programs lie where its ssh does.
fn beside(ssh: &Path, program: &str) -> PathBuf {
    let named = match ssh.extension() {
        Some(extension) => Path::new(program).with_extension(extension),
        None => PathBuf::from(program),
    };
    let there = ssh.with_file_name(&named);
    if there.is_file() { there } else { named }
}

fn quiet(program: PathBuf) -> Command {
    let mut command = Command::new(program);
    for name in OF_THE_ACCOUNT {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    apart(&mut command);
    command
}

/// No window of its own.
#[cfg(windows)]
fn apart(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

/// What is typed in the terminal is not meant for it, and who waits for Ajar's own processes does not wait for it: it ends by itself.
#[cfg(unix)]
fn apart(command: &mut Command) {
    command.process_group(0);
}

/// What a program writes, whatever it thinks of it: `ssh-keygen -F` fails where it finds nothing.
async fn told(mut command: Command) -> Option<String> {
    let output = command.output().await.ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The files in a line of names with blanks between and, it may be, in them: those that are there.
fn files(line: &str) -> Vec<PathBuf> {
    let words: Vec<&str> = line.split(' ').collect();
    let (mut found, mut from) = (Vec::new(), 0);
    while from < words.len() {
        let longest = (from + 1..=words.len()).rev().find(|to| Path::new(&words[from..*to].join(" ")).is_file());
        if let Some(to) = longest {
            found.push(PathBuf::from(words[from..to].join(" ")));
        }
        from = longest.unwrap_or(from + 1);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_called_ssh_is_asked_for_its_settings() {
        let are = ["/usr/bin/ssh", "ssh", "ssh.exe", "SSH.EXE"].map(Path::new);
        let others = ["/opt/ssh-wrapper", "putty.exe", "/", ""].map(Path::new);
        assert!(are.into_iter().all(is_openssh) && !others.into_iter().any(is_openssh));
    }

    #[test]
    fn files_are_found_in_a_line_whatever_blanks_their_names_have() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["known hosts", "known", "hosts2"] {
            std::fs::write(at(name), "").unwrap();
        }
        let line =
            format!("{} {} {}", at("known hosts").display(), at("missing one").display(), at("hosts2").display());
        assert_eq!(files(&line), [at("known hosts"), at("hosts2")]);
    }
}

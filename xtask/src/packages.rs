//! What the system must provide, and how to get it.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::process;

/// One thing the system must provide, with the packages that bring it.
pub(crate) struct Need {
    why: &'static str,
    debian: &'static [&'static str],
    fedora: &'static [&'static str],
    arch: &'static [&'static str],
}

/// To build anything: some dependencies compile C.
pub(crate) const COMPILER: &[Need] = &[Need {
    why: "to compile and link",
    debian: &["build-essential", "pkg-config"],
    fedora: &["gcc", "gcc-c++", "make", "pkgconf-pkg-config"],
    arch: &["base-devel"],
}];

/// To build the tray application.
pub(crate) const WINDOW: &[Need] = &[
    Need {
        why: "for the window (WebKit in GTK 3)",
        debian: &["libwebkit2gtk-4.1-dev"],
        fedora: &["webkit2gtk4.1-devel"],
        arch: &["webkit2gtk-4.1"],
    },
    Need { why: "for the desktop's session bus", debian: &["libdbus-1-dev"], fedora: &["dbus-devel"], arch: &["dbus"] },
];

/// To have something to connect with.
pub(crate) const CLIENT: &[Need] =
    &[Need { why: "to connect by SSH", debian: &["openssh-client"], fedora: &["openssh-clients"], arch: &["openssh"] }];

/// For the end-to-end tests, which start all of these by themselves.
pub(crate) const TEST: &[Need] = &[
    Need {
        why: "for a real SSH server in the tests",
        debian: &["openssh-server"],
        fedora: &["openssh-server"],
        arch: &["openssh"],
    },
    Need {
        why: "for a real remote desktop in the tests",
        debian: &["xrdp", "tigervnc-standalone-server", "openssl", "freerdp2-x11"],
        fedora: &["xrdp", "tigervnc-server-minimal", "openssl", "freerdp"],
        arch: &["xrdp", "tigervnc", "openssl", "freerdp2"],
    },
    Need {
        why: "for what people run over SSH in the tests",
        debian: &["rsync", "git", "ansible-core"],
        fedora: &["rsync", "git", "ansible-core"],
        arch: &["rsync", "git", "ansible-core"],
    },
    Need {
        why: "for a display and a session bus of the tests' own",
        debian: &["xvfb", "dbus"],
        fedora: &["xorg-x11-server-Xvfb", "dbus-daemon"],
        arch: &["xorg-server-xvfb", "dbus"],
    },
    Need {
        why: "for a keychain of the tests' own",
        debian: &["gnome-keyring"],
        fedora: &["gnome-keyring"],
        arch: &["gnome-keyring"],
    },
    Need {
        why: "to look into the real window",
        debian: &["webkit2gtk-driver"],
        fedora: &[],
        arch: &["webkit2gtk-4.1"],
    },
    Need {
        why: "to sign in with a real browser",
        debian: &["chromium", "chromium-driver"],
        fedora: &["chromium", "chromedriver"],
        arch: &["chromium"],
    },
    Need {
        why: "to see text in the real window",
        debian: &["fonts-dejavu-core"],
        fedora: &["dejavu-sans-fonts"],
        arch: &["ttf-dejavu"],
    },
];

/// For Azure's own clients, which are installed from PyPI.
pub(crate) const PYTHON: &[Need] = &[Need {
    why: "to run Azure's own clients",
    debian: &["python3", "python3-venv"],
    fedora: &["python3"],
    arch: &["python"],
}];

/// Whether the packages of Debian or one of its kin for this kind of processor can be had.
pub(crate) fn is_debian_on_amd64() -> bool {
    let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    cfg!(all(target_os = "linux", target_arch = "x86_64")) && Family::of(&os_release) == Family::Debian
}

/// Sees to it that these packages are there, by their Debian names.
pub(crate) fn ensure_named(names: &[&str], why: &str) -> anyhow::Result<()> {
    let installed = installed(names)?;
    let missing: Vec<&str> = names.iter().copied().filter(|name| !installed.iter().any(|have| have == name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing system packages that are missing:\n  {}   {why}", missing.join(" "));
    install(&missing)
}

/// Has the system look for what its package sources have now.
pub(crate) fn update() -> anyhow::Result<()> {
    apt_get(is_root()?, &["update"])
}

/// Sees to it that all of this is there: installs it on Debian and Ubuntu, names it on other kinds of Linux.
pub(crate) fn ensure(needs: &[&[Need]]) -> anyhow::Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let needs: Vec<&Need> = needs.iter().copied().flatten().collect();
    let os_release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    match Family::of(&os_release) {
        Family::Debian => install_missing(&needs),
        Family::Fedora => {
            advise("sudo dnf install", &needs, |need| need.fedora);
            Ok(())
        }
        Family::Arch => {
            advise("sudo pacman -S --needed", &needs, |need| need.arch);
            Ok(())
        }
        Family::Other => {
            println!("This Linux is not one whose packages are known here. By Debian's names, needed are:");
            advise("", &needs, |need| need.debian);
            Ok(())
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Family {
    Debian,
    Fedora,
    Arch,
    Other,
}

impl Family {
    fn of(os_release: &str) -> Self {
        let value_of = |field: &str| {
            let line = os_release.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
        };
        let names = format!("{} {}", value_of("ID"), value_of("ID_LIKE"));
        let is = |wanted: &[&str]| names.split_whitespace().any(|name| wanted.contains(&name));
        if is(&["debian", "ubuntu"]) {
            Self::Debian
        } else if is(&["fedora", "rhel"]) {
            Self::Fedora
        } else if is(&["arch"]) {
            Self::Arch
        } else {
            Self::Other
        }
    }
}

fn advise(tool: &str, needs: &[&Need], names: impl Fn(&Need) -> &'static [&'static str]) {
    println!("System packages needed (not checked here):");
    for need in needs.iter().filter(|need| !names(need).is_empty()) {
        println!("  {tool} {}   # {}", names(need).join(" "), need.why);
    }
}

fn install_missing(needs: &[&Need]) -> anyhow::Result<()> {
    let wanted: Vec<&str> = needs.iter().flat_map(|need| need.debian).copied().collect();
    let installed = installed(&wanted)?;
    let is_missing = |name: &&str| !installed.iter().any(|have| have == name);
    let missing: Vec<&str> = wanted.into_iter().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing system packages that are missing:");
    for need in needs {
        let names: Vec<&str> = need.debian.iter().copied().filter(|name| missing.contains(name)).collect();
        if !names.is_empty() {
            println!("  {}   {}", names.join(" "), need.why);
        }
    }
    install(&missing)
        .with_context(|| format!("install these yourself and try again: apt-get install {}", missing.join(" ")))
}

/// Those of `names` that dpkg has.
fn installed(names: &[&str]) -> anyhow::Result<Vec<String>> {
    // dpkg-query fails when it doesn't know one of the names, and still prints the others.
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Package} ${db:Status-Status}\n"])
        .args(names)
        .stderr(Stdio::null())
        .output()
        .context("could not start dpkg-query")?;
    Ok(parse_installed(&String::from_utf8_lossy(&output.stdout)))
}

fn parse_installed(listing: &str) -> Vec<String> {
    listing.lines().filter_map(|line| line.strip_suffix(" installed")).map(str::to_owned).collect()
}

fn install(names: &[&str]) -> anyhow::Result<()> {
    let as_root = is_root()?;
    apt_get(as_root, &["update"])?;
    let (names, unknown): (Vec<&str>, Vec<&str>) = names.iter().copied().partition(|name| apt_knows(name));
    if !unknown.is_empty() {
        // Ubuntu, for one, has Chromium as a snap alone. Tests that need it say so.
        println!("This system has no {}", unknown.join(", "));
    }
    let install: Vec<&str> = ["install", "-y", "--no-install-recommends"].into_iter().chain(names).collect();
    if let Err(error) = apt_get(as_root, &install) {
        println!("{error:#}; letting apt-get mend what it left half done, then trying once more");
        apt_get(as_root, &["-y", "-f", "install"])?;
        apt_get(as_root, &install)?;
    }
    Ok(())
}

fn is_root() -> anyhow::Result<bool> {
    Ok(String::from_utf8_lossy(&process::output(Command::new("id").arg("-u"))?).trim() == "0")
}

fn apt_knows(name: &str) -> bool {
    let mut ask = Command::new("apt-cache");
    let asked = ask.args(["show", "--no-all-versions", name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

fn apt_get(as_root: bool, args: &[&str]) -> anyhow::Result<()> {
    // apt's hooks keep files in TMPDIR, which an upgrade of systemd may empty under them; /var/tmp it leaves alone.
    let words =
        ["env", "TMPDIR=/var/tmp", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300"];
    let mut command = if as_root { Command::new(words[0]) } else { Command::new("sudo") };
    command.args(if as_root { &words[1..] } else { &words[..] }).args(args).stdin(Stdio::null());
    if !as_root {
        println!("Running `{}`: it may ask for your password", process::shown(&command));
    }
    match process::run(&mut command) {
        Err(_) if !as_root && command_is_absent("sudo") => bail!("this needs root, and there is no sudo"),
        done => done,
    }
}

fn command_is_absent(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_known_by_its_own_name_or_by_what_it_is_like() {
        let family = |os_release| Family::of(os_release);
        assert_eq!(family("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n"), Family::Debian);
        assert_eq!(family("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Family::Debian);
        assert_eq!(family("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Family::Fedora);
        assert_eq!(family("ID=arch\n"), Family::Arch);
        assert_eq!(family("ID=nixos\nHOME_URL=\"https://debian.example\"\n"), Family::Other);
        assert_eq!(family(""), Family::Other);
    }

    #[test]
    fn a_removed_package_whose_settings_remain_counts_as_missing() {
        let listing = "xvfb installed\nopenssh-server config-files\ndbus not-installed\nlibdbus-1-dev installed\n";
        assert_eq!(parse_installed(listing), ["xvfb", "libdbus-1-dev"]);
    }
}

//! A compiler for systems that this machine does not run: Debian's rustc, unpacked and not installed, with a standard library
//! that is built from its source. It lies in the user's cache folder (about 1 GB), so that all clones share it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use anyhow::Context;

use crate::packages;
use crate::process::{self, cargo, output, run};

/// A system that code is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Windows,
    Mac,
}

impl Target {
    pub(crate) fn triple(self) -> &'static str {
        match self {
            Self::Windows => "x86_64-pc-windows-gnu",
            Self::Mac => "aarch64-apple-darwin",
        }
    }

    /// The part of `target/` that is its own: the compiler is another than this machine's.
    pub(crate) fn folder(self) -> PathBuf {
        process::root().join("target").join(match self {
            Self::Windows => "windows",
            Self::Mac => "macos",
        })
    }
}

/// A compiler that is there.
#[derive(Debug)]
pub(crate) struct Toolchain {
    home: PathBuf,
    /// What has to be there for it to run.
    libraries: PathBuf,
}

/// Of these packages rustc, its libraries and the source of std are taken.
const PACKAGES: [&str; 2] = ["rustc-web", "rust-web-src"];

/// A file that says which release lies there, and that it is whole.
const RELEASE: &str = "release";

impl Toolchain {
    /// Sees to it that there is one for that system. `None` where it cannot be had here, which is told.
    pub(crate) fn ensure(target: Target) -> anyhow::Result<Option<Self>> {
        let Some(home) = cache() else { return Ok(none("there is no home folder to keep it in")) };
        if !packages::is_debian_on_amd64() {
            return Ok(none("it is made of Debian's packages for amd64"));
        }
        let toolchain = Self { libraries: home.join("usr/lib/x86_64-linux-gnu"), home };
        if !toolchain.home.join(RELEASE).exists() && !toolchain.unpack()? {
            return Ok(None);
        }
        toolchain.ensure_std(target)?;
        Ok(Some(toolchain))
    }

    /// Where it lies, with what else is made for it.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// A command of cargo's that compiles with it, into the system's own part of `target/`.
    pub(crate) fn cargo<const N: usize>(&self, target: Target, args: [&str; N]) -> anyhow::Result<Command> {
        self.forget_what_another_std_compiled(target)?;
        let mut cargo = cargo(args);
        self.compile_with(&mut cargo);
        cargo.args(["--target", target.triple()]).env("CARGO_TARGET_DIR", target.folder());
        Ok(cargo)
    }

    fn compile_with(&self, cargo: &mut Command) {
        let bin = self.home.join("usr/bin");
        cargo.env("RUSTC", bin.join("rustc")).env("RUSTDOC", bin.join("rustdoc"));
        cargo.env("LD_LIBRARY_PATH", &self.libraries);
    }

    /// Fetches the newest release; whether there is one.
    fn unpack(&self) -> anyhow::Result<bool> {
        packages::update()?;
        let Some(release) = candidate(PACKAGES[0])? else {
            none::<()>("this system's package sources have no rustc-web");
            return Ok(false);
        };
        println!("Unpacking Debian's rustc {release} into {} (it is not installed)", self.home.display());
        let std = format!("libstd-rust-web-{}", short(&release));
        let shown = output(Command::new("apt-cache").args(["show", &format!("{std}={release}")]))?;
        let llvm = llvm_of(&String::from_utf8_lossy(&shown)).context("rustc-web does not say which LLVM it needs")?;
        packages::ensure_named(&[&llvm], "what that compiler is built upon")?;

        if self.home.exists() {
            fs::remove_dir_all(&self.home)?;
        }
        let fetched = self.home.join("fetched");
        fs::create_dir_all(&fetched)?;
        let wanted = PACKAGES.iter().copied().chain([&*std, "libstd-rust-web-dev"]);
        let mut download = Command::new("apt-get");
        download.args(["-qq", "download"]).args(wanted.map(|name| format!("{name}={release}")));
        run(download.current_dir(&fetched))?;
        for package in fs::read_dir(&fetched)? {
            run(Command::new("dpkg").arg("-x").arg(package?.path()).arg(&self.home))?;
        }
        fs::remove_dir_all(&fetched)?;
        fs::write(self.home.join(RELEASE), release)?;
        Ok(true)
    }

    /// A file with what tells one build of std from another.
    fn stamp(&self, target: Target) -> PathBuf {
        self.home.join(format!("std-{}", target.triple()))
    }

    fn ensure_std(&self, target: Target) -> anyhow::Result<()> {
        if self.stamp(target).exists() {
            return Ok(());
        }
        println!("Building the standard library for {}", target.triple());
        let build = self.home.join("build");
        if build.exists() {
            fs::remove_dir_all(&build)?;
        }
        fs::create_dir_all(build.join("src"))?;
        let manifest = "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(build.join("Cargo.toml"), manifest)?;
        fs::write(build.join("src/lib.rs"), "#![no_std]\n")?;
        let mut cargo =
            cargo(["build", "--quiet", "--release", "-Zbuild-std=std,panic_unwind,panic_abort,proc_macro,test"]);
        self.compile_with(&mut cargo);
        cargo.args(["--target", target.triple()]).env("CARGO_TARGET_DIR", build.join("target"));
        // An unstable option, of a compiler that is told to have it; std's crates carry their code for link-time optimisation.
        cargo.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Cembed-bitcode=yes");
        run(cargo.current_dir(&build))?;

        self.take_std(target, &build.join("target").join(target.triple()).join("release/deps"))?;
        fs::remove_dir_all(&build)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        fs::write(self.stamp(target), now.as_nanos().to_string())?;
        Ok(())
    }

    /// Lays what was built where the compiler looks for it.
    fn take_std(&self, target: Target, built: &Path) -> anyhow::Result<()> {
        let std = self.home.join("usr/lib/rustlib").join(target.triple()).join("lib");
        if std.exists() {
            fs::remove_dir_all(&std)?;
        }
        fs::create_dir_all(&std)?;
        for library in fs::read_dir(built)? {
            let library = library?;
            let (name, path) = (library.file_name(), library.path());
            let is_std = !name.to_string_lossy().starts_with("libnothing-");
            if is_std && path.extension().is_some_and(|extension| extension == "rlib") {
                fs::copy(path, std.join(name))?;
            }
        }
        Ok(())
    }

    /// Cargo cannot see that std is another one, and would not find the crates that it compiled with the one from before.
    fn forget_what_another_std_compiled(&self, target: Target) -> anyhow::Result<()> {
        let (folder, stamp) = (target.folder(), fs::read_to_string(self.stamp(target))?);
        let known = folder.join("std");
        if fs::read_to_string(&known).ok().as_ref() == Some(&stamp) {
            return Ok(());
        }
        let compiled = folder.join(target.triple());
        if compiled.exists() {
            fs::remove_dir_all(compiled)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(fs::write(known, stamp)?)
    }
}

/// Tells why there is none.
fn none<T>(why: &str) -> Option<T> {
    println!("SKIPPED: no compiler for other systems here; {why}");
    None
}

fn cache() -> Option<PathBuf> {
    let named = |name: &str| env::var_os(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let caches = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))?;
    Some(caches.join("ajar-xtask/rustc"))
}

/// The release of a package that would be installed.
fn candidate(package: &str) -> anyhow::Result<Option<String>> {
    let policy = output(Command::new("apt-cache").args(["policy", package]))?;
    Ok(candidate_in(&String::from_utf8_lossy(&policy)))
}

fn candidate_in(policy: &str) -> Option<String> {
    let line = policy.lines().find_map(|line| line.trim().strip_prefix("Candidate: "))?;
    (line != "(none)").then(|| line.to_owned())
}

/// `1.96` of `1.96.0+dfsg1-1~deb12u2`.
fn short(release: &str) -> String {
    release.split(['.', '+']).take(2).collect::<Vec<_>>().join(".")
}

/// The package of LLVM that a package's description names.
fn llvm_of(shown: &str) -> Option<String> {
    let depends = shown.lines().find_map(|line| line.strip_prefix("Depends: "))?;
    let name = |depend: &str| depend.split_whitespace().next().map(str::to_owned);
    depends.split(',').filter_map(name).find(|name| name.starts_with("libllvm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_says_of_a_package_is_understood() {
        let policy = "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u2\n  Version table:\n";
        let release = candidate_in(policy).expect("there is one");
        assert_eq!((release.as_str(), short(&release).as_str()), ("1.96.0+dfsg1-1~deb12u2", "1.96"));
        assert_eq!(candidate_in("rustc-web:\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_in(""), None);
        let shown = "Package: libstd-rust-web-1.96\nDepends: libc6 (>= 2.34), libllvm22 (>= 1:22.1), libgcc-s1\n";
        assert_eq!(llvm_of(shown).as_deref(), Some("libllvm22"));
    }
}

//! Fuzzing, with `cargo-fuzz`, of what reads a stranger's words.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::process::{cargo, command, root, run};

/// The programs under `tests/fuzz/targets`.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Target {
    /// Files to import
    Import,
    /// Values in a profile, on their way to clients
    Launch,
}

impl Target {
    const ALL: [Self; 2] = [Self::Import, Self::Launch];

    fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Launch => "launch",
        }
    }
}

/// Of the programs.
pub(crate) const MANIFEST: &str = "tests/fuzz/Cargo.toml";

/// The version that is installed, beside whatever the user has.
const CARGO_FUZZ: &str = "0.13.2";

/// Makes up input for these targets, or for all, so long each; the first that fails ends it, and its input is kept.
pub(crate) fn fuzz(targets: &[Target], seconds: u32) -> anyhow::Result<()> {
    let tools = root().join("target/fuzz/tools");
    install(&tools)?;
    let all = if targets.is_empty() { &Target::ALL[..] } else { targets };
    all.iter().try_for_each(|target| one(&tools, target.name(), seconds))
}

fn install(tools: &Path) -> anyhow::Result<()> {
    let version = format!("={CARGO_FUZZ}");
    let tools = tools.to_str().context("a path that is no text")?;
    // Says that it is there already where it is.
    run(&mut cargo(["install", "cargo-fuzz", "--locked", "--quiet", "--version", &version, "--root", tools]))
}

fn one(tools: &Path, target: &str, seconds: u32) -> anyhow::Result<()> {
    // What is found interesting stays out of the sources: the seeds there are few, and read.
    let corpus = root().join("target/fuzz/corpus").join(target);
    fs::create_dir_all(&corpus)?;
    let mut fuzzing = command(tools.join("bin/cargo-fuzz"));
    // There is no unsafe code for an address sanitizer to look at, and without one the stable compiler will do.
    fuzzing.args([
        "run",
        "--fuzz-dir",
        "tests/fuzz",
        "--target-dir",
        "target/fuzz/build",
        "--sanitizer",
        "none",
        target,
    ]);
    fuzzing.arg(corpus).arg(root().join("tests/fuzz/seeds").join(target));
    run(fuzzing.args(["--", &format!("-max_total_time={seconds}"), "-max_len=16384", "-timeout=10"]))
}

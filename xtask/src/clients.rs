//! Azure's own clients against the simulator: the CLI and the Python libraries, unmodified, from PyPI.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use anyhow::{Context, bail};

use crate::{packages, process};

/// The sets of checks, the environment of each (the CLI pins older libraries than the newest), and its fleet.
const SUITES: [(&str, &str, Option<&str>); 4] = [
    ("identity", "sdk", None),
    ("sdk", "sdk", None),
    ("generated", "sdk", Some("generated.toml")),
    ("cli", "cli", None),
];

/// How much faster than Azure the simulator runs here.
const SPEED: &str = "200";

/// Checks the simulator with every client; failures of checks are an error.
pub(crate) fn run(only: Option<&str>) -> anyhow::Result<()> {
    packages::ensure(&[packages::PYTHON])?;
    let folder = process::root().join("target/clients");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    for (_, kind, _) in SUITES {
        environment(&folder, kind)?;
    }
    process::run(&mut process::cargo(["build", "--package", "azure-sim"]))?;
    let started = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    for (suite, kind, fleet) in SUITES {
        // Each starts from the same fleet.
        let simulator = Simulator::start(&folder, fleet)?;
        let counted = check(python(&folder, kind), suite, only, &simulator)?;
        passed += counted.0;
        failed += counted.1;
    }
    println!("{} s", started.elapsed().as_secs());
    println!("{passed} passed, {failed} failed");
    if failed > 0 {
        bail!("the simulator differs from Azure in {failed} of {} checks", passed + failed)
    }
    Ok(())
}

fn python(folder: &Path, suite: &str) -> PathBuf {
    let environment = folder.join(suite);
    if cfg!(windows) { environment.join("Scripts/python.exe") } else { environment.join("bin/python") }
}

fn checks() -> PathBuf {
    process::root().join("tests/clients")
}

/// Makes the environment anew unless it was made from the same requirements.
fn environment(folder: &Path, suite: &str) -> anyhow::Result<()> {
    let file = checks().join(format!("requirements-{suite}.txt"));
    let wanted = fs::read_to_string(&file).with_context(|| format!("could not read {}", file.display()))?;
    let made_from = folder.join(format!("{suite}.made-from"));
    if fs::read_to_string(&made_from).is_ok_and(|made_from| made_from == wanted) {
        return Ok(());
    }
    println!("Installing Azure's clients for the checks ({suite}): a minute or two, once");
    let base = if cfg!(windows) { "python" } else { "python3" };
    process::run(process::command(base).args(["-m", "venv", "--clear"]).arg(folder.join(suite)))?;
    let mut pip = process::command(python(folder, suite));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&file);
    process::run(&mut pip)?;
    fs::write(&made_from, wanted).with_context(|| format!("could not write {}", made_from.display()))
}

/// Runs one set of checks and counts its lines.
fn check(python: PathBuf, suite: &str, only: Option<&str>, simulator: &Simulator) -> anyhow::Result<(usize, usize)> {
    let mut python = process::command(python);
    python.arg(checks().join(format!("{suite}.py"))).args(only).env("AZURE_SIM_ANNOUNCE", &simulator.announce);
    python.env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::piped());
    let mut running = python.spawn().with_context(|| format!("could not start `{}`", process::shown(&python)))?;
    let output = running.stdout.take().context("the checks have no output")?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(output).lines() {
        let line = line.context("could not read what the checks print")?;
        println!("{line}");
        passed += usize::from(line.starts_with("passed "));
        failed += usize::from(line.starts_with("FAILED "));
    }
    let status = running.wait().context("could not wait for the checks")?;
    if !status.success() && failed == 0 {
        bail!("`{}` ended early ({status})", process::shown(&python));
    }
    Ok((passed, failed))
}

/// A simulator that ends with this value.
struct Simulator {
    process: Child,
    announce: PathBuf,
}

impl Simulator {
    fn start(folder: &Path, fleet: Option<&str>) -> anyhow::Result<Self> {
        let announce = folder.join("announce.json");
        let name = format!("azure-sim{}", std::env::consts::EXE_SUFFIX);
        let mut command = Command::new(binaries()?.join(name));
        command.args(["--speed", SPEED, "--announce"]).arg(&announce).stdout(Stdio::piped());
        if let Some(fleet) = fleet {
            command.arg("--fleet").arg(checks().join(fleet));
        }
        let mut process = command.spawn().context("could not start azure-sim")?;
        let output = process.stdout.take().context("azure-sim has no output")?;
        let mut simulator = Self { process, announce };
        // It prints one line when it is ready, and none when it can't be.
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).context("could not read what azure-sim prints")?;
        if line.is_empty() {
            bail!("azure-sim did not start ({})", simulator.process.wait()?);
        }
        Ok(simulator)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may be gone already, which is what is wanted.
        let _gone = self.process.kill();
        let _ended = self.process.wait();
        let _absent = fs::remove_file(&self.announce);
    }
}

/// Where cargo puts what it builds: xtask itself lies there.
fn binaries() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("could not tell where xtask lies")?;
    own.parent().map(Path::to_path_buf).context("xtask lies in no folder")
}

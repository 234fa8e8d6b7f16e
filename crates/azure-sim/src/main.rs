//! `azure-sim`: serves a local Azure until ended.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use azure_sim::{Fleet, ListForm, Options, Simulator, list_faults, list_switches};
use clap::Parser;
use tracing_subscriber::EnvFilter;

/// A local Azure over HTTPS, so faithful that Azure clients can't tell.
///
/// Serves Entra sign-in, Azure Resource Manager (JIT policies, VMs, networks) and the VMs themselves: real sockets on
/// loopback addresses that open and close as Azure's rules say. When ready it prints one line of JSON that says how to
/// reach everything. It runs until Ctrl-C, SIGTERM or SIGHUP.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Where to serve HTTPS; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// What exists: subscriptions, VMs, ports, JIT policies (docs/simulator.md). Without it, a small fleet that shows
    /// every case
    #[arg(long, value_name = "FILE.toml")]
    fleet: Option<PathBuf>,

    /// How much faster than Azure: 20 turns a start of 30 s into one of 1.5 s. JIT windows keep their length
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    speed: f64,

    /// Determines how long each wait is
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write what is printed when ready to this file too, in one step
    #[arg(long, value_name = "FILE.json")]
    announce: Option<PathBuf>,

    /// Say what of the real Azure is not known and can be answered either way, and end
    #[arg(long, group = "list")]
    list_switches: bool,

    /// Say what can be made to go wrong, and end
    #[arg(long, group = "list")]
    list_faults: bool,

    /// With --list-switches or --list-faults: as JSON
    #[arg(long, requires = "list")]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut stderr = std::io::stderr();
            // Nobody is left to tell when standard error is closed.
            let _closed = writeln!(stderr, "azure-sim: {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                let _closed = writeln!(stderr, "  caused by: {source}");
                cause = source.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.list_switches || arguments.list_faults {
        return list(&arguments);
    }
    let fleet = arguments.fleet.as_deref().map(Fleet::read).transpose()?;
    // Waits from here on, so that an end that is asked for during the start is not lost.
    let ended = asked_to_end()?;
    let options = Options { listen: arguments.listen, fleet, speed: arguments.speed, seed: arguments.seed };
    let simulator = Simulator::start(options).await?;
    if let Some(file) = &arguments.announce {
        simulator.announce().write(file).map_err(|error| format!("can't write {}: {error}", file.display()))?;
    }
    writeln!(std::io::stdout(), "{}", simulator.announce().to_json()?)?;
    ended.await;
    simulator.stop().await;
    Ok(())
}

fn list(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let form = if arguments.json { ListForm::Json } else { ListForm::Text };
    let mut stdout = std::io::stdout();
    if arguments.list_switches {
        stdout.write_all(list_switches(form).as_bytes())?;
    }
    if arguments.list_faults {
        stdout.write_all(list_faults(form).as_bytes())?;
    }
    Ok(())
}

#[cfg(unix)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = if ignores_hangups() { None } else { Some(signal(SignalKind::hangup())?) };
    let hung_up = async move {
        match &mut hangup {
            Some(hangup) => hangup.recv().await,
            None => std::future::pending().await,
        }
    };
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hung_up => {}
        }
    })
}

/// Whether whoever started this process wants it to outlive its terminal, as `nohup` does. To listen for a signal would
/// undo that. Only Linux tells without `unsafe`.
#[cfg(unix)]
fn ignores_hangups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is signal 1: the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}

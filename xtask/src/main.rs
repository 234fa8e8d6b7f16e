//! Set-up and chores: everything a clone needs beyond cargo itself.

mod bench;
mod bindings;
mod clients;
mod contract;
mod demo;
mod fuzz;
mod icons;
mod macos;
mod packages;
mod process;
mod test;
mod toolchain;
mod ui;
mod windows;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

/// Set-up and chores of the Ajar workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
enum Chore {
    /// Install what is missing, build, and start Ajar with its built-in Azure: no account needed
    ///
    /// With a display the tray application starts; without one, `ajar` opens web-01 in this terminal.
    Demo {
        /// Passed on to what is started, after `--`
        #[arg(last = true)]
        args: Vec<String>,
    },
    /// Install what is missing and run every check and test, stopping at the first failure
    Test {
        /// Only these steps, in the usual order
        #[arg(long, num_args = 1.., value_name = "STEP")]
        only: Vec<test::Step>,
    },
    /// Write the window's TypeScript types anew from the Rust ones
    Bindings,
    /// Hold client and simulator against what Azure publishes: its API descriptions, or its own clients
    #[command(group = clap::ArgGroup::new("against").required(true))]
    Contract {
        /// The API descriptions: a folder with jitNetworkAccessPolicies.json and its examples
        #[arg(long, value_name = "DIR", group = "against")]
        specs: Option<PathBuf>,
        /// The Azure CLI and the Python libraries, installed under target/clients: ends with "N passed, M failed"
        #[arg(long, group = "against")]
        clients: bool,
        /// Only the checks of clients whose names contain this
        #[arg(long, value_name = "TEXT", requires = "clients")]
        only: Option<String>,
    },
    /// Measure what has to stay fast: the search among 10,000 and 100,000 VMs, the memory that 10,000 take, and the simulator with
    /// a large fleet
    Bench,
    /// Make up files to import and values of profiles, and look for any that Ajar does not bear
    Fuzz {
        /// Only these
        targets: Vec<fuzz::Target>,
        /// So long each
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        seconds: u32,
    },
    /// Hold the whole workspace against Windows' types, and run the tests of core and engine under wine
    ///
    /// Needs Debian on amd64, whose rustc is fetched and unpacked (about 1 GB, in the cache folder); elsewhere it says so and ends.
    Windows,
    /// Hold the whole workspace against macOS' types: nothing is linked or run. Needs what `windows` needs
    Macos,
    /// What CI runs: `test`, then `contract` with the API descriptions that AZURE_SPECS_DIR names, if it is set, then `windows`
    Ci,
    /// Render icons/ from the drawings in icons/src (needs rsvg-convert)
    Icons,
}

fn main() -> ExitCode {
    match carry_out(Chore::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(chore: Chore) -> anyhow::Result<ExitCode> {
    match chore {
        Chore::Demo { args } => return demo::run(&args),
        Chore::Test { only } => test::run(&only)?,
        Chore::Bindings => bindings::replace()?,
        Chore::Contract { specs: Some(specs), .. } => contract::run(&specs)?,
        Chore::Contract { specs: None, only, .. } => clients::run(only.as_deref())?,
        Chore::Bench => bench::run_all()?,
        Chore::Fuzz { targets, seconds } => fuzz::fuzz(&targets, seconds)?,
        Chore::Ci => {
            test::run(&[])?;
            contract::run_if_named()?;
            windows::run_all()?;
        }
        Chore::Windows => windows::run_all()?,
        Chore::Macos => macos::check()?,
        Chore::Icons => icons::render()?,
    }
    Ok(ExitCode::SUCCESS)
}

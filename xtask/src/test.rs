//! Every check and test, step by step.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::ValueEnum;

use crate::{
    bindings,
    packages::{self, CLIENT, COMPILER, TEST, WINDOW},
    process, ui,
};

/// One step of `cargo xtask test`; the order here is the order of running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// System packages: installed where missing
    Packages,
    /// The window's files: npm ci, npm run build
    Ui,
    /// cargo fmt
    Format,
    /// cargo clippy, warnings are errors
    Lint,
    /// cargo build of every program and test
    Build,
    /// cargo test, end-to-end tests included
    Tests,
    /// ui/src/bindings is what the Rust types say
    Bindings,
    /// Type checks of the window's files
    UiCheck,
    /// Unit tests of the window's files
    UiTests,
}

/// Runs `only` these steps, or all; stops at the first that fails and ends with a table of times.
pub(crate) fn run(only: &[Step]) -> anyhow::Result<()> {
    let is_wanted = |step: &Step| only.is_empty() || only.contains(step);
    let steps: Vec<Step> = Step::value_variants().iter().copied().filter(is_wanted).collect();
    let mut times: Vec<(Step, Duration)> = Vec::new();
    let mut outcome = Ok(());
    for &step in &steps {
        println!("\n── {}: {}", step.name(), step.about());
        let start = Instant::now();
        let types_are_fresh = times.iter().any(|(done, _)| *done == Step::Tests);
        outcome = step.run(types_are_fresh);
        let time = start.elapsed();
        times.push((step, time));
        if outcome.is_err() {
            break;
        }
        println!("── {}: ok, {}", step.name(), seconds(time));
    }
    print!("\n{}", table(&steps, &times, outcome.is_err()));
    let last =
        times.last().map_or_else(String::new, |(step, time)| format!("{} after {}", step.name(), seconds(*time)));
    outcome.with_context(|| format!("failed in step {last}"))
}

/// The tests that go through whole programs: they wait for each other's clocks more than they compute.
const OF_PROGRAMS: [&str; 2] = ["desktop", "end-to-end"];

/// The other test targets, whichever packages they are in.
const OF_CRATES: [&str; 3] = ["contract", "it", "secrets"];

/// Those that hold a client to its time limits, a thousand times: they have the machine to themselves.
const ALONE: [&str; 1] = ["matrix"];

/// Runs the tests of whole programs beside all others, more of either at a time than there are processors: both wait
/// much. What the former print comes behind the latter. All are selected from the whole workspace: for a part of it much
/// would have to be built anew.
fn side_by_side() -> anyhow::Result<()> {
    let at_a_time = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let test = |more: &[&str]| {
        let mut cargo = process::cargo(["test", "--workspace"]);
        cargo.args(more);
        if std::env::var_os("RUST_TEST_THREADS").is_none() {
            cargo.env("RUST_TEST_THREADS", at_a_time.to_string());
        }
        cargo
    };
    let named = |names: &[&'static str]| names.iter().flat_map(|name| ["--test", name]).collect::<Vec<_>>();
    let mut programs = test(&named(&OF_PROGRAMS));
    let programs = std::thread::spawn(move || process::collected(&mut programs));
    let crates = process::run(&mut test(&[&["--lib", "--bins"], named(&OF_CRATES).as_slice()].concat()));
    let programs = programs.join().unwrap_or_else(|_| Err(anyhow::anyhow!("the tests of programs were not run")));
    crates.and(programs)?;
    process::run(&mut test(&named(&ALONE)))?;
    process::run(&mut test(&["--doc"]))
}

impl Step {
    fn run(self, types_are_fresh: bool) -> anyhow::Result<()> {
        match self {
            Self::Packages => packages::ensure(&[COMPILER, WINDOW, CLIENT, TEST]),
            Self::Ui => ui::build(),
            Self::Format => process::run(&mut process::cargo(["fmt", "--all", "--check"])),
            Self::Lint => {
                process::run(&mut process::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
            }
            // What tests ask of shared crates changes most of what is built upon them: with a build of the programs
            // alone most of the tree would be built twice.
            Self::Build => process::run(&mut process::cargo(["test", "--workspace", "--no-run"])),
            Self::Tests => {
                bindings::clear()?;
                side_by_side()
            }
            Self::Bindings => {
                if !types_are_fresh {
                    bindings::generate()?;
                }
                bindings::check()
            }
            Self::UiCheck => ui::check(),
            Self::UiTests => ui::test(),
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn about(self) -> String {
        self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string)).unwrap_or_default()
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn table(steps: &[Step], times: &[(Step, Duration)], has_failed: bool) -> String {
    let mut table = String::new();
    for (index, step) in steps.iter().enumerate() {
        let (state, time) = match times.get(index) {
            Some((_, time)) if has_failed && index + 1 == times.len() => ("failed", seconds(*time)),
            Some((_, time)) => ("ok", seconds(*time)),
            None => ("not run", String::new()),
        };
        table += format!("{:10} {state:8} {time:>9}", step.name()).trim_end();
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_of_the_workspace_is_run() {
        let metadata = cargo_metadata::MetadataCommand::new().current_dir(process::root()).no_deps().exec();
        let packages = metadata.expect("cargo knows the workspace").packages;
        let targets = packages.iter().flat_map(|package| &package.targets);
        let mut names: Vec<_> = targets.filter(|target| target.is_test()).map(|target| target.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut run = [OF_PROGRAMS.as_slice(), &OF_CRATES, &ALONE].concat();
        run.sort_unstable();
        assert_eq!(names, run);
    }

    #[test]
    fn the_table_says_what_was_done_what_failed_and_what_was_not_reached() {
        let steps = [Step::Format, Step::Lint, Step::UiCheck];
        let times = [(Step::Format, Duration::from_millis(1240)), (Step::Lint, Duration::from_secs(61))];
        let expected = "format     ok           1.2 s\nlint       failed      61.0 s\nui-check   not run\n";
        assert_eq!(table(&steps, &times, true), expected);
    }
}

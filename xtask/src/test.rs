//! Every check and test, step by step.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::ValueEnum;

use crate::{
    bindings, fuzz,
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
    /// cargo test of each crate
    Tests,
    /// ui/src/bindings is what the Rust types say
    Bindings,
    /// cargo test of whole programs, the end-to-end tests
    Programs,
    /// Type checks of the window's files
    UiCheck,
    /// Unit tests of the window's files
    UiTests,
    /// Every fault at every call of the client
    Matrix,
}

/// What a step has come to.
struct Done {
    step: Step,
    time: Duration,
    outcome: anyhow::Result<()>,
}

/// Runs `only` these steps, or all; stops at the first that fails and ends with a table of times.
///
/// Those behind the build run in two rows, one beside the other: whole programs wait for each other's clocks more than they
/// compute. What the second row prints comes behind the first. The matrix, which holds the client to its time limits some
/// thousand times, has the machine to itself.
pub(crate) fn run(only: &[Step]) -> anyhow::Result<()> {
    let is_wanted = |step: &Step| only.is_empty() || only.contains(step);
    let steps: Vec<Step> = Step::value_variants().iter().copied().filter(is_wanted).collect();
    let of = |row: Row| steps.iter().copied().filter(|step| step.row() == row).collect::<Vec<_>>();
    let is_well = |done: &[Done]| done.iter().all(|done| done.outcome.is_ok());
    let mut done = in_row(&of(Row::First), process::run);
    if is_well(&done) {
        let (crates, programs) = (of(Row::Crates), of(Row::Programs));
        let beside = std::thread::spawn(move || in_row(&programs, process::collected));
        done.extend(in_row(&crates, process::run));
        done.extend(beside.join().map_err(|_| anyhow::anyhow!("the tests of programs came to no end"))?);
    }
    if is_well(&done) {
        done.extend(in_row(&of(Row::Last), process::run));
    }
    print!("\n{}", table(&steps, &done));
    done.into_iter().try_for_each(|Done { step, time, outcome }| {
        outcome.with_context(|| format!("failed in step {} after {}", step.name(), seconds(time)))
    })
}

/// Which steps run after each other, in the order of [`Step`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Row {
    First,
    Crates,
    Programs,
    Last,
}

/// How a program is run.
type Runs = fn(&mut Command) -> anyhow::Result<()>;

fn in_row(steps: &[Step], run: Runs) -> Vec<Done> {
    let mut all: Vec<Done> = Vec::new();
    for &step in steps {
        println!("\n── {}: {}", step.name(), step.about());
        let start = Instant::now();
        let types_are_fresh = all.iter().any(|done| done.step == Step::Tests);
        let outcome = step.run(types_are_fresh, run);
        let time = start.elapsed();
        let is_over = outcome.is_err();
        if !is_over {
            println!("── {}: ok, {}", step.name(), seconds(time));
        }
        all.push(Done { step, time, outcome });
        if is_over {
            break;
        }
    }
    all
}

/// The tests that go through whole programs.
const OF_PROGRAMS: [&str; 2] = ["desktop", "end-to-end"];

/// The other test targets, whichever packages they are in.
const OF_CRATES: [&str; 3] = ["contract", "it", "secrets"];

const MATRIX: [&str; 1] = ["matrix"];

/// `cargo test` with more tests at a time than there are processors, because they wait much. All are selected from the whole
/// workspace: for a part of it much would have to be built anew. What fails is told of all of them, not of the first program alone.
fn cargo_test(more: &[&str]) -> Command {
    let at_a_time = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let mut cargo = process::cargo(["test", "--workspace", "--no-fail-fast"]);
    cargo.args(more);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        cargo.env("RUST_TEST_THREADS", at_a_time.to_string());
    }
    cargo
}

fn named<'a>(names: &[&'a str]) -> Vec<&'a str> {
    names.iter().flat_map(|name| ["--test", name]).collect()
}

impl Step {
    fn row(self) -> Row {
        match self {
            Self::Packages | Self::Ui | Self::Format | Self::Lint | Self::Build => Row::First,
            Self::Tests | Self::Bindings => Row::Crates,
            Self::Programs | Self::UiCheck | Self::UiTests => Row::Programs,
            Self::Matrix => Row::Last,
        }
    }

    fn run(self, types_are_fresh: bool, run: Runs) -> anyhow::Result<()> {
        match self {
            Self::Packages => packages::ensure(&[COMPILER, WINDOW, CLIENT, TEST]),
            Self::Ui => ui::build(),
            Self::Format => {
                run(&mut process::cargo(["fmt", "--all", "--check"]))?;
                run(&mut process::cargo(["fmt", "--check", "--manifest-path", fuzz::MANIFEST]))
            }
            Self::Lint => {
                run(&mut process::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
                // A workspace of its own, which nothing else would notice to be out of date.
                run(&mut process::cargo([
                    "check",
                    "--locked",
                    "--manifest-path",
                    fuzz::MANIFEST,
                    "--target-dir",
                    "target",
                ]))
            }
            // What tests ask of shared crates changes most of what is built upon them: with a build of the programs
            // alone most of the tree would be built twice.
            Self::Build => run(&mut process::cargo(["test", "--workspace", "--no-run"])),
            Self::Tests => {
                bindings::clear()?;
                run(&mut cargo_test(&[&["--lib", "--bins"], named(&OF_CRATES).as_slice()].concat()))?;
                run(&mut cargo_test(&["--doc"]))
            }
            Self::Bindings => {
                if !types_are_fresh {
                    bindings::generate()?;
                }
                bindings::check()
            }
            Self::Programs => run(&mut cargo_test(&named(&OF_PROGRAMS))),
            Self::UiCheck => ui::check(run),
            Self::UiTests => ui::test(run),
            Self::Matrix => run(&mut cargo_test(&named(&MATRIX))),
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

fn table(steps: &[Step], done: &[Done]) -> String {
    let mut table = String::new();
    for &step in steps {
        let (state, time) = match done.iter().find(|done| done.step == step) {
            Some(done) if done.outcome.is_err() => ("failed", seconds(done.time)),
            Some(done) => ("ok", seconds(done.time)),
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
        let mut run = [OF_PROGRAMS.as_slice(), &OF_CRATES, &MATRIX].concat();
        run.sort_unstable();
        assert_eq!(names, run);
    }

    #[test]
    fn the_table_says_what_was_done_what_failed_and_what_was_not_reached() {
        let steps = [Step::Format, Step::Lint, Step::UiCheck];
        let done = |step, time, outcome| Done { step, time, outcome };
        let done = [
            done(Step::Format, Duration::from_millis(1240), Ok(())),
            done(Step::Lint, Duration::from_secs(61), Err(anyhow::anyhow!("warnings"))),
        ];
        let expected = "format     ok           1.2 s\nlint       failed      61.0 s\nui-check   not run\n";
        assert_eq!(table(&steps, &done), expected);
    }
}

//! Windows, without a machine that runs it: the whole workspace is held against its types, and tests run under wine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::packages;
use crate::process::{self, run};
use crate::toolchain::{Target, Toolchain};

/// What links, and compiles the C of some dependencies.
const MINGW: [&str; 3] = ["gcc-mingw-w64-x86-64-win32", "g++-mingw-w64-x86-64-win32", "binutils-mingw-w64-x86-64"];

const WINE: &str = "/usr/lib/wine/wine64";
const WINESERVER: &str = "/usr/lib/wine/wineserver64";

/// The crates whose tests run there: what knows Windows, and what it stands on.
const TESTED: [&str; 2] = ["ajar-core", "ajar-runtime"];

/// Checks and tests. Where what it takes cannot be had, that is told and nothing done.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let (toolchain, wine) = match set_up() {
        Ok(Some(there)) => there,
        Ok(None) => return Ok(()),
        Err(error) => {
            println!("SKIPPED: nothing was checked or tested for Windows; {error:#}");
            return Ok(());
        }
    };
    println!("\n── windows: type checks of the whole workspace");
    run(&mut toolchain.cargo(Target::Windows, ["check", "--workspace"])?)?;
    println!("\n── windows: tests under wine");
    let mut tests = toolchain.cargo(Target::Windows, ["test", "--no-fail-fast"])?;
    tests.args(TESTED.iter().flat_map(|name| ["--package", name])).env(RECORDER, as_wine_names(&recorder()?));
    let done = run(wine.has_it_run(&mut tests));
    wine.end();
    done
}

fn set_up() -> anyhow::Result<Option<(Toolchain, Wine)>> {
    let Some(toolchain) = Toolchain::ensure(Target::Windows)? else { return Ok(None) };
    packages::ensure_named(&MINGW, "to compile and link for Windows")?;
    packages::ensure_named(&["wine64"], "to run Windows' programs")?;
    let wine = Wine::ensure(&toolchain)?;
    Ok(Some((toolchain, wine)))
}

/// A place that programs of Windows take for a machine of theirs.
struct Wine {
    prefix: PathBuf,
}

impl Wine {
    fn ensure(toolchain: &Toolchain) -> anyhow::Result<Self> {
        let wine = Self { prefix: toolchain.home().join("wine") };
        let random = wine.prefix.join("drive_c/windows/system32/bcryptprimitives.dll");
        if random.exists() {
            return Ok(wine);
        }
        println!("Making a place for Windows' programs in {}", wine.prefix.display());
        let mut boot = Command::new(WINE);
        boot.args(["wineboot", "--init"]).stdout(Stdio::null()).stderr(Stdio::null());
        run(wine.is_where(&mut boot))?;
        run(wine.is_where(Command::new(WINESERVER).arg("--wait")))?;
        if !random.exists() {
            compile_random(&random)?;
        }
        Ok(wine)
    }

    /// Has a program see it.
    fn is_where<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "mscoree=;mshtml=");
        command.env_remove("DISPLAY")
    }

    /// Has cargo run there what it has compiled for Windows.
    fn has_it_run<'c>(&self, cargo: &'c mut Command) -> &'c mut Command {
        self.is_where(cargo.env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER", WINE))
    }

    fn end(&self) {
        let ended = self.is_where(Command::new(WINESERVER).arg("--kill")).status();
        if let Err(error) = ended {
            println!("wine may still be running: {error}");
        }
    }
}

/// The source of random numbers that Rust's std asks since 1.78 and wine has since 9: by way of the one that all have.
const RANDOM: &str = "\
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T length)
{
    const ULONG most = 1 << 30;
    for (SIZE_T done = 0; done < length;) {
        SIZE_T left = length - done;
        ULONG now = left < most ? (ULONG)left : most;
        if (!RtlGenRandom(bytes + done, now))
            return FALSE;
        done += now;
    }
    return TRUE;
}
";

/// Tells the tests of launch plans which program to start in place of Windows' clients.
const RECORDER: &str = "AJAR_RECORDER";

/// A program that writes down what it is given, word for word, as Windows' own C library has understood it.
const RECORDER_SOURCE: &str = "\
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

/* Else files that fit a star would take its place. */
int _dowildcard = 0;

int wmain(int count, wchar_t **words)
{
    const wchar_t *to = _wgetenv(L\"AJAR_RECORD\");
    FILE *record = to ? _wfopen(to, L\"wb\") : NULL;
    if (!record)
        return 1;
    for (int at = 1; at < count; at++)
        fwrite(words[at], sizeof(wchar_t), wcslen(words[at]) + 1, record);
    return fclose(record) ? 1 : 0;
}
";

/// Compiles it.
fn recorder() -> anyhow::Result<PathBuf> {
    let program = Target::Windows.folder().join("recorder.exe");
    let source = program.with_extension("c");
    std::fs::write(&source, RECORDER_SOURCE)?;
    let mut compile = process::command("x86_64-w64-mingw32-gcc");
    compile.args(["-municode", "-O2", "-o"]).arg(&program).arg(&source);
    run(&mut compile).context("the program that stands in for Windows’ clients could not be made")?;
    Ok(program)
}

/// A path of this machine, as programs under wine name it.
fn as_wine_names(path: &Path) -> String {
    format!("Z:{}", path.display()).replace('/', r"\")
}

fn compile_random(library: &Path) -> anyhow::Result<()> {
    let source = library.with_extension("c");
    std::fs::write(&source, RANDOM)?;
    let mut compile = process::command("x86_64-w64-mingw32-gcc");
    compile.args(["-shared", "-O2", "-o"]).arg(library).arg(&source).arg("-ladvapi32");
    run(&mut compile).context("wine’s missing bcryptprimitives.dll could not be made")
}

//! macOS, without its SDK: the whole workspace is held against its types. Nothing is linked, and nothing runs.

use std::path::Path;

use crate::process::run;
use crate::toolchain::{Target, Toolchain};

/// Checks. Where the compiler cannot be had, that is told and nothing done.
pub(crate) fn check() -> anyhow::Result<()> {
    let Some(toolchain) = Toolchain::ensure(Target::Mac)? else { return Ok(()) };
    let (compiler, archiver) = (toolchain.home().join("no-cc"), toolchain.home().join("no-ar"));
    program(&compiler, NO_COMPILER)?;
    program(&archiver, NO_ARCHIVER)?;
    let mut check = toolchain.cargo(Target::Mac, ["check", "--workspace"])?;
    for (variable, stands_in) in [
        ("CC_aarch64_apple_darwin", &compiler),
        ("CXX_aarch64_apple_darwin", &compiler),
        ("AR_aarch64_apple_darwin", &archiver),
    ] {
        check.env(variable, stands_in);
    }
    // Named, so that nobody looks for one with a tool of Apple's.
    run(check.env("SDKROOT", "/nonexistent"))
}

/// In place of a compiler of C and Objective-C: types are all that is looked at, so what it makes may be empty.
const NO_COMPILER: &str = r#"#!/bin/sh
case "$*" in
*--version* | *-dumpmachine*)
    echo 'clang version 17.0.0'
    exit
    ;;
*-E*)
    for word in "$@"; do
        case "$word" in *.c) cat "$word" ;; esac
    done
    exit
    ;;
esac
while [ $# -gt 1 ]; do
    if [ "$1" = -o ]; then : >"$2"; fi
    shift
done
"#;

const NO_ARCHIVER: &str = r#"#!/bin/sh
for word in "$@"; do
    case "$word" in *.a) : >"$word" ;; esac
done
"#;

#[cfg(unix)]
fn program(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn program(path: &Path, text: &str) -> std::io::Result<()> {
    std::fs::write(path, text)
}

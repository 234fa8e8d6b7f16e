//! The `ajar` binary without an Azure, or with its own.

#![expect(
    clippy::unwrap_used,
    reason = "what is not as a test expects ends it; clippy knows that of test functions only"
)]

#[cfg(target_os = "linux")]
mod accounts;
#[cfg(target_os = "linux")]
mod authorities;
#[cfg(target_os = "linux")]
mod browsing;
#[cfg(target_os = "linux")]
mod choosing;
#[cfg(target_os = "linux")]
mod chromium;
mod completions;
#[cfg(target_os = "linux")]
mod first_start;
#[cfg(target_os = "linux")]
mod importing;
#[cfg(unix)]
mod job_control;
#[cfg(target_os = "linux")]
mod keeping;
#[cfg(target_os = "linux")]
mod other_people;
#[cfg(target_os = "linux")]
mod secrets;
#[cfg(target_os = "linux")]
#[path = "../../../ajar-runtime/tests/it/session.rs"]
mod session;
#[cfg(target_os = "linux")]
mod signing_in;
#[cfg(target_os = "linux")]
mod tenants;
mod usage;
#[cfg(target_os = "linux")]
mod user;
#[cfg(unix)]
mod watching;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[cfg(target_os = "linux")]
use user::soon;

/// What a test may take before it has failed.
const LIMIT: Duration = Duration::from_mins(2);

/// `ajar` for a user whose files lie in `folder`, and who is nobody in Azure.
fn ajar(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ajar"));
    command.env_remove("AZURE_CLIENT_ID").env_remove("AZURE_CLIENT_SECRET").env_remove("AZURE_TENANT_ID");
    command.arg("--config").arg(folder).args(args);
    command
}

//! Client and simulator against what Azure has published: neither knows the other's types, so this ties both to Azure.

use std::path::Path;

use anyhow::{Context, bail};

use crate::process;

/// What tells the tests where the descriptions are.
const FOLDER: &str = "AZURE_SPECS_DIR";

/// Runs the contract tests of both sides with the descriptions in `specs`.
pub(crate) fn run(specs: &Path) -> anyhow::Result<()> {
    let specs = std::path::absolute(specs).with_context(|| format!("no such folder: {}", specs.display()))?;
    let needed = specs.join("jitNetworkAccessPolicies.json");
    if !needed.is_file() {
        bail!(
            "{} is not there: --specs wants the folder with Azure's published API descriptions \
             (Azure/azure-rest-api-specs, Microsoft.Security 2020-01-01)",
            needed.display()
        );
    }
    // The workspace as a whole: what `cargo xtask test` has built serves here, which a package alone would not.
    // They print which operation was held against which file.
    let mut tests = process::cargo(["test", "--workspace", "--test", "contract", "--", "--nocapture"]);
    process::run(tests.env(FOLDER, &specs))
}

/// As in CI: only where somebody says where the descriptions are.
pub(crate) fn run_if_named() -> anyhow::Result<()> {
    std::env::var_os(FOLDER).map_or(Ok(()), |specs| run(Path::new(&specs)))
}

//! What has to stay fast, measured as it is released.

use crate::process::{cargo, run};

/// Runs all benchmarks; they print what they measure.
pub(crate) fn run_all() -> anyhow::Result<()> {
    for (package, bench) in [("ajar-core", "inventory_search"), ("azure-sim", "resource_graph")] {
        run(&mut cargo(["bench", "--package", package, "--bench", bench]))?;
    }
    Ok(())
}

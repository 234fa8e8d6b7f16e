//! What has to stay fast, measured as it is released.

use crate::process::{cargo, run};

/// Runs all benchmarks; they print what they measure.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let all = [
        ("ajar-core", "inventory_search"),
        ("ajar-cli", "inventory_memory"),
        ("ajar-cli", "proxy_speed"),
        ("azure-sim", "resource_graph"),
    ];
    for (package, bench) in all {
        run(&mut cargo(["bench", "--package", package, "--bench", bench]))?;
    }
    Ok(())
}

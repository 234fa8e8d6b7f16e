//! The simulator's answers against Microsoft's published schemas and examples.
//!
//! `cargo xtask contract --specs DIR` sets `AZURE_SPECS_DIR` to the folder with `jitNetworkAccessPolicies.json`,
//! `resourcegraph.json`, `common/v1/types.json` and `examples/`.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, its client's too")]

#[path = "../it/client.rs"]
#[expect(dead_code, reason = "the other tests' client knows more than this one needs")]
mod client;

mod examples;
mod exercise;
mod fields;
mod mistakes;
mod operations;
mod schema;
mod shape;
mod specification;

use std::path::PathBuf;

/// The folder with what Azure has published, if there is one.
fn specs() -> Option<PathBuf> {
    let folder = std::env::var_os("AZURE_SPECS_DIR");
    if folder.is_none() {
        println!("skipped: AZURE_SPECS_DIR is not set");
    }
    folder.map(PathBuf::from)
}

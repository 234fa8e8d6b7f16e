//! The built-in Azure: a simulator in this process, if this process hosts the engine.

use std::sync::Arc;

use ajar_core::failure::{Failure, Trouble};
use ajar_runtime::engine::Parts;
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::MakeParts;
use ajar_runtime::{connection, demo};
use azure_sim::{Options, Simulator};
use tokio::sync::OnceCell;

/// Makes an engine for the built-in Azure, which is started with the first and lives as long as this process.
pub(crate) fn parts(folder: &Folder, speed: f64) -> MakeParts {
    let simulator = Arc::new(OnceCell::new());
    let folder = folder.clone();
    Box::new(move || {
        let (simulator, folder) = (Arc::clone(&simulator), folder.clone());
        Box::pin(async move {
            let simulator = simulator.get_or_try_init(|| start(speed)).await?;
            prepare(simulator, folder)
        })
    })
}

async fn start(speed: f64) -> Result<Simulator, Trouble> {
    let options = Options { speed, ..Options::default() };
    Simulator::start(options).await.map_err(|error| unusable(&error))
}

fn prepare(simulator: &Simulator, folder: Folder) -> Result<Parts, Trouble> {
    let announcement = serde_json::to_string_pretty(simulator.announce()).map_err(|error| unusable(&error))?;
    let account = demo::prepare(&folder, &announcement).map_err(|error| unusable(&error))?;
    connection::parts(folder, Some(demo::CLOUD), true, |name| account.variable(name))
}

fn unusable(error: &dyn std::error::Error) -> Trouble {
    let mut detail = format!("the built-in Azure did not start: {error}");
    let mut cause = error.source();
    while let Some(source) = cause {
        detail.extend([": ", &source.to_string()]);
        cause = source.source();
    }
    Failure::Internal { detail }.into()
}

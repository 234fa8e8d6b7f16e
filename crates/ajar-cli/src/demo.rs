//! The built-in Azure: a simulator in this process, if this process hosts the engine.

use ajar_runtime::demo::{self, BuiltIn, NotStarted};
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::MakeParts;
use azure_sim::{Options, Simulator};

/// Makes an engine for the built-in Azure.
pub(crate) fn parts(folder: &Folder, speed: f64) -> MakeParts {
    demo::parts(folder, move || start(speed))
}

async fn start(speed: f64) -> Result<BuiltIn<Simulator>, NotStarted> {
    let azure = Simulator::start(Options { speed, ..Options::default() }).await?;
    let announcement = azure.announce().to_json()?;
    Ok(BuiltIn { azure, announcement })
}

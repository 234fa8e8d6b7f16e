//! What the engine is made of, should this process be the one to host it.

use ajar_runtime::connection;
#[cfg(feature = "demo")]
use ajar_runtime::demo::{BuiltIn, NotStarted};
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::Opening;
#[cfg(feature = "demo")]
use azure_sim::{Options, Simulator};

use crate::arguments::Arguments;

/// The way to the engine of `folder`.
pub(crate) fn opening(arguments: &Arguments, folder: Folder) -> Opening {
    #[cfg(feature = "demo")]
    if arguments.demo {
        let speed = arguments.demo_speed;
        let parts = ajar_runtime::demo::parts(&folder, move || start(speed));
        return Opening { folder, parts };
    }
    let cloud = arguments.cloud.clone();
    let of_parts = folder.clone();
    let parts = move || connection::parts(of_parts.clone(), cloud.as_deref(), false, |name| std::env::var(name).ok());
    Opening { folder, parts: Box::new(move || Box::pin(std::future::ready(parts()))) }
}

#[cfg(feature = "demo")]
async fn start(speed: f64) -> Result<BuiltIn<Simulator>, NotStarted> {
    let azure = Simulator::start(Options { speed, ..Options::default() }).await?;
    let announcement = azure.announce().to_json()?;
    Ok(BuiltIn { azure, announcement })
}

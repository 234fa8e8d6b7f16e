//! What the engine is made of, should this process be the one to host it.

use ajar_runtime::connection;
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::Opening;

use crate::arguments::Arguments;

/// The way to the engine of `folder`.
pub(crate) fn opening(arguments: &Arguments, folder: Folder) -> Opening {
    #[cfg(feature = "demo")]
    if arguments.demo {
        return demo::opening(arguments.demo_speed, folder);
    }
    let cloud = arguments.cloud.clone();
    let of_parts = folder.clone();
    let parts = move || connection::parts(of_parts.clone(), cloud.as_deref(), false, |name| std::env::var(name).ok());
    Opening { folder, parts: Box::new(move || Box::pin(std::future::ready(parts()))) }
}

#[cfg(feature = "demo")]
mod demo {
    use std::sync::Arc;

    use ajar_core::failure::{Failure, Trouble};
    use ajar_runtime::connection;
    use ajar_runtime::demo::{CLOUD, prepare};
    use ajar_runtime::engine::Parts;
    use ajar_runtime::files::Folder;
    use ajar_runtime::hosting::Opening;
    use azure_sim::{Options, Simulator};
    use tokio::sync::OnceCell;

    /// The way to the engine of a built-in Azure, which lives as long as this process's face.
    pub(super) fn opening(speed: f64, folder: Folder) -> Opening {
        let azure = Arc::new(OnceCell::new());
        let of_parts = folder.clone();
        let parts = move || {
            let (azure, folder) = (Arc::clone(&azure), of_parts.clone());
            Box::pin(async move { parts(&azure, speed, folder).await }) as _
        };
        Opening { folder, parts: Box::new(parts) }
    }

    async fn parts(azure: &OnceCell<Simulator>, speed: f64, folder: Folder) -> Result<Parts, Trouble> {
        let start = || Simulator::start(Options { speed, ..Options::default() });
        let simulator = azure.get_or_try_init(start).await.map_err(|error| unusable(&error))?;
        let announcement = simulator.announce().to_json().map_err(|error| unusable(&error))?;
        let account = prepare(&folder, &announcement).map_err(|error| unusable(&error))?;
        connection::parts(folder, Some(CLOUD), true, |name| account.variable(name))
    }

    fn unusable(error: &impl ToString) -> Trouble {
        Failure::Internal { detail: format!("the built-in Azure: {}", error.to_string()) }.into()
    }
}

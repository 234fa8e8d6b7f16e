//! The calls of one deallocation, from the look at the VM to its rest.

use std::sync::Arc;

use ajar_core::failure::Trouble;
use ajar_core::port::Endpoint;
use ajar_core::vm::{CloudVm, PowerState};

use super::News;
use crate::engine::connections::lead_to;
use crate::ports::{Azure, Connections, Peers, Wanted};

/// Whether somebody is connected, or may be: the system does not always tell.
fn is_used(peers: Option<&Peers>, endpoints: &[Endpoint]) -> bool {
    peers.is_none_or(|peers| endpoints.iter().any(|endpoint| lead_to(peers, endpoint)))
}

/// Whether the VM rested already, once it rests. It is not asked for where somebody is connected to an endpoint of `unless`.
pub(super) async fn see_through(
    azure: &dyn Azure,
    vm: &CloudVm,
    observes: bool,
    wanted: &Wanted,
    unless: Option<(Arc<dyn Connections>, Vec<Endpoint>)>,
    tell: &(impl Fn(News) + Send + Sync),
) -> Result<bool, Trouble> {
    let power = azure.virtual_machine(&vm.id).await?.power;
    if power == PowerState::Deallocated {
        return Ok(true);
    }
    tell(News::Found(power));
    if observes || power == PowerState::Deallocating {
        azure.see_deallocated(&vm.id).await?;
    } else {
        // Azure may have taken its time, in which somebody has come.
        if let Some((connections, endpoints)) = unless
            && is_used(connections.peers().await.as_ref(), &endpoints)
        {
            wanted.withdraw();
        }
        azure.deallocate(&vm.id, wanted, &|| tell(News::Begun)).await?;
    }
    Ok(false)
}

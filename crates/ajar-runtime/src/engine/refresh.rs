//! Learning of windows that were opened elsewhere, or before: reading policies to adopt what they show.

use std::sync::Arc;

use ajar_core::access_window::{AccessWindow, open_windows};
use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::profile::ProfileName;
use ajar_core::resource_id::VmResourceId;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Engine;
use super::effects::Happened;
use crate::files::State;
use crate::ports::Azure;

/// How many VMs a refresh reads about at the same time: Azure counts requests.
const READS_AT_ONCE: usize = 4;

/// Tells refreshes apart: a newer one takes the place of an older one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RefreshNumber(u64);

/// A refresh under way. Dropping it ends it.
pub(super) struct Refresh {
    number: RefreshNumber,
    task: AbortHandle,
}

impl Drop for Refresh {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Engine {
    /// Reads the policies of all favourites' VMs.
    pub(super) fn begin_refresh(&mut self) {
        let number = RefreshNumber(self.refresh.as_ref().map_or(0, |last| last.number.0 + 1));
        let favourites: Vec<_> =
            self.settings.favourites.iter().map(|f| (f.name.clone(), f.profile.vm.clone())).collect();
        let (azure, happened) = (Arc::clone(&self.ports.azure), self.happened.clone());
        let task = tokio::spawn(async move {
            let mut readings = futures::stream::iter(favourites)
                .map(|(name, vm)| read(&*azure, &happened, name, vm))
                .buffer_unordered(READS_AT_ONCE);
            let mut problem = None;
            while let Some(reading) = readings.next().await {
                problem = problem.or(reading.err());
            }
            drop(happened.send(Happened::Refreshed(number, problem)));
        });
        self.refresh = Some(Refresh { number, task: task.abort_handle() });
    }

    /// Takes in that a refresh is over.
    pub(super) fn refreshed(&mut self, number: RefreshNumber, problem: Option<(ProfileName, Trouble)>) {
        if self.refresh.as_ref().is_some_and(|refresh| refresh.number == number) {
            self.refresh = None;
            self.refresh_problem = problem.map(|(name, trouble)| {
                in_words(&trouble, &About { name: name.as_str(), zone: self.zone(), at: self.now() })
            });
        }
    }

    /// Reads the policies of one favourite's VM.
    pub(super) fn read_to_adopt(&self, name: ProfileName, vm: VmResourceId) {
        let (azure, happened) = (Arc::clone(&self.ports.azure), self.happened.clone());
        tokio::spawn(async move {
            if let Err((name, trouble)) = read(&*azure, &happened, name, vm).await {
                tracing::debug!(%name, failure = %trouble.failure, "the policies could not be read");
            }
        });
    }

    /// Takes over the windows that policies show.
    pub(super) fn adopt(&mut self, name: &ProfileName, vm: &VmResourceId, policies: &[JitNetworkAccessPolicy]) {
        // The favourite may have gone, or have been turned to another VM, while they were read.
        if self.settings.favourite(name).is_some_and(|favourite| favourite.profile.vm == *vm) {
            let state = self.remembered.state();
            let ours =
                |window: &AccessWindow| state.granted.get(&State::key(vm, window.port)) == Some(&window.end_time_utc);
            self.held.adopt(name, vm, &open_windows(policies, vm, self.now()), ours);
        }
    }
}

async fn read(
    azure: &dyn Azure,
    happened: &mpsc::UnboundedSender<Happened>,
    name: ProfileName,
    vm: VmResourceId,
) -> Result<(), (ProfileName, Trouble)> {
    match azure.policies(&vm).await {
        Ok(policies) => {
            drop(happened.send(Happened::Adopted { name, vm, policies }));
            Ok(())
        }
        Err(trouble) => Err((name, trouble)),
    }
}

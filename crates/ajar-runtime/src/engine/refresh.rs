//! Learning how things stand without anybody having asked to open anything: which windows were opened elsewhere, or
//! before, and which VMs run. Done on request and never by itself.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::profile::ProfileName;
use ajar_core::resource_id::VmResourceId;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Engine;
use super::effects::Happened;
use super::windows::name_of;
use crate::ports::Azure;

/// How many subscriptions a refresh lists the policies of at the same time: Azure counts requests.
const LISTS_AT_ONCE: usize = 4;

/// How many VMs a refresh reads at the same time.
const VMS_AT_ONCE: usize = 8;

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
    /// Reads the policies and the power states of all favourites' VMs, but for those that want another account: an engine
    /// acts as one. Beside them the policies of VMs that have lost their favourite and not yet their window.
    pub(super) fn begin_refresh(&mut self) {
        self.looked = true;
        let number = RefreshNumber(self.refresh.as_ref().map_or(0, |last| last.number.0 + 1));
        let ours = self.settings.favourites.iter().filter(|favourite| self.check_account(&favourite.profile).is_ok());
        let favourites: Vec<_> = ours.map(|favourite| (favourite.name.clone(), favourite.profile.vm.clone())).collect();
        let orphans = self.orphans();
        let (azure, happened) = (Arc::clone(&self.ports.azure), self.happened.clone());
        let task = tokio::spawn(async move {
            let policies = read_policies(&*azure, &happened, &favourites, &orphans);
            let power = read_power_of_all(&*azure, &happened, &favourites);
            let (problem, ()) = tokio::join!(policies, power);
            drop(happened.send(Happened::Refreshed(number, problem)));
        });
        self.refresh = Some(Refresh { number, task: task.abort_handle() });
    }

    /// The VMs without a favourite that have windows of ours, under their own names.
    fn orphans(&self) -> Vec<(ProfileName, VmResourceId)> {
        let favourites: HashSet<_> = self.settings.favourites.iter().map(|favourite| &favourite.profile.vm).collect();
        let unsettled = self.remembered.state().unsettled_at(self.now());
        let mut vms: Vec<_> = self.held.vms().cloned().chain(unsettled).collect();
        let mut seen = HashSet::new();
        vms.retain(|vm| !favourites.contains(vm) && seen.insert(vm.clone()));
        vms.into_iter().filter_map(|vm| Some((name_of(&vm)?, vm))).collect()
    }

    /// Reads whether a VM runs.
    pub(super) fn read_power(&self, vm: VmResourceId) {
        let (azure, happened) = (Arc::clone(&self.ports.azure), self.happened.clone());
        tokio::spawn(async move { read_power(&*azure, &happened, vm).await });
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
            match azure.policies(&vm).await {
                Ok(policies) => drop(happened.send(Happened::Adopted { name, vm, policies })),
                Err(trouble) => {
                    tracing::debug!(%name, failure = %trouble.failure, "the policies could not be read");
                }
            }
        });
    }
}

/// Lists each subscription once, whatever favourites it has; the first trouble with one of them is told.
async fn read_policies(
    azure: &dyn Azure,
    happened: &mpsc::UnboundedSender<Happened>,
    favourites: &[(ProfileName, VmResourceId)],
    orphans: &[(ProfileName, VmResourceId)],
) -> Option<(ProfileName, Trouble)> {
    let mut subscriptions: BTreeMap<_, (Vec<_>, Vec<_>)> = BTreeMap::new();
    let favourites = favourites.iter().map(|favourite| (favourite, true));
    for ((name, vm), is_favourite) in favourites.chain(orphans.iter().map(|orphan| (orphan, false))) {
        let (names, vms) = subscriptions.entry(vm.resource().subscription_id().to_lowercase()).or_default();
        names.push((name.clone(), is_favourite));
        vms.push(vm.clone());
    }
    let mut lists = futures::stream::iter(subscriptions.into_values())
        .map(async |(names, vms)| {
            let results = azure.policies_of(&vms).await;
            (names, vms, results)
        })
        .buffer_unordered(LISTS_AT_ONCE);
    let mut problem = None;
    while let Some((names, vms, results)) = lists.next().await {
        for (((name, is_favourite), vm), result) in names.into_iter().zip(vms).zip(results) {
            match result {
                Ok(policies) => drop(happened.send(Happened::Adopted { name, vm, policies })),
                Err(trouble) if is_favourite => problem = problem.or(Some((name, trouble))),
                Err(trouble) => tracing::debug!(%vm, failure = %trouble.failure, "its windows could not be read"),
            }
        }
    }
    problem
}

/// Reads each VM once, whatever favourites it has. One that cannot be read leaves the others.
async fn read_power_of_all(
    azure: &dyn Azure,
    happened: &mpsc::UnboundedSender<Happened>,
    favourites: &[(ProfileName, VmResourceId)],
) {
    let vms: HashSet<_> = favourites.iter().map(|(_, vm)| vm.clone()).collect();
    let reads = futures::stream::iter(vms).map(|vm| read_power(azure, happened, vm));
    reads.buffer_unordered(VMS_AT_ONCE).collect::<()>().await;
}

async fn read_power(azure: &dyn Azure, happened: &mpsc::UnboundedSender<Happened>, vm: VmResourceId) {
    let power = match azure.virtual_machine(&vm).await {
        Ok(facts) => Some(facts.power),
        Err(trouble) => {
            tracing::debug!(%vm, failure = %trouble.failure, "whether the VM runs could not be read");
            None
        }
    };
    drop(happened.send(Happened::Power { vm, power }));
}

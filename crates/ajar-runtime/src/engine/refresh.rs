//! Learning how things stand without anybody having asked to open anything: which windows were opened elsewhere, or
//! before, and which VMs run. Done on request and never by itself.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ajar_core::account::Acting;
use ajar_core::failure::Trouble;
use ajar_core::message::failure::{About, in_words};
use ajar_core::profile::ProfileName;
use ajar_core::settings::Favourite;
use ajar_core::vm::CloudVm;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::Engine;
use super::acting::Caller;
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
    /// Reads the policies and the power states of all favourites' VMs, each as whom it is opened as. Beside them the
    /// policies of VMs that have lost their favourite and not yet their window.
    pub(super) fn begin_refresh(&mut self) {
        self.looked = true;
        self.observe_deallocations();
        let number = RefreshNumber(self.refresh.as_ref().map_or(0, |last| last.number.0 + 1));
        let (mut visits, mut unread) = (Vec::new(), Vec::new());
        for Favourite { name, profile } in &self.settings.favourites {
            let (name, vm) = (name.clone(), self.place(profile));
            match self.acting(profile) {
                Ok(acting) => visits.push(self.visit(name, vm, acting, true)),
                Err(trouble) => unread.push(Unread { name, vm, trouble }),
            }
        }
        for visit in &visits {
            self.acted.insert(visit.vm.clone(), visit.acting.clone());
        }
        let orphans = self.orphans().into_iter().filter_map(|(name, vm)| {
            let acting = self.acting_on(&name, &vm)?;
            Some(self.visit(name, vm, acting, false))
        });
        visits.extend(orphans.collect::<Vec<_>>());
        let happened = self.happened.clone();
        let task = tokio::spawn(async move {
            let policies = read_policies(&happened, &visits);
            let power = read_power_of_all(&happened, &visits);
            let (more, ()) = tokio::join!(policies, power);
            unread.extend(more);
            drop(happened.send(Happened::Refreshed(number, unread)));
        });
        self.refresh = Some(Refresh { number, task: task.abort_handle() });
    }

    fn visit(&self, name: ProfileName, vm: CloudVm, acting: Acting, is_favourite: bool) -> Visit {
        Visit { azure: self.ports.accounts.acting(&acting), acting, name, vm, is_favourite }
    }

    /// The VMs without a favourite that have windows of ours, under their own names.
    fn orphans(&self) -> Vec<(ProfileName, CloudVm)> {
        let favourites: HashSet<_> = self.settings.favourites.iter().map(|known| self.place(&known.profile)).collect();
        let unsettled = self.remembered.state().unsettled_at(self.now());
        let mut vms: Vec<_> = self.held.vms().chain(unsettled).collect();
        let mut seen = HashSet::new();
        vms.retain(|vm| !favourites.contains(vm) && seen.insert(vm.clone()));
        vms.into_iter().filter_map(|vm| Some((name_of(&vm)?, vm))).collect()
    }

    /// Reads whether the VM of a favourite runs.
    pub(super) fn read_power_of(&self, name: &ProfileName, vm: &CloudVm) {
        if let Some(Caller { azure, .. }) = self.caller_on(name, vm) {
            self.read_power(azure, vm.clone());
        }
    }

    /// Reads whether a VM runs.
    pub(super) fn read_power(&self, azure: Arc<dyn Azure>, vm: CloudVm) {
        let happened = self.happened.clone();
        tokio::spawn(read_power(azure, happened, vm));
    }

    /// Takes in that a refresh is over: every account that was refused is noted, and what went wrong first is told.
    pub(super) fn refreshed(&mut self, number: RefreshNumber, unread: &[Unread]) {
        if self.refresh.as_ref().is_some_and(|refresh| refresh.number == number) {
            self.refresh = None;
            for Unread { vm, trouble, .. } in unread {
                self.note_refused_account(&trouble.failure, vm);
            }
            self.refresh_problem = unread.first().map(|Unread { name, trouble, .. }| {
                in_words(trouble, &About { name: name.as_str(), zone: self.zone(), at: self.now() })
            });
        }
    }

    /// Reads the policies of one favourite's VM.
    pub(super) fn read_to_adopt(&self, name: ProfileName, vm: CloudVm) {
        let Some(Caller { acting: Acting { account, .. }, azure }) = self.caller_on(&name, &vm) else { return };
        let happened = self.happened.clone();
        tokio::spawn(async move {
            match azure.policies(&vm.id).await {
                Ok(policies) => drop(happened.send(Happened::Adopted { account, name, vm, policies })),
                Err(trouble) => {
                    tracing::debug!(%name, failure = %trouble.failure, "the policies could not be read");
                }
            }
        });
    }
}

/// A favourite that a refresh could not look at.
pub(super) struct Unread {
    name: ProfileName,
    vm: CloudVm,
    trouble: Trouble,
}

/// A VM that a refresh looks at, and as whom.
#[derive(Clone)]
struct Visit {
    acting: Acting,
    azure: Arc<dyn Azure>,
    name: ProfileName,
    vm: CloudVm,
    is_favourite: bool,
}

/// The visits that one list of policies serves: as the same account, in the same subscription.
fn by_list(visits: &[Visit]) -> Vec<Vec<Visit>> {
    let (mut lists, mut places) = (Vec::<Vec<Visit>>::new(), HashMap::new());
    for visit in visits {
        let subscription = visit.vm.id.resource().subscription_id().to_lowercase();
        let place = *places.entry((&visit.acting, subscription)).or_insert(lists.len());
        if place == lists.len() {
            lists.push(Vec::new());
        }
        lists[place].push(visit.clone());
    }
    lists
}

/// Lists each subscription once for each account, whatever favourites it has; the favourites with which that was no use.
async fn read_policies(happened: &mpsc::UnboundedSender<Happened>, visits: &[Visit]) -> Vec<Unread> {
    let mut lists = futures::stream::iter(by_list(visits))
        .map(async |visits: Vec<Visit>| {
            let vms: Vec<_> = visits.iter().map(|visit| visit.vm.id.clone()).collect();
            let results = visits[0].azure.policies_of(&vms).await;
            visits.into_iter().zip(results).collect::<Vec<_>>()
        })
        .buffer_unordered(LISTS_AT_ONCE);
    let mut unread = Vec::new();
    while let Some(list) = lists.next().await {
        for (Visit { acting: Acting { account, .. }, name, vm, is_favourite, .. }, result) in list {
            match result {
                Ok(policies) => drop(happened.send(Happened::Adopted { account, name, vm, policies })),
                Err(trouble) if is_favourite => unread.push(Unread { name, vm, trouble }),
                Err(trouble) => tracing::debug!(%vm, failure = %trouble.failure, "its windows could not be read"),
            }
        }
    }
    unread
}

/// Reads each VM once, whatever favourites it has. One that cannot be read leaves the others.
async fn read_power_of_all(happened: &mpsc::UnboundedSender<Happened>, visits: &[Visit]) {
    let mut seen = HashSet::new();
    let favourites = visits.iter().filter(|visit| visit.is_favourite && seen.insert(&visit.vm));
    let reads: Vec<_> =
        favourites.map(|visit| read_power(Arc::clone(&visit.azure), happened.clone(), visit.vm.clone())).collect();
    let reads = futures::stream::iter(reads);
    reads.buffer_unordered(VMS_AT_ONCE).collect::<()>().await;
}

async fn read_power(azure: Arc<dyn Azure>, happened: mpsc::UnboundedSender<Happened>, vm: CloudVm) {
    let (power, os) = match azure.virtual_machine(&vm.id).await {
        Ok(facts) => (Some(facts.power), facts.os),
        Err(trouble) => {
            tracing::debug!(%vm, failure = %trouble.failure, "whether the VM runs could not be read");
            (None, None)
        }
    };
    drop(happened.send(Happened::Power { vm, power, os }));
}

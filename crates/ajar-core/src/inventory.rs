//! All VMs that the accounts can see: what is known of each, and how one is found among thousands.

mod fitting;
mod lacking;
mod opening;
mod rereading;
mod search;
mod text;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::account::AccountName;
use crate::failure::Trouble;
use crate::message::inventory::detail;
use crate::policy::{JitNetworkAccessPolicy, JitNetworkAccessPortRule};
use crate::port::Protocol;
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::settings::Favourite;
use crate::vm::{CloudVm, OsType, PowerState};
use rereading::Rereading;
use search::{Among, Index};
use text::Texts;

pub use lacking::{Lack, Lacking};
pub use opening::Openings;
pub use text::{Tags, Text};

/// An inventory that was read longer ago than this is read anew before anything is looked for in it.
pub const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);

/// The same where some of it could not be read: whoever does what helps wants to see that it has.
pub const FRESH_WITH_GAPS_FOR: TimeDelta = TimeDelta::minutes(1);

/// A VM as Azure's lists show it. They are behind the VM itself by a minute or so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct InventoryVm {
    /// Its resource id, which says its name, resource group and subscription.
    pub id: VmResourceId,
    /// Its subscription's name; empty where that is not told.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string"))]
    pub subscription: Text,
    /// Its region, such as `westeurope`.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string"))]
    pub location: Text,
    /// The operating system, if the model says.
    #[serde(default)]
    pub os: Option<OsType>,
    /// Its power state, where lists tell it.
    #[serde(default)]
    pub power: Option<PowerState>,
    /// Its addresses in its virtual networks.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string[]"))]
    pub private_addresses: Box<[IpAddr]>,
    /// Its public addresses.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "string[]"))]
    pub public_addresses: Box<[IpAddr]>,
    /// Its tags.
    #[serde(default)]
    #[cfg_attr(test, ts(type = "Record<string, string>"))]
    pub tags: Tags,
    /// The ports that JIT policies guard, the lowest first; empty without a policy, `None` where that is not known.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Option<Vec<GuardedPort>>"))]
    pub jit_ports: Option<Box<[GuardedPort]>>,
    /// What could not be read of it the last time. It is as it was known before, if it was.
    #[serde(default)]
    #[cfg_attr(test, ts(as = "Vec<Lack>"))]
    pub lacks: Box<[Lack]>,
    /// Since when what is lacking is known, at least; `None` where it is not.
    #[serde(default)]
    pub kept_from: Option<DateTime<Utc>>,
}

/// A port that a JIT policy guards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct GuardedPort {
    /// Its number.
    pub port: u16,
    /// The longest access that can be asked for, in seconds.
    pub seconds: u32,
}

impl GuardedPort {
    /// The longest access that can be asked for.
    pub fn longest(&self) -> TimeDelta {
        TimeDelta::seconds(self.seconds.into())
    }
}

impl InventoryVm {
    /// The subscription by its name, else by its id.
    pub fn subscription_name(&self) -> &str {
        if self.subscription.is_empty() { self.id.resource().subscription_id() } else { &self.subscription }
    }
}

/// Who sees a part of the inventory, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Viewpoint {
    /// The account.
    pub account: AccountName,
    /// The cloud.
    pub cloud: String,
    /// The tenant, by id or domain; `None` is the account's own.
    pub tenant: Option<String>,
}

impl Viewpoint {
    /// A VM that is seen there, as it is told apart from those of other clouds.
    pub fn place(&self, vm: &InventoryVm) -> CloudVm {
        CloudVm { cloud: self.cloud.clone(), id: vm.id.clone() }
    }
}

/// What is seen from one viewpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Who sees it.
    pub viewpoint: Viewpoint,
    /// When it was last read to the end, by this machine's clock.
    pub read_at: Option<DateTime<Utc>>,
    /// The VMs.
    pub vms: Vec<InventoryVm>,
    /// What has come of a read under way that is to take the place of the VMs.
    #[serde(skip)]
    arriving: Rereading,
}

/// What could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// As whom.
    pub account: AccountName,
    /// In which tenant; `None` is the account's own, or all of them.
    pub tenant: Option<String>,
    /// What could not be read of VMs that were seen; `None` where VMs themselves are missing.
    #[serde(default)]
    pub lack: Option<Lack>,
    /// What kept it from being read.
    pub trouble: Trouble,
    /// In how many subscriptions beside the one that this tells of.
    #[serde(default)]
    pub also: u32,
}

/// A VM among others, and who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'i> {
    /// Who sees it.
    pub viewpoint: &'i Viewpoint,
    /// The VM.
    pub vm: &'i InventoryVm,
}

impl Hit<'_> {
    /// The VM, as it is told apart from those of other clouds.
    pub fn place(&self) -> CloudVm {
        self.viewpoint.place(self.vm)
    }
}

/// The VMs that fit, the best one first, and how many there are of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits<'i> {
    /// As many as were wanted.
    pub vms: Vec<Hit<'i>>,
    /// How many fit.
    pub total: usize,
}

/// What the user has to do with a VM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How much it is used.
    pub weight: u32,
    /// What was noted about it.
    pub note: String,
}

/// A VM that was found, as a face is told of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct FoundVm {
    /// Who sees it.
    pub viewpoint: Viewpoint,
    /// The VM.
    pub vm: InventoryVm,
    /// The favourite that leads there, else what a sensible one would be.
    pub opens: Favourite,
    /// Whether there is such a favourite.
    pub is_favourite: bool,
    /// What opens it.
    pub protocol: Protocol,
    /// One short line under the name, such as “Production · rg-data · deallocated”.
    pub detail: String,
}

impl FoundVm {
    /// What there is to tell of a VM.
    pub fn new(Hit { viewpoint, vm }: Hit<'_>, openings: &mut Openings<'_>) -> Self {
        let (opens, is_favourite) = openings.of(vm, viewpoint);
        Self {
            viewpoint: viewpoint.clone(),
            vm: vm.clone(),
            protocol: openings.effective(&opens).protocol(),
            opens,
            is_favourite,
            detail: detail(vm),
        }
    }

    /// The VM, as it is told apart from those of other clouds.
    pub fn place(&self) -> CloudVm {
        self.viewpoint.place(&self.vm)
    }
}

/// The VMs that fit a query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Found {
    /// The best of them, the best one first.
    pub vms: Vec<FoundVm>,
    /// How many fit.
    pub total: usize,
    /// The favourites whose VMs fit, where those are not among the others.
    #[serde(default)]
    pub favourites: Vec<ProfileName>,
}

/// The VMs of all accounts. Of a VM that several viewpoints show, the first of them counts.
#[derive(Debug, Default)]
pub struct Inventory {
    parts: Vec<Part>,
    /// What its VMs share.
    texts: Texts,
    /// Made when something is looked for, and kept until something changes.
    index: Option<Index>,
}

impl Inventory {
    /// Takes in what was kept of it.
    pub fn take_in(&mut self, mut parts: Vec<Part>) {
        self.index = None;
        for part in &mut parts {
            share(&mut self.texts, &mut part.vms);
        }
        self.parts.extend(parts);
    }

    /// What was read as one account, to be kept.
    pub fn of_account<'a>(&'a self, account: &'a AccountName) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |part| part.viewpoint.account == *account)
    }

    /// Keeps what is seen from the viewpoints that `is_there` knows.
    pub fn retain(&mut self, is_there: impl Fn(&Viewpoint) -> bool) {
        let before = self.parts.len();
        self.parts.retain(|part| is_there(&part.viewpoint));
        if self.parts.len() < before {
            self.index = None;
        }
    }

    /// A read from that viewpoint begins. What it finds is shown as it comes where nothing was read before, else it takes
    /// the place of what was once it has come to its end. Whether VMs of a read are gone by that which came to none.
    pub fn begin(&mut self, viewpoint: &Viewpoint) -> bool {
        self.index = None;
        let part = self.part(viewpoint);
        part.arriving = if part.read_at.is_some() { Rereading::of(&part.vms) } else { Rereading::default() };
        let had_vms = part.read_at.is_none() && !part.vms.is_empty();
        if had_vms {
            part.vms.clear();
        }
        had_vms
    }

    /// A page of a read has come; how many of its VMs are shown from now on.
    pub fn page(&mut self, viewpoint: &Viewpoint, mut vms: Vec<InventoryVm>) -> usize {
        share(&mut self.texts, &mut vms);
        let part = self.part(viewpoint);
        if let Some(read_at) = part.read_at {
            part.arriving.page(&part.vms, vms, read_at);
            return 0;
        }
        let shown = vms.len();
        part.vms.extend(vms);
        self.index = None;
        shown
    }

    /// A read has come to its end. What policies guard is known from the last one until they are read anew.
    pub fn end(&mut self, viewpoint: &Viewpoint, now: DateTime<Utc>) {
        self.index = None;
        let part = self.part(viewpoint);
        if part.read_at.replace(now).is_some() {
            std::mem::take(&mut part.arriving).end(&mut part.vms);
        }
        part.vms.shrink_to_fit();
        self.texts.forget_unused();
    }

    /// A read has not come to its end: what was known before stays, without what had come of it.
    pub fn give_up(&mut self, viewpoint: &Viewpoint) {
        self.part(viewpoint).arriving = Rereading::default();
    }

    /// Takes in the policies of one of the subscriptions that are seen from that viewpoint.
    pub fn guard(&mut self, viewpoint: &Viewpoint, subscription: &str, policies: &[JitNetworkAccessPolicy]) {
        let mut guarded: HashMap<&VmResourceId, Vec<GuardedPort>> = HashMap::new();
        let as_guarded = |rule: &JitNetworkAccessPortRule| GuardedPort {
            port: rule.number,
            seconds: rule.longest_access().num_seconds().try_into().unwrap_or(u32::MAX),
        };
        for vm in policies.iter().flat_map(|policy| &policy.virtual_machines) {
            guarded.entry(&vm.id).or_default().extend(vm.ports.iter().map(as_guarded));
        }
        let part = self.part(viewpoint);
        let of_subscription =
            |vm: &&mut InventoryVm| vm.id.resource().subscription_id().eq_ignore_ascii_case(subscription);
        for vm in part.vms.iter_mut().filter(of_subscription) {
            let mut ports = guarded.remove(&vm.id).unwrap_or_default();
            // Of two rules for a port the more generous one is asked.
            ports.sort_unstable_by_key(|rule| (rule.port, Reverse(rule.seconds)));
            ports.dedup_by_key(|rule| rule.port);
            vm.jit_ports = Some(ports.into());
        }
    }

    /// The VM at that place, if it is seen.
    pub fn vm(&mut self, place: &CloudVm) -> Option<&InventoryVm> {
        let named = self.named(place.id.name(), usize::MAX);
        named.vms.into_iter().find(|hit| hit.place() == *place).map(|hit| hit.vm)
    }

    /// How many VMs there are. One that is seen from several viewpoints counts once.
    pub fn count(&mut self) -> usize {
        self.index().len()
    }

    /// Of the VMs that fit all words of a query, which may be parts of words, `limit` after the `skip` best. Where two fit
    /// alike, the one that is used more, as `usage` says, comes first.
    pub fn find(&mut self, query: &str, skip: usize, limit: usize, usage: &HashMap<CloudVm, Usage>) -> Hits<'_> {
        let mut among = self.among(Some(0));
        self.count_usage(&mut among, usage);
        self.find_among(query, skip, limit, &among)
    }

    /// The same without some VMs.
    pub fn find_others<'v>(
        &mut self,
        query: &str,
        skip: usize,
        limit: usize,
        usage: &HashMap<CloudVm, Usage>,
        without: impl Iterator<Item = &'v CloudVm>,
    ) -> Hits<'_> {
        let mut among = self.among(Some(0));
        self.count_usage(&mut among, usage);
        without.for_each(|vm| self.numbers(vm).for_each(|number| among.weights[number] = None));
        self.find_among(query, skip, limit, &among)
    }

    /// All of some VMs that fit.
    pub fn find_of<'v>(&mut self, query: &str, these: impl Iterator<Item = (&'v CloudVm, &'v Usage)>) -> Hits<'_> {
        let mut among = self.among(None);
        self.count_usage(&mut among, these);
        self.find_among(query, 0, usize::MAX, &among)
    }

    /// All VMs, each as much used as this; `None` looks for none of them.
    fn among(&mut self, weight: Option<u32>) -> Among {
        Among { weights: vec![weight; self.index().len()], notes: HashMap::new() }
    }

    fn count_usage<'v>(&self, among: &mut Among, usage: impl IntoIterator<Item = (&'v CloudVm, &'v Usage)>) {
        for (vm, Usage { weight, note }) in usage {
            for number in self.numbers(vm) {
                among.weights[number] = Some(*weight);
                if !note.is_empty() {
                    among.notes.insert(number, note.to_lowercase());
                }
            }
        }
    }

    /// The numbers of a VM in the index, where that is made.
    fn numbers(&self, vm: &CloudVm) -> impl Iterator<Item = usize> {
        let of_name = self.index.iter().flat_map(|index| index.named(vm.id.name()));
        let is_it = |at: search::At| {
            let part = &self.parts[at.part];
            part.viewpoint.cloud == vm.cloud && part.vms[at.vm].id == vm.id
        };
        of_name.filter(move |(_, at)| is_it(*at)).map(|(number, _)| number)
    }

    fn find_among(&self, query: &str, skip: usize, limit: usize, among: &Among) -> Hits<'_> {
        let (parts, Some(index)) = (&self.parts, &self.index) else { return Hits::default() };
        let (best, total) = index.find(query, skip, limit, among);
        Hits { vms: best.into_iter().map(|at| hit(parts, at)).collect(), total }
    }

    /// The VMs of that name; where there are none, those whose names begin so. The first `limit` of them, by name.
    pub fn named(&mut self, name: &str, limit: usize) -> Hits<'_> {
        self.index();
        let (parts, Some(index)) = (&self.parts, &self.index) else { return Hits::default() };
        let mut all: Vec<_> = index.named(name).map(|(_, at)| at).collect();
        if all.is_empty() {
            all = index.beginning(name).collect();
        }
        let total = all.len();
        Hits { vms: all.into_iter().take(limit).map(|at| hit(parts, at)).collect(), total }
    }

    fn index(&mut self) -> &Index {
        let parts = &self.parts;
        self.index.get_or_insert_with(|| Index::new(parts))
    }

    fn part(&mut self, viewpoint: &Viewpoint) -> &mut Part {
        let at = self.parts.iter().position(|part| part.viewpoint == *viewpoint).unwrap_or_else(|| {
            let viewpoint = viewpoint.clone();
            self.parts.push(Part { viewpoint, read_at: None, vms: Vec::new(), arriving: Rereading::default() });
            self.parts.len() - 1
        });
        &mut self.parts[at]
    }
}

fn hit(parts: &[Part], at: search::At) -> Hit<'_> {
    let part = &parts[at.part];
    Hit { viewpoint: &part.viewpoint, vm: &part.vms[at.vm] }
}

fn share(texts: &mut Texts, vms: &mut [InventoryVm]) {
    for vm in vms {
        texts.share(&mut vm.subscription);
        texts.share(&mut vm.location);
        texts.share_tags(&mut vm.tags);
    }
}

#[cfg(test)]
mod tests;

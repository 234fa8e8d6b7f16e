//! Where VMs lie: by subscription, by resource group, by name, so that no request looks at all of them. And what Azure
//! makes by itself where VMs lie: network watchers, in a resource group of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::state::vm::Vm;

/// A resource group, as its first VM spells and places it.
#[derive(Clone, Debug)]
pub(crate) struct ResourceGroup {
    pub(crate) name: String,
    pub(crate) location: String,
    /// Indices into [`Cloud::vms`](crate::state::Cloud::vms).
    vms: Vec<usize>,
    by_name: HashMap<String, usize>,
}

impl ResourceGroup {
    /// Without VMs.
    fn empty(name: &str, location: &str) -> Self {
        Self { name: name.to_owned(), location: location.to_owned(), vms: Vec::new(), by_name: HashMap::new() }
    }
}

/// What diagnoses the networks of one region of a subscription. Azure makes it with the region's first network.
#[derive(Clone, Debug)]
pub(crate) struct NetworkWatcher {
    subscription: String,
    pub(crate) location: String,
}

impl NetworkWatcher {
    /// The resource group of all network watchers.
    pub(crate) const GROUP: &str = "NetworkWatcherRG";

    pub(crate) fn name(&self) -> String {
        format!("NetworkWatcher_{}", self.location)
    }

    pub(crate) fn id(&self) -> String {
        let (subscription, group, name) = (&self.subscription, Self::GROUP, self.name());
        format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkWatchers/{name}"
        )
    }
}

/// All places; keys are in lower case. Made anew when a VM is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    subscriptions: HashMap<String, BTreeMap<String, ResourceGroup>>,
    watchers: HashMap<String, Vec<NetworkWatcher>>,
}

impl Places {
    pub(crate) fn of(vms: &[Vm]) -> Self {
        let mut places = Self::default();
        for (index, vm) in vms.iter().enumerate().filter(|(_, vm)| !vm.deleted) {
            let groups = places.subscriptions.entry(vm.subscription.to_ascii_lowercase()).or_default();
            let group = groups.entry(vm.resource_group.to_ascii_lowercase());
            let group = group.or_insert_with(|| ResourceGroup::empty(&vm.resource_group, &vm.location));
            group.vms.push(index);
            group.by_name.insert(vm.name.to_ascii_lowercase(), index);
        }
        places.watch(vms);
        places
    }

    /// A watcher stays when the last VM of its region is gone.
    fn watch(&mut self, vms: &[Vm]) {
        let regions: BTreeSet<_> = vms.iter().map(|vm| (vm.subscription.as_str(), vm.location.as_str())).collect();
        for (subscription, location) in regions {
            let key = subscription.to_ascii_lowercase();
            let groups = self.subscriptions.entry(key.clone()).or_default();
            let group = groups.entry(NetworkWatcher::GROUP.to_ascii_lowercase());
            group.or_insert_with(|| ResourceGroup::empty(NetworkWatcher::GROUP, location));
            let watcher = NetworkWatcher { subscription: subscription.to_owned(), location: location.to_owned() };
            self.watchers.entry(key).or_default().push(watcher);
        }
    }

    /// The network watchers of a subscription, or of one of its resource groups.
    pub(crate) fn watchers(&self, subscription: &str, group: Option<&str>) -> impl Iterator<Item = &NetworkWatcher> {
        let here = group.is_none_or(|group| group.eq_ignore_ascii_case(NetworkWatcher::GROUP));
        let all = self.watchers.get(&subscription.to_ascii_lowercase()).filter(|_| here);
        all.into_iter().flatten()
    }

    /// The subscription's resource groups, by name.
    pub(crate) fn groups(&self, subscription: &str) -> impl Iterator<Item = &ResourceGroup> {
        self.subscriptions.get(&subscription.to_ascii_lowercase()).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn group(&self, subscription: &str, name: &str) -> Option<&ResourceGroup> {
        self.subscriptions.get(&subscription.to_ascii_lowercase())?.get(&name.to_ascii_lowercase())
    }

    /// The index of the VM with this name.
    pub(crate) fn vm(&self, subscription: &str, group: &str, name: &str) -> Option<usize> {
        self.group(subscription, group)?.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// The indices of the VMs of a subscription, or of one of its resource groups.
    pub(crate) fn vms(&self, subscription: &str, group: Option<&str>) -> impl Iterator<Item = usize> {
        let all = group.is_none().then(|| self.groups(subscription)).into_iter().flatten();
        let one = group.and_then(|group| self.group(subscription, group));
        all.chain(one).flat_map(|group| group.vms.iter().copied())
    }
}

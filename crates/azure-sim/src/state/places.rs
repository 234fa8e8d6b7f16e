//! Where VMs lie: by subscription, by resource group, by name, so that no request looks at all of them. And what Azure
//! makes by itself where VMs lie: network watchers, in a resource group of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::state::vm::Vm;

/// A resource group, as who is in it first spells and places it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResourceGroup {
    pub(crate) name: String,
    pub(crate) location: String,
    /// Its VMs, and those whose interface or public address is in it: indices into
    /// [`Cloud::vms`](crate::state::Cloud::vms).
    vms: Vec<usize>,
    interfaces: Vec<usize>,
    addresses: Vec<usize>,
    by_name: HashMap<String, usize>,
}

/// A resource group that is there whatever VMs there are.
#[derive(Clone, Debug)]
pub(crate) struct StandingGroup {
    pub(crate) subscription: String,
    pub(crate) name: String,
    pub(crate) location: String,
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
    standing: Vec<StandingGroup>,
}

impl Places {
    pub(crate) fn of(vms: &[Vm], standing: Vec<StandingGroup>) -> Self {
        let mut places = Self::default();
        for (index, vm) in vms.iter().enumerate().filter(|(_, vm)| !vm.deleted) {
            let group = places.make(&vm.subscription, &vm.resource_group, &vm.location);
            group.vms.push(index);
            group.by_name.insert(vm.name.to_ascii_lowercase(), index);
            places.make(&vm.subscription, vm.interface_group(), &vm.location).interfaces.push(index);
            if vm.public_ip_id().is_some() {
                places.make(&vm.subscription, vm.public_ip_group(), &vm.location).addresses.push(index);
            }
        }
        for group in &standing {
            places.make(&group.subscription, &group.name, &group.location);
        }
        places.standing = standing;
        places.watch(vms);
        places
    }

    /// The same groups with other VMs.
    pub(crate) fn anew(&mut self, vms: &[Vm]) {
        *self = Self::of(vms, std::mem::take(&mut self.standing));
    }

    /// The group with this name, there from now on.
    fn make(&mut self, subscription: &str, name: &str, location: &str) -> &mut ResourceGroup {
        let groups = self.subscriptions.entry(subscription.to_ascii_lowercase()).or_default();
        groups.entry(name.to_ascii_lowercase()).or_insert_with(|| ResourceGroup {
            name: name.to_owned(),
            location: location.to_owned(),
            ..ResourceGroup::default()
        })
    }

    /// A watcher stays when the last VM of its region is gone.
    fn watch(&mut self, vms: &[Vm]) {
        let regions: BTreeSet<_> = vms.iter().map(|vm| (vm.subscription.as_str(), vm.location.as_str())).collect();
        for (subscription, location) in regions {
            self.make(subscription, NetworkWatcher::GROUP, location);
            let watcher = NetworkWatcher { subscription: subscription.to_owned(), location: location.to_owned() };
            self.watchers.entry(subscription.to_ascii_lowercase()).or_default().push(watcher);
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
        self.in_scope(subscription, group).flat_map(|group| group.vms.iter().copied())
    }

    /// Of those whose interface is there.
    pub(crate) fn interfaces(&self, subscription: &str, group: Option<&str>) -> impl Iterator<Item = usize> {
        self.in_scope(subscription, group).flat_map(|group| group.interfaces.iter().copied())
    }

    /// Of those whose public IP address is there.
    pub(crate) fn addresses(&self, subscription: &str, group: Option<&str>) -> impl Iterator<Item = usize> {
        self.in_scope(subscription, group).flat_map(|group| group.addresses.iter().copied())
    }

    fn in_scope(&self, subscription: &str, group: Option<&str>) -> impl Iterator<Item = &ResourceGroup> {
        let all = group.is_none().then(|| self.groups(subscription)).into_iter().flatten();
        all.chain(group.and_then(|group| self.group(subscription, group)))
    }
}

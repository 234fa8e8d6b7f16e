//! Where VMs lie: by subscription, by resource group, by name, so that no request looks at all of them.

use std::collections::{BTreeMap, HashMap};

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

/// All places; keys are in lower case. Made anew when a VM is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    subscriptions: HashMap<String, BTreeMap<String, ResourceGroup>>,
}

impl Places {
    pub(crate) fn of(vms: &[Vm]) -> Self {
        let mut places = Self::default();
        for (index, vm) in vms.iter().enumerate().filter(|(_, vm)| !vm.deleted) {
            let groups = places.subscriptions.entry(vm.subscription.to_ascii_lowercase()).or_default();
            let group = groups.entry(vm.resource_group.to_ascii_lowercase()).or_insert_with(|| ResourceGroup {
                name: vm.resource_group.clone(),
                location: vm.location.clone(),
                vms: Vec::new(),
                by_name: HashMap::new(),
            });
            group.vms.push(index);
            group.by_name.insert(vm.name.to_ascii_lowercase(), index);
        }
        places
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

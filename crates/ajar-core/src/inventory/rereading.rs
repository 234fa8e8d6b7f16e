//! What a read brings of VMs that are known from the last one. Most of them are as they were: those stay where they are, so
//! that a read of ten thousand does not need room for twenty.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, Utc};

use super::InventoryVm;
use crate::resource_id::VmResourceId;

/// A read under way that is to take the place of the VMs that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rereading {
    /// Where the known ones are, by the hash of their ids, in its order.
    places: Vec<(u64, usize)>,
    /// Which of them have come again as they were.
    came_again: Vec<bool>,
    /// The others that have come.
    others: Vec<InventoryVm>,
}

impl Rereading {
    /// One that begins.
    pub(super) fn of(known: &[InventoryVm]) -> Self {
        let mut places: Vec<_> = known.iter().enumerate().map(|(at, vm)| (hash(&vm.id), at)).collect();
        places.sort_unstable();
        Self { places, came_again: vec![false; known.len()], others: Vec::new() }
    }

    /// A page has come. What could not be read of its VMs stays as it is known, since `read_at`.
    pub(super) fn page(&mut self, known: &[InventoryVm], vms: Vec<InventoryVm>, read_at: DateTime<Utc>) {
        for mut vm in vms {
            let before = self.places_of(&vm.id).find(|at| !vm.lacks.is_empty() && known[*at].id == vm.id);
            if let Some(at) = before {
                vm.keep(&known[at], read_at);
            }
            match self.place(known, &vm) {
                Some(at) => self.came_again[at] = true,
                None => self.others.push(vm),
            }
        }
    }

    fn place(&self, known: &[InventoryVm], vm: &InventoryVm) -> Option<usize> {
        self.places_of(&vm.id).find(|at| is_as_it_was(&known[*at], vm))
    }

    /// Where a VM may be among the known ones.
    fn places_of(&self, id: &VmResourceId) -> impl Iterator<Item = usize> {
        let wanted = hash(id);
        let first = self.places.partition_point(|(hash, _)| *hash < wanted);
        self.places[first..].iter().take_while(move |(hash, _)| *hash == wanted).map(|(_, at)| *at)
    }

    /// It has come to its end: the VMs are those that have come. What policies guard stays known of each.
    pub(super) fn end(self, known: &mut Vec<InventoryVm>) {
        let gone = known.iter_mut().zip(&self.came_again).filter(|(_, came_again)| !**came_again);
        let mut guarded: HashMap<VmResourceId, _> = gone.map(|(vm, _)| (vm.id.clone(), vm.jit_ports.take())).collect();
        let mut came_again = self.came_again.into_iter();
        known.retain(|_| came_again.next().unwrap_or_default());
        known.extend(self.others.into_iter().map(|vm| {
            let jit_ports = vm.jit_ports.or_else(|| guarded.remove(&vm.id).flatten());
            InventoryVm { jit_ports, ..vm }
        }));
    }
}

/// But for what policies guard, which is read apart.
fn is_as_it_was(known: &InventoryVm, vm: &InventoryVm) -> bool {
    let InventoryVm { id, subscription, location, os, power, tags, jit_ports, lacks, kept_from, .. } = vm;
    let InventoryVm { private_addresses, public_addresses, .. } = vm;
    jit_ports.is_none()
        && (&known.id, &known.subscription, &known.location, &known.os, &known.power)
            == (id, subscription, location, os, power)
        && (&known.private_addresses, &known.public_addresses, &known.tags)
            == (private_addresses, public_addresses, tags)
        && (&known.lacks, &known.kept_from) == (lacks, kept_from)
}

fn hash(id: &VmResourceId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

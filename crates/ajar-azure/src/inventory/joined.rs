//! What hangs on the VMs of one subscription, from the lists beside theirs: power states, network interfaces and addresses, as
//! far as these may be read.

use std::collections::HashMap;
use std::net::IpAddr;

use ajar_core::failure::Trouble;
use ajar_core::inventory::{InventoryVm, Lack, Lacking};
use ajar_core::resource_id::VmResourceId;
use ajar_core::vm::PowerState;
use futures::future::join3;
use serde::Deserialize;

use super::Vm;
use crate::arm_client::{ArmClient, Asked};
use crate::call::Call;
use crate::wire::{Each, Reference, if_understood};
use crate::{compute, network};

#[derive(Debug, Deserialize)]
struct Interface {
    #[serde(default, deserialize_with = "if_understood")]
    properties: Option<InterfaceProperties>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct InterfaceProperties {
    /// Absent where it hangs on none.
    #[serde(default, deserialize_with = "if_understood")]
    virtual_machine: Option<Reference>,
    #[serde(default)]
    ip_configurations: Each<Configuration>,
}

#[derive(Debug, Deserialize)]
struct Configuration {
    properties: ConfigurationProperties,
}

#[derive(Debug, Deserialize)]
struct ConfigurationProperties {
    #[serde(default, rename = "privateIPAddress", deserialize_with = "if_understood")]
    private: Option<IpAddr>,
    #[serde(default, rename = "publicIPAddress", deserialize_with = "if_understood")]
    public: Option<Reference>,
}

#[derive(Debug, Deserialize)]
struct Address {
    id: String,
    #[serde(default, deserialize_with = "if_understood")]
    properties: Option<AddressProperties>,
}

#[derive(Debug, Deserialize)]
struct AddressProperties {
    #[serde(default, rename = "ipAddress", deserialize_with = "if_understood")]
    address: Option<IpAddr>,
}

/// What the lists of a subscription say, each if it could be read.
struct Lists {
    states: Result<HashMap<String, PowerState>, Trouble>,
    interfaces: Result<HashMap<String, Vec<ConfigurationProperties>>, Trouble>,
    addresses: Result<HashMap<String, IpAddr>, Trouble>,
}

/// As ids are compared: they come in different casing.
fn key(id: &str) -> String {
    id.to_ascii_lowercase()
}

impl ArmClient {
    /// Adds to the VMs of a subscription what its other lists say of them; what these do not say is told, and why.
    pub(super) async fn joined(&self, scope: &str, vms: &mut [InventoryVm]) -> Vec<Lacking> {
        if vms.is_empty() {
            return Vec::new();
        }
        let (states, interfaces, addresses) =
            join3(self.states(scope), self.interfaces(scope), self.addresses_in(scope)).await;
        Lists { states, interfaces, addresses }.add_to(vms)
    }

    async fn states(&self, scope: &str) -> Result<HashMap<String, PowerState>, Trouble> {
        let path = format!("{scope}/providers/Microsoft.Compute/virtualMachines");
        let url = self.url(&path, &[("statusOnly", "true"), compute::API]);
        let asked = Asked { call: Call::VmsOfSubscription, scope };
        let vms: Vec<Vm> = self.read_list(url, asked, |body| serde_json::from_slice(body)).await?;
        let told = |vm: Vm| Some((key(&vm.id.to_string()), vm.properties?.told_power()?));
        Ok(vms.into_iter().filter_map(told).collect())
    }

    async fn interfaces(&self, scope: &str) -> Result<HashMap<String, Vec<ConfigurationProperties>>, Trouble> {
        let path = format!("{scope}/providers/Microsoft.Network/networkInterfaces");
        let asked = Asked { call: Call::InterfacesOfSubscription, scope };
        let all: Vec<Interface> = self.list(asked, &path, network::API).await?;
        let mut of_vms: HashMap<_, Vec<_>> = HashMap::new();
        for interface in all.into_iter().filter_map(|interface| interface.properties) {
            let Some(vm) = interface.virtual_machine else { continue };
            let configurations = interface.ip_configurations.0.into_iter().map(|one| one.properties);
            of_vms.entry(key(&vm.id)).or_default().extend(configurations);
        }
        Ok(of_vms)
    }

    async fn addresses_in(&self, scope: &str) -> Result<HashMap<String, IpAddr>, Trouble> {
        let path = format!("{scope}/providers/Microsoft.Network/publicIPAddresses");
        let asked = Asked { call: Call::AddressesOfSubscription, scope };
        let all: Vec<Address> = self.list(asked, &path, network::API).await?;
        Ok(all.into_iter().filter_map(|one| Some((key(&one.id), one.properties?.address?))).collect())
    }
}

impl Lists {
    fn add_to(self, vms: &mut [InventoryVm]) -> Vec<Lacking> {
        for vm in vms.iter_mut() {
            self.add_to_one(vm);
        }
        let trouble = |lack: Lack| match lack {
            Lack::Power => self.states.as_ref().err(),
            Lack::Addresses => self.interfaces.as_ref().err(),
            // Where no interface can be read, nobody knows whose they would be.
            Lack::PublicAddresses => self.addresses.as_ref().err().filter(|_| self.interfaces.is_ok()),
        };
        let lacking = |lack| {
            let trouble = trouble(lack)?.clone();
            vms.iter().any(|vm| vm.lacks.contains(&lack)).then_some(Lacking { lack, trouble, also: 0 })
        };
        Lack::ALL.into_iter().filter_map(lacking).collect()
    }

    fn add_to_one(&self, vm: &mut InventoryVm) {
        let id: &VmResourceId = &vm.id;
        let mut lacks = Vec::new();
        match &self.states {
            Ok(states) => vm.power = states.get(&key(&id.to_string())).copied(),
            Err(_) => lacks.push(Lack::Power),
        }
        match &self.interfaces {
            Ok(interfaces) => {
                let configurations = interfaces.get(&key(&id.to_string())).map(Vec::as_slice).unwrap_or_default();
                vm.private_addresses = configurations.iter().filter_map(|one| one.private).collect();
                let mut public = configurations.iter().filter_map(|one| one.public.as_ref()).peekable();
                match &self.addresses {
                    Ok(known) => {
                        vm.public_addresses = public.filter_map(|one| known.get(&key(&one.id)).copied()).collect();
                    }
                    Err(_) if public.peek().is_some() => lacks.push(Lack::PublicAddresses),
                    Err(_) => {}
                }
            }
            Err(_) => lacks.push(Lack::Addresses),
        }
        vm.lacks = lacks.into();
    }
}

//! Sizes of VMs: `vmSizes` of a region, and `Microsoft.Compute/skus`.

use serde_json::{Value, json};

struct Size {
    name: &'static str,
    family: &'static str,
    cores: u32,
    memory_mib: u32,
    data_disks: u32,
}

const SIZES: &[Size] = &[
    Size { name: "Standard_B2s", family: "standardBSFamily", cores: 2, memory_mib: 4096, data_disks: 4 },
    Size { name: "Standard_B4ms", family: "standardBSFamily", cores: 4, memory_mib: 16_384, data_disks: 8 },
    Size { name: "Standard_D2s_v5", family: "standardDSv5Family", cores: 2, memory_mib: 8192, data_disks: 4 },
    Size { name: "Standard_D4s_v5", family: "standardDSv5Family", cores: 4, memory_mib: 16_384, data_disks: 8 },
    Size { name: "Standard_D8s_v5", family: "standardDSv5Family", cores: 8, memory_mib: 32_768, data_disks: 16 },
    Size { name: "Standard_E2s_v5", family: "standardESv5Family", cores: 2, memory_mib: 16_384, data_disks: 4 },
    Size { name: "Standard_E4s_v5", family: "standardESv5Family", cores: 4, memory_mib: 32_768, data_disks: 8 },
    Size { name: "Standard_E8s_v5", family: "standardESv5Family", cores: 8, memory_mib: 65_536, data_disks: 16 },
    Size { name: "Standard_F4s_v2", family: "standardFSv2Family", cores: 4, memory_mib: 8192, data_disks: 8 },
    Size { name: "Standard_NC6s_v3", family: "standardNCSv3Family", cores: 6, memory_mib: 114_688, data_disks: 12 },
    Size {
        name: "Standard_NC96ads_A100_v4",
        family: "standardNCADSA100v4Family",
        cores: 96,
        memory_mib: 901_120,
        data_disks: 32,
    },
];

/// `VirtualMachineSize`
pub(super) fn all() -> impl Iterator<Item = Value> {
    SIZES.iter().map(|size| {
        json!({
            "name": size.name,
            "numberOfCores": size.cores,
            "osDiskSizeInMB": 1_047_552,
            "resourceDiskSizeInMB": 0,
            "memoryInMB": size.memory_mib,
            "maxDataDiskCount": size.data_disks,
        })
    })
}

/// `ResourceSku` of each size in one region.
pub(super) fn skus(location: &str) -> impl Iterator<Item = Value> {
    let location = location.to_owned();
    SIZES.iter().map(move |size| {
        let short = size.name.trim_start_matches("Standard_");
        let capability = |name: &str, value: String| json!({ "name": name, "value": value });
        json!({
            "resourceType": "virtualMachines",
            "name": size.name,
            "tier": "Standard",
            "size": short,
            "family": size.family,
            "locations": [location],
            "locationInfo": [{ "location": location, "zones": ["1", "2", "3"], "zoneDetails": [] }],
            "capabilities": [
                capability("vCPUs", size.cores.to_string()),
                capability("vCPUsAvailable", size.cores.to_string()),
                capability("MemoryGB", (size.memory_mib / 1024).to_string()),
                capability("MaxDataDiskCount", size.data_disks.to_string()),
                capability("HyperVGenerations", "V1,V2".to_owned()),
                capability("CpuArchitectureType", "x64".to_owned()),
                capability("PremiumIO", "True".to_owned()),
            ],
            "restrictions": [],
        })
    })
}

/// `Usage`: what of the region's quota is taken by this many cores and VMs.
pub(super) fn usages(cores: usize, vms: usize) -> [Value; 2] {
    let usage = |value: &str, shown: &str, current: usize, limit: u32| {
        json!({
            "unit": "Count",
            "currentValue": current,
            "limit": limit,
            "name": { "value": value, "localizedValue": shown },
        })
    };
    [usage("cores", "Total Regional vCPUs", cores, 4000), usage("virtualMachines", "Virtual Machines", vms, 25_000)]
}

/// The cores of a VM of this size.
pub(super) fn cores(name: &str) -> usize {
    let found = SIZES.iter().find(|size| size.name.eq_ignore_ascii_case(name));
    found.and_then(|size| usize::try_from(size.cores).ok()).unwrap_or(2)
}

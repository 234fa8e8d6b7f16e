//! How long a keystroke in the search takes, among 10,000 VMs and among 100,000.

use std::collections::HashMap;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ajar_core::account::AccountName;
use ajar_core::inventory::{Inventory, InventoryVm, Viewpoint};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

const APPLICATIONS: [&str; 8] = ["web", "api", "db", "cache", "build", "batch", "jump", "search"];
const REGIONS: [(&str, &str); 4] =
    [("westeurope", "weu"), ("northeurope", "neu"), ("eastus", "eus"), ("uksouth", "uks")];

/// What somebody types, letter by letter: a name, an address, an owner, and what nothing has.
const TYPED: [&str; 4] = ["web-weu-00042", "10.0.39", "prod owner=team-7", "zzzz"];

/// A VM of a fleet as companies have them: groups of five, and names that say what for and where.
fn vm(number: u32, vms: u32) -> InventoryVm {
    let home = number % (vms / 50);
    let group = number / (vms / 50) / 5;
    let application = APPLICATIONS[group as usize % APPLICATIONS.len()];
    let (location, short) = REGIONS[(home + group) as usize % REGIONS.len()];
    let [_, b, c, d] = number.to_be_bytes();
    let id = format!(
        "/subscriptions/00000000-0000-4000-8000-{home:012}/resourceGroups/rg-{application}-{short}-{group:02}/providers/\
         Microsoft.Compute/virtualMachines/{application}-{short}-{number:05}"
    );
    InventoryVm {
        id: id.parse().unwrap_or_else(|error| panic!("{error}")),
        subscription: format!("sub-prod-{home:03}").into(),
        location: location.into(),
        os: None,
        power: None,
        private_addresses: [IpAddr::from(Ipv4Addr::new(10, b, c, d))].into(),
        public_addresses: Box::default(),
        tags: [("owner", format!("team-{}", number % 40))].into_iter().collect(),
        jit_ports: None,
        lacks: Box::default(),
        kept_from: None,
    }
}

fn inventory(vms: u32) -> Inventory {
    let account: AccountName = "work".parse().unwrap_or_else(|error| panic!("{error}"));
    let viewpoint = Viewpoint { account, cloud: "public".into(), tenant: None };
    let mut inventory = Inventory::default();
    inventory.page(&viewpoint, (0..vms).map(|number| vm(number, vms)).collect());
    inventory
}

/// All that is asked while somebody types.
fn keystrokes() -> impl Iterator<Item = &'static str> + Clone {
    TYPED.iter().flat_map(|typed| (1..=typed.len()).map(|length| &typed[..length]))
}

/// Prints the median and the slowest of a hundred keystrokes, which criterion's means do not tell.
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn percentiles(inventory: &mut Inventory, vms: u32) {
    let mut times = Vec::new();
    for query in keystrokes().cycle().take(1000) {
        let began = Instant::now();
        black_box(inventory.find(black_box(query), 0, 50, &HashMap::new()).total);
        times.push(began.elapsed());
    }
    times.sort_unstable();
    println!("{vms} VMs: median {:.2?}, p99 {:.2?}", times[times.len() / 2], times[times.len() * 99 / 100]);
}

fn search(criterion: &mut Criterion) {
    let mut keystroke = criterion.benchmark_group("keystroke");
    for vms in [10_000, 100_000] {
        let mut inventory = inventory(vms);
        assert_eq!(inventory.count(), vms as usize);
        percentiles(&mut inventory, vms);
        for typed in TYPED {
            for length in [1, 3, typed.len()] {
                let query = &typed[..length.min(typed.len())];
                keystroke.bench_with_input(BenchmarkId::new(vms.to_string(), query), query, |bencher, query| {
                    bencher.iter(|| inventory.find(black_box(query), 0, 50, &HashMap::new()).total);
                });
            }
        }
    }
    keystroke.finish();
}

criterion_group!(benches, search);
criterion_main!(benches);

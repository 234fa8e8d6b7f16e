//! Large fleets by number: names, places, systems and power states as companies have them, the same for the same seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;

use super::{
    DefenderPlan, Fleet, InitialPower, JitSpec, NetworkSpec, Os, PortSpec, ProtocolSpec, SubscriptionSpec, TenantSpec,
    VmSpec, derived,
};

/// `generate` of a fleet file. What is generated comes after what the file lists.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generate {
    vms: u32,
    #[serde(default = "one")]
    subscriptions: u32,
    #[serde(default = "one")]
    tenants: u32,
    #[serde(default)]
    seed: u64,
}

fn one() -> u32 {
    1
}

/// As many as have loopback addresses of their own.
const MOST_VMS: u32 = 10_000;
const MOST_SUBSCRIPTIONS: u32 = 1000;
const MOST_TENANTS: u32 = 100;

const APPLICATIONS: [&str; 12] =
    ["web", "api", "db", "cache", "build", "batch", "jump", "mail", "search", "erp", "mon", "gw"];
const STAGES: [&str; 4] = ["prod", "test", "dev", "stage"];
const REGIONS: [(&str, &str); 5] =
    [("westeurope", "weu"), ("northeurope", "neu"), ("eastus", "eus"), ("uksouth", "uks"), ("southeastasia", "sea")];
const SIZES: [&str; 6] =
    ["Standard_D2s_v5", "Standard_D4s_v5", "Standard_B2s", "Standard_E4s_v5", "Standard_F4s_v2", "Standard_D8s_v5"];

impl Generate {
    /// How many tenants come on top of the fleet's.
    pub(super) fn tenants_added(self) -> usize {
        usize::try_from(self.tenants).unwrap_or_default().saturating_sub(1)
    }

    /// What can't be, with its key.
    pub(super) fn check(self) -> Result<(), (String, String)> {
        for (key, number, most) in [
            ("vms", self.vms, MOST_VMS),
            ("subscriptions", self.subscriptions, MOST_SUBSCRIPTIONS),
            ("tenants", self.tenants, MOST_TENANTS),
        ] {
            if !(1..=most).contains(&number) {
                return Err((format!("generate.{key}"), format!("must be 1 to {most}")));
            }
        }
        if self.tenants > self.subscriptions {
            return Err(("generate.tenants".to_owned(), "can't be more than the subscriptions".to_owned()));
        }
        Ok(())
    }

    /// Tenants, subscriptions and VMs on top of those of the fleet. The first tenant is the fleet's own.
    pub(super) fn fill(self, fleet: &mut Fleet) {
        let first = fleet.tenants.first().map(|tenant| tenant.name.clone());
        for number in 2..=self.tenants {
            let name = format!("Contoso {number:02}");
            let id = derived("tenant", &name, &self.seed.to_string());
            fleet.tenants.push(TenantSpec { id, domain: format!("contoso{number:02}.onmicrosoft.com"), name });
        }
        let tenant_of = |index: u32| match index % self.tenants {
            0 => first.clone(),
            other => Some(format!("Contoso {:02}", other + 1)),
        };
        for index in 0..self.subscriptions {
            let name = subscription(index);
            let id = derived("subscription", &name, &self.seed.to_string());
            fleet.subscriptions.push(SubscriptionSpec {
                id,
                name,
                defender: DefenderPlan::default(),
                tenant: tenant_of(index),
                tenant_id: id,
                managed_by: Vec::new(),
                managed_by_ids: Vec::new(),
            });
        }
        let mut random = StdRng::seed_from_u64(self.seed);
        fleet.vms.extend((0..self.vms).map(|index| vm(index, self.subscriptions, &mut random)));
    }
}

fn subscription(index: u32) -> String {
    format!("sub-{}-{:03}", pick(&STAGES, index), index + 1)
}

fn pick<T: Copy>(from: &[T], index: u32) -> T {
    from[usize::try_from(index).unwrap_or_default() % from.len()]
}

/// The VMs of a subscription lie in groups of five, one region and one policy each.
fn vm(index: u32, subscriptions: u32, random: &mut StdRng) -> VmSpec {
    let home = index % subscriptions;
    let group = index / subscriptions / 5;
    let application = pick(&APPLICATIONS, group);
    let stage = pick(&STAGES, home);
    let (location, short) = pick(&REGIONS, home + group);
    let os = if random.random_ratio(35, 100) { Os::Windows } else { Os::Linux };
    let number = if os == Os::Windows { 3389 } else { 22 };
    let jit = JitSpec {
        max_duration: pick(&["PT3H", "PT1H", "PT8H"], group).to_owned(),
        sources: vec!["*".to_owned()],
        protocol: ProtocolSpec::Any,
    };
    VmSpec {
        name: format!("{application}-{short}-{index:05}"),
        subscription: Some(subscription(home)),
        resource_group: format!("rg-{application}-{stage}-{short}-{:02}", group + 1),
        location: location.to_owned(),
        os,
        size: pick(&SIZES, random.random_range(0..6)).to_owned(),
        power: match random.random_range(0..20) {
            0..=11 => InitialPower::Running,
            12..=13 => InitialPower::Stopped,
            _ => InitialPower::Deallocated,
        },
        address: None,
        dynamic_address: false,
        private_only: random.random_ratio(1, 5),
        firewall: false,
        out_of_capacity: random.random_ratio(1, 200),
        start_fails: None,
        generalized: false,
        lock: None,
        denied_actions: Vec::new(),
        network: NetworkSpec::default(),
        policy: "default".to_owned(),
        policy_group: None,
        ports: vec![PortSpec { number, open: false, jit: Some(jit), service: None, forward: None }],
        generated: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fleet(text: &str) -> Fleet {
        text.parse().unwrap()
    }

    #[test]
    fn a_fleet_is_generated_by_number_and_the_same_for_the_same_seed() {
        let text = "generate = { vms = 10000, subscriptions = 200, tenants = 12 }";
        let (one, other) = (fleet(text), fleet(text));
        assert_eq!((one.vms.len(), one.subscriptions.len(), one.tenants.len()), (10_000, 200, 12));
        let shown = |fleet: &Fleet| format!("{:?} {:?}", fleet.vms, fleet.subscriptions);
        assert_eq!(shown(&one), shown(&other));
        let others = fleet("generate = { vms = 10000, subscriptions = 200, tenants = 12, seed = 7 }");
        assert_ne!(shown(&one), shown(&others));
        assert!(one.tenants.iter().all(|tenant| one.subscriptions.iter().any(|known| known.tenant_id == tenant.id)));
    }

    #[test]
    fn numbers_that_cannot_be_are_named_with_their_key() {
        for (text, key) in [
            ("generate = { vms = 0 }", "generate.vms"),
            ("generate = { vms = 1, tenants = 2 }", "generate.tenants"),
            ("generate = { vms = 1, subscriptions = 5000 }", "generate.subscriptions"),
        ] {
            let told = text.parse::<Fleet>().unwrap_err().to_string();
            assert!(told.contains(key), "{told}");
        }
    }
}

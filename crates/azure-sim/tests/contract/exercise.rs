//! What is asked of the simulator for each published operation, and what should come of it.

use azure_sim::AnnounceVm;
use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::client::Azure;

/// One request.
pub(crate) struct Exercise {
    pub(crate) what: &'static str,
    pub(crate) status: u16,
    pub(crate) places: Places,
    pub(crate) body: Option<Value>,
    pub(crate) caller: Caller,
    pub(crate) has_api_version: bool,
    /// Whether the body is meant to be wrong.
    pub(crate) is_mistaken: bool,
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    MayAll,
    MayNothing,
    Nobody,
}

/// What stands for a path's parameters.
#[derive(Clone)]
pub(crate) struct Places {
    subscription: String,
    resource_group: String,
    location: String,
    policy: String,
}

impl Places {
    fn of(vm: &AnnounceVm) -> Self {
        Self {
            subscription: vm.subscription_id.clone(),
            resource_group: vm.resource_group.clone(),
            location: vm.location.clone(),
            policy: "default".to_owned(),
        }
    }

    pub(crate) fn fill(&self, path: &str) -> String {
        let path = path
            .replace("{subscriptionId}", &self.subscription)
            .replace("{resourceGroupName}", &self.resource_group)
            .replace("{ascLocation}", &self.location)
            .replace("{jitNetworkAccessPolicyName}", &self.policy)
            .replace("{jitNetworkAccessPolicyInitiateType}", "initiate");
        assert!(!path.contains('{'), "{path}: nothing is known of the parameter");
        path
    }
}

impl Exercise {
    fn new(what: &'static str, status: u16, places: &Places, body: Option<Value>) -> Self {
        let (caller, has_api_version, is_mistaken) = (Caller::MayAll, true, false);
        Self { what, status, places: places.clone(), body, caller, has_api_version, is_mistaken }
    }

    fn mistaken(self) -> Self {
        Self { is_mistaken: true, ..self }
    }

    fn by(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// What every operation of the resource manager refuses alike.
    fn refusals(places: &Places, body: Option<&Value>) -> Vec<Self> {
        let one = |what, status| Self::new(what, status, places, body.cloned());
        vec![Self { has_api_version: false, ..one("no api-version", 400) }, one("no token", 401).by(Caller::Nobody)]
    }

    fn forbidden(places: &Places, body: Option<&Value>) -> Self {
        Self::new("no right", 403, places, body.cloned()).by(Caller::MayNothing)
    }
}

/// The requests for an operation; an operation that is not here is a failure.
pub(crate) fn of(operation: &str, azure: &Azure) -> Vec<Exercise> {
    match operation {
        "JitNetworkAccessPolicies_List" | "JitNetworkAccessPolicies_ListByRegion" => list(azure, true),
        "JitNetworkAccessPolicies_ListByResourceGroup" | "JitNetworkAccessPolicies_ListByResourceGroupAndRegion" => {
            list(azure, false)
        }
        "JitNetworkAccessPolicies_Get" => get(azure),
        "JitNetworkAccessPolicies_CreateOrUpdate" => create(azure),
        "JitNetworkAccessPolicies_Delete" => delete(azure),
        "JitNetworkAccessPolicies_Initiate" => initiate(azure),
        "Resources" => query(azure),
        "Operations_List" => {
            let places = Places::of(azure.vm("web-01"));
            let mut all = vec![Exercise::new("all operations", 200, &places, None)];
            all.extend(Exercise::refusals(&places, None));
            all
        }
        _ => panic!("no request exercises {operation}, which is published"),
    }
}

fn in_an_hour() -> String {
    (Utc::now() + TimeDelta::hours(1)).to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn unknown_group(places: &Places) -> Places {
    Places { resource_group: "rg-nowhere".to_owned(), ..places.clone() }
}

fn unknown_subscription(places: &Places) -> Places {
    Places { subscription: "00000000-1111-2222-3333-444444444444".to_owned(), ..places.clone() }
}

fn unknown_policy(places: &Places) -> Places {
    Places { policy: "nothing".to_owned(), ..places.clone() }
}

fn list(azure: &Azure, whole_subscription: bool) -> Vec<Exercise> {
    let names = ["db-replica-3", "jump-eu", "fw-backend", "gpu-lab"];
    let mut all: Vec<_> = names.map(|name| Exercise::new(name, 200, &Places::of(azure.vm(name)), None)).into();
    let places = Places::of(azure.vm("db-replica-3"));
    all.extend(Exercise::refusals(&places, None));
    all.push(Exercise::forbidden(&places, None));
    if whole_subscription {
        all.push(Exercise::new("no such subscription", 404, &unknown_subscription(&places), None));
    } else {
        all.push(Exercise::new("no such resource group", 404, &unknown_group(&places), None));
    }
    all
}

fn get(azure: &Azure) -> Vec<Exercise> {
    let names = ["db-replica-3", "jump-eu", "fw-backend"];
    let mut all: Vec<_> = names.map(|name| Exercise::new(name, 200, &Places::of(azure.vm(name)), None)).into();
    let places = Places::of(azure.vm("db-replica-3"));
    all.extend(Exercise::refusals(&places, None));
    all.push(Exercise::forbidden(&places, None));
    all.push(Exercise::new("no such policy", 404, &unknown_policy(&places), None));
    all.push(Exercise::new("no such resource group", 404, &unknown_group(&places), None));
    all
}

fn create(azure: &Azure) -> Vec<Exercise> {
    let (vm, behind) = (azure.vm("legacy-box"), azure.vm("fw-backend"));
    let places = Places::of(vm);
    let named = |name: &str| Places { policy: name.to_owned(), ..places.clone() };
    let policy = |vm: &AnnounceVm, sources: Value| {
        let mut port = json!({ "number": 22, "protocol": "TCP", "maxRequestAccessDuration": "PT3H" });
        port.as_object_mut().unwrap().extend(sources.as_object().unwrap().clone());
        json!({ "kind": "Basic", "properties": { "virtualMachines": [{ "id": vm.id, "ports": [port] }] } })
    };
    let one = policy(vm, json!({ "allowedSourceAddressPrefix": "*" }));
    let several = policy(vm, json!({ "allowedSourceAddressPrefixes": ["192.0.2.0/24", "198.51.100.7"] }));
    let mut firewalled = policy(behind, json!({ "allowedSourceAddressPrefix": "192.0.2.0/24" }));
    firewalled["properties"]["virtualMachines"][0]["publicIpAddress"] = json!(behind.address);
    let senseless = json!({ "kind": "Basic", "properties": { "virtualMachines": [] } });
    let mut all = vec![
        Exercise::new("made", 200, &places, Some(one.clone())),
        Exercise::new("replaced", 200, &places, Some(several)),
        Exercise::new("behind a firewall", 200, &Places::of(behind), Some(firewalled)),
        Exercise::new("not a policy", 400, &named("other"), Some(json!({ "properties": 7 }))).mistaken(),
        Exercise::new("no VMs", 400, &named("other"), Some(senseless)),
        Exercise::new("no such resource group", 404, &unknown_group(&places), Some(one.clone())),
    ];
    all.extend(Exercise::refusals(&places, Some(&one)));
    all.push(Exercise::forbidden(&places, Some(&one)));
    all
}

fn delete(azure: &Azure) -> Vec<Exercise> {
    let places = Places::of(azure.vm("gpu-lab"));
    let mut all = Exercise::refusals(&places, None);
    all.push(Exercise::forbidden(&places, None));
    all.push(Exercise::new("removed", 200, &places, None));
    all.push(Exercise::new("removed before", 204, &places, None));
    all.push(Exercise::new("no such resource group", 404, &unknown_group(&places), None));
    all
}

fn initiate(azure: &Azure) -> Vec<Exercise> {
    let ask = |name: &str, port: Value| {
        let vm = azure.vm(name);
        let mut port = port;
        port["number"] = json!(vm.ports[0].number);
        let body = json!({
            "virtualMachines": [{ "id": vm.id, "ports": [port] }],
            "justification": "a release",
        });
        (Places::of(vm), Some(body))
    };
    let granted = |what, name, port| {
        let (places, body) = ask(name, port);
        Exercise::new(what, 202, &places, body)
    };
    let (places, body) = ask("db-replica-3", json!({ "endTimeUtc": in_an_hour() }));
    let unprotected = json!({ "virtualMachines": [
        { "id": azure.vm("db-replica-3").id, "ports": [{ "number": 4444, "endTimeUtc": in_an_hour() }] },
    ] });
    let mut all = vec![
        granted("from here", "db-replica-3", json!({ "endTimeUtc": in_an_hour() })),
        granted(
            "from a network",
            "db-replica-3",
            json!({ "endTimeUtc": in_an_hour(), "allowedSourceAddressPrefix": "192.0.2.0/28" }),
        ),
        granted("through a firewall", "fw-backend", json!({ "endTimeUtc": in_an_hour() })),
        Exercise::new("not a request", 400, &places, Some(json!({ "virtualMachines": 7 }))).mistaken(),
        Exercise::new("a port that is not in the policy", 400, &places, Some(unprotected)),
        Exercise::new("no such policy", 404, &unknown_policy(&places), body.clone()),
        Exercise::new("no such resource group", 404, &unknown_group(&places), body.clone()),
    ];
    all.extend(Exercise::refusals(&places, body.as_ref()));
    all.push(Exercise::forbidden(&places, body.as_ref()));
    all
}

fn query(azure: &Azure) -> Vec<Exercise> {
    let places = Places::of(azure.vm("web-01"));
    let subscriptions = json!([azure.vm("web-01").subscription_id]);
    let tenant = azure.simulator.announce().tenant_id;
    let vms = "Resources | where type =~ 'microsoft.compute/virtualmachines' | project id, name, properties";
    let ask = |what, status, body| Exercise::new(what, status, &places, Some(body));
    let options = |format: &str| {
        json!({
            "$top": 2,
            "$skip": 1,
            "resultFormat": format,
            "allowPartialScopes": true,
            "authorizationScopeFilter": "AtScopeAndBelow",
        })
    };
    let by_subscription = json!({ "query": vms, "subscriptions": subscriptions, "options": options("objectArray") });
    let of_tenant = json!({ "query": vms, "managementGroups": [tenant], "options": options("table") });
    let wrong_token = json!({ "query": vms, "options": { "$skipToken": "bm9ib2R5J3M" } });
    let facets = json!({ "query": vms, "facets": [{ "expression": "location", "options": { "$top": 3, "sortOrder": "asc",
        "sortBy": "location", "filter": "location contains 'eu'" } }] });
    let mut all = vec![
        ask("everything", 200, json!({ "query": vms })),
        ask("of a subscription", 200, by_subscription.clone()),
        ask("of a tenant, as a table", 200, of_tenant),
        ask("no query at all", 400, json!({})).mistaken(),
        ask("a query that makes no sense", 400, json!({ "query": "Resources | dance" })),
        ask("another query's token", 400, wrong_token),
        ask("facets", 200, facets),
        ask("a facet that makes no sense", 200, json!({ "query": vms, "facets": [{ "expression": "nonsense" }] })),
        ask("no subscription to be read", 400, by_subscription.clone()).by(Caller::MayNothing),
    ];
    all.extend(Exercise::refusals(&places, Some(&by_subscription)));
    all
}

use ajar_core::bastion::BastionHost;
use ajar_core::failure::{BastionFlaw, Failure, Trouble};
use serde_json::{Value, json};

use super::*;
use crate::scripted::{Reply, Scripted, client, json as reply, refused};

const NETWORK: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/spoke";
const HUB: &str = "/subscriptions/hub/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub";
const DOOR: &str = "bst-1.bastion.azure.com";

fn network(subnets: &[(&str, &str)], peers: &[&str]) -> Reply {
    let subnet = |(name, prefix): &(&str, &str)| json!({ "name": name, "properties": { "addressPrefix": prefix } });
    let peering = |id: &&str| json!({ "properties": { "remoteVirtualNetwork": { "id": id } } });
    let properties = json!({
        "subnets": subnets.iter().map(subnet).collect::<Vec<_>>(),
        "virtualNetworkPeerings": peers.iter().map(peering).collect::<Vec<_>>(),
    });
    reply(200, json!({ "properties": properties }).to_string())
}

fn host(name: &str, network: &str, sku: &str, dns_name: &str) -> Value {
    json!({
        "id": format!("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/bastionHosts/{name}"),
        "sku": { "name": sku },
        "properties": {
            "dnsName": dns_name,
            "enableTunneling": true,
            "provisioningState": "Succeeded",
            "ipConfigurations": [{ "properties": { "subnet": { "id": format!("{network}/subnets/AzureBastionSubnet") } } }],
        },
    })
}

fn hosts_of(hosts: &[Value]) -> Reply {
    reply(200, json!({ "value": hosts }).to_string())
}

async fn found(replies: Vec<Reply>) -> (Result<BastionHost, Trouble>, Vec<String>) {
    let scripted = Scripted::new(replies);
    let subnet: ResourceId = format!("{NETWORK}/subnets/default").parse().unwrap();
    let found = client(&scripted).bastion(&subnet).await;
    (found, scripted.paths())
}

fn flaw(found: Result<BastionHost, Trouble>) -> BastionFlaw {
    match found.map_err(|trouble| trouble.failure) {
        Err(Failure::BastionUnfit { flaw, .. }) => flaw,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_host_of_the_vms_own_network_leads_there_with_its_subnet() {
    let own = network(&[("default", "10.0.0.0/24"), ("AzureBastionSubnet", "10.0.9.0/26")], &[]);
    let other = host("other", &NETWORK.replace("spoke", "far"), "Premium", DOOR);
    let (found, _) =
        found(vec![own, hosts_of(&[other, host("near", &NETWORK.replace("spoke", "SPOKE"), "standard", DOOR)])]).await;
    let found = found.unwrap();
    assert_eq!((found.id.name(), found.dns_name.as_str()), ("near", DOOR));
    assert_eq!(found.subnet, Some("10.0.9.0/26".parse().unwrap()));
}

#[tokio::test]
async fn a_host_of_a_peered_network_is_found_in_the_subscription_of_that() {
    let replies = vec![
        network(&[], &[HUB]),
        hosts_of(&[]),
        hosts_of(&[host("hub", HUB, "Standard", DOOR)]),
        network(&[("AzureBastionSubnet", "10.9.0.0/26")], &[]),
    ];
    let (found, asked) = found(replies).await;
    let found = found.unwrap();
    assert_eq!((found.id.name(), found.subnet), ("hub", Some("10.9.0.0/26".parse().unwrap())));
    assert_eq!(asked.last(), Some(&format!("Get {HUB}")));
}

#[tokio::test]
async fn a_network_that_may_not_be_read_has_no_peerings_and_no_subnet_that_is_known() {
    let denied = refused(403, "AuthorizationFailed");
    let (found, _) = found(vec![denied, hosts_of(&[host("near", NETWORK, "Standard", DOOR)])]).await;
    assert_eq!(found.unwrap().subnet, None);
}

#[tokio::test]
async fn what_leads_no_native_client_there_is_told_and_one_that_does_is_taken_in_its_place() {
    let own = || network(&[], &[]);
    let (none, _) = found(vec![own(), hosts_of(&[])]).await;
    assert_eq!(none.unwrap_err().failure, Failure::NoBastion);
    let basic = || host("basic", NETWORK, "Basic", DOOR);
    assert_eq!(flaw(found(vec![own(), hosts_of(&[basic()])]).await.0), BastionFlaw::Sku("Basic".into()));
    let mut shut = host("shut", NETWORK, "Standard", DOOR);
    shut["properties"]["enableTunneling"] = json!(false);
    assert_eq!(flaw(found(vec![own(), hosts_of(&[shut])]).await.0), BastionFlaw::TunnelingOff);
    let mut updating = host("new", NETWORK, "Standard", DOOR);
    updating["properties"] = json!({
        "enableTunneling": true,
        "provisioningState": "Updating",
        "ipConfigurations": updating["properties"]["ipConfigurations"],
    });
    assert_eq!(flaw(found(vec![own(), hosts_of(&[updating])]).await.0), BastionFlaw::NotReady("Updating".into()));
    let both = hosts_of(&[basic(), host("good", NETWORK, "Premium", DOOR)]);
    assert_eq!(found(vec![own(), both]).await.0.unwrap().id.name(), "good");
}

#[tokio::test]
async fn no_token_goes_to_an_address_that_is_none_of_the_clouds_bastion_hosts() {
    for odd in [
        "bst-1.bastion.azure.com.example",
        "evil-bastion.azure.com",
        "bastion.azure.com",
        "bst-1.bastion.azure.com:8443",
        "user@bst-1.bastion.azure.com",
        "bst-1.bastion.azure.com/elsewhere",
        "example.com#.bastion.azure.com",
        "example.com?x=.bastion.azure.com",
        "127.0.0.1",
        "",
    ] {
        let replies = vec![network(&[], &[]), hosts_of(&[host("odd", NETWORK, "Standard", odd)])];
        assert_eq!(flaw(found(replies).await.0), BastionFlaw::Elsewhere(odd.into()), "{odd}");
        let none = Scripted::new([]);
        let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/bastionHosts/odd".parse().unwrap();
        let vm = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap();
        let told = BastionHost { id, dns_name: odd.into(), subnet: None };
        assert!(client(&none).tunnel(&told, &vm, 22).await.is_err(), "{odd}: also where somebody else names it");
    }
}

#[test]
fn only_hosts_below_a_suffix_are_below_it_and_none_below_one_that_says_nothing() {
    let is = |host: &str, suffix: &str| is_below(&format!("https://{host}").parse().unwrap(), suffix);
    for suffix in ["bastion.azure.com", ".bastion.azure.com", "Bastion.Azure.com"] {
        assert!(is("bst-1.bastion.azure.com", suffix), "{suffix}");
        for host in [
            "evilbastion.azure.com",
            "bastion.azure.com.evil.example",
            "bst-1.bastion.azure.com:8443",
            "bastion.azure.com",
        ] {
            assert!(!is(host, suffix), "{host} {suffix}");
        }
    }
    for suffix in ["", ".", ".."] {
        assert!(!is("evil.example.", suffix) && !is("evil.example", suffix), "{suffix}");
    }
}

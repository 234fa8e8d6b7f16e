use serde_json::{Value, json};

use super::*;
use crate::scripted::{Reply, Scripted, client, json as reply, refused};

fn id(kind: &str, name: &str) -> String {
    format!("/subscriptions/s/resourceGroups/other/providers/Microsoft.Network/{kind}/{name}")
}

fn configuration(primary: bool, private: &str, public: Option<&str>) -> Value {
    let public = public.map(|name| json!({ "id": id("publicIPAddresses", name) }));
    json!({ "name": "c", "properties":
        { "primary": primary, "privateIPAddress": private, "publicIPAddress": public } })
}

fn interface(configurations: &[Value]) -> Reply {
    reply(200, json!({ "properties": { "ipConfigurations": configurations } }).to_string())
}

fn public_ip(address: Option<&str>, method: &str) -> Reply {
    let properties = json!({ "ipAddress": address, "publicIPAllocationMethod": method });
    reply(200, json!({ "properties": properties }).to_string())
}

async fn addresses(interfaces: &[&str], replies: Vec<Reply>) -> Result<VmAddresses, Trouble> {
    let ids: Vec<ResourceId> = interfaces.iter().map(|name| id("networkInterfaces", name).parse().unwrap()).collect();
    client(&Scripted::new(replies)).addresses(&ids).await
}

#[tokio::test]
async fn the_primary_configuration_of_the_first_interface_wins() {
    let found = addresses(
        &["a", "b"],
        vec![
            interface(&[configuration(false, "10.0.0.9", None), configuration(true, "10.0.0.4", Some("p"))]),
            interface(&[configuration(true, "10.0.1.4", Some("q"))]),
            public_ip(Some("198.51.100.4"), "Static"),
            public_ip(Some("198.51.100.5"), "Dynamic"),
        ],
    );
    let public = PublicAddress { ip: Ipv4Addr::new(198, 51, 100, 4), is_static: true };
    let expected =
        VmAddresses { public: Some(public), private: Some(Ipv4Addr::new(10, 0, 0, 4)), ..VmAddresses::default() };
    assert_eq!(found.await.unwrap(), expected);
}

#[tokio::test]
async fn a_dynamic_address_that_is_not_given_out_and_one_of_ipv6_are_none() {
    for address in [None, Some("2001:db8::1"), Some("")] {
        let nic = interface(&[configuration(true, "10.0.0.4", Some("p"))]);
        let found = addresses(&["a"], vec![nic, public_ip(address, "Dynamic")]).await.unwrap();
        assert_eq!(
            found,
            VmAddresses { private: Some(Ipv4Addr::new(10, 0, 0, 4)), ..VmAddresses::default() },
            "{address:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_named_and_not_found_is_looked_for_twice_and_then_said_with_the_call_that_failed() {
    let missing = || refused(404, "ResourceNotFound").with("x-ms-correlation-request-id", "of-the-call");
    let trouble = addresses(&["a"], vec![missing(), missing()]).await.unwrap_err();
    let Failure::AzureError { status: 404, azure_code, .. } = &trouble.failure else { panic!("{trouble:?}") };
    assert_eq!((azure_code.as_str(), trouble.correlation_id.as_deref()), ("ResourceNotFound", Some("of-the-call")));

    let nic = || interface(&[configuration(true, "10.0.0.4", Some("p"))]);
    let found = addresses(&["a"], vec![missing(), nic(), missing(), public_ip(Some("198.51.100.4"), "Static")]).await;
    assert_eq!(found.unwrap().public.unwrap().ip, Ipv4Addr::new(198, 51, 100, 4));
    let trouble = addresses(&["a"], vec![nic(), missing(), missing()]).await.unwrap_err();
    assert!(matches!(trouble.failure, Failure::AzureError { status: 404, .. }), "{trouble:?}");
}

#[tokio::test]
async fn a_vm_without_interfaces_has_no_address_and_what_is_denied_is_said() {
    assert_eq!(addresses(&[], vec![]).await.unwrap(), VmAddresses::default());
    let denied = addresses(&["a"], vec![refused(403, "AuthorizationFailed")]).await.unwrap_err().failure;
    let scope = id("networkInterfaces", "a");
    assert_eq!(denied, Failure::AccessDenied { action: Call::NetworkInterface.action().into(), scope });
}

#[tokio::test(start_paused = true)]
async fn an_address_that_may_not_be_read_does_not_hide_the_others() {
    let denied = || refused(403, "AuthorizationFailed");
    let private = Some(Ipv4Addr::new(10, 0, 0, 4));
    let public = Some(PublicAddress { ip: Ipv4Addr::new(198, 51, 100, 4), is_static: true });
    let readable = || interface(&[configuration(true, "10.0.0.4", Some("p"))]);
    let public_ip = || public_ip(Some("198.51.100.4"), "Static");

    let missing = || refused(404, "ResourceNotFound");
    for gap in [vec![denied()], vec![refused(403, "RequestDisallowedByAzure")], vec![missing(), missing()]] {
        let replies = [readable()].into_iter().chain(gap).chain([public_ip()]).collect();
        let found = addresses(&["a", "b"], replies).await;
        assert_eq!(found, Ok(VmAddresses { public, private, ..VmAddresses::default() }), "of a second interface");
    }
    let two = interface(&[configuration(true, "10.0.0.4", Some("o")), configuration(false, "10.0.0.5", Some("p"))]);
    assert_eq!(
        addresses(&["a"], vec![two, denied(), public_ip()]).await,
        Ok(VmAddresses { public, private, ..VmAddresses::default() })
    );
    // It may be the one that is looked for.
    let failure = addresses(&["a"], vec![readable(), denied()]).await.unwrap_err().failure;
    let scope = id("publicIPAddresses", "p");
    assert_eq!(failure, Failure::AccessDenied { action: Call::PublicIpAddress.action().into(), scope });
}

#[tokio::test]
async fn where_every_address_is_denied_that_is_said_and_other_troubles_always_are() {
    let public_only = json!({ "properties": { "ipConfigurations": [{ "properties":
        { "publicIPAddress": { "id": id("publicIPAddresses", "p") } } }] } });
    let replies = vec![reply(200, public_only.to_string()), refused(403, "AuthorizationFailed")];
    let denied = addresses(&["a"], replies).await.unwrap_err().failure;
    let scope = id("publicIPAddresses", "p");
    assert_eq!(denied, Failure::AccessDenied { action: Call::PublicIpAddress.action().into(), scope });

    let readable = interface(&[configuration(true, "10.0.0.4", None)]);
    let trouble = addresses(&["a", "b"], vec![readable, refused(409, "Conflict")]).await.unwrap_err();
    assert!(matches!(trouble.failure, Failure::AzureError { status: 409, .. }), "{trouble:?}");
}

#[tokio::test]
async fn interface_and_address_are_read_where_their_ids_say_in_whatever_group_subscription_and_casing() {
    let far = "/SUBSCRIPTIONS/t/ResourceGroups/Hub/providers/microsoft.network/publicipaddresses/P";
    let properties = json!({ "privateIPAddress": "10.0.0.4", "publicIPAddress": { "id": far } });
    let nic = interface(&[json!({ "properties": properties })]);
    let script = Scripted::new([nic, public_ip(Some("198.51.100.4"), "static")]);
    let found = client(&script).addresses(&[id("networkInterfaces", "a").parse().unwrap()]).await.unwrap();
    assert!(found.public.is_some_and(|public| public.is_static));
    assert_eq!(script.paths(), [format!("Get {}", id("networkInterfaces", "a")), format!("Get {far}")]);
}

"""Subscriptions, groups, resources."""

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from check import same
from libraries import DEMO, check, fails, found, resources, sim, subscriptions, vm_names


@check("subscriptions.list and get")
def _():
    listed = {one.subscription_id: one for one in subscriptions.subscriptions.list()}
    same(sorted(listed), sorted({vm["subscriptionId"] for vm in sim.vms}))
    one = subscriptions.subscriptions.get(DEMO)
    same((one.display_name, one.state, one.id), ("Contoso Demo", "Enabled", f"/subscriptions/{DEMO}"))


@check("subscriptions.list_locations")
def _():
    regions = {one.name: one.display_name for one in subscriptions.subscriptions.list_locations(DEMO)}
    same(regions["northeurope"], "North Europe")


@check("tenants.list")
def _():
    assert sim.tenant in [one.tenant_id for one in subscriptions.tenants.list()]


@check("subscriptions.get of one that does not exist is SubscriptionNotFound")
def _():
    nowhere = "00000000-1111-4222-8333-444444444444"
    failure = fails(ResourceNotFoundError, lambda: subscriptions.subscriptions.get(nowhere))
    same(failure.error.code, "SubscriptionNotFound")


@check("resource_groups.list, get and check_existence")
def _():
    assert {"rg-demo", "rg-lab"} <= set(found(resources.resource_groups.list()))
    one = resources.resource_groups.get("RG-LAB")
    same((one.name, one.properties.provisioning_state, one.location), ("rg-lab", "Succeeded", "westeurope"))
    same(resources.resource_groups.check_existence("rg-lab"), True)
    same(resources.resource_groups.check_existence("no-such-group"), False)


@check("resource_groups.get of one that does not exist is ResourceGroupNotFound")
def _():
    failure = fails(ResourceNotFoundError, lambda: resources.resource_groups.get("no-such-group"))
    same(failure.error.code, "ResourceGroupNotFound")


@check("resources.list with a filter, and by group")
def _():
    kind = "Microsoft.Compute/virtualMachines"
    same(found(resources.resources.list(filter=f"resourceType eq '{kind}'")), vm_names())
    both = f"resourceType eq '{kind}' and location eq 'northeurope'"
    same(found(resources.resources.list(filter=both)), ["jump-eu"])
    same({one.type for one in resources.resources.list_by_resource_group("rg-legacy")}, {
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Compute/disks",
        "Microsoft.Network/networkInterfaces",
        "Microsoft.Network/networkSecurityGroups",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Network/virtualNetworks",
    })  # fmt: skip


@check("resources.get_by_id and check_existence_by_id")
def _():
    one = sim.vm("legacy-box")["id"]
    same(resources.resources.get_by_id(one, api_version="2024-07-01").name, "legacy-box")
    same(resources.resources.check_existence_by_id(one, api_version="2024-07-01"), True)
    same(resources.resources.check_existence_by_id(one + "-not", api_version="2024-07-01"), False)


@check("providers.list and get")
def _():
    assert "Microsoft.Compute" in [one.namespace for one in resources.providers.list()]
    kinds = [one.resource_type for one in resources.providers.get("Microsoft.Compute").resource_types]
    assert "virtualMachines" in kinds, kinds


@check("tags.list and get_at_scope")
def _():
    assert "environment" in [one.tag_name for one in resources.tags.list()]
    same(resources.tags.get_at_scope(sim.vm("legacy-box")["id"]).properties.tags["environment"], "simulated")


@check("a resource type that does not exist is told")
def _():
    one = sim.vm("legacy-box")["id"].replace("Microsoft.Compute/virtualMachines", "Microsoft.Compute/nonsense")
    failure = fails(HttpResponseError, lambda: resources.resources.get_by_id(one, api_version="2024-07-01"))
    same((failure.status_code, failure.error.code), (404, "InvalidResourceType"))


@check("resources.list with what it tells when asked to")
def _():
    one = next(one for one in resources.resources.list(expand="createdTime,provisioningState") if one.name == "gpu-lab")
    assert one.created_time and one.provisioning_state == "Succeeded", one


@check("an api-version that nobody has is told")
def _():
    one = sim.vm("legacy-box")["id"]
    failure = fails(HttpResponseError, lambda: resources.resources.get_by_id(one, api_version="2099-01-01"))
    same((failure.status_code, failure.error.code), (400, "NoRegisteredProviderFound"))


@check("every answer carries the ids of the call and what is left of the quota")
def _():
    seen = {}
    resources.resource_groups.get("rg-lab", raw_response_hook=lambda answer: seen.update(answer.http_response.headers))
    seen = {name.lower(): value for name, value in seen.items()}
    for name in ("x-ms-request-id", "x-ms-correlation-request-id", "x-ms-routing-request-id", "date"):
        assert seen.get(name), (name, seen)
    assert 0 <= int(seen["x-ms-ratelimit-remaining-subscription-reads"]) < 250, seen
    same((seen["content-type"], seen["content-encoding"]), ("application/json; charset=utf-8", "gzip"))

"""Azure's Python libraries, unmodified, against azure-sim."""

import datetime
import os

from check import Checks, Simulator, main, names, same

sim = Simulator()
os.environ["REQUESTS_CA_BUNDLE"] = sim.announce["caBundle"]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"

# The libraries read the surroundings as they are imported.
# pylint: disable=wrong-import-position
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import ChainedTokenCredential, ClientSecretCredential, ManagedIdentityCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from azure.mgmt.security import SecurityCenter
from azure.mgmt.subscription import SubscriptionClient

check = Checks("sdk")

DEMO = sim.vm("web-01")["subscriptionId"]
SCOPES = [sim.arm + "/.default"]


def credential(secret=None, tenant=None):
    return ClientSecretCredential(
        tenant or sim.tenant,
        sim.announce["clientId"],
        secret or sim.announce["clientSecret"],
        authority=sim.authority,
        disable_instance_discovery=True,
    )


CREDENTIAL = credential()


def client(kind, *subscription, using=CREDENTIAL, **more):
    return kind(using, *subscription, base_url=sim.arm, credential_scopes=SCOPES, **more)


compute = client(ComputeManagementClient, DEMO)
network = client(NetworkManagementClient, DEMO)
resources = client(ResourceManagementClient, DEMO)
security = client(SecurityCenter, DEMO)
subscriptions = client(SubscriptionClient)
graph = client(ResourceGraphClient)


def group(name):
    return sim.vm(name)["resourceGroup"]


def found(items):
    return sorted(item.name for item in items)


def vm_names(of_group=None):
    return sorted(vm["name"] for vm in sim.vms_in(DEMO, of_group))


def fails(kind, call):
    try:
        call()
    except kind as failure:
        return failure
    raise AssertionError(f"should have raised {kind.__name__}")


def state(name):
    view = compute.virtual_machines.instance_view(group(name), name)
    return next(one.code for one in view.statuses if one.code.startswith("PowerState/"))


# --- Sign-in ---


@check("ClientSecretCredential gets a token that lasts")
def _():
    token = CREDENTIAL.get_token(SCOPES[0])
    assert token.expires_on - datetime.datetime.now().timestamp() > 3000, token.expires_on


@check("ClientSecretCredential with a wrong secret tells AADSTS7000215")
def _():
    failure = fails(ClientAuthenticationError, lambda: credential("wrong").get_token(SCOPES[0]))
    assert "AADSTS7000215" in failure.message, failure.message


@check("ManagedIdentityCredential by App Service's variables")
def _():
    os.environ["IDENTITY_ENDPOINT"] = sim.announce["identityEndpoint"]
    os.environ["IDENTITY_HEADER"] = sim.announce["identityHeader"]
    try:
        chain = ChainedTokenCredential(ManagedIdentityCredential())
        assert list(client(SubscriptionClient, using=chain).subscriptions.list())
    finally:
        del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]


@check("a token that Entra did not issue is refused with a challenge")
def _():
    class Made:
        """Issues what nobody signed."""

        def get_token(self, *_, **__):
            from azure.core.credentials import AccessToken

            return AccessToken("made.up.token", 4102444800)

    failure = fails(HttpResponseError, lambda: list(client(SubscriptionClient, using=Made()).subscriptions.list()))
    same((failure.status_code, failure.error.code), (401, "InvalidAuthenticationToken"))
    assert failure.response.headers["WWW-Authenticate"].startswith("Bearer "), failure.response.headers


# --- Subscriptions, groups, resources ---


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


# --- Compute ---


@check("virtual_machines.list_all and list")
def _():
    same(found(compute.virtual_machines.list_all()), vm_names())
    same(found(compute.virtual_machines.list("rg-lab")), vm_names("rg-lab"))


@check("virtual_machines.list_by_location")
def _():
    same(found(compute.virtual_machines.list_by_location("northeurope")), ["jump-eu"])


@check("virtual_machines.list_all with status only")
def _():
    listed = {one.name: one for one in compute.virtual_machines.list_all(status_only="true")}
    codes = [one.code for one in listed["legacy-box"].instance_view.statuses]
    assert "PowerState/running" in codes, codes


@check("virtual_machines.list_all with instance views")
def _():
    listed = list(compute.virtual_machines.list_all(expand="instanceView"))
    assert all(one.instance_view.statuses for one in listed), listed


@check("virtual_machines.get with and without instance view")
def _():
    plain = compute.virtual_machines.get("rg-legacy", "legacy-box")
    assert plain.instance_view is None and plain.vm_id and plain.time_created.tzinfo, plain
    same((plain.storage_profile.os_disk.os_type, plain.hardware_profile.vm_size), ("Linux", "Standard_D2s_v5"))
    same((plain.id, plain.location, plain.tags["environment"]), (sim.vm("legacy-box")["id"], "westeurope", "simulated"))
    full = compute.virtual_machines.get("rg-legacy", "legacy-box", expand="instanceView")
    assert full.instance_view.vm_agent.statuses[0].display_status == "Ready"


@check("virtual_machines.instance_view")
def _():
    same(state("legacy-box"), "PowerState/running")


@check("virtual_machines.get of one that does not exist is ResourceNotFound")
def _():
    failure = fails(ResourceNotFoundError, lambda: compute.virtual_machines.get("rg-legacy", "nobody"))
    same(failure.error.code, "ResourceNotFound")


@check("virtual_machine_sizes, resource_skus, usage, disks, images, availability sets")
def _():
    assert "Standard_D2s_v5" in [one.name for one in compute.virtual_machine_sizes.list("westeurope")]
    assert "Standard_D2s_v5" in [one.name for one in compute.resource_skus.list(filter="location eq 'westeurope'")]
    assert list(compute.usage.list("westeurope"))
    same(len(list(compute.disks.list())), len(vm_names()))
    same(list(compute.images.list()), [])
    same(list(compute.availability_sets.list_by_subscription()), [])
    same(list(compute.virtual_machine_scale_sets.list_all()), [])


@check("virtual_machine_extensions.list")
def _():
    same(list(compute.virtual_machine_extensions.list("rg-legacy", "legacy-box").value), [])


# --- Network ---


@check("network_interfaces.list_all, list and get")
def _():
    same(len(list(network.network_interfaces.list_all())), len(vm_names()))
    same(found(network.network_interfaces.list("rg-legacy")), ["legacy-box-nic"])
    one = network.network_interfaces.get("rg-legacy", "legacy-box-nic")
    same(one.virtual_machine.id, sim.vm("legacy-box")["id"])
    assert one.primary and one.mac_address and one.ip_configurations[0].subnet.id, one


@check("network_interfaces.get with the public address expanded")
def _():
    expand = "ipConfigurations/publicIPAddress"
    one = network.network_interfaces.get("rg-legacy", "legacy-box-nic", expand=expand)
    same(one.ip_configurations[0].public_ip_address.ip_address, sim.vm("legacy-box")["publicIp"])


@check("public_ip_addresses.list_all, list and get")
def _():
    assert "legacy-box-ip" in found(network.public_ip_addresses.list_all())
    same(found(network.public_ip_addresses.list("rg-legacy")), ["legacy-box-ip"])
    one = network.public_ip_addresses.get("rg-legacy", "legacy-box-ip")
    same((one.ip_address, one.sku.name), (sim.vm("legacy-box")["publicIp"], "Standard"))


@check("network_security_groups and their rules")
def _():
    assert "gpu-lab-nsg" in found(network.network_security_groups.list_all())
    assert "gpu-lab-nsg" in found(network.network_security_groups.list("rg-lab"))
    one = network.network_security_groups.get("rg-lab", "gpu-lab-nsg")
    same(len(one.default_security_rules), 6)
    listed = found(network.security_rules.list("rg-lab", "gpu-lab-nsg"))
    same(listed, found(one.security_rules))
    same(network.security_rules.get("rg-lab", "gpu-lab-nsg", listed[0]).name, listed[0])
    same(len(list(network.default_security_rules.list("rg-lab", "gpu-lab-nsg"))), 6)
    same(network.default_security_rules.get("rg-lab", "gpu-lab-nsg", "DenyAllInBound").priority, 65500)


@check("network_interfaces.begin_list_effective_network_security_groups")
def _():
    poller = network.network_interfaces.begin_list_effective_network_security_groups("rg-legacy", "legacy-box-nic")
    answer = poller.result()
    assert answer.value[0].effective_security_rules, answer


@check("virtual_networks and subnets")
def _():
    one = next(iter(network.virtual_networks.list("rg-legacy")))
    same(network.virtual_networks.get("rg-legacy", one.name).id, one.id)
    assert one.name in found(network.virtual_networks.list_all())
    subnet = next(iter(network.subnets.list("rg-legacy", one.name)))
    same(network.subnets.get("rg-legacy", one.name, subnet.name).id, subnet.id)


@check("empty lists of what the fleet has none of")
def _():
    same(list(network.load_balancers.list_all()), [])
    same(list(network.route_tables.list_all()), [])
    same(list(network.bastion_hosts.list()), [])


# --- JIT ---


@check("jit_network_access_policies: four lists and get")
def _():
    policies = security.jit_network_access_policies
    assert sim.vm("web-01")["id"] in [vm.id for one in policies.list() for vm in one.virtual_machines]
    same([one.location for one in policies.list_by_region("northeurope")], ["northeurope"])
    same(len(list(policies.list_by_resource_group("rg-lab"))), 1)
    same(len(list(policies.list_by_resource_group_and_region("rg-demo", "westeurope"))), 1)
    one = policies.get("rg-lab", "westeurope", "default")
    same((one.kind, one.provisioning_state, one.type), (
        "Basic", "Succeeded", "Microsoft.Security/locations/jitNetworkAccessPolicies",
    ))  # fmt: skip


def body_for(name, **port):
    vm = sim.vm(name)
    one = {"number": vm["ports"][0]["number"], "allowedSourceAddressPrefix": "203.0.113.24", **port}
    return {"virtualMachines": [{"id": vm["id"], "ports": [one]}], "justification": "check"}


def initiate(name, **port):
    vm = sim.vm(name)
    policies = security.jit_network_access_policies
    return policies.initiate(vm["resourceGroup"], vm["location"], vm["jitPolicy"], body_for(name, **port))


def in_an_hour():
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()


@check("jit_network_access_policies.initiate, and the request shows in the policy")
def _():
    request = initiate("build-win-02", endTimeUtc=in_an_hour())
    assert request.requestor and request.start_time_utc, request
    policy = security.jit_network_access_policies.get("rg-build", "westeurope", "default")
    same(policy.requests[-1].virtual_machines[0].ports[0].number, 3389)


@check("jit_network_access_policies.initiate without the right is 403 AuthorizationFailed")
def _():
    failure = fails(HttpResponseError, lambda: initiate("locked-01", endTimeUtc=in_an_hour()))
    same((failure.status_code, failure.error.code), (403, "AuthorizationFailed"))
    assert "jitNetworkAccessPolicies/initiate/action" in failure.message, failure.message


@check("jit_network_access_policies.initiate from IPv6 is refused")
def _():
    call = lambda: initiate("build-win-02", endTimeUtc=in_an_hour(), allowedSourceAddressPrefix="2001:db8::1")
    failure = fails(HttpResponseError, call)
    same(failure.status_code, 400)
    assert "IPv6" in failure.message, failure.message


@check("jit_network_access_policies.create_or_update and delete")
def _():
    policies = security.jit_network_access_policies
    for action in ("write", "delete"):
        sim.control("rights", {"action": f"Microsoft.Security/locations/jitNetworkAccessPolicies/{action}", "allowed": True})
    sim.control("rights", {"action": "Microsoft.Compute/virtualMachines/write", "allowed": True})
    rule = {"number": 22, "protocol": "TCP", "allowedSourceAddressPrefix": "*", "maxRequestAccessDuration": "PT2H"}
    body = {"kind": "Basic", "virtual_machines": [{"id": sim.vm("legacy-box")["id"], "ports": [rule]}]}
    made = policies.create_or_update("rg-legacy", "westeurope", "default", body)
    same((made.name, made.virtual_machines[0].ports[0].max_request_access_duration), ("default", "PT2H"))
    same(found(policies.list_by_resource_group("rg-legacy")), ["default"])
    policies.delete("rg-legacy", "westeurope", "default")
    policies.delete("rg-legacy", "westeurope", "default")
    fails(ResourceNotFoundError, lambda: policies.get("rg-legacy", "westeurope", "default"))


# --- Paging ---


@check("every list in pages of two is the same list")
def _():
    lists = {
        "vms": compute.virtual_machines.list_all,
        "disks": compute.disks.list,
        "nics": network.network_interfaces.list_all,
        "addresses": network.public_ip_addresses.list_all,
        "security groups": network.network_security_groups.list_all,
        "networks": network.virtual_networks.list_all,
        "groups": resources.resource_groups.list,
        "resources": resources.resources.list,
        "policies": security.jit_network_access_policies.list,
        "subscriptions": subscriptions.subscriptions.list,
        "rules": lambda: network.security_rules.list("rg-lab", "gpu-lab-nsg"),
    }
    whole = {name: [one.id for one in call()] for name, call in lists.items()}
    sim.switch(pageSize="2")
    try:
        for name, call in lists.items():
            same((name, [one.id for one in call()]), (name, whole[name]))
            pages = [list(page) for page in call().by_page()]
            assert all(len(page) <= 2 for page in pages), name
    finally:
        sim.switch(pageSize="1000")
    assert len(whole["vms"]) > 2


@check("resources.list with $top")
def _():
    same(len(list(next(resources.resources.list(top=3).by_page()))), 3)


# --- Resource Graph ---


def ask(query, subscriptions_=None, **options):
    request = QueryRequest(query=query, subscriptions=subscriptions_, options=QueryRequestOptions(**options))
    return graph.resources(request)


VMS = "Resources | where type =~ 'microsoft.compute/virtualmachines'"


@check("Resource Graph: projection over all subscriptions")
def _():
    answer = ask(f"{VMS} | project id, name, resourceGroup, os = properties.storageProfile.osDisk.osType")
    same(names(answer.data), sorted(vm["name"] for vm in sim.vms))
    same((answer.total_records, answer.count, answer.result_truncated), (len(sim.vms), len(sim.vms), "false"))
    same(next(row["os"] for row in answer.data if row["name"] == "build-win-02"), "Windows")


@check("Resource Graph: paging by skip token")
def _():
    query = f"{VMS} | project id, name | order by name asc"
    answer, rows = ask(query, [DEMO], top=3), []
    while True:
        rows += answer.data
        same(answer.total_records, len(vm_names()))
        if not answer.skip_token:
            break
        answer = ask(query, [DEMO], top=3, skip_token=answer.skip_token)
    same([row["name"] for row in rows], vm_names())


@check("Resource Graph: skip and top")
def _():
    answer = ask(f"{VMS} | project id, name | order by name asc", [DEMO], top=2, skip=1)
    same([row["name"] for row in answer.data], vm_names()[1:3])


@check("Resource Graph: table format")
def _():
    answer = ask(f"{VMS} | project name, size = tostring(properties.hardwareProfile.vmSize) | take 2", result_format="table")
    same([column["name"] for column in answer.data["columns"]], ["name", "size"])
    same([column["type"] for column in answer.data["columns"]], ["string", "string"])
    same(len(answer.data["rows"]), 2)


@check("Resource Graph: count, summarize, distinct")
def _():
    same(ask(f"{VMS} | count").data, [{"Count": len(sim.vms)}])
    rows = ask(f"{VMS} | summarize vms = count() by location | order by location asc").data
    same({row["location"]: row["vms"] for row in rows}["northeurope"], 1)
    same(names(ask("ResourceContainers | where type == 'microsoft.resources/subscriptions' | distinct name").data),
         ["Contoso Demo", "Contoso Finance"])  # fmt: skip


@check("Resource Graph: VM, network interface and address joined")
def _():
    query = f"""{VMS}
    | extend vmId = tolower(id), powerState = tostring(properties.extended.instanceView.powerState.code)
    | join kind=leftouter (
        resources
        | where type =~ 'microsoft.network/networkinterfaces' and isnotempty(properties.virtualMachine.id)
        | mv-expand ipc = properties.ipConfigurations
        | extend vmId = tolower(tostring(properties.virtualMachine.id)),
                 pipId = tolower(tostring(ipc.properties.publicIPAddress.id))
        | project vmId, nicId = id, privateIp = tostring(ipc.properties.privateIPAddress), pipId
      ) on vmId
    | join kind=leftouter (
        resources
        | where type =~ 'microsoft.network/publicipaddresses'
        | project pipId = tolower(id), publicIp = tostring(properties.ipAddress)
      ) on pipId
    | project id, name, powerState, nicId, privateIp, publicIp
    | order by id asc"""
    rows = {row["name"]: row for row in ask(query).data}
    same(len(rows), len(sim.vms))
    same(rows["legacy-box"]["publicIp"], sim.vm("legacy-box")["publicIp"])
    same(rows["private-only"]["publicIp"], "")
    same(rows["capacity-01"]["powerState"], "PowerState/deallocated")


@check("Resource Graph: a mistake is BadRequest with InvalidQuery in its details")
def _():
    failure = fails(HttpResponseError, lambda: ask("Resources | where nosuchcolumn == 1"))
    same((failure.status_code, failure.error.code), (400, "BadRequest"))
    assert any(detail.code == "InvalidQuery" for detail in failure.error.details), failure.error.details


@check("Resource Graph: the operations of the provider")
def _():
    assert list(graph.operations.list())


# --- Power ---


@check("begin_start().result()")
def _():
    compute.virtual_machines.begin_start("rg-demo", "web-01").result()
    same(state("web-01"), "PowerState/running")


@check("begin_restart().result()")
def _():
    compute.virtual_machines.begin_restart("rg-demo", "web-01").result()
    same(state("web-01"), "PowerState/running")


@check("begin_power_off().result()")
def _():
    compute.virtual_machines.begin_power_off("rg-demo", "web-01", skip_shutdown=True).result()
    same(state("web-01"), "PowerState/stopped")


@check("begin_deallocate().result()")
def _():
    compute.virtual_machines.begin_deallocate("rg-demo", "web-01").result()
    same(state("web-01"), "PowerState/deallocated")


@check("Resource Graph lags behind the power state, and follows")
def _():
    sim.control("advance", {"seconds": 60})
    query = f"{VMS} and name == 'web-01' | project id, code = properties.extended.instanceView.powerState.code"
    same(ask(query).data[0]["code"], "PowerState/deallocated")
    sim.switch(resourceGraphLag="hour")
    try:
        compute.virtual_machines.begin_start("rg-demo", "web-01").result()
        same(ask(query).data[0]["code"], "PowerState/deallocated")
        sim.control("advance", {"seconds": 60})
        same(ask(query).data[0]["code"], "PowerState/running")
    finally:
        sim.switch(resourceGraphLag="minute")


@check("begin_start() of a VM without capacity tells AllocationFailed")
def _():
    poller = compute.virtual_machines.begin_start("rg-lab", "capacity-01")
    failure = fails(HttpResponseError, poller.result)
    same(failure.error.code, "AllocationFailed")


# --- Manners ---


@check("a resource type that does not exist is told")
def _():
    one = sim.vm("legacy-box")["id"].replace("Microsoft.Compute/virtualMachines", "Microsoft.Compute/nonsense")
    failure = fails(HttpResponseError, lambda: resources.resources.get_by_id(one, api_version="2024-07-01"))
    same((failure.status_code, failure.error.code), (404, "InvalidResourceType"))


if __name__ == "__main__":
    main(check)

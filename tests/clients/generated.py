"""Azure's Python libraries against a generated company: every tenant and subscription, read as inventories read them."""

import datetime
import os

from check import Checks, Simulator, main, same

sim = Simulator()
os.environ["REQUESTS_CA_BUNDLE"] = sim.announce["caBundle"]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"

# The libraries read the surroundings as they are imported.
# pylint: disable=wrong-import-position
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential, DeviceCodeCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from azure.mgmt.security import SecurityCenter
from azure.mgmt.subscription import SubscriptionClient

check = Checks("generated")

SCOPES = [sim.arm + "/.default"]
TENANTS = {tenant["id"]: tenant for tenant in sim.announce["tenants"]}


def credential(tenant):
    return ClientSecretCredential(
        tenant, sim.announce["clientId"], sim.announce["clientSecret"], authority=sim.authority,
        disable_instance_discovery=True,
    )  # fmt: skip


CREDENTIALS = {tenant: credential(tenant) for tenant in TENANTS}


def client(kind, tenant, *subscription):
    return kind(CREDENTIALS[tenant], *subscription, base_url=sim.arm, credential_scopes=SCOPES)


def subscriptions(tenant):
    return [one.subscription_id for one in client(SubscriptionClient, tenant).subscriptions.list()]


ALL = {}


@check("the service principal signs in to every tenant, by id and by domain, and sees its subscriptions")
def _():
    same(len(TENANTS), 4)
    for tenant, known in TENANTS.items():
        ALL[tenant] = subscriptions(tenant)
        assert ALL[tenant], known
        by_domain = credential(known["domain"]).get_token(SCOPES[0]).token
        assert by_domain, known
    every = [one for of_tenant in ALL.values() for one in of_tenant]
    same(len(every), len(set(every)))
    same(set(every), {vm["subscriptionId"] for vm in sim.vms})


@check("a token of one tenant is for no subscription of another")
def _():
    here, there = list(TENANTS)[:2]
    try:
        list(client(ComputeManagementClient, here, ALL[there][0]).virtual_machines.list_all())
    except ClientAuthenticationError as failure:
        same((failure.status_code, failure.error.code), (401, "InvalidAuthenticationTokenTenant"))
        assert there in failure.response.headers["WWW-Authenticate"], failure.response.headers
    else:
        raise AssertionError("listed")


@check("a user of the first tenant signs in to all of them by device code")
def _():
    user = next(one for one in sim.announce["accounts"] if one["kind"] == "user")
    same(set(user["tenants"]), set(TENANTS))
    for tenant in TENANTS:

        def prompt(page, code, _):
            sim.submit(page, otc=code, account=user["name"])

        using = DeviceCodeCredential(
            tenant_id=tenant, authority=sim.authority, prompt_callback=prompt, disable_instance_discovery=True
        )
        listed = SubscriptionClient(using, base_url=sim.arm, credential_scopes=SCOPES).subscriptions.list()
        same(sorted(one.subscription_id for one in listed), sorted(ALL[tenant]))


@check("VMs, interfaces, addresses and policies of every subscription, in pages of 100")
def _():
    sim.switch(pageSize="100")
    try:
        seen, protected, addressed = set(), set(), {}
        for tenant, of_tenant in ALL.items():
            for subscription in of_tenant:
                compute = client(ComputeManagementClient, tenant, subscription)
                network = client(NetworkManagementClient, tenant, subscription)
                vms = list(compute.virtual_machines.list_all(status_only="true"))
                assert all(vm.instance_view.statuses for vm in vms), subscription
                seen |= {vm.id for vm in vms}
                nics = {nic.id: nic for nic in network.network_interfaces.list_all()}
                same(sorted(vm.network_profile.network_interfaces[0].id for vm in vms), sorted(nics))
                for address in network.public_ip_addresses.list_all():
                    nic = nics[address.ip_configuration.id.split("/ipConfigurations/")[0]]
                    addressed[nic.virtual_machine.id] = address.ip_address
                for policy in client(SecurityCenter, tenant, subscription).jit_network_access_policies.list():
                    protected |= {vm.id for vm in policy.virtual_machines}
        same(seen, {vm["id"] for vm in sim.vms})
        same(protected, seen)
        same(addressed, {vm["id"]: vm["publicIp"] for vm in sim.vms if vm["publicIp"]})
    finally:
        sim.switch(pageSize="1000")


@check("Resource Graph pages through all VMs of a tenant")
def _():
    for tenant, of_tenant in ALL.items():
        graph, rows, skip = client(ResourceGraphClient, tenant), [], None
        while True:
            options = QueryRequestOptions(top=100, skip_token=skip)
            query = "resources | where type =~ 'microsoft.compute/virtualmachines' | project id, subscriptionId"
            answer = graph.resources(QueryRequest(query=query, options=options))
            rows += answer.data
            skip = answer.skip_token
            if not skip:
                break
            # A user has 15 queries in five seconds, divided by the speed.
        same({row["subscriptionId"] for row in rows}, set(of_tenant))
        same(len(rows), len([vm for vm in sim.vms if vm["subscriptionId"] in of_tenant]))
        same(answer.total_records, len(rows))


@check("groups, resources and network watchers of a subscription")
def _():
    tenant, of_tenant = next(iter(ALL.items()))
    subscription = of_tenant[0]
    resources = client(ResourceManagementClient, tenant, subscription)
    groups = {group.name for group in resources.resource_groups.list()}
    vms = [vm for vm in sim.vms if vm["subscriptionId"] == subscription]
    same(groups, {vm["resourceGroup"] for vm in vms} | {"NetworkWatcherRG"})
    kind = "Microsoft.Compute/virtualMachines"
    same(len(list(resources.resources.list(filter=f"resourceType eq '{kind}'"))), len(vms))
    watchers = client(NetworkManagementClient, tenant, subscription).network_watchers.list_all()
    same({watcher.location for watcher in watchers}, {vm["location"] for vm in vms})


@check("initiate and start in another tenant than one's own")
def _():
    tenant = list(TENANTS)[-1]
    vm = next(vm for vm in sim.vms if vm["subscriptionId"] in ALL[tenant] and vm["powerState"] == "deallocated")
    security = client(SecurityCenter, tenant, vm["subscriptionId"]).jit_network_access_policies
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=50)
    port = {"number": vm["ports"][0]["number"], "endTimeUtc": end.isoformat(), "allowedSourceAddressPrefix": "203.0.113.24"}
    body = {"virtualMachines": [{"id": vm["id"], "ports": [port]}]}
    request = security.initiate(vm["resourceGroup"], vm["location"], vm["jitPolicy"], body)
    same(request.requestor, sim.announce["clientId"])
    machines = client(ComputeManagementClient, tenant, vm["subscriptionId"]).virtual_machines
    try:
        machines.begin_start(vm["resourceGroup"], vm["name"]).result()
    except HttpResponseError as failure:
        # One in two hundred is out of capacity.
        same(failure.error.code, "AllocationFailed")
        return
    view = machines.instance_view(vm["resourceGroup"], vm["name"])
    assert "PowerState/running" in [status.code for status in view.statuses], view.statuses


if __name__ == "__main__":
    main(check)

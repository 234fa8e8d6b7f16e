"""The same libraries, asynchronous."""

import asyncio

from azure.core.exceptions import HttpResponseError
from azure.identity.aio import ClientSecretCredential
from azure.mgmt.compute.aio import ComputeManagementClient
from azure.mgmt.network.aio import NetworkManagementClient
from azure.mgmt.resourcegraph.aio import ResourceGraphClient
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from azure.mgmt.security.aio import SecurityCenter

from check import names, same
from libraries import DEMO, SCOPES, check, group, sim, vm_names
from libraries.check_graph import VMS

# They do not look at the surroundings for whom to trust.
TRUST = {"connection_verify": sim.announce["caBundle"]}


def with_client(kind, act, *subscription):
    """What `act` makes of a client that is closed afterwards."""

    async def run():
        credential = ClientSecretCredential(
            sim.tenant, sim.announce["clientId"], sim.announce["clientSecret"], authority=sim.authority,
            disable_instance_discovery=True, **TRUST,
        )  # fmt: skip
        async with credential, kind(
            credential, *subscription, base_url=sim.arm, credential_scopes=SCOPES, **TRUST
        ) as client:
            return await act(client)

    return asyncio.run(run())


@check("async: virtual_machines.list_all, and all their instance views at once")
def _():
    async def act(compute):
        vms = [vm async for vm in compute.virtual_machines.list_all()]
        views = [compute.virtual_machines.instance_view(group(vm.name), vm.name) for vm in vms]
        return sorted(vm.name for vm in vms), await asyncio.gather(*views)

    listed, views = with_client(ComputeManagementClient, act, DEMO)
    same(listed, vm_names())
    assert all(view.statuses for view in views), views


@check("async: interfaces, addresses and policies in pages of two")
def _():
    async def act(network):
        nics = [nic.name async for nic in network.network_interfaces.list_all()]
        pages = [[one async for one in page] async for page in network.public_ip_addresses.list_all().by_page()]
        return sorted(nics), pages

    async def policies(security):
        return [vm.id async for policy in security.jit_network_access_policies.list() for vm in policy.virtual_machines]

    sim.switch(pageSize="2")
    try:
        nics, pages = with_client(NetworkManagementClient, act, DEMO)
        protected = with_client(SecurityCenter, policies, DEMO)
    finally:
        sim.switch(pageSize="1000")
    same(nics, [f"{name}-nic" for name in vm_names()])
    assert len(pages) > 2 and all(len(page) <= 2 for page in pages), pages
    assert sim.vm("web-01")["id"] in protected, protected


@check("async: Resource Graph pages by skip token")
def _():
    async def act(graph):
        rows, token = [], None
        while True:
            options = QueryRequestOptions(top=3, skip_token=token)
            query = QueryRequest(query=f"{VMS} | project id, name | order by name asc", options=options)
            answer = await graph.resources(query)
            rows, token = rows + answer.data, answer.skip_token
            if not token:
                return rows

    same(names(with_client(ResourceGraphClient, act)), sorted(vm["name"] for vm in sim.vms))


@check("async: begin_start and begin_deallocate, and a failure inside the operation")
def _():
    async def act(compute):
        machines = compute.virtual_machines
        codes = []
        for begin in (machines.begin_start, machines.begin_deallocate):
            await (await begin(group("web-01"), "web-01")).result()
            view = await machines.instance_view(group("web-01"), "web-01")
            codes += [one.code for one in view.statuses if one.code.startswith("PowerState/")]
        try:
            await (await machines.begin_start(group("capacity-01"), "capacity-01")).result()
        except HttpResponseError as failure:
            return codes, failure.error.code
        raise AssertionError("started")

    found = with_client(ComputeManagementClient, act, DEMO)
    same(found, (["PowerState/running", "PowerState/deallocated"], "AllocationFailed"))

"""Resource Graph."""

from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph.models import (
    FacetError, FacetRequest, FacetRequestOptions, FacetResult, QueryRequest, QueryRequestOptions,
)  # fmt: skip

from check import names, same
from libraries import DEMO, check, compute, fails, graph, sim, vm_names


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


@check("Resource Graph: facets over the whole result, each by itself")
def _():
    facets = [
        FacetRequest(expression="location", options=FacetRequestOptions(sort_order="asc", top=1)),
        FacetRequest(expression="nosuchcolumn"),
    ]
    query = QueryRequest(query=f"{VMS} | project id, location", facets=facets, options=QueryRequestOptions(top=2))
    answer = graph.resources(query)
    same((answer.count, answer.total_records), (2, len(sim.vms)))
    counted, mistaken = answer.facets
    assert isinstance(counted, FacetResult) and isinstance(mistaken, FacetError), answer.facets
    same((counted.total_records, counted.count, counted.data), (2, 1, [{"location": "northeurope", "count": 1}]))
    same((mistaken.expression, bool(mistaken.errors[0].code)), ("nosuchcolumn", True))


@check("Resource Graph: queries as Azure's documentation has them")
def _():
    subnets = ask("""where type =~ 'microsoft.network/networkinterfaces'
    | project id, ipConfigurations = properties.ipConfigurations
    | mvexpand ipConfigurations
    | project id, subnetId = tostring(ipConfigurations.properties.subnet.id)
    | parse kind=regex subnetId with '/virtualNetworks/' virtualNetwork '/subnets/' subnet
    | project id, virtualNetwork, subnet""").data
    same({row["subnet"] for row in subnets}, {"default"})
    same({row["virtualNetwork"] for row in subnets}, {"vnet-westeurope", "vnet-northeurope"})
    tags = ask("Resources | where isnotempty(tags) | mv-expand tags | extend key = tostring(bag_keys(tags)[0]) | distinct key")
    same(tags.data, [{"key": "environment"}])
    same(len(ask("Resources | join ResourceContainers on subscriptionId | limit 1").data), 1)


@check("Resource Graph: a mistake is BadRequest with InvalidQuery in its details")
def _():
    failure = fails(HttpResponseError, lambda: ask("Resources | where nosuchcolumn == 1"))
    same((failure.status_code, failure.error.code), (400, "BadRequest"))
    assert any(detail.code == "InvalidQuery" for detail in failure.error.details), failure.error.details


@check("Resource Graph: the operations of the provider")
def _():
    assert list(graph.operations.list())

"""Just-in-time policies."""

import datetime

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from check import same
from libraries import check, fails, found, security, sim


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

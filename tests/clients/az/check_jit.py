"""Just-in-time policies. No command initiates: `az rest` does."""

import json

from az import Failed, az, check, refused, sim, text
from check import same


@check("security jit-policy list", reads=True)
def _():
    policies = az("security", "jit-policy", "list")
    protected = {vm["id"] for policy in policies for vm in policy["virtualMachines"]}
    assert sim.vm("web-01")["id"] in protected, protected


@check("security jit-policy list -g", reads=True)
def _():
    same(len(az("security", "jit-policy", "list", "-g", "rg-lab")), 1)


@check("security jit-policy list -l", reads=True)
def _():
    policies = az("security", "jit-policy", "list", "-l", "northeurope")
    same([policy["location"] for policy in policies], ["northeurope"])


@check("security jit-policy list -g -l", reads=True)
def _():
    same(len(az("security", "jit-policy", "list", "-g", "rg-demo", "-l", "westeurope")), 1)
    same(az("security", "jit-policy", "list", "-g", "rg-lab", "-l", "northeurope"), [])


@check("security jit-policy show", reads=True)
def _():
    policy = az("security", "jit-policy", "show", "-g", "rg-lab", "-l", "westeurope", "-n", "default")
    same(policy["id"].lower(), sim.policy_id(sim.vm("gpu-lab")).lower())


@check("security jit-policy show of one that does not exist ends with 3", reads=True)
def _():
    same(refused("security", "jit-policy", "show", "-g", "rg-lab", "-l", "westeurope", "-n", "none").code, 3)


def body_for(name, **port):
    vm = sim.vm(name)
    one = {"number": vm["ports"][0]["number"], "allowedSourceAddressPrefix": "203.0.113.24", **port}
    return json.dumps({"virtualMachines": [{"id": vm["id"], "ports": [one]}], "justification": "check"})


def initiate(name, **port):
    url = f"{sim.policy_id(sim.vm(name))}/initiate?api-version=2020-01-01"
    return json.loads(text("rest", "--method", "post", "--url", url, "--body", body_for(name, **port)))


@check("rest --method post …/initiate, and the rule shows in the NSG")
def _():
    request = initiate("db-replica-3", duration="PT1H")
    same(request["virtualMachines"][0]["ports"][0]["number"], 22)
    sim.control("advance", {"seconds": 60})
    rules = az("network", "nsg", "rule", "list", "-g", "rg-demo", "--nsg-name", "db-replica-3-nsg")
    allowed = [rule for rule in rules if rule["access"] == "Allow" and "JITRule-" in rule["name"]]
    same([rule["sourceAddressPrefix"] for rule in allowed], ["203.0.113.24"])


@check("initiate beyond the policy is a Bad Request that says so", reads=True)
def _():
    try:
        initiate("finance-app", duration="PT9H")
    except Failed as failure:
        assert "Bad Request" in failure.told and "not a subset of policy" in failure.told, failure.told
    else:
        raise AssertionError("granted")


@check("initiate without the right is Forbidden with action and scope", reads=True)
def _():
    try:
        initiate("locked-01", duration="PT1H")
    except Failed as failure:
        assert "AuthorizationFailed" in failure.told and "initiate/action" in failure.told, failure.told
        assert "Forbidden" in failure.told, failure.told
    else:
        raise AssertionError("granted")


@check("security jit-policy list -o table and --query", reads=True)
def _():
    assert "northeurope" in text("security", "jit-policy", "list", "-o", "table")
    ids = text("security", "jit-policy", "list", "--query", "[].virtualMachines[].id", "-o", "tsv").split()
    assert sim.vm("gpu-lab")["id"] in ids, ids


@check("a flow that JIT denies is allowed by initiate, and so Azure tells")
def _():
    vm = sim.vm("db-replica-3")
    configuration = az("network", "nic", "show", "-g", vm["resourceGroup"], "-n", "db-replica-3-nic")["ipConfigurations"][0]

    def flow(remote):
        return az(
            "network", "watcher", "test-ip-flow", "-g", vm["resourceGroup"], "--vm", vm["name"], "--direction", "Inbound",
            "--protocol", "TCP", "--local", f"{configuration['privateIPAddress']}:22", "--remote", f"{remote}:60000",
        )  # fmt: skip

    denied = flow("198.51.100.7")
    same(denied["access"], "Deny")
    assert "JITRule_" in denied["ruleName"], denied
    initiate("db-replica-3", duration="PT1H", allowedSourceAddressPrefix="198.51.100.7")
    sim.control("advance", {"seconds": 60})
    allowed = flow("198.51.100.7")
    same(allowed["access"], "Allow")
    assert "JITRule-" in allowed["ruleName"], allowed

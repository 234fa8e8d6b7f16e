"""Resource groups and resources of any type."""

import json

from az import DEMO, az, check, refused, sim, text, vm_names
from check import names, same


@check("group list", reads=True)
def _():
    assert {"rg-demo", "rg-legacy", "rg-lab"} <= set(names(az("group", "list")))


@check("group show", reads=True)
def _():
    group = az("group", "show", "-n", "RG-Lab")
    same((group["name"], group["properties"]["provisioningState"]), ("rg-lab", "Succeeded"))


@check("group exists", reads=True)
def _():
    same(az("group", "exists", "-n", "rg-lab"), True)
    same(az("group", "exists", "-n", "no-such-group"), False)


@check("group show of one that does not exist ends with 3", reads=True)
def _():
    same(refused("group", "show", "-n", "no-such-group").code, 3)


@check("resource list", reads=True)
def _():
    resources = az("resource", "list")
    kinds = {resource["type"] for resource in resources}
    assert {"Microsoft.Compute/virtualMachines", "Microsoft.Network/networkInterfaces"} <= kinds, kinds


@check("resource list by group and type", reads=True)
def _():
    found = az("resource", "list", "-g", "rg-lab", "--resource-type", "Microsoft.Compute/virtualMachines")
    same(names(found), vm_names("rg-lab"))


@check("resource list by name, location and tag", reads=True)
def _():
    found = az("resource", "list", "-n", "gpu-lab", "--resource-type", "Microsoft.Compute/virtualMachines")
    same(names(found), ["gpu-lab"])
    assert "jump-eu" in names(az("resource", "list", "--location", "northeurope"))
    assert "legacy-box" in names(az("resource", "list", "--tag", "environment=simulated"))


@check("resource show --ids", reads=True)
def _():
    same(az("resource", "show", "--ids", sim.vm("legacy-box")["id"])["name"], "legacy-box")


@check("resource show by type", reads=True)
def _():
    kind = "Microsoft.Network/networkSecurityGroups"
    shown = az("resource", "show", "-g", "rg-lab", "-n", "gpu-lab-nsg", "--resource-type", kind)
    assert shown["properties"]["securityRules"], shown


@check("provider list and show", reads=True)
def _():
    assert "Microsoft.Security" in [one["namespace"] for one in az("provider", "list")]
    same(az("provider", "show", "-n", "microsoft.compute")["registrationState"], "Registered")


@check("tag list", reads=True)
def _():
    assert "environment" in [tag["tagName"] for tag in az("tag", "list")]


@check("lock list is empty", reads=True)
def _():
    same(az("lock", "list"), [])


@check("group list --tag", reads=True)
def _():
    assert "rg-lab" in names(az("group", "list", "--tag", "environment=simulated"))
    same(az("group", "list", "--tag", "environment=other"), [])


@check("resource list -o table tells what became of each", reads=True)
def _():
    lines = text("resource", "list", "-g", "rg-legacy", "-o", "table").splitlines()
    assert all("Succeeded" in line for line in lines[2:]) and len(lines) > 6, lines


@check("resource wait --exists", reads=True)
def _():
    az("resource", "wait", "--exists", "--ids", sim.vm("legacy-box")["id"], "--interval", "1")


@check("rest with each method", reads=True)
def _():
    url = f"/subscriptions/{DEMO}/resourceGroups/rg-legacy?api-version=2021-04-01"
    same(json.loads(text("rest", "--method", "get", "--url", url))["name"], "rg-legacy")
    same(text("rest", "--method", "head", "--url", url).strip(), "")
    for method, action in (("patch", "write"), ("put", "write"), ("delete", "delete")):
        failure = refused("rest", "--method", method, "--url", url, "--body", "{}")
        assert failure.told.startswith("ERROR: Forbidden("), failure.told
        assert f"'Microsoft.Resources/subscriptions/resourceGroups/{action}'" in failure.told, failure.told
    listed = text("rest", "--url", "/subscriptions?api-version=2022-12-01", "--query", "value[].displayName", "-o", "tsv")
    same(sorted(listed.split("\n"))[-2:], ["Contoso Demo", "Contoso Finance"])


@check("rest for what no provider has ends with Not Found", reads=True)
def _():
    for path, code in (
        (f"/subscriptions/{DEMO}/providers/Contoso.Tea/cups", "InvalidResourceNamespace"),
        (f"/subscriptions/{DEMO}/providers/Microsoft.Compute/cups", "InvalidResourceType"),
        ("/resourceGroups/rg-lab", "MissingSubscription"),
    ):
        failure = refused("rest", "--url", f"{path}?api-version=2024-07-01")
        assert failure.told.startswith("ERROR: Not Found(") and code in failure.told, failure.told


@check("security pricing list and show", reads=True)
def _():
    same(az("security", "pricing", "show", "-n", "VirtualMachines")["subPlan"], "P2")
    assert "VirtualMachines" in names(az("security", "pricing", "list")["value"])


@check("what is not simulated is said to be so", reads=True)
def _():
    for command in [
        ("role", "assignment", "list", "--all"),
        ("ad", "user", "list"),
        ("monitor", "activity-log", "list"),
        ("policy", "assignment", "list"),
    ]:
        message = refused(*command).told
        assert "azure-sim does not simulate" in message, message

"""Networks."""

from az import az, check, nic, of, refused, sim, text, vm_names
from check import names, same


@check("network nic show", reads=True)
def _():
    shown = az("network", "nic", "show", *nic("legacy-box"))
    same(shown["virtualMachine"]["id"], sim.vm("legacy-box")["id"])
    configuration = shown["ipConfigurations"][0]
    assert configuration["primary"] and configuration["subnet"]["id"] and configuration["publicIPAddress"]["id"]
    assert shown["macAddress"] and shown["networkSecurityGroup"]["id"] and shown["resourceGuid"], shown


@check("network nic list", reads=True)
def _():
    same(len(az("network", "nic", "list")), len(vm_names()))
    same(names(az("network", "nic", "list", "-g", "rg-lab")), sorted(f"{name}-nic" for name in vm_names("rg-lab")))


@check("network nic ip-config list and show", reads=True)
def _():
    found = az("network", "nic", "ip-config", "list", "-g", "rg-legacy", "--nic-name", "legacy-box-nic")
    same(len(found), 1)
    one = az(
        "network", "nic", "ip-config", "show", "-g", "rg-legacy", "--nic-name", "legacy-box-nic", "-n",
        found[0]["name"],
    )  # fmt: skip
    same(one["id"], found[0]["id"])


@check("network nic list-effective-nsg", reads=True)
def _():
    answer = az("network", "nic", "list-effective-nsg", *nic("legacy-box"))
    rules = [rule for one in answer["value"] for rule in one["effectiveSecurityRules"]]
    assert any(rule["name"].endswith("DenyAllInBound") for rule in rules), rules


@check("network public-ip show", reads=True)
def _():
    shown = az("network", "public-ip", "show", *of("legacy-box", "ip"))
    same(shown["ipAddress"], sim.vm("legacy-box")["publicIp"])
    same(shown["publicIPAllocationMethod"], "Static")
    assert shown["ipConfiguration"]["id"].endswith("/ipConfigurations/ipconfig1"), shown


@check("network public-ip list", reads=True)
def _():
    found = names(az("network", "public-ip", "list"))
    assert "legacy-box-ip" in found and "private-only-ip" not in found, found


@check("network nsg show", reads=True)
def _():
    shown = az("network", "nsg", "show", *of("gpu-lab", "nsg"))
    assert any(rule["access"] == "Allow" for rule in shown["securityRules"]), shown
    assert len(shown["defaultSecurityRules"]) == 6, shown["defaultSecurityRules"]


@check("network nsg list", reads=True)
def _():
    assert "gpu-lab-nsg" in names(az("network", "nsg", "list"))


@check("network nsg rule list tells JIT's deny rule", reads=True)
def _():
    rules = az("network", "nsg", "rule", "list", "-g", "rg-lab", "--nsg-name", "gpu-lab-nsg")
    assert any(rule["name"].startswith("MicrosoftDefenderForCloud-JITRule_") for rule in rules), rules


@check("network nsg rule list --include-default -o table", reads=True)
def _():
    table = text(
        "network", "nsg", "rule", "list", "-g", "rg-lab", "--nsg-name", "gpu-lab-nsg", "--include-default", "-o",
        "table",
    )  # fmt: skip
    for name in ("AllowVnetInBound", "AllowAzureLoadBalancerInBound", "DenyAllInBound", "AllowInternetOutBound"):
        assert name in table, table


@check("network nsg rule show", reads=True)
def _():
    rule = az(
        "network", "nsg", "rule", "show", "-g", "rg-lab", "--nsg-name", "gpu-lab-nsg", "-n", "AllowFromAnywhere"
    )
    same((rule["access"], rule["direction"], rule["priority"]), ("Allow", "Inbound", 1001))


@check("network vnet and subnet", reads=True)
def _():
    vnets = az("network", "vnet", "list", "-g", "rg-legacy")
    same(len(vnets), 1)
    same(az("network", "vnet", "show", "-g", "rg-legacy", "-n", vnets[0]["name"])["id"], vnets[0]["id"])
    subnets = az("network", "vnet", "subnet", "list", "-g", "rg-legacy", "--vnet-name", vnets[0]["name"])
    shown = az(
        "network", "vnet", "subnet", "show", "-g", "rg-legacy", "--vnet-name", vnets[0]["name"], "-n",
        subnets[0]["name"],
    )  # fmt: skip
    assert shown["addressPrefix"] and shown["ipConfigurations"], shown


@check("network watcher list", reads=True)
def _():
    watchers = az("network", "watcher", "list")
    same(names(watchers), ["NetworkWatcher_northeurope", "NetworkWatcher_westeurope"])
    same({watcher["resourceGroup"] for watcher in watchers}, {"NetworkWatcherRG"})


@check("network watcher test-ip-flow finds the watcher of the VM's region", reads=True)
def _():
    address = az("network", "nic", "show", *nic("gpu-lab"))["ipConfigurations"][0]["privateIPAddress"]

    def flow(port):
        return az(
            "network", "watcher", "test-ip-flow", "-g", "rg-lab", "--vm", "gpu-lab", "--direction", "Inbound",
            "--protocol", "TCP", "--local", f"{address}:{port}", "--remote", "203.0.113.24:60000",
        )  # fmt: skip

    same(flow(22), {"access": "Allow", "ruleName": "securityRules/AllowFromAnywhere"})
    same(flow(23), {"access": "Deny", "ruleName": "defaultSecurityRules/DenyAllInBound"})


@check("tables of addresses, networks, subnets, configurations and rules", reads=True)
def _():
    for command, words in (
        (("network", "public-ip", "list"), ("legacy-box-ip", sim.vm("legacy-box")["publicIp"])),
        (("network", "vnet", "list"), ("vnet-westeurope", "10.1.0.0/16")),
        (("network", "vnet", "subnet", "list", "-g", "rg-legacy", "--vnet-name", "vnet-westeurope"), ("default",)),
        (("network", "nic", "ip-config", "list", "-g", "rg-legacy", "--nic-name", "legacy-box-nic"), ("ipconfig1",)),
        (
            ("network", "nsg", "rule", "show", "-g", "rg-lab", "--nsg-name", "gpu-lab-nsg", "-n", "AllowFromAnywhere"),
            ("Inbound", "1001"),
        ),
    ):
        table = text(*command, "-o", "table")
        assert all(word in table for word in words), table


@check("network nsg rule create without the right is AuthorizationFailed", reads=True)
def _():
    failure = refused("network", "nsg", "rule", "create", "-g", "rg-lab", "--nsg-name", "gpu-lab-nsg", "-n", "x",
                      "--priority", "300")  # fmt: skip
    assert "'Microsoft.Network/networkSecurityGroups/securityRules/write'" in failure.told, failure.told

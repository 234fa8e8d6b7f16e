"""Virtual machines, reading."""

from az import DEMO, at, az, check, refused, sim, text, vm_names
from check import names, same


@check("vm list", reads=True)
def _():
    vms = az("vm", "list")
    same(names(vms), vm_names())
    for vm in vms:
        assert vm["vmId"] and vm["hardwareProfile"]["vmSize"] and vm["timeCreated"], vm
        same(vm["provisioningState"], "Succeeded")


@check("vm list in pages of two", reads=False)
def _():
    sim.switch(pageSize="2")
    try:
        same(names(az("vm", "list")), vm_names())
        same(len(az("network", "nic", "list")), len(vm_names()))
        assert len(az("resource", "list")) > 3 * len(vm_names())
    finally:
        sim.switch(pageSize="1000")


@check("vm list -g", reads=True)
def _():
    same(names(az("vm", "list", "-g", "RG-LAB")), vm_names("rg-lab"))


@check("vm list -d tells power states and addresses", reads=True)
def _():
    vms = {vm["name"]: vm for vm in az("vm", "list", "-d")}
    same(sorted(vms), vm_names())
    same(vms["legacy-box"]["powerState"], "VM running")
    same(vms["legacy-box"]["publicIps"], sim.vm("legacy-box")["publicIp"])
    assert vms["legacy-box"]["privateIps"].startswith("10."), vms["legacy-box"]
    assert vms["legacy-box"]["macAddresses"], vms["legacy-box"]
    same(vms["private-only"]["publicIps"], "")


@check("vm list -d -o table", reads=True)
def _():
    lines = text("vm", "list", "-d", "-o", "table").splitlines()
    for column in ("Name", "ResourceGroup", "PowerState", "PublicIps", "Location"):
        assert column in lines[0], lines[0]
    assert any("legacy-box" in line and "VM running" in line for line in lines), lines


@check("vm list --query -o tsv", reads=True)
def _():
    lines = text("vm", "list", "--query", "[].{n:name,os:storageProfile.osDisk.osType}", "-o", "tsv").splitlines()
    assert "build-win-02\tWindows" in lines, lines


@check("vm show keeps the spelling of names asked for otherwise", reads=True)
def _():
    vm = az("vm", "show", "-g", "RG-LEGACY", "-n", "LEGACY-BOX")
    same(vm["name"], "legacy-box")
    same(vm["id"], sim.vm("legacy-box")["id"])
    same(vm["resourceGroup"], "rg-legacy")
    assert vm["osProfile"]["computerName"] == "legacy-box" and vm["tags"], vm
    same(vm["storageProfile"]["osDisk"]["managedDisk"]["id"].rsplit("/", 2)[1], "disks")
    same(vm["networkProfile"]["networkInterfaces"][0]["id"].rsplit("/", 1)[1], "legacy-box-nic")


@check("vm show --ids", reads=True)
def _():
    same(az("vm", "show", "--ids", sim.vm("finance-app")["id"])["name"], "finance-app")


@check("vm show -d", reads=True)
def _():
    vm = az("vm", "show", "-d", *at("legacy-box"))
    same((vm["powerState"], vm["publicIps"]), ("VM running", sim.vm("legacy-box")["publicIp"]))


@check("vm show -o yaml", reads=True)
def _():
    assert "name: legacy-box" in text("vm", "show", *at("legacy-box"), "-o", "yaml")


@check("vm get-instance-view", reads=True)
def _():
    view = az("vm", "get-instance-view", *at("legacy-box"))["instanceView"]
    codes = [status["code"] for status in view["statuses"]]
    same(codes, ["ProvisioningState/succeeded", "PowerState/running"])
    same(view["vmAgent"]["statuses"][0]["displayStatus"], "Ready")


@check("vm get-instance-view -o table", reads=True)
def _():
    assert "legacy-box" in text("vm", "get-instance-view", *at("legacy-box"), "-o", "table")


@check("vm list-ip-addresses", reads=True)
def _():
    found = {one["virtualMachine"]["name"]: one["virtualMachine"]["network"] for one in az("vm", "list-ip-addresses")}
    same(sorted(found), vm_names())
    same(found["legacy-box"]["publicIpAddresses"][0]["ipAddress"], sim.vm("legacy-box")["publicIp"])


@check("vm list-ip-addresses -n", reads=True)
def _():
    found = az("vm", "list-ip-addresses", *at("gpu-lab"))
    same([one["virtualMachine"]["name"] for one in found], ["gpu-lab"])
    assert found[0]["virtualMachine"]["network"]["privateIpAddresses"], found


@check("vm list-sizes", reads=True)
def _():
    sizes = {size["name"]: size for size in az("vm", "list-sizes", "-l", "westeurope")}
    same(sizes["Standard_D2s_v5"]["numberOfCores"], 2)


@check("vm list-skus", reads=True)
def _():
    skus = az("vm", "list-skus", "-l", "westeurope", "--size", "Standard_D2s")
    same({sku["name"] for sku in skus}, {"Standard_D2s_v5"})


@check("vm list-vm-resize-options", reads=True)
def _():
    assert az("vm", "list-vm-resize-options", *at("legacy-box"))


@check("vm nic list and show", reads=True)
def _():
    found = az("vm", "nic", "list", "-g", "rg-legacy", "--vm-name", "legacy-box")
    same(len(found), 1)
    shown = az("vm", "nic", "show", "-g", "rg-legacy", "--vm-name", "legacy-box", "--nic", "legacy-box-nic")
    same(shown["name"], "legacy-box-nic")


@check("vm identity show, extension list, run-command list", reads=True)
def _():
    same(az("vm", "extension", "list", "-g", "rg-legacy", "--vm-name", "legacy-box"), [])
    same(az("vm", "run-command", "list", "-g", "rg-legacy", "--vm-name", "legacy-box"), [])


@check("disk list and show", reads=True)
def _():
    disks = az("disk", "list", "-g", "rg-legacy")
    same([disk["diskState"] for disk in disks], ["Attached"])
    disk = az("disk", "show", "-g", "rg-legacy", "-n", disks[0]["name"])
    same(disk["managedBy"], sim.vm("legacy-box")["id"])


@check("vm availability-set, vmss and snapshot lists are empty", reads=True)
def _():
    same(az("vm", "availability-set", "list"), [])
    same(az("vmss", "list"), [])
    same(az("snapshot", "list"), [])


@check("a VM that does not exist is 404, and az ends with 3", reads=True)
def _():
    failure = refused("vm", "show", "-g", "rg-legacy", "-n", "nobody")
    same(failure.code, 3)
    assert "ResourceNotFound" in failure.told and "nobody" in failure.told, failure.told


@check("a resource group that does not exist is 404, and az ends with 3", reads=True)
def _():
    failure = refused("vm", "show", "-g", "no-such-group", "-n", "nobody")
    same(failure.code, 3)
    assert "ResourceGroupNotFound" in failure.told, failure.told


@check("vm list -d -g -o table, and of a group that does not exist", reads=True)
def _():
    table = text("vm", "list", "-d", "-g", "rg-lab", "-o", "table")
    assert "gpu-lab" in table and "capacity-01" in table and "legacy-box" not in table, table
    assert "ResourceGroupNotFound" in refused("vm", "list", "-g", "no-such-group").told


@check("vm show --ids of two VMs", reads=True)
def _():
    ids = [sim.vm(name)["id"] for name in ("legacy-box", "jump-eu")]
    # az asks for each in a thread of its own, and at times lets one read its model of the answer while the other still makes
    # it ("Model 'AAZListType' has no field named 'Element'"): one after the other they come through.
    sim.control("faults", {"match": {"method": "GET", "path": ids[1]}, "fault": "slow", "seconds": 2, "times": 1})
    same(names(az("vm", "show", "--ids", *ids)), ["jump-eu", "legacy-box"])


@check("vm show --query and vm get-instance-view --query, -o tsv", reads=True)
def _():
    same(text("vm", "show", *at("gpu-lab"), "--query", "hardwareProfile.vmSize", "-o", "tsv").strip(), "Standard_NC6s_v3")
    query = "instanceView.statuses[?starts_with(code, 'PowerState/')].displayStatus"
    same(text("vm", "get-instance-view", *at("gpu-lab"), "--query", query, "-o", "tsv").strip(), "VM running")


@check("vm list-usage", reads=True)
def _():
    usages = {one["localName"]: one for one in az("vm", "list-usage", "-l", "westeurope")}
    assert int(usages["Virtual Machines"]["currentValue"]) >= 1, usages


@check("vm delete, redeploy and run-command without the right are AuthorizationFailed with their actions", reads=True)
def _():
    for command, action in (
        (("delete", *at("legacy-box"), "--yes"), "virtualMachines/delete"),
        (("redeploy", *at("legacy-box")), "virtualMachines/redeploy/action"),
        (
            ("run-command", "invoke", *at("legacy-box"), "--command-id", "RunShellScript", "--scripts", "hostname"),
            "virtualMachines/runCommand/action",
        ),
    ):
        failure = refused("vm", *command)
        same(failure.code, 1)
        assert "(AuthorizationFailed)" in failure.told and f"'Microsoft.Compute/{action}'" in failure.told, failure.told

"""Starting and stopping."""

from az import at, az, check, power, refused, sim
from check import same


@check("vm start, and vm list -d tells the new state")
def _():
    az("vm", "start", *at("web-01"))
    same(power("web-01"), "VM running")


@check("vm restart")
def _():
    az("vm", "restart", *at("web-01"))
    same(power("web-01"), "VM running")


@check("vm stop")
def _():
    az("vm", "stop", *at("web-01"))
    same(power("web-01"), "VM stopped")


@check("vm deallocate")
def _():
    az("vm", "deallocate", *at("web-01"))
    same(power("web-01"), "VM deallocated")


@check("vm start --no-wait and vm wait")
def _():
    same(az("vm", "start", *at("web-01"), "--no-wait"), None)
    az("vm", "wait", *at("web-01"), "--custom", "instanceView.statuses[?code=='PowerState/running']", "--interval", "1")
    same(power("web-01"), "VM running")
    az("vm", "wait", *at("web-01"), "--exists", "--interval", "1")


@check("vm deallocate --no-wait and vm wait")
def _():
    az("vm", "deallocate", *at("web-01"), "--no-wait")
    az(
        "vm", "wait", *at("web-01"), "--custom", "instanceView.statuses[?code=='PowerState/deallocated']",
        "--interval", "1",
    )  # fmt: skip
    same(power("web-01"), "VM deallocated")


@check("vm start by --ids of two VMs")
def _():
    ids = [sim.vm(name)["id"] for name in ("web-01", "finance-app")]
    az("vm", "start", "--ids", *ids)
    same([az("vm", "show", "-d", "--ids", one)["powerState"] for one in ids], ["VM running"] * 2)


@check("vm start without capacity tells AllocationFailed")
def _():
    failure = refused("vm", "start", *at("capacity-01"))
    assert "AllocationFailed" in failure.told, failure.told


@check("a dynamic address comes with the start")
def _():
    az("vm", "start", *at("dyn-ip-01"))
    assert az("vm", "show", "-d", *at("dyn-ip-01"))["publicIps"]


@check("vm stop --skip-shutdown, and start of one that runs")
def _():
    az("vm", "stop", *at("web-01"), "--skip-shutdown")
    same(power("web-01"), "VM stopped")
    az("vm", "start", *at("web-01"))
    az("vm", "start", *at("web-01"))
    same(power("web-01"), "VM running")


@check("a VM whose allocation failed shows so")
def _():
    view = az("vm", "get-instance-view", *at("capacity-01"))
    same(view["provisioningState"], "Failed")
    same(view["instanceView"]["statuses"][0]["code"], "ProvisioningState/failed/AllocationFailed")

"""Starting and stopping."""

from azure.core.exceptions import HttpResponseError

from check import same
from libraries import check, compute, fails, sim, state
from libraries.check_graph import VMS, ask


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

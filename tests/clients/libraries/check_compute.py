"""Virtual machines, reading."""

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from check import same
from libraries import check, compute, fails, found, sim, state, vm_names


@check("virtual_machines.list_all and list")
def _():
    same(found(compute.virtual_machines.list_all()), vm_names())
    same(found(compute.virtual_machines.list("rg-lab")), vm_names("rg-lab"))


@check("virtual_machines.list_by_location")
def _():
    same(found(compute.virtual_machines.list_by_location("northeurope")), ["jump-eu"])


@check("virtual_machines.list_all with status only")
def _():
    listed = {one.name: one for one in compute.virtual_machines.list_all(status_only="true")}
    codes = [one.code for one in listed["legacy-box"].instance_view.statuses]
    assert "PowerState/running" in codes, codes


@check("virtual_machines.list_all with instance views")
def _():
    listed = list(compute.virtual_machines.list_all(expand="instanceView"))
    assert all(one.instance_view.statuses for one in listed), listed


@check("virtual_machines.get with and without instance view")
def _():
    plain = compute.virtual_machines.get("rg-legacy", "legacy-box")
    assert plain.instance_view is None and plain.vm_id and plain.time_created.tzinfo, plain
    same((plain.storage_profile.os_disk.os_type, plain.hardware_profile.vm_size), ("Linux", "Standard_D2s_v5"))
    same((plain.id, plain.location, plain.tags["environment"]), (sim.vm("legacy-box")["id"], "westeurope", "simulated"))
    full = compute.virtual_machines.get("rg-legacy", "legacy-box", expand="instanceView")
    assert full.instance_view.vm_agent.statuses[0].display_status == "Ready"


@check("virtual_machines.instance_view")
def _():
    same(state("legacy-box"), "PowerState/running")


@check("virtual_machines.get of one that does not exist is ResourceNotFound")
def _():
    failure = fails(ResourceNotFoundError, lambda: compute.virtual_machines.get("rg-legacy", "nobody"))
    same(failure.error.code, "ResourceNotFound")


@check("virtual_machine_sizes, resource_skus, usage, disks, images, availability sets")
def _():
    assert "Standard_D2s_v5" in [one.name for one in compute.virtual_machine_sizes.list("westeurope")]
    assert "Standard_D2s_v5" in [one.name for one in compute.resource_skus.list(filter="location eq 'westeurope'")]
    assert list(compute.usage.list("westeurope"))
    same(len(list(compute.disks.list())), len(vm_names()))
    same(list(compute.images.list()), [])
    same(list(compute.availability_sets.list_by_subscription()), [])
    same(list(compute.virtual_machine_scale_sets.list_all()), [])


@check("virtual_machine_extensions.list")
def _():
    same(list(compute.virtual_machine_extensions.list("rg-legacy", "legacy-box").value), [])


@check("virtual_machines.instance_view to the last field that scripts read")
def _():
    view = compute.virtual_machines.instance_view("rg-legacy", "legacy-box")
    same([status.code for status in view.statuses], ["ProvisioningState/succeeded", "PowerState/running"])
    same((view.computer_name, view.vm_agent.statuses[0].display_status), ("legacy-box", "Ready"))
    assert view.os_name and view.os_version and view.disks[0].name and view.hyper_v_generation, view


@check("virtual_machines.get with an expansion that there is not")
def _():
    failure = fails(HttpResponseError, lambda: compute.virtual_machines.get("rg-legacy", "legacy-box", expand="tea"))
    same((failure.status_code, failure.error.code), (400, "InvalidParameter"))


@check("virtual_machines.begin_delete and begin_redeploy without the right")
def _():
    for begin in (compute.virtual_machines.begin_delete, compute.virtual_machines.begin_redeploy):
        failure = fails(HttpResponseError, lambda: begin("rg-legacy", "legacy-box"))
        same((failure.status_code, failure.error.code), (403, "AuthorizationFailed"))

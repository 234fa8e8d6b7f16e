"""Pages."""

from check import same
from libraries import check, compute, network, resources, security, sim, subscriptions


@check("every list in pages of two is the same list")
def _():
    lists = {
        "vms": compute.virtual_machines.list_all,
        "disks": compute.disks.list,
        "nics": network.network_interfaces.list_all,
        "addresses": network.public_ip_addresses.list_all,
        "security groups": network.network_security_groups.list_all,
        "networks": network.virtual_networks.list_all,
        "groups": resources.resource_groups.list,
        "resources": resources.resources.list,
        "policies": security.jit_network_access_policies.list,
        "subscriptions": subscriptions.subscriptions.list,
        "rules": lambda: network.security_rules.list("rg-lab", "gpu-lab-nsg"),
    }
    whole = {name: [one.id for one in call()] for name, call in lists.items()}
    sim.switch(pageSize="2")
    try:
        for name, call in lists.items():
            same((name, [one.id for one in call()]), (name, whole[name]))
            pages = [list(page) for page in call().by_page()]
            assert all(len(page) <= 2 for page in pages), name
    finally:
        sim.switch(pageSize="1000")
    assert len(whole["vms"]) > 2


@check("resources.list with $top")
def _():
    same(len(list(next(resources.resources.list(top=3).by_page()))), 3)

"""Networks."""

from check import same
from libraries import check, found, network, sim, vm_names


@check("network_interfaces.list_all, list and get")
def _():
    same(len(list(network.network_interfaces.list_all())), len(vm_names()))
    same(found(network.network_interfaces.list("rg-legacy")), ["legacy-box-nic"])
    one = network.network_interfaces.get("rg-legacy", "legacy-box-nic")
    same(one.virtual_machine.id, sim.vm("legacy-box")["id"])
    assert one.primary and one.mac_address and one.ip_configurations[0].subnet.id, one


@check("network_interfaces.get with the public address expanded")
def _():
    expand = "ipConfigurations/publicIPAddress"
    one = network.network_interfaces.get("rg-legacy", "legacy-box-nic", expand=expand)
    same(one.ip_configurations[0].public_ip_address.ip_address, sim.vm("legacy-box")["publicIp"])


@check("public_ip_addresses.list_all, list and get")
def _():
    assert "legacy-box-ip" in found(network.public_ip_addresses.list_all())
    same(found(network.public_ip_addresses.list("rg-legacy")), ["legacy-box-ip"])
    one = network.public_ip_addresses.get("rg-legacy", "legacy-box-ip")
    same((one.ip_address, one.sku.name), (sim.vm("legacy-box")["publicIp"], "Standard"))


@check("network_security_groups and their rules")
def _():
    assert "gpu-lab-nsg" in found(network.network_security_groups.list_all())
    assert "gpu-lab-nsg" in found(network.network_security_groups.list("rg-lab"))
    one = network.network_security_groups.get("rg-lab", "gpu-lab-nsg")
    same(len(one.default_security_rules), 6)
    listed = found(network.security_rules.list("rg-lab", "gpu-lab-nsg"))
    same(listed, found(one.security_rules))
    same(network.security_rules.get("rg-lab", "gpu-lab-nsg", listed[0]).name, listed[0])
    same(len(list(network.default_security_rules.list("rg-lab", "gpu-lab-nsg"))), 6)
    same(network.default_security_rules.get("rg-lab", "gpu-lab-nsg", "DenyAllInBound").priority, 65500)


@check("network_interfaces.begin_list_effective_network_security_groups")
def _():
    poller = network.network_interfaces.begin_list_effective_network_security_groups("rg-legacy", "legacy-box-nic")
    answer = poller.result()
    assert answer.value[0].effective_security_rules, answer


@check("virtual_networks and subnets")
def _():
    one = next(iter(network.virtual_networks.list("rg-legacy")))
    same(network.virtual_networks.get("rg-legacy", one.name).id, one.id)
    assert one.name in found(network.virtual_networks.list_all())
    subnet = next(iter(network.subnets.list("rg-legacy", one.name)))
    same(network.subnets.get("rg-legacy", one.name, subnet.name).id, subnet.id)


@check("empty lists of what the fleet has none of")
def _():
    same(list(network.load_balancers.list_all()), [])
    same(list(network.route_tables.list_all()), [])
    same(list(network.bastion_hosts.list()), [])


@check("network_watchers.list_all, list and get")
def _():
    wanted = ["NetworkWatcher_northeurope", "NetworkWatcher_westeurope"]
    same(found(network.network_watchers.list_all()), wanted)
    same(found(network.network_watchers.list("NetworkWatcherRG")), wanted)
    one = network.network_watchers.get("NetworkWatcherRG", "NetworkWatcher_westeurope")
    same((one.location, one.provisioning_state), ("westeurope", "Succeeded"))


@check("network_watchers.begin_verify_ip_flow, answered at once and after a while")
def _():
    address = network.network_interfaces.get("rg-lab", "gpu-lab-nic").ip_configurations[0].private_ip_address
    ask = {
        "targetResourceId": sim.vm("gpu-lab")["id"], "direction": "Inbound", "protocol": "TCP",
        "localPort": "22", "remotePort": "60000", "localIPAddress": address, "remoteIPAddress": "203.0.113.24",
    }  # fmt: skip
    for answer in ("200", "202"):
        sim.switch(ipFlowVerifyAnswer=answer)
        try:
            poller = network.network_watchers.begin_verify_ip_flow("NetworkWatcherRG", "NetworkWatcher_westeurope", ask)
            verdict = poller.result()
        finally:
            sim.switch(ipFlowVerifyAnswer="200")
        same((answer, verdict.access, verdict.rule_name), (answer, "Allow", "securityRules/AllowFromAnywhere"))


@check("network_interface_ip_configurations.list and get")
def _():
    one = next(iter(network.network_interface_ip_configurations.list("rg-legacy", "legacy-box-nic")))
    same(network.network_interface_ip_configurations.get("rg-legacy", "legacy-box-nic", one.name).id, one.id)

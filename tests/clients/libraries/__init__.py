"""Azure's Python libraries, unmodified, against azure-sim."""

import os

from check import Checks, Simulator

sim = Simulator()
os.environ["REQUESTS_CA_BUNDLE"] = sim.announce["caBundle"]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"

# The libraries read the surroundings as they are imported.
# pylint: disable=wrong-import-position
from azure.identity import ClientSecretCredential
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.security import SecurityCenter
from azure.mgmt.subscription import SubscriptionClient

check = Checks("sdk")

DEMO = sim.vm("web-01")["subscriptionId"]
SCOPES = [sim.arm + "/.default"]


def credential(secret=None, tenant=None):
    return ClientSecretCredential(
        tenant or sim.tenant,
        sim.announce["clientId"],
        secret or sim.announce["clientSecret"],
        authority=sim.authority,
        disable_instance_discovery=True,
    )


CREDENTIAL = credential()


def client(kind, *subscription, using=CREDENTIAL, **more):
    return kind(using, *subscription, base_url=sim.arm, credential_scopes=SCOPES, **more)


compute = client(ComputeManagementClient, DEMO)
network = client(NetworkManagementClient, DEMO)
resources = client(ResourceManagementClient, DEMO)
security = client(SecurityCenter, DEMO)
subscriptions = client(SubscriptionClient)
graph = client(ResourceGraphClient)


def group(name):
    return sim.vm(name)["resourceGroup"]


def found(items):
    return sorted(item.name for item in items)


def vm_names(of_group=None):
    return sorted(vm["name"] for vm in sim.vms_in(DEMO, of_group))


def fails(kind, call):
    try:
        call()
    except kind as failure:
        return failure
    raise AssertionError(f"should have raised {kind.__name__}")


def state(name):
    view = compute.virtual_machines.instance_view(group(name), name)
    return next(one.code for one in view.statuses if one.code.startswith("PowerState/"))

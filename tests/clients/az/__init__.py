"""The Azure CLI, unmodified, against azure-sim: each command in a process of its own, as people run it."""

import json
import os
import subprocess
import sys
import tempfile

from check import Checks, Simulator

sim = Simulator()
check = Checks("az")
home = tempfile.mkdtemp(prefix="azure-sim-clients-")

DEMO = sim.vm("web-01")["subscriptionId"]
FINANCE = sim.vm("finance-app")["subscriptionId"]
CLOUD = "SimCloud"


class Failed(Exception):
    """az ended otherwise than with 0."""

    def __init__(self, arguments, code, told):
        super().__init__(f"az {' '.join(arguments)} ended with {code}: {told}")
        self.code = code
        self.told = told


def surroundings(profile="main", **more):
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if key in os.environ}
    return {
        **kept,
        "HOME": home,
        "AZURE_CONFIG_DIR": os.path.join(home, profile),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "false",
        "AZURE_CORE_NO_COLOR": "true",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONWARNINGS": "ignore",
        "REQUESTS_CA_BUNDLE": sim.announce["caBundle"],
        **more,
    }


def text(*arguments, profile="main", **more):
    """What `az` prints; its failure is an exception with the exit code."""
    done = subprocess.run(
        [sys.executable, "-m", "azure.cli", *arguments],
        env=surroundings(profile, **more),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode != 0:
        raise Failed(arguments, done.returncode, done.stderr.strip() or done.stdout.strip())
    return done.stdout


def az(*arguments, **options):
    """The JSON that `az` prints, or None."""
    printed = text(*arguments, "-o", "json", **options)
    return json.loads(printed) if printed.strip() else None


def refused(*arguments, **options):
    try:
        az(*arguments, **options)
    except Failed as failure:
        return failure
    raise AssertionError(f"az {' '.join(arguments)} should have failed")


def vm_names(group=None, subscription=DEMO):
    return sorted(vm["name"] for vm in sim.vms_in(subscription, group))


def at(name):
    """`-g GROUP -n NAME` of a VM."""
    return ("-g", sim.vm(name)["resourceGroup"], "-n", name)


def nic(name):
    return ("-g", sim.vm(name)["resourceGroup"], "-n", f"{name}-nic")


def of(name, suffix):
    return ("-g", sim.vm(name)["resourceGroup"], "-n", f"{name}-{suffix}")


def power(name):
    return az("vm", "show", "-d", *at(name))["powerState"]


def register(name, profile, *more):
    az("cloud", "register", "-n", name, "--endpoint-resource-manager", sim.arm, *more, profile=profile)
    az("cloud", "set", "-n", name, profile=profile)


def login(profile="main", secret=None, *more):
    return az(
        "login", "--service-principal", "-u", sim.announce["clientId"], "-p", secret or sim.announce["clientSecret"],
        "--tenant", sim.tenant, *more, profile=profile,
    )  # fmt: skip

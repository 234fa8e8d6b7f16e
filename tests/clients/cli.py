"""The Azure CLI, unmodified, against azure-sim: each command in a process of its own, as people run it."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from check import Checks, Simulator, main, names, same

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


# --- Clouds and sign-in ---


@check("cloud register and set by discovery")
def _():
    register(CLOUD, "main")
    cloud = az("cloud", "show")
    same((cloud["name"], cloud["isActive"]), (CLOUD, True))
    same(cloud["endpoints"]["resourceManager"].rstrip("/"), sim.arm)
    same(cloud["endpoints"]["activeDirectory"].rstrip("/"), sim.authority)


@check("login as service principal lists the subscriptions")
def _():
    accounts = login()
    same(sorted(account["id"] for account in accounts), sorted({vm["subscriptionId"] for vm in sim.vms}))
    same({account["cloudName"] for account in accounts}, {CLOUD})
    az("account", "set", "-s", DEMO)


@check("login with a wrong secret tells AADSTS7000215", reads=True)
def _():
    register("Wrong", "wrong")
    try:
        login("wrong", "not-the-secret")
    except Failed as failure:
        assert "AADSTS7000215" in failure.told, failure.told
    else:
        raise AssertionError("signed in")


@check("login to a tenant that does not exist tells AADSTS90002", reads=True)
def _():
    register("NoTenant", "no-tenant")
    nowhere = "00000000-1111-4222-8333-444444444444"
    failure = refused(
        "login", "--service-principal", "-u", sim.announce["clientId"], "-p", "x", "--tenant", nowhere,
        profile="no-tenant",
    )  # fmt: skip
    assert nowhere in failure.told or "AADSTS90002" in failure.told, failure.told


@check("cloud register without discovery, and login", reads=True)
def _():
    register(
        "Skip", "skip", "--skip-endpoint-discovery", "--endpoint-active-directory", sim.authority,
        "--endpoint-active-directory-resource-id", sim.arm,
    )  # fmt: skip
    assert login("skip")
    same(names(az("vm", "list", profile="skip")), vm_names(subscription=az("account", "show", profile="skip")["id"]))


@check("clouds by ARM_CLOUD_METADATA_URL, and login", reads=True)
def _():
    more = {
        "ARM_CLOUD_METADATA_URL": f"{sim.arm}/metadata/endpoints?api-version=2019-05-01",
        "SSL_CERT_FILE": sim.announce["caBundle"],
    }
    clouds = az("cloud", "list", profile="metadata", **more)
    same([cloud["endpoints"]["resourceManager"].rstrip("/") for cloud in clouds], [sim.arm])
    az("cloud", "set", "-n", clouds[0]["name"], profile="metadata", **more)
    accounts = az(
        "login", "--service-principal", "-u", sim.announce["clientId"], "-p", sim.announce["clientSecret"],
        "--tenant", sim.tenant, profile="metadata", **more,
    )  # fmt: skip
    assert accounts
    assert "rg-finance" in names(az("group", "list", "--subscription", FINANCE, profile="metadata", **more))


@check("login with one subscription and no list of them", reads=True)
def _():
    register("One", "one")
    accounts = login("one", None, "--skip-subscription-discovery", "--subscription", FINANCE)
    same([account["id"] for account in accounts], [FINANCE])


@check("login of an authority called adfs needs no setting", reads=True)
def _():
    register(
        "Adfs", "adfs", "--skip-endpoint-discovery", "--endpoint-active-directory", f"{sim.authority}/adfs",
        "--endpoint-active-directory-resource-id", sim.arm,
    )  # fmt: skip
    assert login("adfs")


def identity():
    return {"IDENTITY_ENDPOINT": sim.announce["identityEndpoint"], "IDENTITY_HEADER": sim.announce["identityHeader"]}


@check("login with a certificate", reads=True)
def _():
    register(CLOUD, "certificate")
    accounts = az(
        "login", "--service-principal", "-u", sim.announce["clientId"], "--certificate",
        sim.announce["clientCertificate"], "--tenant", sim.tenant, profile="certificate",
    )  # fmt: skip
    same(names(accounts), ["Contoso Demo", "Contoso Finance"])


@check("login of a user by device code sees all tenants of the user", reads=True)
def _():
    register(CLOUD, "device")
    # The code to type is a warning.
    shown = surroundings("device", AZURE_CORE_ONLY_SHOW_ERRORS="false")
    arguments = [sys.executable, "-m", "azure.cli", "login", "--use-device-code", "-o", "json"]
    with subprocess.Popen(
        arguments, env=shown, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        for line in running.stderr:
            code = re.search(r"open the page (\S+) and enter the code (\S+) to authenticate", line)
            if code:
                page = sim.submit(code[1], otc=code[2], account="ada")
                assert "You have signed in" in page, page
        accounts = running.stdout.read()
    same((running.returncode, bool(accounts)), (0, True))
    accounts = json.loads(accounts)
    same(names(accounts), ["Contoso Demo", "Contoso Finance", "Fabrikam Research"])
    same({account["user"]["name"] for account in accounts}, {"ada@contoso.onmicrosoft.com"})
    fabrikam = sim.announce["tenants"][1]["id"]
    same(az("account", "get-access-token", "--tenant", fabrikam, profile="device")["tenant"], fabrikam)


@check("login as managed identity (IMDS)", reads=True)
def _():
    register(CLOUD, "imds")
    imds = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": sim.announce["imdsEndpoint"]}
    accounts = az("login", "--identity", profile="imds", **imds)
    same(names(accounts), ["Contoso Demo", "Contoso Finance"])


@check("login as managed identity (App Service) and list VMs", reads=True)
def _():
    register("Identity", "identity")
    accounts = az("login", "--identity", profile="identity", **identity())
    same({account["user"]["type"] for account in accounts}, {"servicePrincipal"})
    same(names(az("vm", "list", "--subscription", DEMO, profile="identity", **identity())), vm_names())


@check("account list", reads=True)
def _():
    same({account["tenantId"] for account in az("account", "list")}, {sim.tenant})


@check("account list --refresh", reads=True)
def _():
    register("Refresh", "refresh")
    login("refresh")
    same(len(az("account", "list", "--refresh", profile="refresh")), len({vm["subscriptionId"] for vm in sim.vms}))


@check("account show", reads=True)
def _():
    same((az("account", "show")["id"], az("account", "show")["state"]), (DEMO, "Enabled"))


@check("account get-access-token", reads=True)
def _():
    token = az("account", "get-access-token")
    same((token["tokenType"], token["subscription"], token["tenant"]), ("Bearer", DEMO, sim.tenant))
    assert token["expires_on"] and token["accessToken"]


@check("account list-locations", reads=True)
def _():
    regions = {region["name"]: region for region in az("account", "list-locations")}
    assert {"westeurope", "northeurope"} <= set(regions), sorted(regions)
    same(regions["westeurope"]["displayName"], "West Europe")
    same(regions["westeurope"]["metadata"]["regionType"], "Physical")


@check("account tenant list", reads=True)
def _():
    tenants = json.loads(text("rest", "--url", "/tenants?api-version=2022-12-01"))["value"]
    assert sim.tenant in [tenant["tenantId"] for tenant in tenants], tenants


# --- Virtual machines, reading ---


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


# --- Network ---


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


# --- Resource groups and resources ---


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


# --- JIT ---


@check("security jit-policy list", reads=True)
def _():
    policies = az("security", "jit-policy", "list")
    protected = {vm["id"] for policy in policies for vm in policy["virtualMachines"]}
    assert sim.vm("web-01")["id"] in protected, protected


@check("security jit-policy list -g", reads=True)
def _():
    same(len(az("security", "jit-policy", "list", "-g", "rg-lab")), 1)


@check("security jit-policy list -l", reads=True)
def _():
    policies = az("security", "jit-policy", "list", "-l", "northeurope")
    same([policy["location"] for policy in policies], ["northeurope"])


@check("security jit-policy list -g -l", reads=True)
def _():
    same(len(az("security", "jit-policy", "list", "-g", "rg-demo", "-l", "westeurope")), 1)
    same(az("security", "jit-policy", "list", "-g", "rg-lab", "-l", "northeurope"), [])


@check("security jit-policy show", reads=True)
def _():
    policy = az("security", "jit-policy", "show", "-g", "rg-lab", "-l", "westeurope", "-n", "default")
    same(policy["id"].lower(), sim.policy_id(sim.vm("gpu-lab")).lower())


@check("security jit-policy show of one that does not exist ends with 3", reads=True)
def _():
    same(refused("security", "jit-policy", "show", "-g", "rg-lab", "-l", "westeurope", "-n", "none").code, 3)


def body_for(name, **port):
    vm = sim.vm(name)
    one = {"number": vm["ports"][0]["number"], "allowedSourceAddressPrefix": "203.0.113.24", **port}
    return json.dumps({"virtualMachines": [{"id": vm["id"], "ports": [one]}], "justification": "check"})


def initiate(name, **port):
    url = f"{sim.policy_id(sim.vm(name))}/initiate?api-version=2020-01-01"
    return json.loads(text("rest", "--method", "post", "--url", url, "--body", body_for(name, **port)))


@check("rest --method post …/initiate, and the rule shows in the NSG")
def _():
    request = initiate("db-replica-3", duration="PT1H")
    same(request["virtualMachines"][0]["ports"][0]["number"], 22)
    sim.control("advance", {"seconds": 60})
    rules = az("network", "nsg", "rule", "list", "-g", "rg-demo", "--nsg-name", "db-replica-3-nsg")
    allowed = [rule for rule in rules if rule["access"] == "Allow" and "JITRule-" in rule["name"]]
    same([rule["sourceAddressPrefix"] for rule in allowed], ["203.0.113.24"])


@check("initiate beyond the policy is a Bad Request that says so", reads=True)
def _():
    try:
        initiate("finance-app", duration="PT9H")
    except Failed as failure:
        assert "Bad Request" in failure.told and "not a subset of policy" in failure.told, failure.told
    else:
        raise AssertionError("granted")


@check("initiate without the right is Forbidden with action and scope", reads=True)
def _():
    try:
        initiate("locked-01", duration="PT1H")
    except Failed as failure:
        assert "AuthorizationFailed" in failure.told and "initiate/action" in failure.told, failure.told
        assert "Forbidden" in failure.told, failure.told
    else:
        raise AssertionError("granted")


# --- Resource Graph by `az rest`: the graph extension is on no index that everyone reaches ---


def graph(query, **body):
    sent = json.dumps({"query": query, **body})
    url = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
    return json.loads(text("rest", "--method", "post", "--url", url, "--body", sent))


@check("Resource Graph by az rest", reads=True)
def _():
    answer = graph("Resources | where type =~ 'Microsoft.Compute/virtualMachines' | project name, location")
    same(names(answer["data"]), sorted(vm["name"] for vm in sim.vms))
    same((answer["totalRecords"], answer["resultTruncated"]), (len(sim.vms), "false"))


@check("Resource Graph refuses what it does not know", reads=True)
def _():
    try:
        graph("Resources | evaluate nonsense()")
    except Failed as failure:
        assert "Bad Request" in failure.told and "InvalidQuery" in failure.told, failure.told
    else:
        raise AssertionError("answered")


# --- Power ---


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


if __name__ == "__main__":
    try:
        main(check, side_by_side=2)
    finally:
        shutil.rmtree(home, ignore_errors=True)

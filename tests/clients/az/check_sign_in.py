"""Clouds and sign-in."""

import json
import re
import subprocess
import sys

from az import CLOUD, DEMO, FINANCE, Failed, az, check, login, refused, register, sim, surroundings, text, vm_names
from check import names, same


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


@check("login as a managed identity chosen by its client id (App Service)", reads=True)
def _():
    register("Chosen", "chosen")
    chosen = next(one for one in sim.announce["accounts"] if one["kind"] == "managedIdentity")
    accounts = az("login", "--identity", "--client-id", chosen["clientId"], profile="chosen", **identity())
    same({account["user"]["name"] for account in accounts}, {"userAssignedIdentity"})


@check("account set, show -o tsv, and clear", reads=True)
def _():
    register("Set", "set")
    login("set")
    az("account", "set", "-s", "Contoso Finance", profile="set")
    same(text("account", "show", "--query", "id", "-o", "tsv", profile="set").strip(), FINANCE)
    az("account", "clear", profile="set")
    same(az("account", "list", profile="set"), [])


@check("logout leaves nobody signed in", reads=True)
def _():
    register("Out", "out")
    login("out")
    az("logout", profile="out")
    failure = refused("vm", "list", profile="out")
    assert "az login" in failure.told, failure.told


@check("account get-access-token for a resource, a scope and a subscription", reads=True)
def _():
    for more in (("--resource", sim.arm), ("--scope", sim.arm + "/.default"), ("--resource-type", "arm"), ("-s", FINANCE)):
        token = az("account", "get-access-token", *more)
        same((token["tokenType"], token["tenant"]), ("Bearer", sim.tenant))
    failure = refused("account", "get-access-token", "--resource", "https://nobody.example")
    assert "AADSTS500011" in failure.told, failure.told


@check("account list -o table", reads=True)
def _():
    table = text("account", "list", "-o", "table")
    assert "Contoso Demo" in table and "Enabled" in table, table

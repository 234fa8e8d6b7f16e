"""Microsoft's own sign-in libraries (MSAL, azure-identity), unmodified, against azure-sim."""

import base64
import html.parser
import hashlib
import json
import logging
import os
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
import webbrowser

from check import Checks, Simulator, main, same

sim = Simulator()
os.environ["REQUESTS_CA_BUNDLE"] = sim.announce["caBundle"]
os.environ["NO_PROXY"] = "127.0.0.1,localhost"

# The libraries read the surroundings as they are imported.
# pylint: disable=wrong-import-position
import msal
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    AuthorizationCodeCredential,
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    ManagedIdentityCredential,
)

check = Checks("identity")

# What is refused on purpose is nothing to warn of.
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

# The client of `az`: public, and known in every tenant.
AZURE_CLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
SCOPE = sim.arm + "/.default"
CONTOSO, FABRIKAM = sim.announce["tenants"][:2]
ACCOUNTS = {account["name"]: account for account in sim.announce["accounts"]}
ADA = ACCOUNTS["ada"]["userPrincipalName"]


# --- A browser that a script drives ---


class Forms(html.parser.HTMLParser):
    """The forms of a page, each with its hidden fields."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attrs["action"], "fields": {}})
        elif tag == "input" and self.forms:
            self.forms[-1]["fields"][attrs["name"]] = attrs.get("value", "")


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def browse(url, fields=None):
    """The page, and where it leads."""
    trust = ssl.create_default_context(cafile=sim.announce["caBundle"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust), Stays()
    )
    data = urllib.parse.urlencode(fields).encode() if fields is not None else None
    try:
        with opener.open(urllib.request.Request(url, data=data), timeout=20) as answer:
            return answer.read().decode(), None
    except urllib.error.HTTPError as answer:
        if answer.code != 302:
            raise AssertionError(f"{answer.code}: {answer.read().decode()}") from answer
        return "", answer.headers["Location"]


def press(url, **wanted):
    """Opens the page and presses the button whose form sends these fields."""
    page, _ = browse(url)
    return submit(url, page, **wanted)


def submit(url, page, **wanted):
    for form in Forms(page).forms:
        if wanted.items() <= form["fields"].items():
            return browse(urllib.parse.urljoin(url, form["action"]), form["fields"])
    raise AssertionError(f"no button sends {wanted}: {page}")


def parameters(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def public(tenant="organizations", **more):
    more.setdefault("instance_discovery", False)
    return msal.PublicClientApplication(AZURE_CLI, authority=f"{sim.authority}/{tenant}", **more)


def signed_in(app, account="ada", **more):
    flow = app.initiate_auth_code_flow([SCOPE], redirect_uri="http://localhost:51234", **more)
    _, back = press(flow["auth_uri"], account=account)
    return flow, parameters(back)


def with_claims(challenge):
    return base64.b64decode(challenge.split('claims="')[1].split('"')[0]).decode()


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def granted(result):
    assert "access_token" in result, result
    return result


def arm(path, token):
    trust = ssl.create_default_context(cafile=sim.announce["caBundle"])
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
    request = urllib.request.Request(sim.arm + path, headers={"Authorization": f"Bearer {token}"})
    with opener.open(request, timeout=20) as answer:
        return json.load(answer)


def subscriptions(token):
    found = arm("/subscriptions?api-version=2022-12-01", token)["value"]
    return sorted(one["displayName"] for one in found)


OURS = ["Contoso Demo", "Contoso Finance"]


# --- Service principals ---


def confidential(**more):
    credential = more.pop("credential", sim.announce["clientSecret"])
    more.setdefault("instance_discovery", False)
    authority = f"{sim.authority}/{more.pop('tenant', sim.tenant)}"
    return msal.ConfidentialClientApplication(sim.announce["clientId"], credential, authority=authority, **more)


@check("MSAL takes a token for a secret", reads=True)
def _():
    result = granted(confidential().acquire_token_for_client([SCOPE]))
    same(subscriptions(result["access_token"]), OURS)
    claims = claims_of(result["access_token"])
    same((claims["tid"], claims["appid"], claims["idtyp"]), (sim.tenant, sim.announce["clientId"], "app"))


@check("a tenant goes by its domain name too", reads=True)
def _():
    granted(confidential(tenant=CONTOSO["domain"]).acquire_token_for_client([SCOPE]))


@check("instance discovery at the simulator's own endpoint", reads=True)
def _():
    endpoint = f"{sim.authority}/common/discovery/instance"
    granted(confidential(instance_discovery=endpoint).acquire_token_for_client([SCOPE]))


@check("an authority called adfs needs no setting", reads=True)
def _():
    app = confidential(tenant="adfs", instance_discovery=None)
    granted(app.acquire_token_for_client([SCOPE]))


@check("a wrong secret is AADSTS7000215", reads=True)
def _():
    result = confidential(credential="wrong").acquire_token_for_client([SCOPE])
    same((result["error"], result["error_codes"]), ("invalid_client", [7000215]))


@check("MSAL takes a token for a certificate's assertion", reads=True)
def _():
    with open(sim.announce["clientCertificate"], encoding="utf-8") as file:
        pem = file.read()
    der = base64.b64decode("".join(pem.split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0].split()))
    # The thumbprint goes with RS256, the certificate itself with PS256 and x5t#S256.
    by_thumbprint = {"private_key": pem, "thumbprint": hashlib.sha1(der).hexdigest()}
    by_certificate = {"private_key": pem, "public_certificate": pem[pem.index("-----BEGIN CERTIFICATE") :]}
    for credential in (by_thumbprint, by_certificate):
        result = granted(confidential(credential=credential).acquire_token_for_client([SCOPE]))
        same(claims_of(result["access_token"])["appidacr"], "2")


@check("azure-identity: secret, certificate, and a wrong tenant", reads=True)
def _():
    more = {"authority": sim.authority, "disable_instance_discovery": True}
    client = sim.announce["clientId"]
    secret = ClientSecretCredential(sim.tenant, client, sim.announce["clientSecret"], **more)
    same(subscriptions(secret.get_token(SCOPE).token), OURS)
    certificate = CertificateCredential(sim.tenant, client, sim.announce["clientCertificate"], **more)
    same(subscriptions(certificate.get_token(SCOPE).token), OURS)
    stranger = ClientSecretCredential(FABRIKAM["id"], client, sim.announce["clientSecret"], **more)
    try:
        stranger.get_token(SCOPE)
    except ClientAuthenticationError as failure:
        assert "AADSTS700016" in str(failure), failure
    else:
        raise AssertionError("the application is not known there")


# --- Users ---


@check("MSAL signs a user in by authorization code and PKCE", reads=True)
def _():
    app = public()
    flow, back = signed_in(app)
    result = granted(app.acquire_token_by_auth_code_flow(flow, back))
    same(subscriptions(result["access_token"]), OURS)
    told = result["id_token_claims"]
    same((told["preferred_username"], told["tid"], told["oid"]), (ADA, CONTOSO["id"], ACCOUNTS["ada"]["objectId"]))
    same([account["username"] for account in app.get_accounts()], [ADA])
    same(app.acquire_token_silent([SCOPE], app.get_accounts()[0])["access_token"], result["access_token"])


@check("a code is good once, and only with its verifier", reads=True)
def _():
    app = public()
    flow, back = signed_in(app)
    broken = dict(flow, code_verifier="x" * 43)
    same(app.acquire_token_by_auth_code_flow(broken, back)["error_codes"], [501481])
    granted(app.acquire_token_by_auth_code_flow(flow, back))
    same(app.acquire_token_by_auth_code_flow(flow, back)["error_codes"], [54005])


@check("who cancels is access_denied", reads=True)
def _():
    app = public()
    flow = app.initiate_auth_code_flow([SCOPE], redirect_uri="http://localhost:51234")
    _, back = press(flow["auth_uri"], cancel="1")
    same(app.acquire_token_by_auth_code_flow(flow, parameters(back))["error"], "access_denied")


@check("acquire_token_interactive with a browser of our own", reads=True)
def _():
    class Browser(webbrowser.BaseBrowser):
        def open(self, url, *_):
            def visit():
                page, back = press(url, account="ada")
                # The page of response_mode=form_post posts itself where scripts run.
                form = Forms(page).forms[0] if page else {"action": back, "fields": None}
                data = urllib.parse.urlencode(form["fields"]).encode() if page else None
                direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                direct.open(form["action"], data, timeout=20).read()

            threading.Thread(target=visit, daemon=True).start()
            return True

    webbrowser.register("ours", None, Browser(), preferred=True)
    result = granted(public().acquire_token_interactive([SCOPE], login_hint=ADA, timeout=20))
    same(subscriptions(result["access_token"]), OURS)


@check("MSAL signs a user in by device code", reads=True)
def _():
    app = public()
    flow = app.initiate_device_flow([SCOPE])
    assert flow["user_code"] in flow["message"], flow
    flow["interval"] = 1
    same(app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)["error"], "authorization_pending")
    page, _ = browse(flow["verification_uri"], {"otc": flow["user_code"]})
    page, _ = submit(flow["verification_uri"], page, account="ada")
    assert "You have signed in" in page, page
    time.sleep(1)
    result = granted(app.acquire_token_by_device_flow(flow))
    same(result["id_token_claims"]["preferred_username"], ADA)


@check("azure-identity signs a user in by device code", reads=True)
def _():
    def prompt(where, code, _):
        def visit():
            page, _ = browse(where, {"otc": code})
            submit(where, page, account="ada")

        threading.Thread(target=visit, daemon=True).start()

    credential = DeviceCodeCredential(
        AZURE_CLI, authority=sim.authority, disable_instance_discovery=True, prompt_callback=prompt, timeout=20
    )
    same(subscriptions(credential.get_token(SCOPE).token), OURS)


@check("azure-identity redeems an authorization code", reads=True)
def _():
    redirect = "http://localhost:51234"
    query = {"client_id": AZURE_CLI, "response_type": "code", "redirect_uri": redirect, "scope": SCOPE}
    url = f"{sim.authority}/{sim.tenant}/oauth2/v2.0/authorize?{urllib.parse.urlencode(query)}"
    _, back = press(url, account="ada")
    credential = AuthorizationCodeCredential(
        sim.tenant,
        AZURE_CLI,
        parameters(back)["code"],
        redirect,
        authority=sim.authority,
        disable_instance_discovery=True,
    )
    same(subscriptions(credential.get_token(SCOPE).token), OURS)


@check("a refresh token is good for the other tenants of a guest", reads=True)
def _():
    app = public()
    flow, back = signed_in(app)
    granted(app.acquire_token_by_auth_code_flow(flow, back))
    there = public(FABRIKAM["id"], token_cache=app.token_cache)
    result = granted(there.acquire_token_silent([SCOPE], there.get_accounts(ADA)[0]))
    same(claims_of(result["access_token"])["tid"], FABRIKAM["id"])
    same(subscriptions(result["access_token"]), ["Fabrikam Research"])
    same(len(arm("/tenants?api-version=2022-12-01", result["access_token"])["value"]), 2)


@check("a user who is no guest is AADSTS50020", reads=True)
def _():
    app = public()
    flow, back = signed_in(app, "grace")
    tokens = granted(app.acquire_token_by_auth_code_flow(flow, back))
    there = public(FABRIKAM["id"])
    result = there.acquire_token_by_refresh_token(tokens["refresh_token"], [SCOPE])
    same((result["error"], result["error_codes"]), ("invalid_grant", [50020]))


@check("claims challenge: the token is called back, and one with its claims is taken")
def _():
    app = public(client_capabilities=["CP1"])
    flow, back = signed_in(app)
    token = granted(app.acquire_token_by_auth_code_flow(flow, back))["access_token"]
    same(claims_of(token)["xms_cc"], ["CP1"])
    sim.control("accounts", {"account": "ada", "revoke": True})
    try:
        subscriptions(token)
    except urllib.error.HTTPError as refused:
        same(refused.code, 401)
        challenge = refused.headers["WWW-Authenticate"]
    else:
        raise AssertionError("a token that was called back still lets one in")
    claims = with_claims(challenge)
    silent = app.acquire_token_silent_with_error([SCOPE], app.get_accounts()[0], claims_challenge=claims)
    same(silent["error_codes"], [50173])
    flow, back = signed_in(app, claims_challenge=claims)
    again = granted(app.acquire_token_by_auth_code_flow(flow, back))
    same(subscriptions(again["access_token"]), OURS)


@check("MFA: silent asks for interaction, one more click in the browser is enough")
def _():
    app = public()
    flow, back = signed_in(app, "grace")
    granted(app.acquire_token_by_auth_code_flow(flow, back))
    account = app.get_accounts()[0]
    sim.control("accounts", {"account": "grace", "demand": "mfa"})
    try:
        silent = app.acquire_token_silent_with_error([SCOPE], account, force_refresh=True)
        same((silent["error"], silent["error_codes"], silent["suberror"]), ("interaction_required", [50076], "basic_action"))
        flow = app.initiate_auth_code_flow([SCOPE], redirect_uri="http://localhost:51234", login_hint="grace")
        page, _ = press(flow["auth_uri"], account="grace")
        _, back = submit(flow["auth_uri"], page, met="1")
        result = granted(app.acquire_token_by_auth_code_flow(flow, parameters(back)))
        assert "mfa" in claims_of(result["access_token"])["amr"]
    finally:
        sim.control("accounts", {"account": "grace", "demand": "none"})


# --- Managed identities ---


def with_environment(**values):
    """Only these of the variables that choose a kind of managed identity."""
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET", "AZURE_POD_IDENTITY_AUTHORITY_HOST"):
        os.environ.pop(name, None)
    os.environ.update(values)


FORMS = {
    "App Service": lambda: with_environment(
        IDENTITY_ENDPOINT=sim.announce["identityEndpoint"], IDENTITY_HEADER=sim.announce["identityHeader"]
    ),
    "Machine Learning": lambda: with_environment(
        MSI_ENDPOINT=sim.announce["identityEndpoint"], MSI_SECRET=sim.announce["identityHeader"]
    ),
    "IMDS": lambda: with_environment(AZURE_POD_IDENTITY_AUTHORITY_HOST=sim.announce["imdsEndpoint"]),
}


def managed(form):
    @check(f"ManagedIdentityCredential by {form}")
    def _():
        FORMS[form]()
        token = ManagedIdentityCredential().get_token(SCOPE).token
        same(subscriptions(token), OURS)
        identity = ACCOUNTS["identity"]
        same(claims_of(token)["oid"], identity["objectId"])
        token = ManagedIdentityCredential(client_id=identity["clientId"]).get_token(SCOPE).token
        same(claims_of(token)["appid"], identity["clientId"])
        try:
            ManagedIdentityCredential(client_id=sim.announce["clientId"]).get_token(SCOPE)
        except ClientAuthenticationError:
            pass
        else:
            raise AssertionError("there is no such identity")


for form in FORMS:
    managed(form)


@check("MSAL's ManagedIdentityClient by IMDS")
def _():
    FORMS["IMDS"]()
    client = msal.ManagedIdentityClient(msal.SystemAssignedManagedIdentity(), http_client=requests.Session())
    result = granted(client.acquire_token_for_client(resource=sim.arm))
    same(subscriptions(result["access_token"]), OURS)


if __name__ == "__main__":
    main(check)

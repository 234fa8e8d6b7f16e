"""Sign-in by azure-identity, as the management libraries use it."""

import datetime
import os

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import (
    CertificateCredential,
    ChainedTokenCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
)
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.subscription import SubscriptionClient

from check import same
from libraries import CREDENTIAL, DEMO, SCOPES, check, client, credential, fails, found, sim, vm_names


@check("ClientSecretCredential gets a token that lasts")
def _():
    token = CREDENTIAL.get_token(SCOPES[0])
    assert token.expires_on - datetime.datetime.now().timestamp() > 3000, token.expires_on


@check("ClientSecretCredential with a wrong secret tells AADSTS7000215")
def _():
    failure = fails(ClientAuthenticationError, lambda: credential("wrong").get_token(SCOPES[0]))
    assert "AADSTS7000215" in failure.message, failure.message


@check("ManagedIdentityCredential by App Service's variables")
def _():
    os.environ["IDENTITY_ENDPOINT"] = sim.announce["identityEndpoint"]
    os.environ["IDENTITY_HEADER"] = sim.announce["identityHeader"]
    try:
        chain = ChainedTokenCredential(ManagedIdentityCredential())
        assert list(client(SubscriptionClient, using=chain).subscriptions.list())
    finally:
        del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]


@check("a token that Entra did not issue is refused with a challenge")
def _():
    class Made:
        """Issues what nobody signed."""

        def get_token(self, *_, **__):
            from azure.core.credentials import AccessToken

            return AccessToken("made.up.token", 4102444800)

    failure = fails(HttpResponseError, lambda: list(client(SubscriptionClient, using=Made()).subscriptions.list()))
    same((failure.status_code, failure.error.code), (401, "InvalidAuthenticationToken"))
    assert failure.response.headers["WWW-Authenticate"].startswith("Bearer "), failure.response.headers


@check("CertificateCredential lists the VMs of a subscription")
def _():
    using = CertificateCredential(
        sim.tenant, sim.announce["clientId"], sim.announce["clientCertificate"], authority=sim.authority,
        disable_instance_discovery=True,
    )  # fmt: skip
    listed = client(ComputeManagementClient, DEMO, using=using).virtual_machines.list_all()
    same(found(listed), vm_names())


@check("EnvironmentCredential by secret and by certificate")
def _():
    both = {
        "AZURE_CLIENT_SECRET": sim.announce["clientSecret"],
        "AZURE_CLIENT_CERTIFICATE_PATH": sim.announce["clientCertificate"],
    }
    whose = {"AZURE_TENANT_ID": sim.tenant, "AZURE_CLIENT_ID": sim.announce["clientId"]}
    for name, value in both.items():
        os.environ.update({**whose, name: value})
        try:
            using = EnvironmentCredential(authority=sim.authority, disable_instance_discovery=True)
            assert list(client(SubscriptionClient, using=using).subscriptions.list()), name
        finally:
            for set_name in (*whose, name):
                del os.environ[set_name]

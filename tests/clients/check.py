"""What the checks of both clients share: the announcement, the simulator's control, and the outcome of each check."""

import concurrent.futures
import json
import os
import ssl
import sys
import time
import traceback
import urllib.parse
import urllib.request


class Simulator:
    """A running azure-sim, as its announcement tells of it."""

    def __init__(self):
        with open(os.environ["AZURE_SIM_ANNOUNCE"], encoding="utf-8") as file:
            self.announce = json.load(file)
        self.arm = self.announce["resourceManager"]
        self.authority = self.announce["authority"]
        self.tenant = self.announce["tenantId"]
        self.vms = self.announce["vms"]
        self._trust = ssl.create_default_context(cafile=self.announce["caBundle"])

    def vm(self, name):
        return next(vm for vm in self.vms if vm["name"] == name)

    def vms_in(self, subscription, group=None):
        inside = [vm for vm in self.vms if vm["subscriptionId"] == subscription]
        return [vm for vm in inside if group in (None, vm["resourceGroup"])]

    def group_id(self, vm):
        return f"/subscriptions/{vm['subscriptionId']}/resourceGroups/{vm['resourceGroup']}"

    def policy_id(self, vm):
        kind = f"locations/{vm['location']}/jitNetworkAccessPolicies/{vm['jitPolicy']}"
        return f"{self.group_id(vm)}/providers/Microsoft.Security/{kind}"

    def _send(self, request):
        # A proxy of the surroundings is none of the simulator's business.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self._trust)
        )
        with opener.open(request, timeout=20) as answer:
            return answer.read().decode()

    def control(self, what, body):
        request = urllib.request.Request(
            f"{self.announce['control']}/{what}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        return json.loads(self._send(request))

    def submit(self, url, **fields):
        """Posts a page's form, as a browser does."""
        return self._send(urllib.request.Request(url, data=urllib.parse.urlencode(fields).encode()))

    def switch(self, **values):
        self.control("switches", values)


class Checks:
    """Checks in the order of their definition; those that only read may run side by side."""

    def __init__(self, client):
        self.client = client
        self.checks = []
        self.failed = 0

    def __call__(self, name, reads=False):
        def add(function):
            self.checks.append((name, reads, function))
            return function

        return add

    def run(self, only=None, side_by_side=1):
        wanted = [check for check in self.checks if only is None or only in check[0]]
        while wanted:
            count = next((n for n, check in enumerate(wanted) if not check[1]), len(wanted)) or 1
            batch, wanted = wanted[:count], wanted[count:]
            with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
                for line in pool.map(self._outcome, batch):
                    print(line, flush=True)

    def _outcome(self, check):
        name, _, function = check
        started = time.monotonic()
        try:
            function()
        except BaseException as problem:  # pylint: disable=broad-except
            self.failed += 1
            where = traceback.extract_tb(problem.__traceback__)
            here = [frame for frame in where if frame.filename.startswith(os.path.dirname(__file__))]
            line = f"{os.path.basename(here[-1].filename)}:{here[-1].lineno}" if here else "?"
            told = " ".join(f"{type(problem).__name__}: {problem}".split())
            return f"FAILED {self.client}: {name}: {line}: {told[:1500]}"
        return f"passed {self.client}: {name} ({time.monotonic() - started:.1f} s)"


def same(found, wanted):
    """Equal, or a failure that shows both."""
    assert found == wanted, f"found {found!r}, wanted {wanted!r}"


def names(items):
    return sorted(item["name"] for item in items)


def main(checks, side_by_side=1):
    checks.run(sys.argv[1] if len(sys.argv) > 1 else None, side_by_side)
    sys.exit(1 if checks.failed else 0)

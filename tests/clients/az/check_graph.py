"""Resource Graph by `az rest`: the graph extension is on no index that everyone reaches."""

import json

from az import Failed, check, sim, text
from check import names, same


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

"""What the pool decides about instances, and why: warming on deploy, and its list of events."""

from collections.abc import Iterator
from typing import Any

import pytest

from harness.client import Client
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE
from harness.grpcurl import Grpcurl
from harness.wait import wait_until, wait_until_equal
from harness.workbench import Workbench

EVENTS = "serverless.pool.v1.PoolNodeService/ListEvents"


@pytest.fixture(scope="module")
def quick() -> Iterator[Cluster]:
    """Looks for idle instances ten times a second; the scaler has no say meanwhile."""
    with own_cluster({"pool": {"cleanup_interval": "100ms"},
                      "scaler": {"evaluation_interval": "60s"}}) as cluster:
        yield cluster


@pytest.fixture
def api(quick: Cluster) -> Client:
    return quick.api


@pytest.fixture
def pool(quick: Cluster) -> Grpcurl:
    """The pool's own address: the gateway does not pass these on. Names are as in the protos."""
    return Grpcurl(quick.addresses["pool"])


def events(pool: Grpcurl, function_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while batch := pool.call(EVENTS, {"after": after}).get("events", []):
        found += batch
        after = int(batch[-1]["sequence"])
    assert [int(event["sequence"]) for event in found] == list(range(1, len(found) + 1))
    return [event for event in found if event["function_id"] == function_id]


def actions(pool: Grpcurl, function_id: str) -> list[tuple[str, str]]:
    return [(event["action"], event.get("reason", "")) for event in events(pool, function_id)]


def warm(api: Client, function_id: str) -> list[tuple[int, str]]:
    return [(instance["version"], instance["reason"]) for instance in api.instances_of(function_id)
            if instance["state"] == "warm"]


def test_a_deploy_is_warmed_when_its_function_wants_it(api: Client, bench: Workbench,
                                                       pool: Grpcurl) -> None:
    function_id = bench.create(NODE.hello, scaling={"warmOnDeploy": True})["id"]
    wait_until_equal(lambda: warm(api, function_id), [(1, "warm-up")], 15, "warm instances")
    assert api.receipt(function_id)["coldStart"] is False
    answer = api.request("PATCH", f"/functions/{function_id}", {"environment": {"A": "1"}})
    assert answer.status == 200, str(answer)
    wait_until_equal(lambda: warm(api, function_id), [(2, "warm-up")], 15, "warm instances")
    assert api.receipt(function_id)["coldStart"] is False
    assert [event["detail"] for event in events(pool, function_id) if event["action"] == "start"
            ] == ["version 1 was deployed", "version 2 was deployed"]


def test_a_deploy_is_not_warmed_by_default(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.hello)["id"]
    assert api.receipt(function_id)["coldStart"] is True


def test_a_call_and_then_silence_can_be_read_in_the_events(api: Client, bench: Workbench,
                                                           pool: Grpcurl) -> None:
    function_id = bench.create(NODE.hello, idleTimeout=1000)["id"]
    assert api.receipt(function_id)["coldStart"] is True
    wait_until(lambda: len(actions(pool, function_id)) == 3, 15, "three events")
    assert actions(pool, function_id) == [("start", "on-demand"), ("warm", ""), ("retire", "idle")]
    [start, _, retire] = events(pool, function_id)
    assert (start["instances"], start["memory"]) == (1, 128)
    assert retire["idle"] > 1000
    assert "limit 1 s; 0 instances stay" in retire["detail"]


def test_only_newer_events_are_listed(pool: Grpcurl) -> None:
    everything = pool.call(EVENTS)
    assert everything["pool_id"].startswith("pool-")
    second = int(everything["events"][1]["sequence"])
    assert int(pool.call(EVENTS, {"after": second})["events"][0]["sequence"]) == second + 1
    assert "after" in pool.fail(EVENTS, {"after": -1})

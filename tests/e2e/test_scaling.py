"""The scaler at work: load makes it ask for instances, and it says why."""

import concurrent.futures
from collections.abc import Iterator

import pytest

from harness.client import Client
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE
from harness.grpcurl import Grpcurl
from harness.wait import wait_until
from harness.workbench import Workbench

STATUS = "serverless.scaler.v1.ScalerService/GetStatus"


@pytest.fixture(scope="module")
def eager() -> Iterator[Cluster]:
    """Evaluates ten times a second."""
    with own_cluster({"scaler": {"evaluation_interval": "100ms"}}) as cluster:
        yield cluster


@pytest.fixture
def api(eager: Cluster) -> Client:
    return eager.api


@pytest.fixture
def grpc(eager: Cluster) -> Grpcurl:
    return Grpcurl(eager.grpc_address)


def decisions(grpc: Grpcurl, function_id: str) -> list[dict]:
    recent = grpc.call(STATUS).get("recent", [])
    return [decision for decision in recent if decision["functionId"] == function_id]


def test_spare_instances_are_warmed_while_some_are_busy(api: Client, grpc: Grpcurl,
                                                        bench: Workbench, eager: Cluster) -> None:
    function = bench.create(NODE.sleep)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function["id"], {"ms": 1500})
        wait_until(lambda: api.metrics_of(function["id"]).get("warm") == 2, 10,
                   "two warm instances beside the busy one")
        assert not running.done()
        assert running.result().status == 200
    [*_, first] = decisions(grpc, function["id"])
    assert first["reason"] == "low-warm"
    assert (first["current"], first["desired"], first["busy"]) == (1, 3, 1)
    assert first["applied"] is True and first["functionName"] == function["name"]
    assert f"[AUTOSCALER] scale up function_id={function['id']}" in eager.programs["scaler"].log()


def test_max_instances_bounds_the_scaler(api: Client, grpc: Grpcurl, bench: Workbench) -> None:
    function = bench.create(NODE.sleep, maxInstances=1)
    evaluations = grpc.call(STATUS)["evaluations"]
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        calls = [threads.submit(api.receipt, function["id"], {"ms": 50}) for _ in range(20)]
        for call in calls:
            call.result()
    wait_until(lambda: grpc.call(STATUS)["evaluations"] > evaluations + 2, 10, "evaluations")
    assert decisions(grpc, function["id"]) == []
    assert len(api.instances_of(function["id"])) == 1


def test_function_that_throws_is_not_scaled_for_it(api: Client, grpc: Grpcurl,
                                                   bench: Workbench) -> None:
    function = bench.create(NODE.misbehave)
    evaluations = grpc.call(STATUS)["evaluations"]
    for _ in range(20):
        assert api.invoke(function["id"], {"do": "throw"}).status == 502
    wait_until(lambda: grpc.call(STATUS)["evaluations"] > evaluations + 2, 10, "evaluations")
    reasons = {decision["reason"] for decision in decisions(grpc, function["id"])}
    assert reasons <= {"low-warm"}


def test_idle_functions_are_left_alone(api: Client, grpc: Grpcurl, bench: Workbench) -> None:
    function = bench.create(NODE.hello)
    api.post(f"/functions/{function['id']}/warm")
    evaluations = grpc.call(STATUS)["evaluations"]
    wait_until(lambda: grpc.call(STATUS)["evaluations"] > evaluations + 2, 10, "evaluations")
    assert decisions(grpc, function["id"]) == []

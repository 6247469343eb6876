"""Calls that are not let in, and functions that share a node."""

import concurrent.futures
from typing import Any

from harness.client import Answer, Client, expect_error, wait_until_accepted
from harness.cluster import own_cluster
from harness.functions import NODE
from harness.grpcurl import Grpcurl
from harness.load import Load
from harness.wait import wait_until, wait_until_equal
from harness.workbench import Workbench

INVOKE = "serverless.router.v1.RouterService/Invoke"


def expect_refusal(answer: Answer, status: int, code: str) -> None:
    error = expect_error(answer, status, code)
    assert error["executed"] == "no" and error["retryable"] is True, error
    assert int(answer.headers["Retry-After"]) >= 1


def wait_busy(api: Client, function_id: str) -> None:
    wait_until_equal(lambda: api.metrics_of(function_id).get("busy"), 1, 20, "busy instances")


def test_rate_limit_of_a_function(api: Client, grpc: Grpcurl, bench: Workbench) -> None:
    function_id = bench.create(NODE.hello, rateLimit=0.02, rateBurst=2)["id"]
    api.receipt(function_id)
    api.receipt(function_id)
    refused = api.invoke(function_id)
    expect_refusal(refused, 429, "RATE_LIMITED")
    # One call in fifty seconds.
    assert int(refused.headers["Retry-After"]) <= 50
    said = grpc.fail(INVOKE, {"function": function_id})
    assert "ResourceExhausted" in said and "RATE_LIMITED" in said and "retryAfter" in said
    assert api.metrics_of(function_id)["refusals"] == {"RATE_LIMITED": 2}

    assert api.request("PATCH", f"/functions/{function_id}", {"rateLimit": 0}).status == 200
    wait_until_accepted(lambda: api.invoke(function_id), lambda answer: answer.status == 200,
                        "the limit is gone")


def test_concurrency_limit_of_a_function(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.sleep, concurrencyLimit=1)["id"]
    api.receipt(function_id, {"ms": 0})
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 4000})
        wait_busy(api, function_id)
        expect_refusal(api.invoke(function_id, {"ms": 0}), 429, "CONCURRENCY_LIMIT")
        assert running.result().status == 200
    api.receipt(function_id, {"ms": 0})
    assert api.metrics_of(function_id)["refusals"] == {"CONCURRENCY_LIMIT": 1}


def test_limits_are_shown_with_their_defaults(bench: Workbench) -> None:
    shown = bench.create(NODE.hello)
    assert (shown["concurrencyLimit"], shown["rateLimit"], shown["rateBurst"]) == (0, 0, 0)


def test_each_client_has_a_rate() -> None:
    with own_cluster({
        "router": {"client_rate_limit": 0.01, "client_rate_burst": 2},
        "gateway": {"client_id_header": "X-Client-Id"},
    }) as cluster:
        function_id = Workbench(cluster.api).create(NODE.hello)["id"]

        def call(client: str) -> Answer:
            return cluster.api.invoke(function_id, headers={"X-Client-Id": client})

        assert [call("alice").status for _ in range(2)] == [200, 200]
        expect_refusal(call("alice"), 429, "RATE_LIMITED")
        assert call("bob").status == 200


def test_bytes_of_events_are_bounded() -> None:
    megabytes = 1024 * 1024
    with own_cluster({"router": {"queue_bytes": 12 * megabytes}}) as cluster:
        api, bench = cluster.api, Workbench(cluster.api)
        first, second, third = (bench.create(NODE.sleep)["id"] for _ in range(3))

        def event(ms: int) -> dict[str, Any]:
            return {"ms": ms, "padding": "x" * (5 * megabytes)}

        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            running = []
            for function_id in (first, second):
                running.append(threads.submit(api.invoke, function_id, event(8000)))
                wait_busy(api, function_id)
            # A function may hold half of it.
            expect_refusal(api.invoke(first, event(0)), 429, "QUEUE_FULL")
            expect_refusal(api.invoke(third, event(0)), 503, "NO_CAPACITY")
            # What is small still fits.
            api.receipt(third, {"ms": 0})
            assert api.metrics_of(first)["queueBytes"] > 5 * megabytes
            assert all(call.result().status == 200 for call in running)
        api.receipt(third, event(0))
        assert api.metrics_of(first)["queueBytes"] == 0


def test_flood_of_one_function_leaves_others_their_share() -> None:
    with own_cluster({"pool": {"max_instances": 2}, "router": {"queue_wait": "20s"}}) as cluster:
        api, bench = cluster.api, Workbench(cluster.api)
        flooded = bench.create(NODE.sleep)["id"]
        calm = bench.create(NODE.hello)["id"]
        with Load(lambda: api.invoke(flooded, {"ms": 50}), threads=8) as flood:
            wait_until(lambda: api.metrics_of(flooded).get("queueDepth", 0) > 0, 20, "a queue")
            before = flood.answered()
            # Each finds the node full of instances that are never idle.
            for _ in range(10):
                api.receipt(calm)
            assert flood.answered() > before
        assert set(flood.kinds()) == {"ok"}, flood.kinds()

"""What happens when there is not enough of something."""

import concurrent.futures
from collections import Counter
from collections.abc import Iterator

import pytest

from harness.client import Client, expect_error
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE
from harness.wait import wait_until_equal
from harness.workbench import Workbench


@pytest.fixture(scope="module")
def small() -> Iterator[Cluster]:
    """Two instances in all, two calls waiting for at most half a second."""
    with own_cluster({
        "pool": {"max_instances": 2},
        "router": {"queue_depth": 2, "queue_wait": "500ms"},
    }) as cluster:
        yield cluster


@pytest.fixture
def api(small: Cluster) -> Client:
    return small.api


def wait_busy(api: Client, function_id: str, count: int) -> None:
    wait_until_equal(lambda: api.metrics_of(function_id).get("busy"), count, 10, "busy instances")


def test_full_queue_refuses_with_retry_after(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.sleep, maxInstances=1)["id"]
    api.receipt(function_id, {"ms": 0})
    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 1000})
        wait_busy(api, function_id, 1)
        waiting = [threads.submit(api.invoke, function_id, {"ms": 0}) for _ in range(8)]
        answers = [call.result() for call in waiting]
        assert running.result().status == 200
    codes = Counter(answer.error["code"] for answer in answers)
    # Two wait until their time is over, the others are refused at once.
    assert codes == {"QUEUE_FULL": 6, "QUEUE_TIMEOUT": 2}
    for answer in answers:
        if answer.error["code"] == "QUEUE_FULL":
            error = expect_error(answer, 429, "QUEUE_FULL")
            assert error["retryable"] is True and error["executed"] == "no"
            assert int(answer.headers["Retry-After"]) >= 1
    # Both kinds were refused for want of an instance.
    assert api.metrics_of(function_id)["rejected"] == 8


def test_call_that_waits_too_long_is_given_up(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.sleep, maxInstances=1)["id"]
    api.receipt(function_id, {"ms": 0})
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 1500})
        wait_busy(api, function_id, 1)
        error = expect_error(api.invoke(function_id, {"ms": 0}), 504, "QUEUE_TIMEOUT")
        assert error["executed"] == "no" and error["retryable"] is True
        assert running.result().status == 200


def test_full_node_is_no_capacity(api: Client, bench: Workbench) -> None:
    busy_id = bench.create(NODE.sleep, maxInstances=2)["id"]
    other_id = bench.create(NODE.hello)["id"]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        running = [threads.submit(api.invoke, busy_id, {"ms": 2500}) for _ in range(2)]
        wait_busy(api, busy_id, 2)
        answer = api.invoke(other_id)
        error = expect_error(answer, 503, "NO_CAPACITY")
        assert error["executed"] == "no" and error["retryable"] is True
        assert int(answer.headers["Retry-After"]) >= 1
        warm = api.post(f"/functions/{other_id}/warm")
        expect_error(warm, 503, "NO_CAPACITY")
        assert all(call.result().status == 200 for call in running)


def test_free_instances_make_room_for_others(api: Client, bench: Workbench) -> None:
    for _ in range(4):
        function_id = bench.create(NODE.hello)["id"]
        assert api.receipt(function_id)["coldStart"] is True


def test_waiting_calls_are_served_in_order(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.count, maxInstances=1)["id"]
    assert api.receipt(function_id)["body"] == 1
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        bodies = sorted(threads.map(lambda _: api.receipt(function_id)["body"], range(3)))
    assert bodies == [2, 3, 4]

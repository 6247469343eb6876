"""Instances: warm-up, minimum and maximum, reuse, expiry."""

import concurrent.futures
import time
from collections.abc import Iterator

import pytest

from harness.client import Client, expect_error
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE, Runtime
from harness.program import is_alive
from harness.wait import wait_until, wait_until_equal
from harness.workbench import Workbench


def states(api: Client, function_id: str) -> list[str]:
    return sorted(instance["state"] for instance in api.instances_of(function_id))


@pytest.mark.parametrize("how", ["body", "query", "default"])
def test_warm_waits_until_instances_are_warm(api: Client, bench: Workbench, runtime: Runtime,
                                             how: str) -> None:
    function_id = bench.create(runtime.count, runtime)["id"]
    path = f"/functions/{function_id}/warm"
    count = 1 if how == "default" else 3
    answer = (api.post(path, {"count": 3}) if how == "body" else
              api.post(f"{path}?count=3") if how == "query" else api.post(path))
    assert answer.status == 200, str(answer)
    assert answer.json == {"functionId": function_id, "requested": count, "warmed": count,
                           "total": count, "warm": count}
    assert states(api, function_id) == ["warm"] * count
    receipt = api.receipt(function_id)
    assert (receipt["coldStart"], receipt["phases"]["start"]) == (False, 0)


def test_warm_is_bounded_by_max_instances(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.hello, maxInstances=2)["id"]
    answer = api.post(f"/functions/{function_id}/warm", {"count": 5})
    assert answer.status == 200, str(answer)
    assert (answer.json["requested"], answer.json["warmed"], answer.json["total"]) == (5, 2, 2)


@pytest.mark.parametrize("body", [{"count": 0}, {"count": -1}, {"count": 1001}, {"count": "x"},
                                  {"cuont": 1}])
def test_wrong_count_is_named(api: Client, bench: Workbench, body: dict) -> None:
    function_id = bench.create(NODE.hello)["id"]
    error = expect_error(api.post(f"/functions/{function_id}/warm", body), 400, "INVALID_ARGUMENT")
    assert [detail["field"] for detail in error["details"]] == list(body)


def test_warming_code_that_cannot_be_loaded(api: Client, bench: Workbench) -> None:
    function_id = bench.create("throw new Error('at load')")["id"]
    answer = api.post(f"/functions/{function_id}/warm")
    error = expect_error(answer, 502, "FUNCTION_INIT_FAILED")
    assert "at load" in error["message"]


def test_min_instances_are_warm_before_the_first_call(api: Client, bench: Workbench,
                                                      runtime: Runtime) -> None:
    function_id = bench.create(runtime.hello, runtime, minInstances=2)["id"]
    wait_until_equal(lambda: states(api, function_id), ["warm", "warm"], 15, "instances")
    assert api.receipt(function_id)["coldStart"] is False


def test_instances_are_described(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(runtime.hello, runtime)
    receipt = api.receipt(function["id"])
    answer = api.get(f"/functions/{function['name']}/instances")
    assert answer.json["functionId"] == function["id"]
    [instance] = answer.json["instances"]
    assert instance["id"] == receipt["instanceId"]
    assert (instance["state"], instance["version"], instance["invocations"]) == ("warm", 1, 1)
    assert instance["age"] >= instance["idle"] >= 0
    assert 1 < instance["memory"] < 128


def test_busy_instance_is_seen(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function_id = bench.create(runtime.sleep, runtime)["id"]
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 800})
        wait_until_equal(lambda: states(api, function_id), ["busy"], 10, "instances")
        metrics = api.metrics_of(function_id)
        assert (metrics["total"], metrics["warm"], metrics["busy"]) == (1, 0, 1)
        assert running.result().status == 200
    assert states(api, function_id) == ["warm"]


def test_max_instances_is_never_exceeded(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function_id = bench.create(runtime.sleep, runtime, maxInstances=2)["id"]
    most = 0
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(api.receipt, function_id, {"ms": 100}) for _ in range(8)]
        while not all(call.done() for call in calls):
            most = max(most, len(api.instances_of(function_id)))
        used = {call.result()["instanceId"] for call in calls}
    assert len(used) == 2
    assert most == 2


def test_the_last_used_instance_is_used_next(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.count)["id"]
    api.post(f"/functions/{function_id}/warm", {"count": 3})
    assert [api.receipt(function_id)["body"] for _ in range(4)] == [1, 2, 3, 4]


def test_reuse_never_gives_every_call_a_fresh_instance(api: Client, bench: Workbench,
                                                       runtime: Runtime) -> None:
    function_id = bench.create(runtime.count, runtime, reuse="never")["id"]
    receipts = [api.receipt(function_id) for _ in range(3)]
    assert [receipt["body"] for receipt in receipts] == [1, 1, 1]
    assert len({receipt["instanceId"] for receipt in receipts}) == 3


def test_change_replaces_instances_without_failing_a_call(api: Client, bench: Workbench,
                                                          runtime: Runtime) -> None:
    function_id = bench.create(runtime.environment, runtime, environment={"V": "0"})["id"]
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        for version in range(1, 5):
            calls = [threads.submit(api.receipt, function_id, {"name": "V"}) for _ in range(6)]
            answer = api.request("PATCH", f"/functions/{function_id}",
                                 {"environment": {"V": str(version)}})
            assert answer.status == 200, str(answer)
            assert {call.result()["body"] for call in calls} <= {str(version - 1), str(version)}

    # An instance of an old version may be left over, waiting for calls of just
    # that version; others never reach it.
    api.receipt_of_version(function_id, 5, {"name": "V"})
    for _ in range(20):
        assert api.receipt(function_id, {"name": "V"})["body"] == "4"


class TestExpiry:
    """Cleanup, on a platform where everything is short-lived."""

    @pytest.fixture(scope="class")
    def fleeting(self) -> Iterator[Cluster]:
        with own_cluster({"pool": {"idle_timeout": "1s", "cleanup_interval": "100ms",
                                   "max_age": "300s"},
                          "scaler": {"policies": "windows,schedules"}}) as cluster:
            yield cluster

    @pytest.fixture
    def api(self, fleeting: Cluster) -> Client:
        return fleeting.api

    def test_idle_instances_are_stopped(self, api: Client, bench: Workbench, runtime: Runtime,
                                        fleeting: Cluster) -> None:
        function_id = bench.create(runtime.hello, runtime)["id"]
        api.receipt(function_id)
        pids = fleeting.instance_pids()
        assert pids
        wait_until_equal(lambda: states(api, function_id), [], 5, "instances")
        wait_until(lambda: not any(map(is_alive, pids)), 5, "its process is gone")
        assert api.receipt(function_id)["coldStart"] is True

    def test_used_instances_stay(self, api: Client, bench: Workbench) -> None:
        function_id = bench.create(NODE.count)["id"]
        started = time.monotonic()
        calls = 0
        while time.monotonic() - started < 2:
            calls += 1
            assert api.receipt(function_id)["body"] == calls

    def test_min_instances_stay(self, api: Client, bench: Workbench) -> None:
        lasting = bench.create(NODE.hello, minInstances=1)["id"]
        passing = bench.create(NODE.hello)["id"]
        assert api.post(f"/functions/{passing}/warm", {"count": 2}).status == 200
        wait_until_equal(lambda: states(api, passing), [], 5, "instances")
        assert states(api, lasting) == ["warm"]

    def test_function_has_its_own_idle_timeout(self, api: Client, bench: Workbench) -> None:
        patient = bench.create(NODE.hello, idleTimeout=60000)["id"]
        passing = bench.create(NODE.hello)["id"]
        api.receipt(patient)
        api.receipt(passing)
        wait_until_equal(lambda: states(api, passing), [], 5, "instances")
        assert states(api, patient) == ["warm"]

    def test_old_instances_are_replaced_and_never_under_a_call(self, api: Client,
                                                               bench: Workbench) -> None:
        function_id = bench.create(NODE.sleep, maxAge=1000, minInstances=1)["id"]
        first = api.receipt(function_id, {"ms": 1500})
        wait_until(lambda: {i["id"] for i in api.instances_of(function_id) if i["state"] == "warm"}
                   - {first["instanceId"]}, 10, "a replacement")
        assert api.receipt(function_id, {"ms": 0})["coldStart"] is False

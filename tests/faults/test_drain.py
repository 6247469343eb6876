"""SIGTERM: every process finishes what it has begun, and leaves nothing behind."""

import concurrent.futures
import signal
import time
from collections.abc import Iterator

import pytest

from harness.client import Client
from harness.cluster import SERVICES, Cluster, own_cluster
from harness.functions import RUNTIMES, Runtime
from harness.load import Load
from harness.program import is_alive
from harness.wait import wait_until
from harness.workbench import Workbench


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster() as running:
        yield running


@pytest.fixture
def api(cluster: Cluster) -> Client:
    return cluster.api


def wait_busy(api: Client, function_id: str) -> None:
    wait_until(lambda: api.metrics_of(function_id).get("busy") == 1, 10, "the call runs")


@pytest.mark.parametrize("name", [*SERVICES, "gateway"])
def test_running_call_ends_normally(api: Client, bench: Workbench, cluster: Cluster,
                                    name: str) -> None:
    runtime = RUNTIMES[0]
    function_id = bench.create(runtime.sleep, runtime)["id"]
    api.receipt(function_id, {"ms": 0})
    program = cluster.programs[name]
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 1500})
        wait_busy(api, function_id)
        program.end(signal.SIGTERM)
        answer = running.result()
    assert answer.status == 200, f"{name} was told to stop, and the call failed: {answer}"
    assert answer.json["body"] == 1500
    program.join(10)
    assert program.exit_codes[-1] == 0
    program.start()
    cluster.wait_healthy(10)


@pytest.mark.parametrize("name", ["registry", "scaler"])
def test_restart_of_what_calls_do_not_need(api: Client, bench: Workbench, cluster: Cluster,
                                           name: str) -> None:
    runtime = RUNTIMES[1]
    function_id = bench.create(runtime.echo, runtime)["id"]
    api.receipt(function_id)
    with Load(lambda: api.invoke(function_id, {"a": 1}), threads=2) as load:
        for _ in range(2):
            program = cluster.programs[name]
            program.end(signal.SIGTERM)
            program.join(15)
            assert program.exit_codes[-1] == 0
            program.start()
            cluster.wait_healthy(10)
        assert load.answered() > 0
    assert set(load.kinds()) == {"ok"}, load.kinds()


def test_gateway_says_that_it_drains(api: Client, bench: Workbench, cluster: Cluster,
                                     runtime: Runtime) -> None:
    """A request in flight keeps it alive; it takes no new ones."""
    function_id = bench.create(runtime.sleep, runtime)["id"]
    api.receipt(function_id, {"ms": 0})
    program = cluster.programs["gateway"]
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 1000})
        wait_busy(api, function_id)
        program.end(signal.SIGTERM)
        assert program.is_running()
        assert running.result().status == 200
    program.join(10)
    program.start()
    cluster.wait_healthy(10)


def test_second_signal_ends_the_wait(api: Client, bench: Workbench, cluster: Cluster) -> None:
    runtime = RUNTIMES[0]
    function_id = bench.create(runtime.sleep, runtime)["id"]
    api.receipt(function_id, {"ms": 0})
    program = cluster.programs["router"]
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 20000})
        wait_busy(api, function_id)
        # The log may tell of earlier drains; two signals at once would be one.
        drains = program.log().count("draining")
        program.end(signal.SIGTERM)
        wait_until(lambda: program.log().count("draining") > drains, 5, "the router drains")
        started = time.monotonic()
        program.kill(signal.SIGTERM)
        program.join(5)
        assert time.monotonic() - started < 4
        answer = running.result(timeout=5)
        assert answer.status in (502, 503), str(answer)
    program.start()
    cluster.wait_healthy(10)


def test_nothing_is_left_behind() -> None:
    with own_cluster() as cluster:
        workbench = Workbench(cluster.api)
        for runtime in RUNTIMES:
            function_id = workbench.create(runtime.hello, runtime)["id"]
            cluster.api.receipt(function_id)
            cluster.api.post(f"/functions/{function_id}/warm", {"count": 2})
        instances = cluster.instance_pids()
        assert len(instances) == 6
        started = time.monotonic()
        assert cluster.stop() == dict.fromkeys(cluster.programs, 0)
        assert time.monotonic() - started < 10, "there was nothing to wait for"
        assert not any(map(is_alive, instances))
        assert cluster.instance_pids() == []
        assert cluster.sandbox_pids() == []
        assert cluster.sandbox_cgroups() == []
        # And everything is still there when it starts again.
        names = {function["name"] for function in start_again(cluster).list_functions()}
        assert len(names) == 2


def start_again(cluster: Cluster) -> Client:
    cluster.start()
    return cluster.api

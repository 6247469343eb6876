"""A process stays away: what still works, and what is said about the rest."""

import concurrent.futures
import datetime
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.client import Client, expect_error, unique
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE, Runtime
from harness.grpcurl import Grpcurl
from harness.program import is_alive
from harness.wait import wait_until, wait_until_equal
from harness.workbench import Workbench


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster({"router": {"queue_wait": "1s"}}) as running:
        yield running


@pytest.fixture
def api(cluster: Cluster) -> Client:
    return cluster.api


@contextmanager
def without(cluster: Cluster, name: str) -> Iterator[None]:
    """The process is away inside the block."""
    program = cluster.programs[name]
    program.end(signal.SIGKILL)
    program.join()
    try:
        yield
    finally:
        program.start()
        cluster.wait_healthy(10)


def health(api: Client) -> tuple[int, str, str]:
    answer = api.get("/health")
    services = answer.json["services"]
    return answer.status, answer.json["status"], ",".join(
        sorted(name for name, state in services.items() if state != "ok"))


def test_without_the_registry_known_functions_run(api: Client, bench: Workbench, cluster: Cluster,
                                                  runtime: Runtime) -> None:
    wait_for_feed(cluster)
    unused = bench.create(runtime.unlike_others(runtime.hello), runtime)
    warm = bench.create(runtime.hello, runtime)
    cold = bench.create(runtime.hello, runtime, reuse="never")
    for function in (warm, cold):
        api.receipt(function["id"])
    wait_for_code(cluster, unused["codeSha256"])
    with without(cluster, "registry"):
        wait_until(lambda: health(api) == (200, "degraded", "registry"), 5, "health shows it")
        for reference in (warm["id"], warm["name"]):
            assert api.receipt(reference)["coldStart"] is False
        for function in (cold, unused):
            for reference in (function["id"], function["name"]):
                assert api.receipt(reference)["body"] == {"message": "Hello"}
        assert api.post(f"/functions/{unused['id']}/warm").status == 200
        assert api.get(f"/functions/{warm['id']}/instances").status == 200

        for method, path, body in (
                ("GET", "/functions", None), ("GET", f"/functions/{warm['id']}", None),
                ("POST", "/functions", bench.definition(NODE.hello)),
                ("PATCH", f"/functions/{warm['id']}", {"memory": 64}),
                ("DELETE", f"/functions/{warm['id']}", None)):
            error = expect_error(api.request(method, path, body), 503, "UNAVAILABLE")
            assert error["retryable"] is True
            assert "registry" in error["message"]
        # Nobody can say whether it exists.
        error = expect_error(api.invoke(unique("unknown")), 503, "UNAVAILABLE")
        assert error["executed"] == "no"
    assert api.get(f"/functions/{warm['id']}").json == warm
    assert bench.create(NODE.hello)["version"] == 1


def wait_for_feed(cluster: Cluster) -> None:
    """Pool and router hear of changes again, after an earlier outage."""
    for name in ("pool", "router"):
        log = cluster.programs[name].log
        wait_until(lambda log=log: log().count("registry feed lost") == log().count(
            "registry is back"), 10, f"the {name} follows the registry")


def wait_for_code(cluster: Cluster, sha256: str) -> None:
    """The pool fetches the code of new functions ahead of their first call."""
    wait_until(lambda: any(sha256 in str(path) for path in
                           (cluster.state_dir / "pool").rglob("*")), 10,
               "the pool has the code")


def test_without_the_pool(api: Client, bench: Workbench, cluster: Cluster) -> None:
    function = bench.create(NODE.hello)
    api.receipt(function["id"])
    with without(cluster, "pool"):
        assert health(api) == (200, "degraded", "pool")
        error = expect_error(api.invoke(function["id"]), 503, "UNAVAILABLE")
        assert error["retryable"] is True and error["executed"] == "no"
        for method, path in (("POST", f"/functions/{function['id']}/warm"),
                             ("GET", f"/functions/{function['id']}/instances"),
                             ("GET", "/metrics")):
            expect_error(api.request(method, path), 503, "UNAVAILABLE")
        assert api.get(f"/functions/{function['id']}").json == function
        text = api.get("/metrics", headers={"Accept": "text/plain"})
        assert text.status == 200 and b'so_source_up{service="pool"} 0' in text.body
    wait_until(lambda: api.invoke(function["id"]).status == 200, 5, "calls work again")


def test_without_the_router(api: Client, bench: Workbench, cluster: Cluster) -> None:
    function = bench.create(NODE.hello)
    with without(cluster, "router"):
        assert health(api) == (503, "unavailable", "router")
        assert api.get("/health/ready").status == 503
        assert api.get("/health/live").status == 200
        error = expect_error(api.invoke(function["id"]), 503, "UNAVAILABLE")
        assert error["retryable"] is True and error["executed"] == "no"
        assert api.get(f"/functions/{function['id']}").json == function
        assert api.post(f"/functions/{function['id']}/warm").json["warmed"] == 1
        assert api.get("/metrics").status == 200
    # The new router finds the instance that is already warm.
    assert wait_until(lambda: api.invoke(function["id"]), 5, "answer").json["coldStart"] is False


def test_without_the_scaler(api: Client, bench: Workbench, cluster: Cluster) -> None:
    function = bench.create(NODE.hello)
    with without(cluster, "scaler"):
        assert health(api) == (200, "degraded", "scaler")
        assert api.receipt(function["id"])["coldStart"] is True
        said = Grpcurl(cluster.grpc_address).fail("serverless.scaler.v1.ScalerService/GetStatus")
        assert "Unavailable" in said


def test_pool_keeps_itself_when_the_scaler_is_gone() -> None:
    """What the scaler wanted runs out, what the function wants stays; and back again."""
    flags: dict = {"pool": {"idle_timeout": "1s", "cleanup_interval": "100ms"},
                   "scaler": {"evaluation_interval": "200ms"}}
    begun = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=2)
    window = {"start": f"{begun.minute} {begun.hour} * * *", "duration": 3600000, "instances": 3}
    with own_cluster(flags) as cluster:
        function = Workbench(cluster.api).create(NODE.hello, minInstances=1,
                                                 scaling={"windows": [window]})

        def instances() -> int:
            return len(cluster.api.instances_of(function["id"]))

        wait_until_equal(instances, 3, 10, "instances in the window")
        with without(cluster, "scaler"):
            wait_until_equal(instances, 1, 30, "instances without a scaler")
            assert cluster.api.receipt(function["id"])["coldStart"] is False
        wait_until_equal(instances, 3, 30, "instances with the scaler back")


def test_everything_starts_in_any_order() -> None:
    with own_cluster() as cluster:
        cluster.stop()
        for name in ("gateway", "scaler", "router", "pool", "launcher", "registry"):
            cluster.programs[name].start()
        cluster.wait_healthy(20)
        workbench = Workbench(cluster.api)
        function = workbench.create(NODE.hello)
        wait_until(lambda: cluster.api.invoke(function["id"]).status == 200, 5, "calls work")


def test_instances_die_with_their_pool(api: Client, bench: Workbench, cluster: Cluster,
                                       runtime: Runtime) -> None:
    function = bench.create(runtime.hello, runtime)
    api.post(f"/functions/{function['id']}/warm", {"count": 2})
    pids = cluster.instance_pids()
    assert len(pids) >= 2
    with without(cluster, "pool"):
        wait_until(lambda: not any(map(is_alive, pids)), 5, "no instance is alive")
        wait_until(lambda: cluster.sandbox_pids() == [], 5, "no sandbox is left")


def test_without_the_launcher(api: Client, bench: Workbench, cluster: Cluster) -> None:
    function = bench.create(NODE.sleep)
    api.receipt(function["id"], {"ms": 0})
    pids = cluster.instance_pids()
    assert pids
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function["id"], {"ms": 20000})
        wait_until(lambda: states(api, function["id"]) == ["busy"], 5, "it runs")
        with without(cluster, "launcher"):
            error = expect_error(running.result(timeout=5), 502, "INSTANCE_LOST")
            assert error["executed"] == "maybe"
            wait_until(lambda: not any(map(is_alive, pids)), 5, "no instance is alive")
            wait_until(lambda: health(api) == (200, "degraded", "pool"), 5, "the pool says so")
            assert "launcher" in api.get("/health").json["problems"][0]
            error = expect_error(api.invoke(function["id"], {"ms": 0}), 503, "UNAVAILABLE")
            assert error["retryable"] is True and error["executed"] == "no"
    wait_until(lambda: api.invoke(function["id"], {"ms": 0}).status == 200, 5, "calls work again")


def states(api: Client, function: str) -> list[str]:
    return [instance["state"] for instance in api.instances_of(function)]

"""kill -9 of each process under load: it comes back, and nothing is lost."""

import concurrent.futures
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from harness.client import OUTAGE_CODES, Client, unique
from harness.cluster import STOP_ORDER, Cluster, own_cluster
from harness.functions import PYTHON, RUNTIMES
from harness.load import Load
from harness.program import is_alive
from harness.wait import wait_until

# What a supervisor needs to restart it, and the others to find it again.
RECOVERY_SECONDS = 10


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster(restart=True) as running:
        yield running


@pytest.fixture(scope="module")
def known(cluster: Cluster) -> list[str]:
    """Functions that have been registered and called before anything breaks."""
    names = []
    for runtime in RUNTIMES:
        name = unique("known")
        answer = cluster.api.post("/functions", {
            "name": name, "runtime": runtime.name, "handler": runtime.handler,
            "code": runtime.sleep})
        assert answer.status == 201, str(answer)
        assert cluster.api.receipt(name, {"ms": 0})["body"] == 0
        names.append(name)
    return names


class Writer:
    """Creates functions, and remembers those that were answered with 201."""

    def __init__(self, api: Client):
        self.api = api
        self.acknowledged: list[str] = []

    def create(self):
        name = unique("written")
        answer = self.api.post("/functions", {
            "name": name, "runtime": "python", "handler": "main.handler", "code": PYTHON.hello})
        if answer.status == 201:
            self.acknowledged.append(name)
        return answer


def invoking(api: Client, names: list[str]):
    """A call of one function after the other."""
    turns, lock = itertools.cycle(names), threading.Lock()

    def call():
        with lock:
            name = next(turns)
        return api.invoke(name, {"ms": 20})

    return call


def assert_clear(load: Load, victim: str) -> None:
    """Whatever went wrong was said in a way that a client can act on."""
    for kind in load.kinds():
        if kind == "ok":
            continue
        if kind.startswith("connection"):
            assert victim == "gateway", f"{kind} while {victim} was killed: {load.kinds()}"
        else:
            assert kind.split()[1] in OUTAGE_CODES, f"{kind}: {load.kinds()}"
    for outcome in load.outcomes:
        if outcome.answer is not None and outcome.answer.status >= 400:
            assert outcome.answer.error.get("executed", "no") in ("no", "maybe"), outcome


@pytest.mark.parametrize("victim", STOP_ORDER)
def test_kill_under_load(cluster: Cluster, known: list[str], victim: str) -> None:
    api = cluster.api
    cluster.wait_healthy(RECOVERY_SECONDS)
    writer = Writer(api)
    old_pid = cluster.programs[victim].pid
    old_instances = cluster.instance_pids()

    with Load(invoking(api, known), threads=4) as calls, Load(writer.create, threads=2) as writes:
        wait_until(lambda: calls.answered() > 50 and writes.answered() > 5, 20, "load")
        cluster.programs[victim].kill()
        wait_until(lambda: not is_alive(old_pid), 5, f"{victim} is dead")
        recovery = cluster.wait_healthy(RECOVERY_SECONDS)
        recovered = time.monotonic()
        wait_until(lambda: calls.kinds(recovered)["ok"] > 50 and writes.kinds(recovered)["ok"] > 5,
                   20, f"calls and writes go on; since {victim} is back: "
                   f"{calls.kinds(recovered)}, {writes.kinds(recovered)}")
    print(f"{victim}: healthy after {recovery:.2f} s; calls {dict(calls.kinds())}; "
          f"writes {dict(writes.kinds())}")

    assert cluster.programs[victim].pid != old_pid
    assert_clear(calls, victim)
    assert_clear(writes, victim)
    if victim in ("registry", "scaler"):
        assert set(calls.kinds()) == {"ok"}, f"calls need no {victim}: {calls.kinds()}"
    if victim in ("scaler", "router"):
        assert set(writes.kinds()) == {"ok"}, f"writes need no {victim}: {writes.kinds()}"
    if victim in ("pool", "launcher"):
        wait_until(lambda: not any(map(is_alive, old_instances)), 5,
                   f"the instances died with the {victim}")

    registered = {function["name"] for function in api.list_functions()}
    lost = set(writer.acknowledged) - registered
    assert not lost, f"{len(lost)} of {len(writer.acknowledged)} functions are lost: {lost}"
    for name in writer.acknowledged[-3:]:
        assert api.receipt(name)["body"] == {"message": "Hello"}
    for name in writer.acknowledged:
        assert api.request("DELETE", f"/functions/{name}").status == 200


def test_call_in_an_instance_that_is_lost(cluster: Cluster, known: list[str]) -> None:
    """The pool dies under a running call: its caller hears of it at once."""

    api = cluster.api
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, known[0], {"ms": 20000})
        wait_until(lambda: any(m["busy"] for m in api.get("/metrics").json["metrics"]), 10,
                   "the call runs")
        started = time.monotonic()
        cluster.programs["pool"].kill()
        answer = running.result(timeout=10)
    assert time.monotonic() - started < 5
    assert (answer.status, answer.error["code"]) == (502, "INSTANCE_LOST"), str(answer)
    assert answer.error["executed"] == "maybe"
    cluster.wait_healthy(RECOVERY_SECONDS)


def test_all_at_once(cluster: Cluster, known: list[str]) -> None:
    """The power goes off: everything comes back, in any order."""
    for program in cluster.programs.values():
        program.kill()
    wait_until(lambda: cluster.is_healthy(), RECOVERY_SECONDS, "everything is back")
    for name in known:
        assert wait_until(lambda name=name: cluster.api.invoke(name, {"ms": 1}).status == 200,
                          RECOVERY_SECONDS, f"{name} answers")

"""Processes are killed, or stopped for a while, under load: every answer is still right.

The clients of harness/prober.py compare each answer with what was really executed, which
harness/executions.py sees on the host.
"""

import concurrent.futures
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.client import expect_error, unique
from harness.cluster import Cluster, own_cluster
from harness.executions import Executions
from harness.prober import Prober
from harness.program import is_alive
from harness.wait import wait_until

VICTIMS = ("router", "pool", "launcher", "instance")
# What a supervisor needs to restart it, and the others to find it again.
RECOVERY_SECONDS = 30
# A pause that nobody should take for the end.
SHORT_STOP_SECONDS = 2.5
# Longer than a silent peer is waited for, which is 15 s: see rpc/channel.h.
LONG_STOP_SECONDS = 25
LONGEST_WAIT_SECONDS = 20
QUEUE_WAIT_SECONDS = 10


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster({"router": {"queue_wait": f"{QUEUE_WAIT_SECONDS}s"}}, restart=True) as running:
        yield running


@pytest.fixture(scope="module")
def executions() -> Iterator[Executions]:
    seen = Executions()
    yield seen
    seen.close()


@pytest.fixture(scope="module")
def functions(cluster: Cluster, executions: Executions) -> list[str]:
    """Their timeout is above the short stop, and below the long one. One starts an instance for
    each call."""
    return [*(executions.create(cluster, runtime, timeout=5000)
              for runtime in ("node", "python", "go")),
            executions.create(cluster, "python", timeout=5000, reuse="never")]


def pid_of(cluster: Cluster, victim: str) -> int:
    if victim != "instance":
        return cluster.programs[victim].pid
    return wait_until(lambda: next(filter(is_first_process, cluster.instance_pids()), 0), 5,
                      "an instance")


def is_first_process(pid: int) -> bool:
    """Whether it is the first one of its pid namespace."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return any(line.startswith("NSpid:") and line.split()[-1] == "1"
               for line in status.splitlines())


def stop(pid: int, seconds: float) -> None:
    """Nothing of the process runs for a while."""
    os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        if is_alive(pid):  # An instance may have been killed meanwhile.
            os.kill(pid, signal.SIGCONT)


def settle(cluster: Cluster) -> None:
    """Whatever still runs has ended after that."""
    cluster.wait_healthy(RECOVERY_SECONDS)
    wait_until(lambda: not any(m["busy"] for m in cluster.api.get("/metrics").json["metrics"]),
               RECOVERY_SECONDS, "nothing runs any more")


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed(cluster: Cluster, functions: list[str], executions: Executions,
                victim: str) -> None:
    cluster.wait_healthy(RECOVERY_SECONDS)
    with Prober(cluster.api, functions, executions) as prober:
        prober.wait_right_again(50, RECOVERY_SECONDS)
        pid = pid_of(cluster, victim)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_alive(pid), 5, f"the {victim} is dead")
        took = prober.wait_right_again(100, RECOVERY_SECONDS)
    print(f"{victim} killed: right again after {took:.1f} s; {dict(prober.kinds())}")
    settle(cluster)
    prober.check()


@pytest.mark.parametrize("victim", VICTIMS)
def test_stopped_for_a_moment(cluster: Cluster, functions: list[str], executions: Executions,
                              victim: str) -> None:
    cluster.wait_healthy(RECOVERY_SECONDS)
    with Prober(cluster.api, functions, executions) as prober:
        prober.wait_right_again(50, RECOVERY_SECONDS)
        stop(pid_of(cluster, victim), SHORT_STOP_SECONDS)
        took = prober.wait_right_again(100, RECOVERY_SECONDS)
    print(f"{victim} stopped for {SHORT_STOP_SECONDS} s: right again {took:.1f} s later; "
          f"{dict(prober.kinds())}")
    settle(cluster)
    prober.check()
    # It is no end, and must not be taken for one.
    assert set(prober.kinds()) == {"ok"}, prober.kinds()


@pytest.mark.parametrize("victim", VICTIMS)
def test_stopped_for_long(cluster: Cluster, functions: list[str], executions: Executions,
                          victim: str) -> None:
    cluster.wait_healthy(RECOVERY_SECONDS)
    with Prober(cluster.api, functions, executions) as prober:
        prober.wait_right_again(50, RECOVERY_SECONDS)
        stop(pid_of(cluster, victim), LONG_STOP_SECONDS)
        took = prober.wait_right_again(100, RECOVERY_SECONDS)
    longest = prober.longest_wait()
    print(f"{victim} stopped for {LONG_STOP_SECONDS} s: right again {took:.1f} s later; "
          f"longest wait {longest:.1f} s; {dict(prober.kinds())}")
    settle(cluster)
    prober.check()
    # Nobody waits until it comes back.
    assert longest < LONGEST_WAIT_SECONDS, prober.kinds()


def test_registry_stopped_for_long(cluster: Cluster, functions: list[str],
                                   executions: Executions) -> None:
    """Calls do not need it, and writes do not wait for ever."""
    cluster.wait_healthy(RECOVERY_SECONDS)
    definition = {"name": unique("late"), "runtime": "node", "handler": "index.handler",
                  "code": "exports.handler = async () => 1"}
    pid = pid_of(cluster, "registry")
    with Prober(cluster.api, functions, executions) as prober:
        os.kill(pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            answer = cluster.api.post("/functions", definition)
            took = time.monotonic() - started
        finally:
            os.kill(pid, signal.SIGCONT)
    assert (answer.status, answer.error["code"]) in (
        (503, "UNAVAILABLE"), (504, "GATEWAY_TIMEOUT")), str(answer)
    assert took < LONGEST_WAIT_SECONDS
    prober.check()
    assert set(prober.kinds()) == {"ok"}, prober.kinds()
    # It may have been stored, or be stored a moment later.
    assert wait_until(lambda: cluster.api.post("/functions", definition).status, RECOVERY_SECONDS,
                      "a write is answered") in (201, 409)


def test_a_key_does_not_run_again_what_was_lost(cluster: Cluster, executions: Executions) -> None:
    cluster.wait_healthy(RECOVERY_SECONDS)
    function_id = executions.create(cluster, "node", timeout=30000)
    event = {"token": unique("token"), "ms": 20000}
    headers = {"Idempotency-Key": unique("key")}

    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(cluster.api.invoke, function_id, event, headers=headers)
        wait_until(lambda: executions.counts()[event["token"]] == 1, 10, "it runs")
        cluster.programs["pool"].kill()
        lost = running.result(timeout=10)
    assert expect_error(lost, 502, "INSTANCE_LOST")["executed"] == "maybe"
    cluster.wait_healthy(RECOVERY_SECONDS)
    again = cluster.api.invoke(function_id, event, headers=headers)
    assert again.json == lost.json and again.headers["Idempotency-Replayed"] == "true"
    assert executions.counts()[event["token"]] == 1
    # Who wants it to run again takes another key.
    other = cluster.api.invoke(function_id, {**event, "ms": 0},
                               headers={"Idempotency-Key": unique("key")})
    assert other.status == 200, str(other)
    assert executions.counts()[event["token"]] == 2

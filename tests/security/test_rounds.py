"""Sandboxes made, used and destroyed by the thousand leave the host as it was."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.client import Client
from harness.cluster import Cluster, own_cluster
from harness.composed import IS_TARGET
from harness.functions import NODE, PYTHON
from harness.wait import wait_until_equal
from harness.workbench import Workbench

ROUNDS = int(os.environ.get("SO_TEST_ROUNDS", "10000"))
# Caches fill up, and zygotes are replaced after 1,000 forks.
WARM_UP = ROUNDS // 5
THREADS = 4
# What allocators and caches of one program may keep, in MB.
GROWTH = 16
# Connections between the programs come and go; a leak would be of thousands.
SPARE_DESCRIPTORS = 16


@pytest.fixture
def steady() -> Iterator[Cluster]:
    """A platform that always parks the same number of sandboxes."""
    if IS_TARGET:
        pytest.skip("needs a platform with settings of its own")
    with own_cluster({"pool": {"parked_min": 4, "parked_max": 4},
                      "scaler": {"policies": "windows,schedules"}}) as running:
        yield running


def test_rounds_leave_nothing(steady: Cluster) -> None:
    bench = Workbench(steady.api)
    functions = [bench.create(runtime.echo, runtime, reuse="never", maxInstances=THREADS * 2)["id"]
                 for runtime in (NODE, PYTHON)]

    run_rounds(steady.api, functions, WARM_UP)
    memory = private_memory(steady)
    wait_until_equal(lambda: instances_of(steady.api, functions), 0, 10, "instances after the warm-up")
    wait_until_equal(lambda: settled(steady), True, 10, "all sandboxes are parked again")
    before, open_before = footprint(steady), descriptors(steady)

    run_rounds(steady.api, functions, ROUNDS)
    wait_until_equal(lambda: footprint(steady), before, 20, "the host")
    opened = {name: (old, descriptors(steady)[name]) for name, old in open_before.items()}
    assert all(new - old < SPARE_DESCRIPTORS for old, new in opened.values()), opened
    grown = {name: (old, private_memory(steady)[name]) for name, old in memory.items()}
    print({name: f"{old:.1f} -> {new:.1f} MB" for name, (old, new) in grown.items()})
    assert all(new - old < GROWTH for old, new in grown.values()), grown


def run_rounds(api: Client, functions: list[str], count: int) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        for receipt in threads.map(lambda n: api.receipt(functions[n % len(functions)], n), range(count)):
            assert receipt["coldStart"] is True


def instances_of(api: Client, functions: list[str]) -> int:
    return sum(len(api.instances_of(function)) for function in functions)


def settled(cluster: Cluster) -> bool:
    """Four of each of the five runtimes, and nothing else."""
    return len(cluster.sandbox_pids()) == 4 * 5


def footprint(cluster: Cluster) -> dict[str, int]:
    launcher = cluster.programs["launcher"].pid
    return {"mounts": len(Path(f"/proc/{launcher}/mountinfo").read_text().splitlines()),
            "cgroups": len(cluster.sandbox_cgroups()),
            "processes": len(cluster.sandbox_pids())}


def descriptors(cluster: Cluster) -> dict[str, int]:
    """Open ones of each program."""
    return {name: len(list(Path(f"/proc/{program.pid}/fd").iterdir()))
            for name, program in cluster.programs.items()}


def private_memory(cluster: Cluster) -> dict[str, float]:
    """Of each program, in MB."""
    return {name: sum(int(line.split()[1]) for line in
                      Path(f"/proc/{program.pid}/smaps_rollup").read_text().splitlines()
                      if line.startswith("Private_")) / 1024
            for name, program in cluster.programs.items()}

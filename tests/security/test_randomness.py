"""Instances are forked from one process. What is random must differ all the same."""

import os
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor

import hostile_code
from harness.client import Client
from harness.functions import Runtime
from harness.workbench import Workbench

INSTANCES = int(os.environ.get("SO_TEST_INSTANCES", "1000"))
THREADS = 4


def test_random_values_differ_between_instances(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(hostile_code.plain(runtime, "random_values"), runtime, reuse="never",
                            maxInstances=THREADS * 2)
    with ThreadPoolExecutor(THREADS) as threads:
        receipts = list(threads.map(lambda _: api.receipt(function["id"]), range(INSTANCES)))
    assert len({receipt["instanceId"] for receipt in receipts}) == INSTANCES
    seen = defaultdict(list)
    for receipt in receipts:
        for kind, value in receipt["body"].items():
            seen[kind].append(value)
    repeated = {kind: len(values) - len(set(values)) for kind, values in seen.items()
                if len(set(values)) < INSTANCES}
    assert not repeated, f"values that came more than once: {repeated}"

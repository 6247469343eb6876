"""Whether a neighbour goes on as if nothing had happened."""

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from harness.client import Client
from harness.functions import NODE
from harness.workbench import Workbench

PAUSE = 0.02
BASELINE_CALLS = 40

# What is normal: half of the calls within a few times of what they take alone, and
# none that a person would notice. Noise of the machine's own has to fit in, so on a
# machine with other work to do everything may take longer, by as many as queue up.
FACTOR = 5
ALLOWANCE_SECONDS = 0.025
SLOWEST_SECONDS = 2.0


class Neighbour:
    """A warm function of somebody else that is called all the time."""

    def __init__(self, api: Client, bench: Workbench):
        self._api = api
        self._id = bench.create(NODE.echo, maxInstances=1)["id"]
        self._call()
        self.baseline = statistics.median(self._call() for _ in range(BASELINE_CALLS))
        self._crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))

    @contextmanager
    def stays_normal(self) -> Iterator[None]:
        """Calls the neighbour on another thread while the block runs."""
        latencies: list[float] = []
        failures: list[BaseException] = []
        ended = threading.Event()

        def repeat() -> None:
            try:
                while not ended.is_set():
                    latencies.append(self._call())
                    time.sleep(PAUSE)
            except BaseException as failure:  # Reported by the thread that waits.
                failures.append(failure)

        thread = threading.Thread(target=repeat)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if failures:
            raise failures[0]
        self._check(latencies)

    def _check(self, latencies: list[float]) -> None:
        median, slowest = statistics.median(latencies), max(latencies)
        report = (f"alone {self.baseline * 1e3:.1f} ms; meanwhile, in {len(latencies)} calls, half "
                  f"within {median * 1e3:.1f} ms, all within {slowest * 1e3:.1f} ms, on a machine "
                  f"with {self._crowd:.1f} to run on each processor")
        print(f"neighbour: {report}")
        assert median <= FACTOR * self.baseline + ALLOWANCE_SECONDS * self._crowd, report
        assert slowest <= SLOWEST_SECONDS * self._crowd, report

    def _call(self) -> float:
        started = time.monotonic()
        assert self._api.receipt(self._id, {"x": 1})["body"] == {"x": 1}
        return time.monotonic() - started

"""Functions that take all they can get. Each is stopped, the error or the answer says
at what, a neighbour does not notice, and nothing of the sandbox is left."""

from typing import Any

import pytest

import hostile_code
from harness.client import Answer, Client, expect_error
from harness.composed import IS_TARGET
from harness.functions import PYTHON, Runtime
from harness.workbench import Workbench
from latency import Neighbour
from traces import Sandbox, Traces

MEMORY = 128
TIMEOUT = 3_000
# Far above what any of the answering bombs needs.
LONG_TIMEOUT = 60_000


class Bomb:
    """A function that has run once, so that its sandbox is known."""

    def __init__(self, api: Client, bench: Workbench, traces: Traces, runtime: Runtime, **fields: Any):
        fields = {"memory": MEMORY, "timeout": LONG_TIMEOUT, **fields}
        self._api = api
        self.function = bench.create(hostile_code.plain(runtime, "bomb"), runtime, **fields)
        receipt = self.receipt("nothing")
        self.instance = receipt["instanceId"]
        self.sandbox: Sandbox = traces.sandbox(receipt["body"])

    def take(self, what: str) -> Answer:
        return self._api.invoke(self.function["id"], {"of": what})

    def receipt(self, what: str) -> dict[str, Any]:
        return self._api.receipt(self.function["id"], {"of": what})

    def expect_survived(self) -> None:
        """The function itself goes on, in another instance."""
        receipt = self.receipt("nothing")
        assert receipt["coldStart"] is True and receipt["instanceId"] != self.instance


@pytest.fixture
def make(api: Client, bench: Workbench, traces: Traces, runtime: Runtime):
    return lambda **fields: Bomb(api, bench, traces, runtime, **fields)


@pytest.mark.parametrize("what", ["processes", "cpu"])
def test_endless_bomb_ends_at_its_timeout(make, traces: Traces, neighbour: Neighbour, what: str) -> None:
    bomb = make(timeout=TIMEOUT)
    with neighbour.stays_normal():
        error = expect_error(bomb.take(what), 504, "FUNCTION_TIMEOUT")
        traces.expect_gone(bomb.sandbox)
    assert error["executed"] == "yes" and f"{TIMEOUT} ms" in error["message"]
    bomb.expect_survived()


def test_memory_bomb_is_out_of_memory(make, traces: Traces, neighbour: Neighbour) -> None:
    bomb = make()
    with neighbour.stays_normal():
        answer = bomb.take("memory")
        traces.expect_gone(bomb.sandbox)
    error = expect_error(answer, 502, "FUNCTION_OOM")
    assert error["executed"] == "yes" and str(MEMORY) in error["message"]
    assert any("about to take all the memory" in line for line in answer.json["logs"])
    bomb.expect_survived()


def test_files_count_as_memory(make, traces: Traces, neighbour: Neighbour) -> None:
    bomb = make(memory=64)
    with neighbour.stays_normal():
        expect_error(bomb.take("disk"), 502, "FUNCTION_OOM")
        traces.expect_gone(bomb.sandbox)
    bomb.expect_survived()


def test_disk_is_full_at_its_size(make, neighbour: Neighbour) -> None:
    bomb = make(memory=1024)
    with neighbour.stays_normal():
        taken = bomb.receipt("disk")["body"]
    assert taken["stopped"] == "ENOSPC" and 0 < taken["count"] <= 512, taken


@pytest.mark.parametrize("what, error, most", [
    ("children", "EAGAIN", 1024),
    ("descriptors", "EMFILE", 256),
    ("inodes", "ENOSPC", 16_384),
])
def test_bomb_is_refused_more(make, neighbour: Neighbour, what: str, error: str, most: int) -> None:
    bomb = make()
    with neighbour.stays_normal():
        taken = bomb.receipt(what)["body"]
    assert taken["stopped"] == error, taken
    assert 8 <= taken["count"] <= most, taken


@pytest.mark.parametrize("runtime", [PYTHON], ids=["python"])
def test_threads_count_as_processes(make) -> None:
    taken = make().receipt("threads")["body"]
    assert taken["stopped"] == "EAGAIN" and 8 <= taken["count"] <= 1024, taken


def test_log_bomb_is_truncated(make, neighbour: Neighbour) -> None:
    bomb = make()
    with neighbour.stays_normal():
        receipt = bomb.receipt("log")
    assert receipt["body"] == "printed" and receipt["logsTruncated"] is True
    assert sum(len(line) for line in receipt["logs"]) <= (1 << 20) + 4096
    assert any("[truncated " in line for line in receipt["logs"][-3:]), receipt["logs"][-3:]


@pytest.mark.skipif(IS_TARGET, reason="a pool in a pid namespace of its own is not told of them: docs/operations.md")
def test_what_is_left_running_ends_with_its_sandbox(make, traces: Traces) -> None:
    bomb = make()
    assert bomb.receipt("rest")["body"] == "left one behind"
    traces.expect_gone(bomb.sandbox)
    bomb.expect_survived()

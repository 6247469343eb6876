"""What one function leaves behind, no other finds, nor its own next call in a fresh sandbox."""

import os
import secrets

import pytest

import hostile_code
from harness.client import Client, expect_error
from harness.cluster import Cluster, free_ports
from harness.functions import PYTHON, Runtime
from harness.workbench import Workbench

NEVER = {"reuse": "never"}


@pytest.mark.parametrize("fields", [{}, NEVER], ids=["reuse warm", "reuse never"])
def test_neighbours_see_nothing_of_each_other(api: Client, bench: Workbench, runtime: Runtime,
                                              fields: dict[str, str]) -> None:
    victim = bench.create(hostile_code.plain(runtime, "neighbour"), runtime, **fields)
    spy = bench.create(hostile_code.attempts(runtime, "neighbours"), runtime, **fields)
    # Before and after: whoever is parked now may have been made before the victim ran.
    for _ in range(3):
        event = {"name": "neighbour" + secrets.token_hex(8), "port": free_ports(1)[0]}
        api.receipt(victim["id"], event)
        outcomes = api.receipt(spy["id"], event)["body"]
        found = {what: outcome for what, outcome in outcomes.items()
                 if outcome not in ("ENOENT", "ECONNREFUSED")}
        assert not found, found


OWN_TRACES = {
    "node": """
const fs = require("fs");
exports.handler = async () => {
  const found = [fs.existsSync("/tmp/mark"), "MARK" in process.env, globalThis.mark !== undefined,
                 fs.existsSync("/dev/shm/mark")];
  for (const path of ["/tmp/mark", "/dev/shm/mark"]) fs.writeFileSync(path, "mark");
  process.env.MARK = "mark";
  globalThis.mark = "mark";
  return found;
};
""",
    "python": """
import builtins, os
def handler(event, context):
    found = [os.path.exists("/tmp/mark"), "MARK" in os.environ, hasattr(builtins, "mark"),
             os.path.exists("/dev/shm/mark")]
    for path in ("/tmp/mark", "/dev/shm/mark"):
        open(path, "w").close()
    os.environ["MARK"] = "mark"
    builtins.mark = "mark"
    return found
""",
}


def test_fresh_sandbox_for_every_call_knows_nothing_of_the_last(api: Client, bench: Workbench,
                                                                runtime: Runtime) -> None:
    function = bench.create(OWN_TRACES[runtime.name], runtime, **NEVER)
    receipts = [api.receipt(function["id"]) for _ in range(5)]
    assert [receipt["body"] for receipt in receipts] == [[False] * 4] * 5
    assert len({receipt["instanceId"] for receipt in receipts}) == 5


def open_files(cluster: Cluster) -> int:
    return len(os.listdir(f"/proc/{cluster.programs['pool'].pid}/fd"))


def test_descriptors_sent_to_the_pool_are_not_kept(api: Client, bench: Workbench,
                                                   cluster: Cluster) -> None:
    """A message with descriptors costs its sandbox its life, and the pool nothing."""
    function = bench.create("""
import array, os, socket
def handler(event, context):
    channel = socket.socket(fileno=3)
    files = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(100)])
    while True:
        channel.sendmsg([bytes(64)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
""", PYTHON, timeout=5_000)
    before = open_files(cluster)
    for _ in range(3):
        expect_error(api.invoke(function["id"]), 502, "FUNCTION_PROTOCOL_ERROR")
    assert open_files(cluster) <= before + 20

"""Everything a function must not be able to do, tried by functions that try hard.

Each row has a hostile function in node and in python (hostile/). It makes its
attempts one by one and returns what stopped each; a row says what may.
"""

import json
import secrets
from typing import Any

import pytest

import hostile_code
from harness.client import PROPAGATION_SECONDS, Client
from harness.cluster import Cluster
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench
from host import Host
from traces import LEFT_SECONDS, Traces

MISSING = {"ENOENT", "ENODATA", "ENODEV", "ENXIO"}
REFUSED = {"EPERM", "EACCES"}

ROWS = {
    "files": MISSING | REFUSED | {"EROFS", "EXDEV"},
    "mounts": MISSING | REFUSED | {"ENOSYS"},
    "namespaces": MISSING | REFUSED | {"ENOSYS"},
    "identity": MISSING | REFUSED | {"EINVAL"},
    # Nothing but the filter may be what stops these.
    "syscalls": {"EPERM", "ENOSYS", "SIGSYS"},
    "sockets": MISSING | REFUSED | {"EAFNOSUPPORT", "ENETUNREACH", "EADDRNOTAVAIL", "ECONNREFUSED",
                                    "ENOTFOUND", "EAI_AGAIN"},
    "signals": MISSING | REFUSED | {"ESRCH"},
    "descriptors": MISSING | REFUSED,
    "secrets": MISSING,
}
# In node itself there is no way to make a system call of one's choice.
BY_NODE = [row for row in ROWS if row != "syscalls"]
PATIENCE = {"timeout": 60_000, "memory": 256}


def expect_denied(row: str, outcomes: dict[str, str]) -> None:
    assert len(outcomes) >= 3, outcomes
    reached = {name: what for name, what in outcomes.items() if what not in ROWS[row]}
    assert not reached, json.dumps(reached, indent=2)


@pytest.fixture
def event(host: Host, cluster: Cluster) -> dict[str, Any]:
    return host.event(cluster)


@pytest.mark.parametrize("runtime, row", [(PYTHON, row) for row in ROWS] + [(NODE, row) for row in BY_NODE],
                         ids=lambda value: value if isinstance(value, str) else value.name)
def test_denied(api: Client, bench: Workbench, event: dict[str, Any], runtime: Runtime, row: str) -> None:
    function = bench.create(hostile_code.attempts(runtime, row), runtime, **PATIENCE)
    expect_denied(row, api.receipt(function["id"], event)["body"])


# What a child has open is what the function gives it.
@pytest.mark.parametrize("row", [row for row in ROWS if row != "descriptors"])
def test_denied_to_what_a_function_starts(api: Client, bench: Workbench, event: dict[str, Any],
                                          row: str) -> None:
    function = bench.create(hostile_code.plain(NODE, "python_child"), NODE, **PATIENCE)
    event["source"] = hostile_code.script(PYTHON, row)
    expect_denied(row, api.receipt(function["id"], event)["body"])


def test_the_search_for_secrets_finds_what_is_there(api: Client, bench: Workbench, runtime: Runtime,
                                                    event: dict[str, Any]) -> None:
    secret = secrets.token_hex(16)
    function = bench.create(hostile_code.attempts(runtime, "secrets"), runtime, **PATIENCE,
                            environment={"OWN": secret})
    event["secrets"] = {"its own": hostile_code.disguise(secret)}
    outcomes = api.receipt(function["id"], event)["body"]
    assert outcomes["its own in memory"].startswith("reached"), outcomes


def test_a_sandbox_ends_without_trace(api: Client, bench: Workbench, traces: Traces,
                                      runtime: Runtime) -> None:
    function = bench.create(hostile_code.plain(runtime, "bomb"), runtime)
    sandbox = traces.sandbox(api.receipt(function["id"], {"of": "nothing"})["body"])
    assert api.request("DELETE", f"/functions/{function['id']}").status < 300
    traces.expect_gone(sandbox, PROPAGATION_SECONDS + LEFT_SECONDS)

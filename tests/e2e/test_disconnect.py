"""Clients that leave before the answer."""

import http.client
import json
from typing import Any

from harness.client import Client, wait_until_accepted
from harness.functions import Runtime
from harness.wait import wait_until, wait_until_equal
from harness.workbench import Workbench


def logs_of(api: Client, function_id: str) -> list[dict[str, Any]]:
    answer = api.get(f"/functions/{function_id}/logs")
    assert answer.status == 200, str(answer)
    return answer.json["invocations"]


def call_and_leave(api: Client, function_id: str, ms: int) -> None:
    """Leaves as soon as the call runs."""
    connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
    connection.request("POST", f"/functions/{function_id}/invoke", json.dumps({"ms": ms}),
                       {"X-Request-Id": "left-early"})
    wait_until_equal(lambda: api.metrics_of(function_id).get("busy"), 1, 20, "busy instances")
    connection.close()


def test_a_call_is_stopped_when_its_function_wants_it(api: Client, bench: Workbench,
                                                      runtime: Runtime) -> None:
    function_id = bench.create(runtime.sleep, runtime, cancelOnDisconnect=True)["id"]
    api.receipt(function_id, {"ms": 0})
    [instance] = api.instances_of(function_id)
    call_and_leave(api, function_id, 20_000)
    wait_until(lambda: instance["id"] not in [i["id"] for i in api.instances_of(function_id)],
               5, "its instance is gone")
    log = wait_until(lambda: [log for log in logs_of(api, function_id)
                              if log["requestId"] == "left-early"], 5, "its log")[0]
    assert log["errorCode"] == "CANCELLED"
    assert log["duration"] < 15_000
    metrics = api.metrics_of(function_id)
    assert (metrics["invocations"], metrics["errors"]) == (2, 1)
    # The next call is none of its business.
    assert api.receipt(function_id, {"ms": 1})["body"] == 1


def test_a_call_runs_to_its_end_otherwise(api: Client, bench: Workbench,
                                          runtime: Runtime) -> None:
    function = bench.create(runtime.sleep, runtime)
    assert function["cancelOnDisconnect"] is False
    api.receipt(function["id"], {"ms": 0})
    [instance] = api.instances_of(function["id"])
    call_and_leave(api, function["id"], 3000)
    log = wait_until(lambda: [log for log in logs_of(api, function["id"])
                              if log["requestId"] == "left-early"], 10, "its log")[0]
    assert log["errorCode"] == "" and log["statusCode"] == 200
    assert log["duration"] >= 2900  # Timers of node may be early.
    assert [i["id"] for i in api.instances_of(function["id"])] == [instance["id"]]


def test_the_setting_is_changed_without_a_version(api: Client, bench: Workbench) -> None:
    function_id = bench.create("exports.handler = async () => 1")["id"]
    changed = api.request("PATCH", f"/functions/{function_id}", {"cancelOnDisconnect": True})
    assert changed.status == 200, str(changed)
    assert changed.json["cancelOnDisconnect"] is True and changed.json["version"] == 1
    wait_until_accepted(lambda: api.get(f"/functions/{function_id}").json,
                        lambda shown: shown["cancelOnDisconnect"], "it is stored")

"""Calls that are sent again with the same Idempotency-Key."""

import base64
import concurrent.futures
import http.client
import json
from typing import Any

import pytest

from harness.client import Answer, Client, expect_error, unique
from harness.functions import NODE, Runtime
from harness.grpcurl import Grpcurl
from harness.wait import wait_until, wait_until_equal
from harness.workbench import Workbench

INVOKE = "serverless.router.v1.RouterService/Invoke"

# Answers the event with how often it was called, after event.ms.
COUNT = """
let calls = 0;
exports.handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, event.ms ?? 0));
  calls++;
  if (event.fail) throw new Error(`failed ${calls}`);
  return calls;
};
"""


def invoke(api: Client, function: str, key: str, event: Any = None, **headers: str) -> Answer:
    return api.invoke(function, event, headers={"Idempotency-Key": key, **headers})


def wait_busy(api: Client, function_id: str) -> None:
    wait_until_equal(lambda: api.metrics_of(function_id).get("busy"), 1, 20, "busy instances")


@pytest.fixture
def function_id(bench: Workbench) -> str:
    """Has one instance, so that its answers count all its calls."""
    return bench.create(COUNT, maxInstances=1)["id"]


def test_a_call_sent_again_gets_the_same_answer(api: Client, function_id: str) -> None:
    key = unique("key")
    first = invoke(api, function_id, key, {"a": 1})
    assert first.status == 200 and first.json["body"] == 1
    assert first.headers["Idempotency-Replayed"] is None
    again = invoke(api, function_id, key, {"a": 1}, **{"X-Request-Id": "sent-again"})
    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-Id"] == "sent-again"
    assert api.receipt(function_id)["body"] == 2
    assert api.metrics_of(function_id)["invocations"] == 2
    assert len(api.get(f"/functions/{function_id}/logs").json["invocations"]) == 2


def test_name_id_and_version_are_the_same_function(api: Client, bench: Workbench) -> None:
    function = bench.create(COUNT, maxInstances=1)
    key = unique("key")
    for reference in (function["name"], function["id"], f"{function['name']}:1"):
        assert invoke(api, reference, key).json["body"] == 1


def test_another_event_is_refused(api: Client, function_id: str) -> None:
    key = unique("key")
    assert invoke(api, function_id, key, b"").json["body"] == 1
    # An empty event is {}.
    assert invoke(api, function_id, key, b"{}").json["body"] == 1
    error = expect_error(invoke(api, function_id, key, {"a": 2}), 422, "IDEMPOTENCY_MISMATCH")
    assert error["executed"] == "no" and error["retryable"] is False


def test_failures_of_the_function_are_kept(api: Client, function_id: str) -> None:
    key = unique("key")
    first = invoke(api, function_id, key, {"fail": True})
    assert expect_error(first, 502, "FUNCTION_ERROR")["message"].endswith("failed 1")
    again = invoke(api, function_id, key, {"fail": True})
    expect_error(again, 502, "FUNCTION_ERROR")
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"


def test_what_could_not_run_is_tried_again(api: Client, bench: Workbench) -> None:
    function_id = bench.create(COUNT, maxInstances=1, concurrencyLimit=1)["id"]
    api.receipt(function_id)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function_id, {"ms": 2000})
        wait_busy(api, function_id)
        key = unique("key")
        expect_error(invoke(api, function_id, key), 429, "CONCURRENCY_LIMIT")
        assert running.result().json["body"] == 2
    answer = invoke(api, function_id, key)
    assert answer.json["body"] == 3 and answer.headers["Idempotency-Replayed"] is None


def test_calls_that_come_while_it_runs_wait_for_it(api: Client, bench: Workbench) -> None:
    # They take no place of their own.
    function_id = bench.create(COUNT, maxInstances=1, concurrencyLimit=1)["id"]
    api.receipt(function_id)
    key = unique("key")
    with concurrent.futures.ThreadPoolExecutor(5) as threads:
        calls = [threads.submit(invoke, api, function_id, key, {"ms": 1500}) for _ in range(5)]
        answers = [call.result() for call in calls]
    assert [answer.status for answer in answers] == [200] * 5
    assert {answer.body for answer in answers} == {answers[0].body}
    assert sorted(str(answer.headers["Idempotency-Replayed"]) for answer in answers) == [
        "None", "true", "true", "true", "true"]
    assert api.receipt(function_id)["body"] == 3


def test_the_first_client_may_leave(api: Client, bench: Workbench) -> None:
    function_id = bench.create(COUNT, maxInstances=1, cancelOnDisconnect=True)["id"]
    api.receipt(function_id)
    key = unique("key")
    event = {"ms": 3000}
    connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
    connection.request("POST", f"/functions/{function_id}/invoke", json.dumps(event),
                       {"Idempotency-Key": key})
    wait_busy(api, function_id)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        second = threads.submit(invoke, api, function_id, key, event)
        with pytest.raises(concurrent.futures.TimeoutError):
            second.result(timeout=0.3)
        connection.close()
        answer = second.result()
    assert answer.json["body"] == 2
    assert answer.headers["Idempotency-Replayed"] == "true"


def test_a_client_that_lost_its_connection_finds_the_answer(api: Client, function_id: str) -> None:
    api.receipt(function_id)
    key = unique("key")
    connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
    connection.request("POST", f"/functions/{function_id}/invoke", json.dumps({"ms": 500}),
                       {"Idempotency-Key": key})
    wait_busy(api, function_id)
    connection.close()
    answer = invoke(api, function_id, key, {"ms": 500})
    assert answer.json["body"] == 2 and answer.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", "x" * 256, "\u00fc"])
def test_bad_keys(api: Client, function_id: str, key: str) -> None:
    error = expect_error(invoke(api, function_id, key), 400, "INVALID_ARGUMENT")
    assert [detail["field"] for detail in error["details"]] == ["Idempotency-Key"]
    assert error["executed"] == "no"


def test_large_answers_are_kept_too(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function_id = bench.create(runtime.echo, runtime)["id"]
    key, event = unique("key"), {"padding": "x" * 1_000_000}
    first = invoke(api, function_id, key, event)
    again = invoke(api, function_id, key, event)
    assert first.status == 200 and first.body == again.body
    assert again.headers["Idempotency-Replayed"] == "true"


def test_over_grpc(api: Client, grpc: Grpcurl, function_id: str) -> None:
    key = unique("key")
    request = {"function": function_id, "event": base64.b64encode(b"{}").decode(),
               "idempotencyKey": key}
    first = grpc.call(INVOKE, request)
    again = grpc.call(INVOKE, request)
    assert "replayed" not in first and again["replayed"] is True
    assert again["requestId"] == first["requestId"]
    # The key is the same one over REST.
    assert invoke(api, function_id, key, {}).json["requestId"] == first["requestId"]
    said = grpc.fail(INVOKE, {**request, "event": base64.b64encode(b"[]").decode()})
    assert "InvalidArgument" in said and "IDEMPOTENCY_MISMATCH" in said
    said = grpc.fail(INVOKE, {**request, "idempotencyKey": "a\nb"})
    assert "InvalidArgument" in said and "idempotencyKey" in said


def test_deleted_function_takes_its_answers_along(api: Client, bench: Workbench) -> None:
    definition = bench.definition(NODE.count)
    bench.register(definition)
    key = unique("key")
    name = definition["name"]
    assert invoke(api, name, key).json["body"] == 1
    assert api.request("DELETE", f"/functions/{name}").status == 200
    wait_until(lambda: invoke(api, name, key).status == 404, 5, "it is gone")

"""What an invocation answers: fields, types, how results become bodies, logs."""

import json
import re
from typing import Any

import pytest

from harness.client import Client, unique
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench

FIELDS = {
    "requestId": str, "statusCode": int, "body": object, "headers": dict, "logs": list,
    "duration": (int, float), "memoryUsed": (int, float), "cpuTime": (int, float),
    "coldStart": bool, "functionId": str,
    "version": int, "instanceId": str, "phases": dict, "logsTruncated": bool,
}
PHASES = {"queue", "start", "init", "handler"}


def test_receipt_has_exactly_the_documented_fields(api: Client, bench: Workbench,
                                                   runtime: Runtime) -> None:
    function = bench.create(runtime.hello, runtime)
    for receipt in (api.receipt(function["id"]), api.receipt(function["name"])):
        assert set(receipt) == set(FIELDS)
        for field, kind in FIELDS.items():
            assert isinstance(receipt[field], kind), f"{field}: {receipt[field]!r}"
            assert kind is bool or not isinstance(receipt[field], bool) or kind is object
        assert re.fullmatch(r"req-\d{13}-[0-9a-z]{6}", receipt["requestId"])
        assert receipt["instanceId"].startswith("inst-")
        assert receipt["functionId"] == function["id"]
        assert receipt["version"] == 1
        assert receipt["duration"] > 0
        assert 1 < receipt["memoryUsed"] < 128

        phases = receipt["phases"]
        assert set(phases) == PHASES
        assert all(isinstance(phases[p], (int, float)) and phases[p] >= 0 for p in PHASES), phases
        assert phases["handler"] > 0
        # Starting costs time when it happened, and none when it did not.
        assert (phases["start"] > 0) is receipt["coldStart"], receipt
        assert (phases["init"] > 0) is receipt["coldStart"], receipt


def test_duration_is_the_time_in_the_function(api: Client, bench: Workbench,
                                              runtime: Runtime) -> None:
    function_id = bench.create(runtime.sleep, runtime)["id"]
    receipt = api.receipt(function_id, {"ms": 200})
    # Measured from outside, from when the pool reads that the call has begun: on a
    # busy machine that is a little later. And timers of node may be early by one.
    assert 180 <= receipt["duration"] < 1000, receipt
    assert receipt["phases"]["handler"] == receipt["duration"]


NODE_RESULTS = {
    "object": ("({ a: 1, b: [true, null] })", 200, {"a": 1, "b": [True, None]}),
    "string": ("'text'", 200, "text"),
    "number": ("12.5", 200, 12.5),
    "nothing": ("undefined", 200, None),
    "list": ("[1, 'two']", 200, [1, "two"]),
    "json text without status": ("'{\"a\":1}'", 200, '{"a":1}'),
    "status and text": ("({ statusCode: 201, body: 'made' })", 201, "made"),
    "status and json text": ("({ statusCode: 200, body: '{\"a\": [1, 2]}' })", 200, {"a": [1, 2]}),
    "status and json list": ("({ statusCode: 200, body: ' [1]' })", 200, [1]),
    "status and broken json": ("({ statusCode: 200, body: '{oops' })", 200, "{oops"),
    "status and number text": ("({ statusCode: 200, body: '12' })", 200, "12"),
    "status and object": ("({ statusCode: 404, body: { no: 'such' } })", 404, {"no": "such"}),
    "status alone": ("({ statusCode: 204 })", 204, None),
    "unicode": ("({ statusCode: 200, body: 'Grüße 你好 🎉' })", 200, "Grüße 你好 🎉"),
    "empty text": ("({ statusCode: 200, body: '' })", 200, ""),
    "nested NaN": ("({ a: NaN })", 200, {"a": None}),
}

PYTHON_RESULTS = {
    "object": ("{'a': 1, 'b': [True, None]}", 200, {"a": 1, "b": [True, None]}),
    "string": ("'text'", 200, "text"),
    "number": ("12.5", 200, 12.5),
    "nothing": ("None", 200, None),
    "tuple": ("(1, 'two')", 200, [1, "two"]),
    "status and text": ("{'statusCode': 201, 'body': 'made'}", 201, "made"),
    "status and json text": ("{'statusCode': 200, 'body': '{\"a\": [1, 2]}'}", 200, {"a": [1, 2]}),
    "status and broken json": ("{'statusCode': 200, 'body': '{oops'}", 200, "{oops"),
    "status and object": ("{'statusCode': 404, 'body': {'no': 'such'}}", 404, {"no": "such"}),
    "status alone": ("{'statusCode': 204}", 204, None),
    "unicode": ("{'statusCode': 200, 'body': 'Grüße 你好 🎉'}", 200, "Grüße 你好 🎉"),
}

WRAPPERS = {
    "node": (NODE, "exports.handler = async () => ({expression});"),
    "python": (PYTHON, "def handler(event, context): return {expression}"),
}
RESULTS = [pytest.param(runtime, *case, id=f"{runtime}, {name}")
           for runtime, cases in (("node", NODE_RESULTS), ("python", PYTHON_RESULTS))
           for name, case in cases.items()]


@pytest.mark.parametrize("runtime_name, expression, status, body", RESULTS)
def test_result_becomes_status_and_body(api: Client, bench: Workbench, runtime_name: str,
                                        expression: str, status: int, body: Any) -> None:
    runtime, wrapper = WRAPPERS[runtime_name]
    function_id = bench.create(wrapper.replace("{expression}", expression), runtime)["id"]
    receipt = api.receipt(function_id)
    assert (receipt["statusCode"], receipt["body"]) == (status, body)


def test_headers_of_the_handler_are_in_the_receipt(api: Client, bench: Workbench) -> None:
    code = """exports.handler = async () =>
        ({ statusCode: 200, headers: { "X-Text": "a", "X-Number": 7, "X-Yes": true, "X-No": null } });"""
    receipt = api.receipt(bench.create(code)["id"])
    assert receipt["headers"] == {"X-Text": "a", "X-Number": "7", "X-Yes": "true"}


@pytest.mark.parametrize("code", [
    pytest.param("exports.handler = (event, context, callback) => callback(null, 'yes');",
                 id="callback"),
    pytest.param("exports.handler = () => 'yes';", id="plain function"),
    pytest.param("export const handler = async () => 'yes';", id="ES module"),
    pytest.param("import os from 'node:os'; export function handler() { return os.EOL && 'yes'; }",
                 id="ES module with import"),
])
def test_node_handler_styles(api: Client, bench: Workbench, code: str) -> None:
    assert api.receipt(bench.create(code)["id"])["body"] == "yes"


def test_python_async_handler(api: Client, bench: Workbench) -> None:
    code = "import asyncio\nasync def handler(event, context):\n  await asyncio.sleep(0)\n  return 'yes'"
    assert api.receipt(bench.create(code, PYTHON)["id"])["body"] == "yes"


def test_context_tells_about_the_invocation(api: Client, bench: Workbench) -> None:
    node = bench.create("""exports.handler = async (event, context) => [context.awsRequestId,
        context.functionName, context.memoryLimitInMB, context.getRemainingTimeInMillis()];""",
                        timeout=5000, memory=64)
    python = bench.create("""def handler(event, context): return [context.aws_request_id,
        context.function_name, context.memory_limit_in_mb, context.get_remaining_time_in_millis()]""",
                          PYTHON, timeout=5000, memory=64)
    for function in (node, python):
        receipt = api.receipt(function["id"])
        request_id, name, memory, remaining = receipt["body"]
        assert request_id == receipt["requestId"]
        assert name == function["name"]
        assert str(memory) == "64"
        assert 0 < remaining <= 5000


def test_output_stands_between_the_platform_lines(api: Client, bench: Workbench,
                                                  runtime: Runtime) -> None:
    function = bench.create(runtime.prints, runtime)
    for receipt in (api.receipt(function["id"]), api.receipt(function["id"])):
        assert receipt["logs"][3:-1] == ["to stdout", "to stderr"]
        assert receipt["logsTruncated"] is False


def test_a_megabyte_of_output_is_kept_up_to_the_limit(api: Client, bench: Workbench,
                                                      runtime: Runtime) -> None:
    function_id = bench.create(runtime.misbehave, runtime)["id"]
    receipt = api.receipt(function_id, {"do": "megabyte"})
    assert receipt["body"] == "printed"
    assert receipt["logsTruncated"] is True
    size = sum(len(line) + 1 for line in receipt["logs"])
    assert 900_000 < size < 1_100_000, size
    assert receipt["logs"][-1].startswith("[END] Request")
    # The next invocation has its own output only.
    after = api.receipt(function_id)
    assert after["logsTruncated"] is False
    assert after["logs"][3:-1] == ["about to misbehave"]


def test_event_is_what_was_sent(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function_id = bench.create(runtime.echo, runtime)["id"]
    for event in ({"name": "World"}, [1, 2], "text", 7, True, None, {"ü": "🎉", "deep": [[[]]]}):
        assert api.receipt(function_id, json.dumps(event).encode())["body"] == event
    # Exactly: no number is rounded on the way.
    answer = api.invoke(function_id, b'{"n": 12345678901234567890}')
    if runtime is PYTHON:
        assert answer.json["body"] == {"n": 12345678901234567890}


def test_empty_body_is_an_empty_object(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function_id = bench.create(runtime.echo, runtime)["id"]
    assert api.receipt(function_id)["body"] == {}
    assert api.receipt(function_id, b"")["body"] == {}


@pytest.mark.parametrize("content_type", [
    None, "application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_body_is_the_event_whatever_its_content_type(api: Client, bench: Workbench,
                                                     content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    function_id = bench.create(NODE.echo)["id"]
    assert api.receipt(function_id, b'{"a": 1}', headers=headers)["body"] == {"a": 1}


def test_request_id_of_the_client_is_kept(api: Client, bench: Workbench) -> None:
    function_id = bench.create(NODE.hello)["id"]
    request_id = unique("order:42.A_b")
    answer = api.invoke(function_id, headers={"X-Request-Id": request_id})
    assert answer.headers["X-Request-Id"] == request_id
    assert answer.json["requestId"] == request_id
    assert answer.json["logs"][0] == f"[START] Request {request_id}"


def test_six_megabytes_there_and_back(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function_id = bench.create(runtime.echo, runtime)["id"]
    event = b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"'
    answer = api.invoke(function_id, event)
    assert answer.status == 200, str(answer)[:500]
    assert len(answer.json["body"]) == 6 * 1024 * 1024 - 2

"""Functions that fail: what the caller learns, and that the next call is well."""

import pytest

from harness.client import Client, expect_error, wait_until_accepted
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench


def expect_logs(answer, *printed: str) -> None:
    """The platform's lines with the function's own between them."""
    logs = answer.json["logs"]
    request_id = answer.json["requestId"]
    assert logs[0] == f"[START] Request {request_id}"
    assert logs[-1] == f"[END] Request {request_id}"
    for line in printed:
        assert line in logs, logs


def test_thrown_error_comes_with_type_message_and_stack(api: Client, bench: Workbench,
                                                        runtime: Runtime) -> None:
    function = bench.create(runtime.misbehave, runtime)
    answer = api.invoke(function["id"], {"do": "throw"})
    error = expect_error(answer, 502, "FUNCTION_ERROR")
    assert error["executed"] == "yes" and error["retryable"] is False
    assert error["type"] == "TypeError"
    assert "thrown on purpose" in error["message"]
    assert error["stack"] and "handler" in error["stack"][0]
    file = function["handler"].split(".")[0]
    assert f"{file}." in error["stack"][0]
    expect_logs(answer, "about to misbehave")
    # It was the event's fault: the instance goes on.
    receipt = api.receipt(function["id"])
    assert (receipt["body"], receipt["coldStart"]) == ("fine", False)


@pytest.mark.parametrize("what, said", [("exit", "code 3"), ("abort", "was killed by signal")])
def test_crash_tells_how_the_process_ended(api: Client, bench: Workbench, runtime: Runtime,
                                           what: str, said: str) -> None:
    function = bench.create(runtime.misbehave, runtime)
    answer = api.invoke(function["id"], {"do": what})
    error = expect_error(answer, 502, "FUNCTION_CRASHED")
    assert error["executed"] == "yes"
    assert said in error["message"], error
    expect_logs(answer, "about to misbehave")
    receipt = api.receipt(function["id"])
    assert (receipt["body"], receipt["coldStart"]) == ("fine", True)


def test_hanging_function_is_ended_at_its_timeout(api: Client, bench: Workbench,
                                                  runtime: Runtime) -> None:
    function = bench.create(runtime.misbehave, runtime, timeout=400)
    api.receipt(function["id"])
    answer = api.invoke(function["id"], {"do": "hang"})
    error = expect_error(answer, 504, "FUNCTION_TIMEOUT")
    assert error["executed"] == "yes"
    assert "400 ms" in error["message"] and function["name"] in error["message"]
    expect_logs(answer, "about to misbehave")
    receipt = api.receipt(function["id"])
    assert (receipt["body"], receipt["coldStart"]) == ("fine", True)


@pytest.mark.parametrize("runtime, what", [
    pytest.param(NODE, "circular", id="node, circular"),
    pytest.param(NODE, "bad-status", id="node, bad status"),
    pytest.param(PYTHON, "circular", id="python, circular"),
    pytest.param(PYTHON, "nan", id="python, NaN"),
    pytest.param(PYTHON, "bad-status", id="python, bad status"),
])
def test_result_that_is_no_answer(api: Client, bench: Workbench, runtime: Runtime,
                                  what: str) -> None:
    function = bench.create(runtime.misbehave, runtime)
    answer = api.invoke(function["id"], {"do": what})
    error = expect_error(answer, 502, "FUNCTION_RESULT_INVALID")
    assert error["executed"] == "yes"
    expect_logs(answer, "about to misbehave")
    assert api.receipt(function["id"])["coldStart"] is False


def test_nan_in_node_is_null_as_in_json(api: Client, bench: Workbench) -> None:
    function = bench.create(NODE.misbehave)
    assert api.receipt(function["id"], {"do": "nan"})["body"] is None


def test_result_above_six_megabytes(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(runtime.misbehave, runtime)
    error = expect_error(api.invoke(function["id"], {"do": "large"}), 413, "PAYLOAD_TOO_LARGE")
    assert error["executed"] == "yes"
    assert api.receipt(function["id"])["coldStart"] is False


def test_event_above_six_megabytes(api: Client, bench: Workbench) -> None:
    function = bench.create(NODE.echo)
    event = b'"' + b"x" * (6 * 1024 * 1024) + b'"'
    expect_error(api.invoke(function["id"], event), 413, "PAYLOAD_TOO_LARGE")


def test_garbage_on_the_channel(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(runtime.misbehave, runtime, timeout=5000)
    error = expect_error(api.invoke(function["id"], {"do": "garbage"}),
                         502, "FUNCTION_PROTOCOL_ERROR")
    assert error["executed"] in ("yes", "maybe")
    receipt = api.receipt(function["id"])
    assert (receipt["body"], receipt["coldStart"]) == ("fine", True)


# What can be told without running it is refused at registration: test_builds.py.
BROKEN_CODE = {
    "node, throws": (NODE, "console.log('loading'); throw new RangeError('at load');", "RangeError"),
    "node, exits": (NODE, "console.log('loading'); process.exit(5);", None),
    "python, throws": (PYTHON, "print('loading')\nraise ValueError('at load')", "ValueError"),
    "python, exits": (PYTHON, "import os\nprint('loading', flush=True)\nos._exit(5)", None),
}


@pytest.mark.parametrize("runtime, code, error_type", BROKEN_CODE.values(), ids=BROKEN_CODE.keys())
def test_code_that_cannot_be_loaded(api: Client, bench: Workbench, runtime: Runtime, code: str,
                                    error_type: str | None) -> None:
    function = bench.create(code, runtime)
    answer = api.invoke(function["id"])
    error = expect_error(answer, 502, "FUNCTION_INIT_FAILED")
    assert error["executed"] == "no"
    if error_type:
        assert error["type"] == error_type
    if "loading" in code:
        expect_logs(answer, "loading")
    # Corrected, it runs.
    answer = api.request("PATCH", f"/functions/{function['id']}", {"code": runtime.hello})
    assert answer.status == 200, str(answer)
    receipt = wait_until_accepted(lambda: api.invoke(function["id"]).json,
                                  lambda receipt: receipt.get("version") == 2, "version 2 answers")
    assert receipt["body"] == {"message": "Hello"}


@pytest.mark.parametrize("event", [b"{oops", b" ", b"\xff", b'{"a": 1} x', b"NaN"],
                         ids=["unfinished", "blank", "not UTF-8", "trailing", "NaN"])
def test_event_that_is_not_json(api: Client, bench: Workbench, event: bytes) -> None:
    function = bench.create(NODE.echo)
    error = expect_error(api.invoke(function["id"], event), 400, "INVALID_ARGUMENT")
    assert error["executed"] == "no"


def test_unknown_functions(api: Client) -> None:
    for reference in ("no-such-function", "fn-1234567890123-abcdef", "no-such:1"):
        error = expect_error(api.invoke(reference), 404, "NOT_FOUND")
        assert error["executed"] == "no"


def test_uncaught_rejection_in_node(api: Client, bench: Workbench) -> None:
    function = bench.create("""exports.handler = async () => {
        setTimeout(() => { throw new Error("from a timer"); }, 1);
        await new Promise(() => {});
    };""")
    error = expect_error(api.invoke(function["id"]), 502, "FUNCTION_ERROR")
    assert "from a timer" in error["message"]


def test_failures_are_counted_and_their_logs_kept(api: Client, bench: Workbench,
                                                  runtime: Runtime) -> None:
    function = bench.create(runtime.misbehave, runtime)
    failed = api.invoke(function["id"], {"do": "throw"})
    api.receipt(function["id"])
    metrics = api.metrics_of(function["id"])
    assert (metrics["invocations"], metrics["errors"]) == (2, 1)
    log = api.get(f"/functions/{function['id']}/logs?requestId={failed.json['requestId']}").json
    assert [entry["errorCode"] for entry in log["invocations"]] == ["FUNCTION_ERROR"]
    assert log["invocations"][0]["logs"] == failed.json["logs"]

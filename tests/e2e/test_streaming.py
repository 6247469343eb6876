"""Answers that are read while the function still writes them."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.client import Client, expect_error
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE, PYTHON, Runtime
from harness.grpcurl import Grpcurl
from harness.streaming import CutOff, StreamedAnswer
from harness.wait import wait_until
from harness.workbench import Workbench

STREAMING = {
    "node": """
const { setTimeout: sleep } = require("timers/promises");
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  if (event.status) {
    stream = awslambda.HttpResponseStream.from(stream, { statusCode: event.status, headers: event.headers });
  }
  console.log("begins");
  if (event.early) throw new TypeError("early");
  stream.write(event.first ?? "first");
  await sleep(event.ms ?? 0);
  if (event.late) throw new TypeError("late");
  if (event.exit) process.exit(3);
  if (event.bytes) stream.write(Buffer.from(event.bytes, "base64"));
  const chunk = Buffer.alloc(100000);
  for (let i = 0; i < (event.chunks ?? 0); i++) {
    chunk.fill(i % 251);
    if (!stream.write(Buffer.from(chunk))) await new Promise((go) => stream.once("drain", go));
  }
  stream.end();
  console.log("ends");
});
""",
    "python": """
import base64, time

def handler(event, context):
    if "status" in event:
        yield {"statusCode": event["status"], "headers": event.get("headers")}
    print("begins")
    if event.get("early"):
        raise TypeError("early")
    yield event.get("first", "first")
    time.sleep(event.get("ms", 0) / 1000)
    if event.get("late"):
        raise TypeError("late")
    if event.get("exit"):
        raise SystemExit(3)
    yield base64.b64decode(event.get("bytes", ""))
    for i in range(event.get("chunks", 0)):
        yield bytes([i % 251]) * 100000
    print("ends")
""",
}


@pytest.fixture(params=[NODE, PYTHON], ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return request.param


@pytest.fixture
def function(bench: Workbench, runtime: Runtime) -> str:
    return bench.create(STREAMING[runtime.name], runtime)["id"]


def last_log(api: Client, function: str, request_id: str) -> list[str]:
    """Of a call that has just ended, or is about to."""
    found: list[list[str]] = []

    def listed() -> bool:
        answer = api.get(f"/functions/{function}/logs?requestId={request_id}")
        found[:] = [invocation["logs"] for invocation in answer.json["invocations"]]
        return bool(found)

    wait_until(listed, 10, "the call has ended")
    return found[0]


def test_first_byte_comes_before_the_handler_ends(api: Client, function: str) -> None:
    with StreamedAnswer(api, function, {"ms": 0}) as warm:
        assert warm.read() == b"first"
    started = time.monotonic()
    with StreamedAnswer(api, function, {"ms": 1500, "chunks": 1}) as answer:
        parts = answer.parts()
        assert next(parts) == b"first"
        assert time.monotonic() - started < 1
        assert b"".join(parts) == bytes(100000)
    assert time.monotonic() - started > 1.5
    assert answer.receipt["duration"] > 1500


def test_head_bytes_and_receipt_come_through(api: Client, function: str) -> None:
    every_byte = bytes(range(256))
    with StreamedAnswer(api, function, {
        "status": 418, "first": "\u00e4", "bytes": base64.b64encode(every_byte).decode(),
        "headers": {"Content-Type": "text/event-stream", "X-Own": "yes", "Set-Cookie": "a=b", "X-Receipt": "mine"},
    }, headers={"X-Request-Id": "my-stream"}) as answer:
        assert answer.status == 200
        assert answer.read() == "\u00e4".encode() + every_byte
    headers = answer.headers
    assert headers["x-function-status"] == "418"
    assert headers["content-type"] == "text/event-stream"
    assert headers["x-own"] == "yes"
    assert headers["x-request-id"] == "my-stream"
    assert headers["trailer"].lower() == "x-receipt"
    assert "set-cookie" not in headers and "x-receipt" not in headers
    receipt = answer.receipt
    assert receipt["requestId"] == "my-stream" and receipt["statusCode"] == 418
    assert "begins" in receipt["logs"] and "ends" in receipt["logs"]
    assert "body" not in receipt
    assert last_log(api, function, "my-stream") == receipt["logs"]


def test_handler_that_does_not_stream(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(runtime.echo, runtime)["id"]
    with StreamedAnswer(api, function, {"a": "x" * 100000}) as answer:
        assert json.loads(answer.read()) == {"a": "x" * 100000}
    assert answer.headers["content-type"] == "application/json"
    assert answer.receipt["statusCode"] == 200


def test_stream_is_collected_when_nobody_asked_for_one(api: Client, function: str) -> None:
    receipt = api.receipt(function, {"status": 201, "headers": {"X-Own": "yes"}, "first": '{"a":', "bytes": "MX0="})
    assert (receipt["statusCode"], receipt["headers"], receipt["body"]) == (201, {"X-Own": "yes"}, {"a": 1})
    expect_error(api.invoke(function, {"chunks": 70}), 413, "PAYLOAD_TOO_LARGE")


def test_error_before_the_first_byte_is_an_ordinary_one(api: Client, function: str) -> None:
    error = expect_error(api.post(f"/functions/{function}/invoke?stream=true", {"status": 201, "early": True}),
                         502, "FUNCTION_ERROR")
    assert error["type"] == "TypeError" and error["message"].endswith("early")
    expect_error(api.post("/functions/nobody/invoke?stream=true", {}), 404, "NOT_FOUND")


@pytest.mark.parametrize("event, code", [
    ({"late": True}, "FUNCTION_ERROR"), ({"exit": True}, "FUNCTION_CRASHED"), ({"ms": 60000}, "FUNCTION_TIMEOUT")])
def test_error_after_the_first_byte_cuts_the_answer_off(
        api: Client, bench: Workbench, runtime: Runtime, event: dict[str, object], code: str) -> None:
    function = bench.create(STREAMING[runtime.name], runtime, timeout=1500)["id"]
    with StreamedAnswer(api, function, event) as answer:
        parts = answer.parts()
        assert next(parts) == b"first"
        with pytest.raises(CutOff):
            next(parts)
    request_id = answer.headers["x-request-id"]
    assert "begins" in last_log(api, function, request_id)
    listed = api.get(f"/functions/{function}/logs?requestId={request_id}").json["invocations"][0]
    assert listed["errorCode"] == code, listed
    with StreamedAnswer(api, function) as answer:
        assert answer.read() == b"first"


def test_client_that_leaves_does_not_stop_the_handler(api: Client, function: str) -> None:
    with StreamedAnswer(api, function, {"chunks": 100}, headers={"X-Request-Id": "left"}, buffer=4096) as answer:
        next(answer.parts())
    assert "ends" in last_log(api, function, "left")


def test_client_that_leaves_stops_a_handler_that_wants_it(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(STREAMING[runtime.name], runtime, cancelOnDisconnect=True)["id"]
    with StreamedAnswer(api, function, {"ms": 20000}, headers={"X-Request-Id": "stopped"}) as answer:
        assert next(answer.parts()) == b"first"
    logs = last_log(api, function, "stopped")
    assert "begins" in logs and "ends" not in logs


def test_stream_has_no_idempotency_key(api: Client, function: str) -> None:
    error = expect_error(api.post(f"/functions/{function}/invoke?stream=true", {}, headers={"Idempotency-Key": "k"}),
                         400, "INVALID_ARGUMENT")
    assert error["details"][0]["field"] == "Idempotency-Key"


def test_grpcurl_prints_the_parts(grpc: Grpcurl, function: str) -> None:
    done = grpc.run("serverless.router.v1.RouterService/InvokeStreaming",
                    data={"function": function, "event": base64.b64encode(b'{"status":202}').decode()})
    assert done.returncode == 0, done.stderr
    decoder, text, parts = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        part, end = decoder.raw_decode(text)
        parts.append(part)
        text = text[end:].lstrip()
    assert parts[0] == {"head": {"statusCode": 202}}
    assert b"".join(base64.b64decode(part["data"]) for part in parts[1:-1]) == b"first"
    assert parts[-1]["receipt"]["statusCode"] == 202
    assert "body" not in parts[-1]["receipt"]


# ---- slow readers

MEGABYTE = 1 << 20
# 50 MB.
CHUNKS = 500


@pytest.fixture(scope="module")
def own() -> Iterator[Cluster]:
    with own_cluster({"scaler": {"policies": "windows,schedules"}}) as cluster:
        yield cluster


def resident(cluster: Cluster, program: str) -> int:
    """Bytes."""
    status = Path(f"/proc/{cluster.programs[program].pid}/status").read_text()
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS:"))


def test_slow_reader_slows_only_its_own_call(own: Cluster, runtime: Runtime) -> None:
    api, bench = own.api, Workbench(own.api)
    slow = bench.create(STREAMING[runtime.name], runtime, timeout=120000)["id"]
    other = bench.create(NODE.hello)["id"]
    with StreamedAnswer(api, slow, {"chunks": 20}) as warm_up:
        assert len(warm_up.read()) == 5 + 20 * 100000
    api.receipt(other)
    before = {program: resident(own, program) for program in ("pool", "router", "gateway")}
    expected = hashlib.sha256(b"first" + b"".join(bytes([i % 251]) * 100000 for i in range(CHUNKS)))
    got, size, seen = hashlib.sha256(), 0, dict.fromkeys(before, 0)
    slowest_other, looked_at = 0.0, 0
    with StreamedAnswer(api, slow, {"chunks": CHUNKS}, buffer=65536) as answer:
        for part in answer.parts():
            got.update(part)
            size += len(part)
            if size - looked_at < 2 * MEGABYTE:
                continue
            looked_at = size
            time.sleep(0.1)
            started = time.monotonic()
            api.receipt(other)
            slowest_other = max(slowest_other, time.monotonic() - started)
            for program in seen:
                seen[program] = max(seen[program], resident(own, program) - before[program])
    print(f"{runtime.name}: growth {({name: f'{grown / MEGABYTE:.1f} MiB' for name, grown in seen.items()})}, "
          f"slowest other call {slowest_other * 1000:.0f} ms")
    assert size == 5 + CHUNKS * 100000
    assert got.digest() == expected.digest()
    # The whole would be 48 MiB.
    assert seen["pool"] < 8 * MEGABYTE and seen["router"] < 8 * MEGABYTE and seen["gateway"] < 24 * MEGABYTE, seen
    assert slowest_other < 2
    bench.close()


def test_reader_that_stands_still_holds_up_its_function_only(own: Cluster) -> None:
    """How far a function gets ahead of a client that reads nothing."""
    api, bench = own.api, Workbench(own.api)
    # Another call of the same instance could not tell: it is busy. So it prints.
    source = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  const started = Date.now();
  for (let i = 0; i < 200; i++) {
    if (!stream.write(Buffer.alloc(100000))) await new Promise((go) => stream.once("drain", go));
    if (Date.now() - started > 1000) { console.log("ahead " + i); break; }
  }
  stream.end();
});"""
    function = bench.create(source, timeout=60000)["id"]
    other = bench.create(NODE.hello)["id"]
    api.receipt(other)
    with StreamedAnswer(api, function, buffer=4096) as answer:
        parts = answer.parts()
        next(parts)
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            started = time.monotonic()
            api.receipt(other)
            assert time.monotonic() - started < 1
        for _ in parts:
            pass
    ahead = [line for line in answer.receipt["logs"] if line.startswith("ahead ")]
    # 20 MB would have been written at once; what holds less are the windows and
    # the buffers of sockets.
    assert ahead and int(ahead[0].split()[1]) < 150, answer.receipt["logs"]
    bench.close()


def test_streams_side_by_side_do_not_wait_for_each_other(own: Cluster) -> None:
    api, bench = own.api, Workbench(own.api)
    function = bench.create(STREAMING["node"], NODE, timeout=60000, concurrency=2, maxInstances=1)["id"]
    with StreamedAnswer(api, function, {"chunks": 200}, buffer=4096) as stalled:
        parts = stalled.parts()
        size = len(next(parts))
        with StreamedAnswer(api, function, {"chunks": 50, "first": "other"}) as answer:
            assert len(answer.read()) == 5 + 50 * 100000
        size += sum(len(part) for part in parts)
    assert size == 5 + 200 * 100000
    assert answer.receipt["instanceId"] == stalled.receipt["instanceId"]
    assert "ends" in answer.receipt["logs"] and "ends" in stalled.receipt["logs"]
    bench.close()

"""The basic flow: register, invoke cold and warm, look, warm up, delete."""

import json
import re
import subprocess

import pytest

from harness.client import Client, expect_error, unique
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench


def test_basic_flow(api: Client, runtime: Runtime) -> None:
    created = api.post("/functions", {
        "name": unique("hello-world"), "runtime": runtime.name, "handler": runtime.handler,
        "code": runtime.hello, "timeout": 30000, "memory": 256,
        "triggers": [{"type": "http", "config": {}}],
    })
    assert created.status == 201, str(created)
    function = created.json
    function_id = function["id"]
    assert re.fullmatch(r"fn-\d+-[0-9a-z]{6}", function_id)
    assert created.headers["Location"] == f"/functions/{function_id}"

    cold = api.receipt(function_id, {"name": "World", "message": "Hello from client"})
    assert cold["coldStart"] is True
    assert cold["statusCode"] == 200
    assert cold["body"] == {"message": "Hello"}
    assert cold["logs"] == [
        f"[START] Request {cold['requestId']}",
        f"[INFO] Function: {function['name']} ({function_id})",
        f"[INFO] Instance: {cold['instanceId']}",
        "hello from console.log",
        f"[END] Request {cold['requestId']}",
    ]

    warm = api.receipt(function_id, {"test": True})
    assert warm["coldStart"] is False
    assert warm["instanceId"] == cold["instanceId"]
    assert warm["requestId"] != cold["requestId"]
    assert warm["body"] == cold["body"]

    metrics = api.metrics_of(function_id)
    assert metrics["functionName"] == function["name"]
    assert (metrics["total"], metrics["warm"], metrics["busy"]) == (1, 1, 0)

    warmed = api.post(f"/functions/{function_id}/warm")
    assert warmed.status == 200, str(warmed)
    assert warmed.json == {
        "functionId": function_id, "requested": 1, "warmed": 1, "total": 2, "warm": 2}
    assert api.metrics_of(function_id)["warm"] == 2

    deleted = api.request("DELETE", f"/functions/{function_id}")
    assert (deleted.status, deleted.json) == (200, {})
    expect_error(api.get(f"/functions/{function_id}"), 404, "NOT_FOUND")
    expect_error(api.invoke_until_unknown(function_id), 404, "NOT_FOUND")


def test_basic_flow_as_typed_at_a_terminal(api: Client) -> None:
    """curl and jq, word for word as the README has it."""
    name = unique("typed")
    definition = json.dumps({
        "name": name, "runtime": "node", "handler": "index.handler",
        "code": "exports.handler = async (event) => ({ statusCode: 200, body: event })",
        "timeout": 3000, "memory": 128, "triggers": []})
    script = f"""
        set -euo pipefail
        FUNC_ID=$(curl -sX POST {api.url}/functions -H "Content-Type: application/json" \
          -d '{definition}' | jq -r '.id')
        invoke() {{
          curl -sX POST {api.url}/functions/$FUNC_ID/invoke \
            -H "Content-Type: application/json" -d '{{"test": true}}'
        }}
        invoke | jq -c '[.statusCode, .body, .coldStart]'
        invoke | jq -c '[.statusCode, .body, .coldStart]'
        curl -s {api.url}/metrics | jq -c ".metrics[] | select(.functionId == \\"$FUNC_ID\\") | .warm"
        curl -sX POST {api.url}/functions/$FUNC_ID/warm | jq -c .warmed
        curl -sX DELETE {api.url}/functions/$FUNC_ID
    """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        '[200,{"test":true},true]', '[200,{"test":true},false]', "1", "1", "{}"]


@pytest.mark.parametrize("runtime", (NODE, PYTHON), ids=lambda runtime: runtime.name)
def test_apache_bench_has_no_failed_request(api: Client, bench: Workbench, runtime: Runtime,
                                            tmp_path) -> None:
    function_id = bench.create(runtime.echo, runtime)["id"]
    payload = tmp_path / "payload.json"
    payload.write_text('{"name": "World"}')
    done = subprocess.run(
        ["ab", "-n", "100", "-c", "10", "-p", str(payload), "-T", "application/json",
         f"{api.url}/functions/{function_id}/invoke"],
        capture_output=True, text=True, timeout=120, check=False)
    report = done.stdout
    assert done.returncode == 0, done.stderr
    assert re.search(r"^Complete requests:\s+100$", report, re.M), report
    assert re.search(r"^Failed requests:\s+0$", report, re.M), report
    assert "Non-2xx" not in report, report

"""docker-compose up, as a user does it: the basic flow, safety, durability.

The tests share one platform and run in the order they are written in."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from harness.client import Client, expect_error
from harness.composed import Composed
from harness.functions import PYTHON
from harness.wait import wait_until
from harness.workbench import Workbench

CODE = """
import os

def handler(event, context):
    print("hello from print")
    return {"statusCode": 200, "body": {"event": event, "uid": os.getuid()}}
"""


@pytest.fixture(scope="module")
def function(api: Client) -> str:
    answer = api.post("/functions", {
        "name": "composed", "runtime": "python", "handler": "main.handler", "code": CODE,
        "timeout": 10000, "memory": 128, "triggers": []})
    assert answer.status == 201, str(answer)
    return answer.json["id"]


def test_configuration_is_valid(composed: Composed) -> None:
    assert "services:" in composed.compose("config")


def test_everything_is_healthy(api: Client) -> None:
    answer = api.get("/health")
    assert answer.status == 200 and answer.json["status"] == "ok", str(answer)
    assert "problems" not in answer.json, str(answer)


def test_cold_then_warm(api: Client, function: str) -> None:
    first = api.receipt(function, {"n": 1})
    assert first["coldStart"] is True
    assert first["statusCode"] == 200
    assert first["body"]["event"] == {"n": 1}
    assert "hello from print" in first["logs"]
    assert api.receipt(function, {"n": 2})["coldStart"] is False


def test_instances_are_isolated(api: Client, function: str) -> None:
    assert api.receipt(function, {})["body"]["uid"] == 1000
    assert api.get("/health").json["isolation"] in ("full", ["landlock"])


def test_nothing_stays_of_an_instance_that_was_stopped(composed: Composed, bench: Workbench) -> None:
    slow = bench.create("""
import os, time

def handler(event, context):
    os.makedirs(os.environ["HOME"] + "/private", mode=0o700)
    time.sleep(60)
""", PYTHON, timeout=500)
    expect_error(composed.api.invoke(slow["id"]), 504, "FUNCTION_TIMEOUT")
    assert composed.api.request("DELETE", f"/functions/{slow['id']}").status == 200
    # Of the other function at most its one instance is left.
    wait_until(lambda: len(composed.instance_pids()) <= 1, 20, "the instance is gone")


def test_warm_and_metrics(api: Client, function: str) -> None:
    answer = api.post(f"/functions/{function}/warm?count=2")
    assert answer.status == 200, str(answer)
    assert api.metrics_of(function)["warm"] >= 2


def test_apache_bench(api: Client, function: str, tmp_path: Path) -> None:
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps({"test": True}))
    report = subprocess.run(
        ["ab", "-l", "-n", "100", "-c", "10", "-p", str(payload), "-T", "application/json",
         f"{api.url}/functions/{function}/invoke"],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    assert re.search(r"Complete requests:\s+100\b", report), report
    assert re.search(r"Failed requests:\s+0\b", report), report
    assert "Non-2xx" not in report, report


def test_grpcurl_lists_the_services(composed: Composed) -> None:
    listed = subprocess.run(["grpcurl", "-plaintext", f"127.0.0.1:{composed.grpc_port}", "list"],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "grpc.health.v1.Health" in listed
    assert re.search(r"^serverless\.registry\.v1\.", listed, re.MULTILINE), listed


def test_functions_survive_down_and_up(composed: Composed, function: str) -> None:
    composed.down()
    composed.up()
    answer = composed.api.get(f"/functions/{function}")
    assert answer.status == 200 and answer.json["name"] == "composed", str(answer)
    assert composed.api.receipt(function, {})["coldStart"] is True


def test_delete(api: Client, function: str) -> None:
    assert api.request("DELETE", f"/functions/{function}").status == 200
    assert api.get(f"/functions/{function}").status == 404

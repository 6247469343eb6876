"""docker-compose up, as a user does it: the basic flow, safety, durability.

The tests share one platform and run in the order they are written in."""

import json
import re
import subprocess
import time

import pytest

from composed import SERVICES

CODE = """
import os

def handler(event, context):
    print("hello from print")
    return {"statusCode": 200, "body": {"event": event, "uid": os.getuid()}}
"""


@pytest.fixture(scope="module")
def function(composed):
    status, function = composed.call("POST", "/functions", {
        "name": "composed", "runtime": "python", "handler": "main.handler", "code": CODE,
        "timeout": 10000, "memory": 128, "triggers": []})
    assert status == 201, function
    return function["id"]


def test_configuration_is_valid(composed):
    assert "services:" in composed.compose("config")


def test_everything_is_healthy(composed):
    status, health = composed.call("GET", "/health")
    assert status == 200 and health["status"] == "ok", health


def test_cold_then_warm(composed, function):
    status, first = composed.call("POST", f"/functions/{function}/invoke", {"n": 1})
    assert status == 200, first
    assert first["coldStart"] is True
    assert first["statusCode"] == 200
    assert first["body"]["event"] == {"n": 1}
    assert "hello from print" in first["logs"]
    status, second = composed.call("POST", f"/functions/{function}/invoke", {"n": 2})
    assert status == 200 and second["coldStart"] is False, second


def test_instances_are_isolated(composed, function):
    _, answer = composed.call("POST", f"/functions/{function}/invoke", {})
    assert answer["body"]["uid"] == 1000
    assert composed.call("GET", "/health")[1]["isolation"] in ("full", ["landlock"])


def test_nothing_stays_of_an_instance_that_was_stopped(composed):
    code = """
import os, time

def handler(event, context):
    os.makedirs(os.environ["HOME"] + "/private", mode=0o700)
    time.sleep(60)
"""
    status, made = composed.call("POST", "/functions", {
        "name": "composed-slow", "runtime": "python", "handler": "main.handler", "code": code, "timeout": 500})
    assert status == 201, made
    status, answer = composed.call("POST", f"/functions/{made['id']}/invoke", {})
    assert status == 504 and answer["error"]["code"] == "FUNCTION_TIMEOUT", answer
    assert composed.call("DELETE", f"/functions/{made['id']}")[0] == 200
    # Of the other function at most its one instance is left.
    deadline = time.monotonic() + 20
    while True:
        with_code = composed.run_in(
            "launcher", "sh", "-c", "cat /proc/[0-9]*/mountinfo 2>/dev/null | grep -c ' /var/task ' || true")
        if int(with_code) <= 1:
            return
        assert time.monotonic() < deadline, with_code
        time.sleep(0.5)


def test_node(composed):
    status, made = composed.call("POST", "/functions", {
        "name": "composed-node", "runtime": "node", "handler": "index.handler",
        "code": "exports.handler = async (event) => ({ statusCode: 200, body: event })"})
    assert status == 201, made
    status, answer = composed.call("POST", f"/functions/{made['id']}/invoke", {"a": [1]})
    assert status == 200 and answer["body"] == {"a": [1]}, answer
    assert composed.call("DELETE", f"/functions/{made['id']}")[0] == 200


def test_warm_and_metrics(composed, function):
    status, warmed = composed.call("POST", f"/functions/{function}/warm?count=2")
    assert status == 200, warmed
    status, metrics = composed.call("GET", "/metrics")
    assert status == 200
    mine = [m for m in metrics["metrics"] if m["functionId"] == function]
    assert len(mine) == 1 and mine[0]["warm"] >= 2, metrics


def test_apache_bench(composed, function, tmp_path):
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps({"test": True}))
    report = subprocess.run(
        ["ab", "-l", "-n", "100", "-c", "10", "-p", str(payload), "-T", "application/json",
         f"http://127.0.0.1:{composed.port}/functions/{function}/invoke"],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    assert re.search(r"Complete requests:\s+100\b", report), report
    assert re.search(r"Failed requests:\s+0\b", report), report
    assert "Non-2xx" not in report, report


def test_grpcurl_lists_the_services(composed):
    listed = subprocess.run(["grpcurl", "-plaintext", f"127.0.0.1:{composed.grpc_port}", "list"],
                            stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "grpc.health.v1.Health" in listed
    assert re.search(r"^serverless\.registry\.v1\.", listed, re.MULTILINE), listed


@pytest.mark.parametrize("service", SERVICES)
def test_containers_have_little_power(composed, service):
    container = composed.container(service)
    host = container["HostConfig"]
    assert host["ReadonlyRootfs"] and not host["Privileged"]
    assert host["CapDrop"] == ["ALL"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    if service == "launcher":
        assert host["NetworkMode"] == "none"
        assert {cap.removeprefix("CAP_") for cap in host["CapAdd"]} == {
            "SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "SYS_CHROOT"}
    else:
        assert not host["CapAdd"] and container["Config"]["User"]
    published = [p for ports in host["PortBindings"].values() for p in ports]
    assert bool(published) == (service == "gateway")
    assert all(p["HostIp"] == "127.0.0.1" for p in published)


def test_functions_survive_down_and_up(composed, function):
    composed.down()
    composed.up()
    status, kept = composed.call("GET", f"/functions/{function}")
    assert status == 200 and kept["name"] == "composed", kept
    status, answer = composed.call("POST", f"/functions/{function}/invoke", {})
    assert status == 200 and answer["coldStart"] is True, answer


def test_delete(composed, function):
    assert composed.call("DELETE", f"/functions/{function}")[0] == 200
    assert composed.call("GET", f"/functions/{function}")[0] == 404

"""What the platform says about itself: overview, health, metrics, logs."""

import re

import pytest

from harness.client import Client, expect_error
from harness.cluster import own_cluster
from harness.functions import NODE, Runtime
from harness.wait import wait_until
from harness.workbench import Workbench

SERVICES = {"registry", "pool", "router", "scaler"}

ENDPOINTS = {
    ("GET", "/"), ("GET", "/health"), ("GET", "/functions"), ("POST", "/functions"),
    ("GET", "/functions/{id}"), ("PUT", "/functions/{id}"), ("PATCH", "/functions/{id}"),
    ("DELETE", "/functions/{id}"), ("POST", "/functions/{id}/invoke"),
    ("POST", "/functions/{id}/warm"), ("GET", "/functions/{id}/instances"),
    ("GET", "/functions/{id}/logs"), ("GET", "/functions/{id}/versions"),
    ("POST", "/functions/{id}/rollback"), ("GET", "/metrics"),
}


def test_overview(api: Client) -> None:
    answer = api.get("/")
    assert answer.status == 200
    overview = answer.json
    assert overview["name"] == "Serverless Orchestrator"
    assert re.match(r"\d+\.\d+", overview["version"])
    assert overview["uptime"] > 0
    assert overview["services"] == dict.fromkeys(SERVICES, "ok")
    listed = {(e["method"], e["path"]) for e in overview["endpoints"]}
    assert ENDPOINTS <= listed, ENDPOINTS - listed
    assert all(e["description"] for e in overview["endpoints"])


def test_health(api: Client) -> None:
    answer = api.get("/health")
    assert answer.status == 200
    assert answer.json["status"] == "ok"
    assert answer.json["services"] == dict.fromkeys(SERVICES, "ok")
    isolation = answer.json["isolation"]
    # A kernel without Landlock is the one thing that may be missing unasked.
    assert isolation == "full" or isolation == ["landlock"], answer.json
    for path in ("/health/live", "/health/ready"):
        assert (api.get(path).status, api.get(path).json) == (200, {"status": "ok"})


def test_ready_means_that_calls_work() -> None:
    """From the first moment on: what is printed at the start can be pasted."""
    with own_cluster() as cluster:
        cluster.stop()
        for program in cluster.programs.values():
            program.start()
        wait_until(cluster.is_healthy, 20, "healthy")
        function = Workbench(cluster.api).create(NODE.hello)
        assert cluster.api.receipt(function["id"])["body"] == {"message": "Hello"}


def test_metrics_as_json(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(runtime.sleep, runtime)
    for ms in (0, 10, 20):
        api.receipt(function["id"], {"ms": ms})
    answer = api.get("/metrics")
    assert answer.headers["Content-Type"].startswith("application/json")
    metrics = api.metrics_of(function["id"])
    expected = {"functionId": function["id"], "functionName": function["name"], "total": 1,
                "warm": 1, "busy": 0, "queueDepth": 0, "invocations": 3, "errors": 0,
                "coldStarts": 1, "rejected": 0}
    assert {field: metrics[field] for field in expected} == expected
    assert 0 < metrics["p50"] <= metrics["p95"] <= metrics["p99"]
    assert metrics["average"] > 0


@pytest.mark.parametrize("accept", ["text/plain", "application/openmetrics-text"])
def test_metrics_for_prometheus(api: Client, bench: Workbench, accept: str) -> None:
    function = bench.create(NODE.hello)
    api.receipt(function["id"])
    answer = api.get("/metrics", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(accept)
    text = answer.body.decode()

    sample = re.compile(r'[a-zA-Z_:][\w:]*(\{([a-zA-Z_]\w*="[^"\n]*",?)*\})? \S+( \S+)?')
    typed = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            assert sample.fullmatch(line), f"not a sample: {line!r}"
            float(line.rpartition("}")[2].split()[0] if "}" in line else line.split()[1])
    assert {"faas_invoke_duration_seconds", "so_queue_depth"} <= typed
    assert any(t.startswith("faas_invocations") for t in typed), typed
    mine = f'function="{function["name"]}",function_id="{function["id"]}"'
    assert f"faas_invocations_total{{{mine}}} 1" in text
    assert f"faas_coldstarts_total{{{mine}}} 1" in text
    assert f'so_instances{{{mine},state="warm"}} 1' in text
    # The buckets of a histogram only grow, and end with all of its observations.
    counts = [float(value) for value in re.findall(
        rf'faas_invoke_duration_seconds_bucket\{{{mine},le="[^"]+"\}} (\S+)', text)]
    assert counts == sorted(counts) and counts[-1] == 1


def test_json_wins_when_both_are_welcome(api: Client) -> None:
    answer = api.get("/metrics", headers={"Accept": "application/json, text/plain, */*"})
    assert answer.headers["Content-Type"].startswith("application/json")


def test_logs_of_recent_invocations(api: Client, bench: Workbench, runtime: Runtime) -> None:
    function = bench.create(runtime.prints, runtime)
    receipts = [api.receipt(function["id"]) for _ in range(3)]
    answer = api.get(f"/functions/{function['name']}/logs")
    assert answer.status == 200, str(answer)
    assert answer.json["functionId"] == function["id"]
    entries = answer.json["invocations"]
    assert [e["requestId"] for e in entries] == [r["requestId"] for r in reversed(receipts)]
    newest, receipt = entries[0], receipts[-1]
    for field in ("logs", "statusCode", "instanceId", "version", "coldStart", "logsTruncated"):
        assert newest[field] == receipt[field], field
    assert newest["errorCode"] == ""

    path = f"/functions/{function['id']}/logs"
    one = api.get(f"{path}?requestId={receipts[1]['requestId']}").json["invocations"]
    assert [e["requestId"] for e in one] == [receipts[1]["requestId"]]
    assert len(api.get(f"{path}?pageSize=2").json["invocations"]) == 2
    since = api.get(f"{path}?since={entries[1]['time']}").json["invocations"]
    assert [e["requestId"] for e in since] == [e["requestId"] for e in entries[:2]]
    assert api.get(f"{path}?since=2100-01-01T00:00:00Z").json["invocations"] == []
    for query, field in (("since=yesterday", "since"), ("pageSize=0x", "pageSize"),
                         ("pageSize=1001", "pageSize"), ("sice=1", "sice")):
        error = expect_error(api.get(f"{path}?{query}"), 400, "INVALID_ARGUMENT")
        assert [detail["field"] for detail in error["details"]] == [field]

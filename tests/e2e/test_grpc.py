"""The single gRPC address, as grpcurl sees it."""

import base64
import json
from typing import Any

import pytest

from harness.client import Client, unique
from harness.functions import NODE, Runtime
from harness.grpcurl import Grpcurl
from harness.workbench import Workbench

PUBLIC = {"serverless.registry.v1.RegistryService", "serverless.pool.v1.PoolService",
          "serverless.router.v1.RouterService", "serverless.scaler.v1.ScalerService",
          "grpc.health.v1.Health"}
REFLECTION = {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}


def as_bytes(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def test_list_shows_the_public_services_and_no_other(grpc: Grpcurl) -> None:
    listed = grpc.list()
    assert PUBLIC <= listed, PUBLIC - listed
    assert listed <= PUBLIC | REFLECTION, listed - PUBLIC - REFLECTION


@pytest.mark.parametrize("service, method", [
    ("serverless.registry.v1.RegistryService", "CreateFunction"),
    ("serverless.pool.v1.PoolService", "Warm"),
    ("serverless.router.v1.RouterService", "Invoke"),
    ("serverless.scaler.v1.ScalerService", "GetStatus"),
])
def test_services_can_be_described(grpc: Grpcurl, service: str, method: str) -> None:
    assert f"{service}.{method}" in grpc.list(service)
    done = grpc.run("describe", f"{service}.{method}")
    assert done.returncode == 0, done.stderr
    assert f"rpc {method} " in done.stdout


@pytest.mark.parametrize("method", ["serverless.pool.v1.PoolNodeService/SetTarget",
                                    "serverless.registry.v1.RegistryFeedService/GetCode"])
def test_internal_services_cannot_be_called(grpc: Grpcurl, method: str) -> None:
    # By a client that has the protos, so that reflection has no say.
    done = grpc.run_with_protos(method)
    assert done.returncode != 0
    assert "Unimplemented" in done.stderr, done.stderr


def test_whole_life_of_a_function(grpc: Grpcurl, runtime: Runtime) -> None:
    registry = "serverless.registry.v1.RegistryService"
    definition = {"name": unique("grpc"), "runtime": runtime.name, "handler": runtime.handler,
                  "code": runtime.echo}
    created = grpc.call(f"{registry}/CreateFunction", {"function": definition})["function"]
    try:
        receipt = grpc.call("serverless.router.v1.RouterService/Invoke",
                            {"function": definition["name"], "event": as_bytes({"a": [1]})})
        assert json.loads(base64.b64decode(receipt["body"])) == {"a": [1]}
        assert (receipt["statusCode"], receipt["coldStart"]) == (200, True)
        assert receipt["functionId"] == created["id"]
        warm = grpc.call("serverless.pool.v1.PoolService/Warm", {"function": created["id"]})
        assert (warm["warmed"], warm["total"]) == (1, 2)
        found = grpc.call(f"{registry}/GetFunction", {"function": created["id"]})
        assert found["function"]["name"] == definition["name"]
    finally:
        grpc.call(f"{registry}/DeleteFunction", {"id": created["id"]})
    assert "NotFound" in grpc.fail(f"{registry}/GetFunction", {"function": created["id"]})


def test_errors_are_a_status_with_our_typed_detail(grpc: Grpcurl, api: Client) -> None:
    said = grpc.fail("serverless.registry.v1.RegistryService/CreateFunction",
                     {"function": {"name": "No", "timeout": 0}})
    assert "InvalidArgument" in said
    assert "serverless.error.v1.Error" in said
    for field in ("name", "runtime", "handler", "code", "timeout"):
        assert f'"field": "{field}"' in said, said

    said = grpc.fail("serverless.router.v1.RouterService/Invoke", {"function": "no-such"})
    assert "NotFound" in said and "NOT_FOUND" in said


def test_failure_of_user_code_is_a_result(grpc: Grpcurl, bench: Workbench) -> None:
    function = bench.create(NODE.misbehave)
    receipt = grpc.call("serverless.router.v1.RouterService/Invoke",
                        {"function": function["id"], "event": as_bytes({"do": "throw"})})
    assert receipt["error"]["code"] == "FUNCTION_ERROR"
    assert receipt["error"]["fault"]["type"] == "TypeError"
    assert "about to misbehave" in receipt["logs"]


@pytest.mark.parametrize("service", ["", *sorted(PUBLIC - {"grpc.health.v1.Health"})])
def test_health(grpc: Grpcurl, service: str) -> None:
    answer = grpc.call("grpc.health.v1.Health/Check", {"service": service})
    assert answer == {"status": "SERVING"}


def test_health_of_an_unknown_service(grpc: Grpcurl) -> None:
    assert "NotFound" in grpc.fail("grpc.health.v1.Health/Check", {"service": "no.such.Service"})


def test_scaler_tells_what_it_does(grpc: Grpcurl) -> None:
    status = grpc.call("serverless.scaler.v1.ScalerService/GetStatus")
    assert status["interval"] == 2000


def test_every_process_answers_reflection_and_health(cluster) -> None:
    services = {"registry": "serverless.registry.v1.RegistryService",
                "pool": "serverless.pool.v1.PoolService",
                "router": "serverless.router.v1.RouterService",
                "scaler": "serverless.scaler.v1.ScalerService"}
    for name, service in services.items():
        direct = Grpcurl(cluster.addresses[name])
        assert service in direct.list()
        assert direct.call("grpc.health.v1.Health/Check") == {"status": "SERVING"}

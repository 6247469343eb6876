"""Malformed registrations: each is a 400 that names every wrong field."""

from typing import Any

import pytest

from harness.client import Client, expect_error, unique
from harness.functions import NODE
from harness.workbench import Workbench

MISSING = object()


def http_trigger(path: Any, method: Any = "GET") -> list[dict[str, Any]]:
    return [{"type": "http", "config": {"path": path, "method": method}}]


# What is changed in a good registration, and the fields that are named for it.
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "name missing": ({"name": MISSING}, {"name"}),
    "name empty": ({"name": ""}, {"name"}),
    "name in capitals": ({"name": "Hello"}, {"name"}),
    "name with a space": ({"name": "a b"}, {"name"}),
    "name with a dash first": ({"name": "-a"}, {"name"}),
    "name of 64 characters": ({"name": "a" * 64}, {"name"}),
    "name with a colon": ({"name": "a:1"}, {"name"}),
    "name like an id": ({"name": "fn-1234567890-abc123"}, {"name"}),
    "name is a number": ({"name": 7}, {"name"}),
    "runtime missing": ({"runtime": MISSING}, {"runtime"}),
    "runtime unknown": ({"runtime": "cobol"}, {"runtime"}),
    "handler missing": ({"handler": MISSING}, {"handler"}),
    "handler without an export": ({"handler": "index"}, {"handler"}),
    "handler outside": ({"handler": "../index.handler"}, {"handler"}),
    "handler of 300 bytes": ({"handler": "a" * 290 + ".handler"}, {"handler"}),
    "code missing": ({"code": MISSING}, {"code"}),
    "code empty": ({"code": ""}, {"code"}),
    "code above 4 MiB": ({"code": "x" * (4 * 1024 * 1024 + 1)}, {"code"}),
    "code is an object": ({"code": {}}, {"code"}),
    "timeout zero": ({"timeout": 0}, {"timeout"}),
    "timeout negative": ({"timeout": -1}, {"timeout"}),
    "timeout above 15 minutes": ({"timeout": 900001}, {"timeout"}),
    "timeout is a text": ({"timeout": "soon"}, {"timeout"}),
    "timeout is a fraction": ({"timeout": 1.5}, {"timeout"}),
    "timeout beyond 32 bits": ({"timeout": 99999999999}, {"timeout"}),
    "memory too small": ({"memory": 31}, {"memory"}),
    "memory too large": ({"memory": 10241}, {"memory"}),
    "memory is a boolean": ({"memory": True}, {"memory"}),
    "environment is a list": ({"environment": []}, {"environment"}),
    "environment value is a number": ({"environment": {"A": 1}}, {"environment.A"}),
    "environment name with a dash": ({"environment": {"A-B": "x"}}, {"environment.A-B"}),
    "environment name reserved": ({"environment": {"PATH": "/"}}, {"environment.PATH"}),
    "environment above 4 KiB": ({"environment": {"A": "x" * 4096}}, {"environment"}),
    "minInstances negative": ({"minInstances": -1}, {"minInstances"}),
    "minInstances above maxInstances": ({"minInstances": 3, "maxInstances": 2}, {"minInstances"}),
    "maxInstances zero": ({"maxInstances": 0}, {"maxInstances"}),
    "maxInstances too large": ({"maxInstances": 1001}, {"maxInstances"}),
    "concurrency above 100": ({"concurrency": 101}, {"concurrency"}),
    "concurrency without reuse": ({"concurrency": 2, "reuse": "never"}, {"concurrency"}),
    "reuse unknown": ({"reuse": "sometimes"}, {"reuse"}),
    "network unknown": ({"network": "all"}, {"network"}),
    "idleTimeout too small": ({"idleTimeout": 1}, {"idleTimeout"}),
    "maxAge too large": ({"maxAge": 86400001}, {"maxAge"}),
    "concurrencyLimit negative": ({"concurrencyLimit": -1}, {"concurrencyLimit"}),
    "concurrencyLimit is a fraction": ({"concurrencyLimit": 1.5}, {"concurrencyLimit"}),
    "rateLimit negative": ({"rateLimit": -1}, {"rateLimit"}),
    "rateLimit too small": ({"rateLimit": 0.001}, {"rateLimit"}),
    "rateLimit is no number": ({"rateLimit": "NaN"}, {"rateLimit"}),
    "rateBurst too large": ({"rateBurst": 100001}, {"rateBurst"}),
    "description too long": ({"description": "x" * 1025}, {"description"}),
    "label key in capitals": ({"labels": {"Team": "a"}}, {"labels.Team"}),
    "label value too long": ({"labels": {"team": "x" * 257}}, {"labels.team"}),
    "labels too many": ({"labels": {f"l{i}": "x" for i in range(33)}}, {"labels"}),
    "triggers is an object": ({"triggers": {}}, {"triggers"}),
    "triggers too many": ({"triggers": [{"type": "http", "config": {}}] * 21}, {"triggers"}),
    "trigger type unknown": ({"triggers": [{"type": "smoke"}]}, {"triggers[0].type"}),
    "trigger config is a text": ({"triggers": [{"type": "http", "config": "x"}]},
                                 {"triggers[0].config"}),
    "trigger path relative": ({"triggers": http_trigger("hello")}, {"triggers[0].config.path"}),
    "trigger path with ..": ({"triggers": http_trigger("/a/../b")}, {"triggers[0].config.path"}),
    "trigger path is ours": ({"triggers": http_trigger("/functions/x")},
                             {"triggers[0].config.path"}),
    "trigger method unknown": ({"triggers": http_trigger("/a", "FETCH")},
                               {"triggers[0].config.method"}),
    "trigger route twice": ({"triggers": http_trigger("/a/{x}") + http_trigger("/a/{y}")},
                            {"triggers[1].config.path"}),
    "field unknown": ({"tiemout": 1}, {"tiemout"}),
    "field unknown in a trigger": ({"triggers": [{"type": "http", "konfig": {}}]},
                                   {"triggers[0].konfig"}),
    "several wrong values": (
        {"name": "No", "runtime": "cobol", "timeout": 0, "memory": 1, "reuse": "x",
         "environment": {"1A": "x"}},
        {"name", "runtime", "timeout", "memory", "reuse", "environment.1A"}),
    "several wrong types": ({"name": 1, "timeout": "x", "labels": 3, "more": 1},
                            {"name", "timeout", "labels", "more"}),
}


def changed(definition: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = {**definition, **change}
    return {field: value for field, value in merged.items() if value is not MISSING}


@pytest.mark.parametrize("change, fields", CASES.values(), ids=CASES.keys())
def test_malformed_registration_names_the_field(api: Client, bench: Workbench,
                                                change: dict[str, Any], fields: set[str]) -> None:
    definition = changed(bench.definition(NODE.hello), change)
    error = expect_error(bench.register(definition), 400, "INVALID_ARGUMENT")
    assert {detail["field"] for detail in error["details"]} == fields, error
    assert error["retryable"] is False
    # Nothing was made of it.
    name = definition.get("name")
    if isinstance(name, str) and name.startswith("test-"):
        assert api.get(f"/functions/{name}").status == 404


def test_unknown_runtime_lists_the_allowed_ones(bench: Workbench) -> None:
    answer = bench.register({**bench.definition(NODE.hello), "runtime": "cobol"})
    problem = expect_error(answer, 400, "INVALID_ARGUMENT")["details"][0]["problem"]
    assert "node" in problem and "python" in problem


def test_range_is_part_of_the_problem(bench: Workbench) -> None:
    answer = bench.register({**bench.definition(NODE.hello), "timeout": 900001})
    problem = expect_error(answer, 400, "INVALID_ARGUMENT")["details"][0]["problem"]
    assert "1" in problem and "900000" in problem


@pytest.mark.parametrize("body, position", [
    pytest.param(b'{\n  "name": "a",\n  oops\n}', "line 3, column 3", id="unquoted key"),
    pytest.param(b'{"name": "a"', "line 1, column", id="unfinished"),
    pytest.param(b'{"name": "a"} trailing', "line 1, column 15", id="trailing text"),
    pytest.param(b"name=a", "line 1, column", id="a form"),
])
def test_broken_json_has_a_position(api: Client, body: bytes, position: str) -> None:
    answer = api.post("/functions", body, headers={"Content-Type": "application/json"})
    error = expect_error(answer, 400, "INVALID_ARGUMENT")
    assert position in error["message"], error


@pytest.mark.parametrize("body", [b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b"[" * 1000],
                         ids=["list", "null", "number", "text", "bytes", "depth"])
def test_body_must_be_an_object(api: Client, body: bytes) -> None:
    answer = api.post("/functions", body, headers={"Content-Type": "application/json"})
    expect_error(answer, 400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("field, smallest, largest", [
    ("timeout", 1, 900000), ("memory", 32, 10240), ("maxInstances", 1, 1000),
    ("idleTimeout", 1000, 86400000), ("maxAge", 1000, 86400000),
    ("concurrencyLimit", 0, 100000), ("rateLimit", 0.01, 100000), ("rateBurst", 0, 100000)])
def test_limits_themselves_are_allowed(bench: Workbench, field: str, smallest: int,
                                       largest: int) -> None:
    for value in (smallest, largest):
        function = bench.create(NODE.hello, **{field: value})
        assert function[field] == value


def test_longest_name_and_code_are_allowed(bench: Workbench) -> None:
    name = unique("n").ljust(63, "x")
    code = NODE.hello.ljust(4 * 1024 * 1024)
    answer = bench.register({**bench.definition(code), "name": name})
    assert answer.status == 201, str(answer)

"""Functions as a resource: create, read, list, replace, change, roll back, delete."""

import concurrent.futures
import hashlib
import re
from collections import Counter

import pytest

from harness.client import Client, expect_error, unique, wait_until_accepted
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench

V1 = "exports.handler = async () => 'one';"
V2 = "exports.handler = async () => 'two';"


def test_create_answers_the_function_with_its_defaults(bench: Workbench) -> None:
    definition = bench.definition(NODE.hello)
    answer = bench.register(definition)
    assert answer.status == 201, str(answer)
    function = answer.json
    assert function["name"] == definition["name"]
    expected = {
        "runtime": "node", "handler": "index.handler", "timeout": 30000, "memory": 128,
        "environment": {}, "triggers": [], "description": "", "labels": {}, "minInstances": 0,
        "maxInstances": 20, "concurrency": 1, "reuse": "warm", "network": "none", "version": 1,
        "state": "active", "codeSha256": hashlib.sha256(NODE.hello.encode()).hexdigest(),
    }
    assert {field: function[field] for field in expected} == expected
    assert function["etag"] and answer.headers["ETag"] == f'"{function["etag"]}"'
    for field in ("createdAt", "updatedAt"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", function[field])
    for field, value in function.items():
        assert not (isinstance(value, str) and value.isdigit()), f"{field} is a number in a string"


def test_create_keeps_what_it_is_given(api: Client, bench: Workbench) -> None:
    given = {
        "timeout": 5000, "memory": 256, "description": "says hello", "labels": {"team": "a"},
        "minInstances": 0, "maxInstances": 3, "reuse": "never", "idleTimeout": 2000,
        "maxAge": 60000, "concurrencyLimit": 50, "rateLimit": 12.5, "rateBurst": 20,
        "triggers": [{"type": "http", "config": {"path": f"/{unique('hook')}", "method": "POST"}},
                     {"type": "schedule", "config": {"cron": "0 */5 * * *", "timezone": "UTC"}},
                     {"type": "event", "config": {"source": "queue", "queueName": "processing"}}],
    }
    created = bench.create(NODE.hello, **given)
    read = api.get(f"/functions/{created['id']}").json
    for field, value in given.items():
        assert created[field] == value and read[field] == value, field


def test_read_by_id_and_name_with_code_only_on_request(api: Client, bench: Workbench) -> None:
    function = bench.create(NODE.hello)
    by_id = api.get(f"/functions/{function['id']}")
    by_name = api.get(f"/functions/{function['name']}")
    assert by_id.status == by_name.status == 200
    assert by_id.json == by_name.json == function
    assert not by_id.json.get("code")
    assert by_id.headers["ETag"] == f'"{function["etag"]}"'
    full = api.get(f"/functions/{function['id']}?view=full").json
    assert full["code"] == NODE.hello
    assert {**full, "code": None} == {**function, "code": None}


def test_environment_is_masked_and_reaches_the_function(api: Client, bench: Workbench,
                                                        runtime: Runtime) -> None:
    function = bench.create(runtime.environment, runtime, environment={"SECRET": "s3cr3t", "B": ""})
    assert function["environment"] == {"SECRET": "***", "B": "***"}
    for view in ("", "?view=full"):
        answer = api.get(f"/functions/{function['id']}{view}")
        assert b"s3cr3t" not in answer.body
        assert answer.json["environment"] == {"SECRET": "***", "B": "***"}
    assert api.receipt(function["id"], {"name": "SECRET"})["body"] == "s3cr3t"

    # Sent back as it was read, the value stays.
    patched = api.request("PATCH", f"/functions/{function['id']}",
                          {"environment": {"SECRET": "***", "C": "new"}})
    assert patched.status == 200, str(patched)
    assert api.receipt_of_version(function["id"], 2, {"name": "SECRET"})["body"] == "s3cr3t"
    assert api.receipt(function["id"], {"name": "C"})["body"] == "new"
    assert api.receipt(function["id"], {"name": "B"})["body"] is None


def test_environments_of_functions_are_apart(api: Client, bench: Workbench,
                                             runtime: Runtime) -> None:
    bench.create(runtime.environment, runtime, environment={"MINE": "1"})
    other = bench.create(runtime.environment, runtime)
    assert api.receipt(other["id"], {"name": "MINE"})["body"] is None


class TestList:
    """GET /functions."""

    @pytest.fixture
    def labelled(self, bench: Workbench) -> tuple[str, list[str]]:
        """A label, and the names of seven functions that have it, ordered."""
        label = unique("batch")
        names = [f"{label}-{i}" for i in range(7)]
        for i, name in enumerate(names):
            runtime = PYTHON if i % 2 else NODE
            definition = bench.definition(runtime.hello, runtime, labels={"batch": label})
            assert bench.register({**definition, "name": name}).status == 201
        return label, names

    def test_pages_are_complete_and_ordered(self, api: Client, labelled) -> None:
        label, names = labelled
        found = api.list_functions(pageSize=3, filter=f"labels.batch={label}")
        assert [function["name"] for function in found] == names
        first = api.get(f"/functions?pageSize=3&filter=labels.batch%3D{label}").json
        assert len(first["functions"]) == 3 and first["nextPageToken"]

    def test_filters(self, api: Client, labelled) -> None:
        label, names = labelled

        def found(text: str) -> list[str]:
            return [function["name"] for function in api.list_functions(filter=text)]

        assert found(f"name={label}*") == names
        assert found(f"name={names[2]}") == [names[2]]
        assert found(f"name={label}* AND runtime=python") == names[1::2]
        assert found(f"labels.batch={label} AND name={names[0]}") == [names[0]]
        assert found(f"labels.batch={unique('none')}") == []

    def test_shows_neither_code_nor_environment_values(self, api: Client, bench: Workbench) -> None:
        function = bench.create(NODE.hello, environment={"SECRET": "s3cr3t"})
        answer = api.get(f"/functions?filter=name%3D{function['name']}")
        assert answer.json == {"functions": [function], "nextPageToken": ""}

    @pytest.mark.parametrize("query, field", [
        ("pageSize=1001", "pageSize"), ("pageSize=-1", "pageSize"), ("pageSize=x", "pageSize"),
        ("pageToken=nonsense", "pageToken"), ("filter=nonsense", "filter"),
        ("pagesize=3", "pagesize"),
    ])
    def test_wrong_parameters_are_named(self, api: Client, query: str, field: str) -> None:
        error = expect_error(api.get(f"/functions?{query}"), 400, "INVALID_ARGUMENT")
        assert [detail["field"] for detail in error["details"]] == [field]


class TestChange:
    """PUT, PATCH, versions and rollback."""

    def test_put_makes_a_new_version_and_resets_what_is_left_out(self, api: Client,
                                                                 bench: Workbench) -> None:
        function = bench.create(V1, memory=256, description="first")
        assert api.receipt(function["id"])["body"] == "one"
        answer = api.request("PUT", f"/functions/{function['id']}", {
            "name": function["name"], "runtime": "node", "handler": "index.handler", "code": V2})
        assert answer.status == 200, str(answer)
        replaced = answer.json
        assert (replaced["version"], replaced["memory"], replaced["description"]) == (2, 128, "")
        assert replaced["id"] == function["id"]
        assert replaced["createdAt"] == function["createdAt"]
        assert replaced["etag"] != function["etag"]
        assert api.receipt_of_version(function["id"], 2)["body"] == "two"

    def test_old_versions_can_be_invoked(self, api: Client, bench: Workbench) -> None:
        function = bench.create(V1)
        api.request("PATCH", f"/functions/{function['id']}", {"code": V2})
        for reference in (function["id"], function["name"]):
            assert api.receipt(f"{reference}:1")["body"] == "one"
            assert api.receipt(f"{reference}:2")["body"] == "two"
            assert api.receipt_of_version(reference, 2)["body"] == "two"
        expect_error(api.invoke(f"{function['name']}:3"), 404, "NOT_FOUND")

    @pytest.mark.parametrize("patch", [
        {"memory": 64}, {"timeout": 1000}, {"minInstances": 0, "maxInstances": 2},
        {"description": "x"}, {"labels": {"a": "b"}}, {"reuse": "never"}, {"triggers": []},
    ], ids=lambda patch: ",".join(patch))
    def test_patch_of_settings_keeps_the_version(self, api: Client, bench: Workbench,
                                                 patch: dict) -> None:
        function = bench.create(V1, memory=256, description="first", labels={"z": "z"})
        answer = api.request("PATCH", f"/functions/{function['id']}", patch)
        assert answer.status == 200, str(answer)
        changing = {"etag", "updatedAt"}
        expected = {**function, **patch}
        assert ({k: v for k, v in answer.json.items() if k not in changing}
                == {k: v for k, v in expected.items() if k not in changing})
        assert answer.json["etag"] != function["etag"]
        assert api.receipt(function["id"])["body"] == "one"

    @pytest.mark.parametrize("patch", [
        {"code": V2}, {"environment": {"A": "1"}},
        {"runtime": "python", "handler": "main.handler",
         "code": "def handler(event, context): return 'two'"},
    ], ids=lambda patch: ",".join(patch))
    def test_patch_of_what_runs_makes_a_version(self, api: Client, bench: Workbench,
                                                patch: dict) -> None:
        function = bench.create(V1, memory=256)
        answer = api.request("PATCH", f"/functions/{function['id']}", patch)
        assert (answer.status, answer.json["version"], answer.json["memory"]) == (200, 2, 256)
        api.receipt_of_version(function["id"], 2)

    def test_versions_and_rollback(self, api: Client, bench: Workbench) -> None:
        function = bench.create(V1)
        path = f"/functions/{function['id']}"
        api.request("PATCH", path, {"code": V2})
        api.request("PATCH", path, {"environment": {"A": "secret"}})

        answer = api.get(f"{path}/versions")
        assert answer.status == 200, str(answer)
        assert answer.json["functionId"] == function["id"]
        versions = answer.json["versions"]
        assert [(v["version"], v["current"]) for v in versions] == [
            (3, True), (2, False), (1, False)]
        assert versions[0]["environment"] == {"A": "***"}
        assert versions[2]["codeSha256"] == function["codeSha256"]

        back = api.post(f"{path}/rollback", {"version": 1})
        assert back.status == 200, str(back)
        assert (back.json["version"], back.json["environment"]) == (1, {})
        assert api.receipt_of_version(function["id"], 1)["body"] == "one"
        assert [v["version"] for v in api.get(f"{path}/versions").json["versions"]
                if v["current"]] == [1]

        # Numbers are never used twice.
        again = api.request("PATCH", path, {"code": V2})
        assert again.json["version"] == 4
        error = expect_error(api.post(f"{path}/rollback", {"version": 9}), 404, "NOT_FOUND")
        assert "9" in error["message"]

    def test_versions_come_in_pages(self, api: Client, bench: Workbench) -> None:
        function = bench.create(V1)
        path = f"/functions/{function['id']}"
        for i in range(4):
            api.request("PATCH", path, {"environment": {"I": str(i)}})
        found, token = [], ""
        while True:
            page = api.get(f"{path}/versions?pageSize=2&pageToken={token}").json
            found += [v["version"] for v in page["versions"]]
            token = page["nextPageToken"]
            if not token:
                break
        assert found == [5, 4, 3, 2, 1]

    @pytest.mark.parametrize("method, body", [
        ("PUT", {"runtime": "node", "handler": "index.handler", "code": V2}),
        ("PATCH", {"memory": 64}), ("POST", {"version": 1}), ("DELETE", None)])
    def test_if_match_guards_against_lost_updates(self, api: Client, bench: Workbench, method: str,
                                                  body: dict | None) -> None:
        function = bench.create(V1)
        path = f"/functions/{function['id']}"
        if method == "PUT":
            body = {**body, "name": function["name"]}
        changed = api.request("PATCH", path, {"code": V2},
                              headers={"If-Match": f'"{function["etag"]}"'})
        assert changed.status == 200, str(changed)

        target = f"{path}/rollback" if method == "POST" else path
        old = {"If-Match": f'"{function["etag"]}"'}
        expect_error(api.request(method, target, body, headers=old), 412, "ETAG_MISMATCH")
        new = {"If-Match": changed.headers["ETag"]}
        assert api.request(method, target, body, headers=new).status == 200

    def test_concurrent_patches_with_one_etag_let_one_through(self, api: Client,
                                                              bench: Workbench) -> None:
        function = bench.create(V1)
        headers = {"If-Match": f'"{function["etag"]}"'}
        with concurrent.futures.ThreadPoolExecutor(16) as threads:
            statuses = Counter(threads.map(
                lambda i: api.request("PATCH", f"/functions/{function['id']}",
                                      {"description": str(i)}, headers=headers).status, range(16)))
        assert statuses == {200: 1, 412: 15}

    def test_name_cannot_be_changed(self, api: Client, bench: Workbench) -> None:
        function = bench.create(V1)
        error = expect_error(
            api.request("PATCH", f"/functions/{function['id']}", {"name": unique("other")}),
            400, "INVALID_ARGUMENT")
        assert error["details"][0]["field"] == "name"

    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_change_is_validated_like_a_creation(self, api: Client, bench: Workbench,
                                                 method: str) -> None:
        function = bench.create(V1)
        body = {"name": function["name"], "runtime": "node", "handler": "index.handler",
                "code": V2, "memory": 1, "timeout": 0}
        error = expect_error(api.request(method, f"/functions/{function['id']}", body),
                             400, "INVALID_ARGUMENT")
        assert {detail["field"] for detail in error["details"]} == {"memory", "timeout"}
        assert api.get(f"/functions/{function['id']}").json == function


class TestConflict:
    """Names and routes belong to one function."""

    def test_two_hundred_concurrent_creations_make_one_function(self, api: Client,
                                                                bench: Workbench) -> None:
        definition = bench.definition(NODE.hello)
        with concurrent.futures.ThreadPoolExecutor(50) as threads:
            answers = list(threads.map(lambda _: bench.register(definition), range(200)))
        assert Counter(answer.status for answer in answers) == {201: 1, 409: 199}
        for answer in answers:
            if answer.status == 409:
                assert answer.error["code"] == "ALREADY_EXISTS"
        made = next(answer.json for answer in answers if answer.status == 201)
        assert api.get(f"/functions/{definition['name']}").json == made

    def test_one_route_has_one_owner(self, bench: Workbench) -> None:
        triggers = [{"type": "http", "config": {"path": f"/{unique('shop')}/{{id}}",
                                                "method": "GET"}}]
        owner = bench.create(NODE.hello, triggers=triggers)
        answer = bench.register(bench.definition(NODE.hello, triggers=triggers))
        error = expect_error(answer, 409, "TRIGGER_CONFLICT")
        assert owner["name"] in error["message"]
        assert error["details"][0]["field"] == "triggers[0].config.path"
        other_method = [{"type": "http", "config": {**triggers[0]["config"], "method": "PUT"}}]
        assert bench.register(bench.definition(NODE.hello, triggers=other_method)).status == 201


class TestDelete:
    """DELETE /functions/{id}."""

    def test_name_is_free_again(self, api: Client, bench: Workbench) -> None:
        definition = bench.definition(V1)
        first = bench.register(definition).json
        assert api.receipt(first["name"])["body"] == "one"
        assert api.request("DELETE", f"/functions/{first['name']}").json == {}
        second = bench.register({**definition, "code": V2})
        assert second.status == 201 and second.json["id"] != first["id"]
        receipt = wait_until_accepted(
            lambda: api.invoke(first["name"]).json,
            lambda receipt: receipt.get("functionId") == second.json["id"], "the name is the second's")
        assert receipt["body"] == "two"

    def test_running_call_ends_normally_and_new_ones_are_refused(self, api: Client,
                                                                 bench: Workbench,
                                                                 runtime: Runtime) -> None:
        function = bench.create(runtime.sleep, runtime)
        api.receipt(function["id"], {"ms": 0})
        with concurrent.futures.ThreadPoolExecutor(1) as threads:
            running = threads.submit(api.invoke, function["id"], {"ms": 1000})
            while api.metrics_of(function["id"]).get("busy") != 1:
                assert not running.done(), str(running.result())
            deleted = api.request("DELETE", f"/functions/{function['id']}")
            assert (deleted.status, deleted.json) == (200, {})
            refused = api.invoke_until_unknown(function["id"], {"ms": 0})
            expect_error(refused, 404, "NOT_FOUND")
            assert not running.done()
            assert running.result().json["body"] == 1000

    def test_deleted_function_is_gone_everywhere(self, api: Client, bench: Workbench) -> None:
        function = bench.create(V1)
        api.receipt(function["id"])
        api.request("DELETE", f"/functions/{function['id']}")
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/versions"),
                             ("POST", "/invoke"), ("POST", "/warm"), ("GET", "/instances"),
                             ("GET", "/logs"), ("PATCH", "")):
            body = {"memory": 64} if method == "PATCH" else {} if method == "POST" else None
            answer = wait_until_accepted(
                lambda: api.request(method, f"/functions/{function['id']}{path}", body),
                lambda answer: answer.status != 200, f"{method} {path} knows of it")
            expect_error(answer, 404, "NOT_FOUND")

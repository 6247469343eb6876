"""Code is checked and built when a function is registered."""

import random
import tarfile
import time
import warnings
from typing import Any

import pytest

from harness import archives
from harness.client import Answer, Client, expect_error, unique
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench

GO_HELLO = """package main

import "context"

func Handler(ctx context.Context, event map[string]any) (any, error) {
	return map[string]any{"greeting": "hello from go", "name": event["name"]}, nil
}
"""
RUST_HELLO = """pub fn handler(event: Value, context: &Context) -> Result<Value, Error> {
    let _ = context;
    Ok(event)
}
"""
BUILD_SECONDS = 170


def refused(answer: Answer, field: str = "code") -> str:
    """The text of the one problem."""
    error = expect_error(answer, 400, "BUILD_FAILED")
    assert error["retryable"] is False
    assert [detail["field"] for detail in error["details"]] == [field], error
    return error["details"][0]["problem"]


def with_archive(bench: Workbench, packed: bytes, runtime: Runtime = NODE,
                 **fields: Any) -> dict[str, Any]:
    definition = bench.definition("", runtime, archive=archives.encoded(packed), **fields)
    del definition["code"]
    return definition


def native(runtime: str, **fields: Any) -> dict[str, Any]:
    return {"name": unique("test"), "runtime": runtime, **fields}


def has_runtime(api: Client, runtime: str) -> bool:
    answer = api.post("/functions", native(runtime, code="x"), timeout=BUILD_SECONDS)
    # Code that can be built nowhere: anything else says that nobody has tried.
    return answer.error["code"] in ("BUILD_FAILED", "INVALID_ARGUMENT")


# ---- node and python: the source is what runs

@pytest.mark.parametrize("runtime, code, place", [
    pytest.param(NODE, "exports.handler = async () => {\n  return 1;\n};\nlet a = ;\n",
                 "index.js:4", id="node"),
    pytest.param(NODE, "import fs from 'node:fs';\nexport const handler = () => {\n  return ((1;\n};\n",
                 "index.mjs:3", id="node module"),
    pytest.param(PYTHON, "import json\n\ndef handler(event, context):\n    return (1\n",
                 "main.py:4", id="python"),
    pytest.param(PYTHON, "def handler(event, context):\nreturn 1\n", "main.py:2",
                 id="python indentation"),
])
def test_syntax_errors_have_file_and_line(api: Client, bench: Workbench, runtime: Runtime,
                                          code: str, place: str) -> None:
    definition = bench.definition(code, runtime)
    problem = refused(bench.register(definition))
    assert problem.startswith(place + ":"), problem
    assert "SyntaxError" in problem
    assert api.get(f"/functions/{definition['name']}").status == 404


@pytest.mark.parametrize("runtime, code, part", [
    pytest.param(NODE, "exports.other = () => 1;", "handler", id="node"),
    pytest.param(PYTHON, "def other(event, context): return 1", "handler", id="python"),
    pytest.param(NODE, "require('left-pad'); exports.handler = () => 1;", "left-pad",
                 id="node module"),
    pytest.param(PYTHON, "import numpie\ndef handler(event, context): return 1", "numpie",
                 id="python module"),
])
def test_what_is_missing_is_named(bench: Workbench, runtime: Runtime, code: str,
                                  part: str) -> None:
    assert part in refused(bench.register(bench.definition(code, runtime)))


@pytest.mark.parametrize("runtime, code", [
    pytest.param(NODE, "throw new TypeError('at load'); exports.handler = 1;", id="node throws"),
    pytest.param(PYTHON, "raise ValueError('at load')", id="python throws"),
    pytest.param(NODE, "JSON.parse('{'); exports.handler = 1;", id="node parses"),
    pytest.param(PYTHON, "import os; os._exit(3)", id="python exits"),
])
def test_what_code_does_at_load_is_its_own_affair(api: Client, bench: Workbench,
                                                  runtime: Runtime, code: str) -> None:
    function = bench.create(code, runtime)
    assert api.invoke(function["id"]).error["code"] == "FUNCTION_INIT_FAILED"


def test_the_environment_is_there_when_the_code_is_checked(bench: Workbench) -> None:
    code = "if (process.env.MODE !== 'a') require('missing');\nexports.handler = () => 1;"
    assert "missing" in refused(bench.register(bench.definition(code)))
    bench.create(code, environment={"MODE": "a"})


def test_every_way_to_change_what_runs_is_checked(api: Client, bench: Workbench) -> None:
    function = bench.create(NODE.hello)
    path = f"/functions/{function['id']}"
    assert "index.js:1" in refused(api.request("PATCH", path, {"code": "("}))
    assert "other" in refused(api.request("PATCH", path, {"handler": "index.other"}), "handler")
    broken = bench.definition("(", name=function["name"])
    assert "index.js:1" in refused(api.request("PUT", path, broken))
    # What does not run is not looked at.
    assert api.request("PATCH", path, {"memory": 256}).status == 200
    now = api.get(path).json
    assert (now["version"], now["handler"]) == (1, "index.handler")


# ---- archives

@pytest.mark.parametrize("pack", [archives.zip_of, archives.tar_gz_of], ids=["zip", "tar.gz"])
def test_archives_bring_their_dependencies(api: Client, bench: Workbench, pack: Any) -> None:
    node = bench.register(with_archive(bench, pack({
        "index.js": "exports.handler = () => require('greet')('node') + require('./lib/x').mark;",
        "lib/x.js": "exports.mark = '!';",
        "node_modules/greet/package.json": '{"name": "greet", "main": "main.js"}',
        "node_modules/greet/main.js": "module.exports = (name) => `hello ${name}`;"})))
    assert node.status == 201, str(node)
    assert api.receipt(node.json["id"])["body"] == "hello node!"
    python = bench.register(with_archive(bench, pack({
        "main.py": "import greet\ndef handler(event, context): return greet.text('python')",
        "greet/__init__.py": "def text(name): return f'hello {name}'"}), PYTHON))
    assert python.status == 201, str(python)
    assert api.receipt(python.json["id"])["body"] == "hello python"


def test_an_archive_can_be_read_back_and_replaced(api: Client, bench: Workbench) -> None:
    packed = archives.zip_of({"index.js": "exports.handler = () => 1;"})
    function = bench.register(with_archive(bench, packed)).json
    path = f"/functions/{function['id']}"
    assert function["archive"] == ""
    assert api.get(f"{path}?view=full").json["archive"] == archives.encoded(packed)
    changed = api.request("PATCH", path, {"code": "exports.handler = () => 2;"})
    assert changed.status == 200, str(changed)
    assert api.receipt_of_version(function["id"], 2)["body"] == 2


def test_problems_in_an_archive_have_their_place(bench: Workbench) -> None:
    packed = archives.zip_of({"index.js": "exports.handler = () => require('./lib/a');",
                              "lib/a.js": "\n\nlet a = ;"})
    # Loaded with the call only, so nothing is wrong yet.
    assert bench.register(with_archive(bench, packed)).status == 201
    packed = archives.zip_of({"index.js": "require('./lib/a');\nexports.handler = () => 1;",
                              "lib/a.js": "\n\nlet a = ;"})
    assert refused(bench.register(with_archive(bench, packed)), "archive").startswith("lib/a.js:3:")


def test_exactly_one_of_code_and_archive(bench: Workbench) -> None:
    both = bench.definition(NODE.hello, archive=archives.encoded(archives.zip_of({"a": "b"})))
    assert expect_error(bench.register(both), 400,
                        "INVALID_ARGUMENT")["details"][0]["field"] == "archive"
    for packed in (b"hello", b"PK", b"\x1f\x8b"):
        error = expect_error(bench.register(with_archive(bench, packed)), 400, "INVALID_ARGUMENT")
        assert error["details"][0]["problem"] == "must be a zip or a tar.gz"


def tar_with(*arguments: Any, **fields: Any) -> bytes:
    return archives.tar_gz_of_entries([(archives.tar_entry(*arguments, **fields), "")])


def deep(name: str) -> str:
    return "d/" * 20 + name


def hostile() -> dict[str, tuple[bytes, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of names that come twice.
        return {
            "zip parent": (archives.zip_of({"../evil": "x"}), "leaves the folder"),
            "tar parent": (archives.tar_gz_of({"a/../../evil": "x"}), "leaves the folder"),
            "zip absolute": (archives.zip_of({"/etc/passwd": "x"}), "absolute path"),
            "tar absolute": (archives.tar_gz_of({"/etc/passwd": "x"}), "absolute path"),
            "zip symlink": (archives.zip_with_symlink("l", "/etc/passwd"), "symbolic link"),
            "tar symlink": (tar_with("l", tarfile.SYMTYPE, link="/"), "symbolic link"),
            "tar hard link": (tar_with("l", tarfile.LNKTYPE, link="/etc/passwd"), "hard link"),
            "tar device": (tar_with("d", tarfile.CHRTYPE), "neither a file nor a folder"),
            "tar block device": (tar_with("d", tarfile.BLKTYPE), "neither a file nor a folder"),
            "tar fifo": (tar_with("f", tarfile.FIFOTYPE), "neither a file nor a folder"),
            "zip setuid": (archives.zip_of({"a": "x"}, modes={"a": 0o4755}), "set-user-id"),
            "tar setuid": (archives.tar_gz_of({"a": "x"}, modes={"a": 0o4755}), "set-user-id"),
            "zip duplicate": (archives.zip_with_duplicate("a"), "is there twice"),
            "tar duplicate": (archives.tar_gz_of({"a": "x", "./a": "y"}), "is there twice"),
            "zip case": (archives.zip_of({"Index.js": "x", "index.js": "y"}), "only in case"),
            "tar case": (archives.tar_gz_of({"lib/a": "x", "LIB/b": "y"}), "only in case"),
            "zip nul": (archives.zip_with_nul("aXb"), "NUL in its name"),
            "zip control": (archives.zip_of({"a\x1b[2Jb": "x"}), "control character"),
            "zip deep": (archives.zip_of({deep("f"): "x"}), "20 folders deep"),
            "tar deep": (archives.tar_gz_of({deep("f"): "x"}), "20 folders deep"),
            "zip many": (archives.zip_of({f"f{i}": "" for i in range(10001)}), "10000 entries"),
            "tar many": (archives.tar_gz_of({f"f{i}": "" for i in range(10001)}), "10000 entries"),
            "zip bomb": (archives.zip_of({"zeros": bytes(64 << 20)}), "times its size"),
            "tar bomb": (archives.tar_gz_of({"zeros": bytes(64 << 20)}), "times its size"),
            "zip cut off": (archives.zip_of({"a": "x" * 999})[:-30], ""),
            "tar cut off": (archives.tar_gz_of({"a": bytes(range(256)) * 99})[:-300], "damaged"),
            "no files": (archives.zip_of({}), "no files"),
        }


HOSTILE = hostile()


@pytest.mark.parametrize("packed, reason", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_archives_are_refused(api: Client, bench: Workbench, packed: bytes,
                                      reason: str) -> None:
    definition = with_archive(bench, packed)
    assert reason in refused(bench.register(definition), "archive")
    assert api.get(f"/functions/{definition['name']}").status == 404


def test_too_large_when_unpacked(bench: Workbench) -> None:
    # A part of it cannot be packed, so that its ratio is harmless.
    block = random.Random(1).randbytes(1 << 20) + bytes(31 << 20)
    packed = archives.zip_of({f"f{i}": block for i in range(9)})
    problem = refused(bench.register(with_archive(bench, packed)), "archive")
    assert problem == "the archive unpacks to more than 250 MB"


# ---- what has to be compiled

@pytest.mark.parametrize("runtime, code, place", [
    pytest.param("go", 'package main\n\nfunc Handler() (any, error) {\n\treturn x, nil\n}\n',
                 "main.go:4:9: undefined: x", id="go"),
    pytest.param("rust", "pub fn handler(event: Value, context: &Context) -> "
                         "Result<Value, Error> {\n    Ok(x)\n}\n", "main.rs:2:8: ", id="rust"),
])
def test_compile_errors_have_file_and_line(api: Client, runtime: str, code: str,
                                           place: str) -> None:
    if not has_runtime(api, runtime):
        pytest.skip(f"this platform has no {runtime}")
    answer = api.post("/functions", native(runtime, code=code), timeout=BUILD_SECONDS)
    assert refused(answer).startswith(place)
    assert place in "\n".join(answer.json["logs"])


@pytest.mark.parametrize("runtime, code", [pytest.param("go", GO_HELLO, id="go"),
                                           pytest.param("rust", RUST_HELLO, id="rust")])
def test_compiled_functions_answer(api: Client, runtime: str, code: str) -> None:
    if not has_runtime(api, runtime):
        pytest.skip(f"this platform has no {runtime}")
    created = api.post("/functions", native(runtime, code=code), timeout=BUILD_SECONDS)
    assert created.status == 201, str(created)
    function_id = created.json["id"]
    try:
        assert api.receipt(function_id, {"name": "me"})["body"]["name"] == "me"
        # The same source is not compiled twice.
        started = time.monotonic()
        again = api.post("/functions", native(runtime, code=code), timeout=BUILD_SECONDS)
        assert again.status == 201
        assert time.monotonic() - started < 2
        api.request("DELETE", f"/functions/{again.json['id']}")
    finally:
        api.request("DELETE", f"/functions/{function_id}")




def test_custom_takes_archives_only(api: Client) -> None:
    error = expect_error(api.post("/functions", native("custom", code="#!/bin/sh")), 400,
                         "INVALID_ARGUMENT")
    assert error["details"][0]["field"] == "code"


def test_custom_needs_a_bootstrap(api: Client) -> None:
    for packed in (archives.zip_of({"other": "x"}), archives.zip_of({"bootstrap": "#!/bin/sh\n"})):
        answer = api.post("/functions", native("custom", archive=archives.encoded(packed)))
        assert "bootstrap" in refused(answer, "archive")

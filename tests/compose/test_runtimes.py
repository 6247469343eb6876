"""Every runtime in containers: building, loading, running."""

import pytest

from harness.archives import encoded, zip_of
from harness.client import Client, expect_error, unique

ECHO = {
    "node": ("index.handler", "exports.handler = async (event) => event"),
    "python": ("main.handler", "def handler(event, context):\n    return event\n"),
    "go": ("Handler", """package main

import "context"

func Handler(ctx context.Context, event map[string]any) (any, error) { return event, nil }
"""),
    "rust": ("handler", "pub fn handler(event: Value, context: &Context) -> Result<Value, Error> { Ok(event) }"),
}
BROKEN = {"go": "package main\n\nfunc Handler() { return 1 }\n", "rust": "pub fn handler() -> u8 { true }"}
BOOTSTRAP = """#!/usr/bin/python3
import os, urllib.request

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as call:
        request, event = call.headers["Lambda-Runtime-Aws-Request-Id"], call.read()
    urllib.request.urlopen(f"{api}/{request}/response", data=event).close()
"""


def expect_echo(api: Client, **fields: str) -> None:
    answer = api.post("/functions", {"name": unique("test"), "timeout": 10_000, **fields}, timeout=300)
    assert answer.status == 201, str(answer)
    try:
        assert api.receipt(answer.json["id"], {"a": [1]})["body"] == {"a": [1]}
    finally:
        api.request("DELETE", f"/functions/{answer.json['id']}")


@pytest.mark.parametrize("runtime", ECHO)
def test_inline_code(api: Client, runtime: str) -> None:
    handler, code = ECHO[runtime]
    expect_echo(api, runtime=runtime, handler=handler, code=code)


@pytest.mark.parametrize("runtime", BROKEN)
def test_compilers_say_what_is_wrong(api: Client, runtime: str) -> None:
    answer = api.post("/functions", {"name": unique("test"), "runtime": runtime, "code": BROKEN[runtime],
                                     "handler": ECHO[runtime][0]}, timeout=300)
    message = str(expect_error(answer, 400, "BUILD_FAILED"))
    assert "main.go:3" in message or "main.rs:1" in message, message


def test_archive_with_a_program(api: Client) -> None:
    expect_echo(api, runtime="custom", handler="ignored",
                archive=encoded(zip_of({"bootstrap": BOOTSTRAP}, modes={"bootstrap": 0o755})))

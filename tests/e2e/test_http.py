"""The HTTP of it: routes, methods, content types, request ids, sizes."""

import http.client
import re

import pytest

from harness.client import Client, expect_error
from harness.functions import NODE
from harness.workbench import Workbench


@pytest.mark.parametrize("path", ["/nowhere", "/functions/", "/functions/a/b/c", "/Functions",
                                  "/functions/x/fly", "//", "/functions/a%2Fb"])
def test_unknown_routes(api: Client, path: str) -> None:
    expect_error(api.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize("method, path, allowed", [
    ("DELETE", "/functions", {"GET", "HEAD", "POST"}),
    ("POST", "/functions/x", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
    ("GET", "/functions/x/invoke", {"POST"}),
    ("GET", "/functions/x/warm", {"POST"}),
    ("GET", "/functions/x/rollback", {"POST"}),
    ("POST", "/functions/x/instances", {"GET", "HEAD"}),
    ("POST", "/functions/x/versions", {"GET", "HEAD"}),
    ("POST", "/functions/x/logs", {"GET", "HEAD"}),
    ("POST", "/metrics", {"GET", "HEAD"}),
    ("PUT", "/health", {"GET", "HEAD"}),
    ("DELETE", "/", {"GET", "HEAD"}),
])
def test_wrong_methods_list_the_right_ones(api: Client, method: str, path: str,
                                           allowed: set[str]) -> None:
    answer = api.request(method, path)
    if method != "PUT":
        expect_error(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.status == 405
    assert set(re.split(r",\s*", answer.headers["Allow"])) == allowed


@pytest.mark.parametrize("method, path", [
    ("POST", "/functions"), ("PUT", "/functions/x"), ("PATCH", "/functions/x"),
    ("POST", "/functions/x/rollback"), ("POST", "/functions/x/warm")])
@pytest.mark.parametrize("headers", [{"Content-Type": "text/xml"}, {"Content-Encoding": "gzip"}],
                         ids=lambda headers: "".join(headers.values()))
def test_bodies_that_are_not_json(api: Client, method: str, path: str,
                                  headers: dict[str, str]) -> None:
    expect_error(api.request(method, path, b"<a/>", headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")


def test_json_without_a_content_type_is_json(api: Client, bench: Workbench) -> None:
    function = bench.create(NODE.hello)
    answer = api.request("PATCH", f"/functions/{function['id']}", b'{"memory": 64}')
    assert (answer.status, answer.json["memory"]) == (200, 64)


@pytest.mark.parametrize("method, path", [("GET", "/"), ("GET", "/functions"), ("GET", "/nowhere"),
                                          ("GET", "/health"), ("POST", "/functions")])
def test_request_id_comes_back(api: Client, method: str, path: str) -> None:
    sent = "client-chosen.ID:42_x"
    answer = api.request(method, path, headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == sent
    assert api.request(method, path).headers["X-Request-Id"].startswith("req-")


@pytest.mark.parametrize("request_id", ["a b", "x" * 129, "a/b", "é"])
def test_request_id_that_cannot_be_kept(api: Client, request_id: str) -> None:
    answer = api.get("/functions", headers={"X-Request-Id": request_id})
    expect_error(answer, 400, "INVALID_ARGUMENT")
    assert answer.headers["X-Request-Id"] != request_id


def test_head_is_get_without_a_body(api: Client) -> None:
    answer = api.request("HEAD", "/functions")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_body_above_the_limit_is_refused_before_it_is_sent(api: Client) -> None:
    connection = http.client.HTTPConnection(api.host, api.port, timeout=10)
    connection.putrequest("POST", "/functions/x/invoke")
    connection.putheader("Content-Length", str(100 * 1024 * 1024))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_answers_are_json_that_nobody_sniffs(api: Client) -> None:
    for path in ("/", "/functions", "/metrics", "/health", "/nowhere"):
        answer = api.get(path)
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

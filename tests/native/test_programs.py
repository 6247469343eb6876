"""Go and Rust functions in all their forms, on so-init."""

import pytest

import box
from programs import PROGRAMS

ARN = "arn:serverless:lambda:local:000000000000:function:hello:3"


@pytest.fixture(params=PROGRAMS)
def program(request, built):
    return built(*PROGRAMS[request.param])


@pytest.fixture
def running(program):
    with box.function(program) as instance:
        assert instance.start() is None
        yield instance


def test_answers_one_call_after_the_other(running):
    for n in range(20):
        status, headers, body = running.invoke({"do": "echo", "n": n})
        assert (status, headers) == (200, {})
        assert box.json.loads(body) == {"do": "echo", "n": n}
    assert running.text().count("doing") == 20


def test_fails_one_call_only(running):
    fault = running.invoke({"do": "fail"})
    assert (fault["kind"], fault["message"]) == ("error", "no such thing")
    assert fault["type"]
    assert running.invoke({"do": "text", "n": 1}) == (200, {}, b'"x"')


def test_a_panic_is_an_error(running):
    fault = running.invoke({"do": "panic"})
    assert fault["kind"] == "error"
    assert "lost" in fault["message"]


def test_an_exit_is_seen(running):
    with pytest.raises(box.Gone):
        running.invoke({"do": "exit"})
    assert running.wait() == 3


def test_status_headers_and_body(running):
    assert running.invoke({"do": "http"}) == (201, {"a": "1"}, b'{"b":[1]}')
    fault = running.invoke({"do": "bad-status"})
    assert (fault["kind"], fault["message"]) == ("invalid-result", "statusCode must be an integer from 100 to 599")


def test_the_largest_result(running):
    status, _, body = running.invoke({"do": "text", "n": 6291454})
    assert (status, len(body)) == (200, 6291456)


def test_a_result_that_is_too_large(running):
    fault = running.invoke({"do": "text", "n": 7000000})
    assert fault["kind"] == "result-too-large"
    assert "7000002 bytes" in fault["message"]


def test_environment_and_context(running):
    assert box.json.loads(running.invoke({"do": "environment"})[2]) == ["hello there", "handler", "/var/task"]
    assert box.json.loads(running.invoke({"do": "context"})[2]) == ["req-1", ARN, "hello", True]


def test_open_descriptors(running):
    found = box.json.loads(running.invoke({"do": "files"})[2])
    assert found[:3] == ["/dev/null", "pipe", "pipe"]


def test_ends_when_asked(running):
    running.invoke({"do": "echo"})
    running.terminate()
    assert running.wait(10) in (0, 143)

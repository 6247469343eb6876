"""Several calls on one instance."""

import concurrent.futures
from typing import Any

import pytest

from harness.client import Answer, Client, expect_error
from harness.functions import NODE, PYTHON, Runtime
from harness.workbench import Workbench

TALKS = """
exports.handler = async ({ id, ms }) => {
  console.log(`begin ${id}`);
  await new Promise((resolve) => setTimeout(resolve, ms));
  console.error(`end ${id}`);
  return id;
};
"""

GO = Runtime(name="go", handler="Handler", hello="", echo="", prints="", sleep="", count="", environment="",
             misbehave="")
TALKS_IN_GO = """
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

var log = lambdacontext.NewLogger()

func Handler(ctx context.Context, event struct{ ID int; Ms int }) (int, error) {
	log.InfoContext(ctx, "begin", "id", event.ID)
	time.Sleep(time.Duration(event.Ms) * time.Millisecond)
	return event.ID, nil
}
"""


def call_all(api: Client, function_id: str, events: list[dict[str, Any]]) -> list[Answer]:
    with concurrent.futures.ThreadPoolExecutor(len(events)) as threads:
        return list(threads.map(lambda event: api.invoke(function_id, event), events))


def printed(answer: Answer) -> list[str]:
    return [line for line in answer.json["logs"] if not line.startswith(("[START]", "[INFO]", "[END]"))]


def test_calls_share_an_instance_and_keep_their_logs(api: Client, bench: Workbench) -> None:
    function_id = bench.create(TALKS, concurrency=8)["id"]
    api.post(f"/functions/{function_id}/warm")
    answers = call_all(api, function_id, [{"id": n, "ms": 300} for n in range(8)])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["instanceId"] for answer in answers}) == 1
    for n, answer in enumerate(answers):
        assert answer.json["body"] == n
        assert printed(answer) == [f"begin {n}", f"end {n}"]
    assert len(api.instances_of(function_id)) == 1


def test_one_more_than_an_instance_takes_starts_another(api: Client, bench: Workbench) -> None:
    function_id = bench.create(TALKS, concurrency=3)["id"]
    answers = call_all(api, function_id, [{"id": n, "ms": 1000} for n in range(4)])
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["instanceId"] for answer in answers}) == 2


def test_one_that_runs_out_of_time_leaves_the_others_alone(api: Client, bench: Workbench) -> None:
    function_id = bench.create(TALKS, concurrency=4, timeout=600)["id"]
    api.post(f"/functions/{function_id}/warm")
    hanging, *others = call_all(api, function_id,
                                [{"id": 0, "ms": 60000}, {"id": 1, "ms": 300}, {"id": 2, "ms": 400}])
    error = expect_error(hanging, 504, "FUNCTION_TIMEOUT")
    assert error["executed"] == "yes"
    assert [answer.json["body"] for answer in others] == [1, 2]
    # What may still be running in it serves nobody else.
    first = others[0].json["instanceId"]
    assert api.invoke(function_id, {"id": 3, "ms": 0}).json["instanceId"] != first


def test_a_crash_ends_all_calls_of_the_instance(api: Client, bench: Workbench) -> None:
    function_id = bench.create(
        "exports.handler = async ({ ms, crash }) => { await new Promise((r) => setTimeout(r, ms)); "
        "if (crash) process.exit(3); return 1; };", concurrency=4)["id"]
    api.post(f"/functions/{function_id}/warm")
    answers = call_all(api, function_id,
                       [{"ms": 5000}, {"ms": 5000}, {"ms": 300, "crash": True}])
    for answer in answers:
        assert expect_error(answer, 502, "FUNCTION_CRASHED")["executed"] == "yes"


def test_go_runs_calls_side_by_side(api: Client, bench: Workbench) -> None:
    function_id = bench.create(TALKS_IN_GO, GO, concurrency=4)["id"]
    api.post(f"/functions/{function_id}/warm")
    answers = call_all(api, function_id, [{"ID": n, "Ms": 400} for n in range(4)])
    assert [answer.json["body"] for answer in answers] == [0, 1, 2, 3]
    assert len({answer.json["instanceId"] for answer in answers}) == 1
    for n, answer in enumerate(answers):
        (line,) = printed(answer)
        assert f'"id":{n}' in line and answer.json["requestId"] in line


@pytest.mark.parametrize(("runtime", "fields"), [(PYTHON, {}), (NODE, {"reuse": "never"})])
def test_where_it_cannot_be(bench: Workbench, runtime: Runtime, fields: dict[str, Any]) -> None:
    answer = bench.register(bench.definition(runtime.echo, runtime, concurrency=2, **fields))
    error = expect_error(answer, 400, "INVALID_ARGUMENT")
    assert [detail["field"] for detail in error["details"]] == ["concurrency"]

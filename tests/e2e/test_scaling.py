"""The scaler at work: load makes it ask for instances, and it says why."""

import concurrent.futures
import datetime
import signal
from collections.abc import Iterator

import pytest

from harness.client import Client
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE
from harness.grpcurl import Grpcurl
from harness.wait import wait_until
from harness.workbench import Workbench

STATUS = "serverless.scaler.v1.ScalerService/GetStatus"


@pytest.fixture(scope="module")
def eager() -> Iterator[Cluster]:
    """Evaluates ten times a second."""
    with own_cluster({"scaler": {"evaluation_interval": "100ms"}}) as cluster:
        yield cluster


@pytest.fixture
def api(eager: Cluster) -> Client:
    return eager.api


@pytest.fixture
def grpc(eager: Cluster) -> Grpcurl:
    return Grpcurl(eager.grpc_address)


def scaled(grpc: Grpcurl, function_id: str) -> list[dict]:
    """What the scaler has decided lately, newest first."""
    recent = grpc.call(STATUS).get("recent", [])
    return [decision for decision in recent if decision["functionId"] == function_id]


def restart(cluster: Cluster, how: signal.Signals) -> None:
    scaler = cluster.programs["scaler"]
    scaler.end(how)
    scaler.join()
    scaler.start()
    cluster.wait_healthy(20)


def evaluated_again(grpc: Grpcurl) -> None:
    evaluations = grpc.call(STATUS)["evaluations"]
    wait_until(lambda: grpc.call(STATUS)["evaluations"] > evaluations + 2, 10, "evaluations")


def test_concurrency_asks_for_instances(api: Client, grpc: Grpcurl, bench: Workbench,
                                        eager: Cluster) -> None:
    function = bench.create(NODE.sleep)
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        running = [threads.submit(api.invoke, function["id"], {"ms": 3000}) for _ in range(4)]
        # Four calls at once are to use seven tenths of what there is.
        wait_until(lambda: len(api.instances_of(function["id"])) == 6, 10, "six instances")
        assert not any(call.done() for call in running)
        assert [call.result().status for call in running] == [200] * 4
    ups = [decision for decision in scaled(grpc, function["id"]) if decision["action"] == "scale-up"]
    assert ups and all(decision["applied"] for decision in ups)
    newest = ups[0]
    assert (newest["reason"], newest["desired"]) == ("concurrency", 6)
    assert newest["functionName"] == function["name"]
    proposals = {proposal["policy"]: proposal for proposal in newest["proposals"]}
    assert proposals["concurrency"]["wanted"] == 6
    assert proposals["concurrency"]["formula"]
    assert f"[AUTOSCALER] scale-up function_id={function['id']}" in eager.programs["scaler"].log()


def test_max_instances_bounds_the_scaler(api: Client, grpc: Grpcurl, bench: Workbench) -> None:
    function = bench.create(NODE.sleep, maxInstances=1)
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        calls = [threads.submit(api.receipt, function["id"], {"ms": 50}) for _ in range(20)]
        for call in calls:
            call.result()
    evaluated_again(grpc)
    assert all(decision["desired"] <= 1 for decision in scaled(grpc, function["id"]))
    assert len(api.instances_of(function["id"])) == 1


def test_function_that_throws_is_not_scaled_for_it(api: Client, grpc: Grpcurl,
                                                   bench: Workbench) -> None:
    function = bench.create(NODE.misbehave)
    for _ in range(20):
        assert api.invoke(function["id"], {"do": "throw"}).status == 502
    evaluated_again(grpc)
    reasons = {decision["reason"] for decision in scaled(grpc, function["id"])}
    assert "latency" not in reasons


def test_functions_that_nobody_calls_are_left_alone(api: Client, grpc: Grpcurl,
                                                    bench: Workbench) -> None:
    function = bench.create(NODE.hello)
    evaluated_again(grpc)
    assert scaled(grpc, function["id"]) == []
    assert api.instances_of(function["id"]) == []


def test_function_may_choose_its_policies(api: Client, grpc: Grpcurl, bench: Workbench) -> None:
    function = bench.create(NODE.sleep, scaling={"policies": ["thresholds"]})
    # Thresholds are looked at every five seconds only: the call is there for longer.
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        running = threads.submit(api.invoke, function["id"], {"ms": 8000})
        wait_until(lambda: api.metrics_of(function["id"]).get("warm") == 2, 10,
                   "two warm instances beside the busy one")
        assert not running.done()
        assert running.result().status == 200
    [*_, first] = scaled(grpc, function["id"])
    assert (first["reason"], first["current"], first["desired"]) == ("thresholds", 1, 3)
    assert "low-warm" in first["proposals"][0]["formula"]


def test_window_keeps_instances_warm(api: Client, bench: Workbench) -> None:
    """One that is open from two minutes ago until in an hour."""
    begun = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=2)
    window = {"start": f"{begun.minute} {begun.hour} * * *", "duration": 3600000, "instances": 2}
    function = bench.create(NODE.hello, scaling={"windows": [window]})
    wait_until(lambda: [i["state"] for i in api.instances_of(function["id"])] == ["warm"] * 2, 10,
               "two warm instances")
    assert {i["reason"] for i in api.instances_of(function["id"])} == {"target"}
    assert api.receipt(function["id"])["coldStart"] is False
    # Without it they are of no more use than others.
    assert api.request("PATCH", f"/functions/{function['id']}",
                       {"scaling": {"idleBudget": 5}}).status == 200
    assert api.get(f"/functions/{function['id']}").json["scaling"] == {
        "policies": [], "targetUtilization": 0, "targetWait": 0, "targetResponse": 0,
        "windows": [], "timeZone": "", "idleBudget": 5, "warmOnDeploy": False}


class TestDecisions:
    """What was decided, and why a call was cold."""

    def explained(self, api: Client, function: dict, receipt: dict) -> dict:
        """The explanation, once the pool's events have been fetched."""
        path = f"/functions/{function['id']}/decisions?requestId={receipt['requestId']}"

        def answer() -> dict | None:
            found = api.get(path)
            assert found.status == 200, str(found)
            return found.json if found.json["decisions"] else None

        return wait_until(answer, 10, "an explanation")

    def test_first_call_is_explained(self, api: Client, bench: Workbench) -> None:
        function = bench.create(NODE.hello)
        receipt = api.receipt(function["id"])
        answer = self.explained(api, function, receipt)
        assert f"Call {receipt['requestId']} was cold." in answer["explanation"]
        assert receipt["instanceId"] in answer["explanation"]
        assert "Nothing is on record of an instance before it." in answer["explanation"]
        [start] = answer["decisions"]
        assert (start["action"], start["reason"]) == ("start", "on-demand")
        assert start["instanceId"] == receipt["instanceId"]

    def test_call_after_an_expired_instance_is_explained(self, api: Client,
                                                         bench: Workbench) -> None:
        function = bench.create(NODE.hello, idleTimeout=1000)
        first = api.receipt(function["id"])
        self.explained(api, function, first)
        wait_until(lambda: not api.instances_of(function["id"]), 60, "it is idle for too long")
        second = api.receipt(function["id"])
        assert second["coldStart"] is True
        answer = self.explained(api, function, second)
        assert f"{first['instanceId']} had gone" in answer["explanation"]
        assert "retire" in answer["explanation"]
        retired = [d for d in answer["decisions"] if d["action"] == "retire"]
        assert retired and retired[0]["reason"] == "idle"

    def test_warm_call_is_explained(self, api: Client, bench: Workbench) -> None:
        function = bench.create(NODE.hello)
        api.receipt(function["id"])
        answer = self.explained(api, function, api.receipt(function["id"]))
        assert "was warm" in answer["explanation"]

    def test_decisions_come_by_page_and_newest_first(self, api: Client, bench: Workbench) -> None:
        function = bench.create(NODE.hello)
        api.receipt(function["id"])
        path = f"/functions/{function['name']}/decisions"
        wait_until(lambda: len(api.get(path).json["decisions"]) >= 2, 10, "start and warm")
        listed = api.get(path).json
        assert listed["functionId"] == function["id"]
        sequences = [decision["sequence"] for decision in listed["decisions"]]
        assert sequences == sorted(sequences, reverse=True)
        page = api.get(f"{path}?pageSize=1").json
        assert [d["sequence"] for d in page["decisions"]] == sequences[:1]
        rest = api.get(f"{path}?pageSize=1&pageToken={page['nextPageToken']}").json
        assert [d["sequence"] for d in rest["decisions"]] == sequences[1:2]

    @pytest.mark.parametrize(("query", "status", "code"), [
        ("requestId=none-such", 404, "NOT_FOUND"),
        ("pageSize=1001", 400, "INVALID_ARGUMENT"),
        ("pageToken=x", 400, "INVALID_ARGUMENT"),
        ("colour=red", 400, "INVALID_ARGUMENT"),
    ])
    def test_wrong_questions_are_refused(self, api: Client, bench: Workbench, query: str,
                                         status: int, code: str) -> None:
        function = bench.create(NODE.hello)
        answer = api.get(f"/functions/{function['id']}/decisions?{query}")
        assert (answer.status, answer.error["code"]) == (status, code)

    def test_survive_the_scaler(self, api: Client, bench: Workbench, eager: Cluster) -> None:
        function = bench.create(NODE.hello)
        receipt = api.receipt(function["id"])
        before = self.explained(api, function, receipt)
        restart(eager, signal.SIGKILL)
        assert self.explained(api, function, receipt) == before


def test_warming_is_counted_and_survives_the_scaler(api: Client, bench: Workbench,
                                                    eager: Cluster) -> None:
    function = bench.create(NODE.hello)
    path = f"/functions/{function['id']}/warming"
    wait_until(lambda: api.get(path).status == 200, 10, "an evaluation")
    for _ in range(5):
        api.receipt(function["id"])
    wait_until(lambda: api.get(path).json["invocations"] == 5, 10, "five calls counted")
    warming = api.get(path).json
    assert warming["coldStarts"] == 1
    assert (warming["prediction"], warming["reason"]) == ("shadow", "proving")
    assert warming["coldStartP95"] > 0
    wait_until(lambda: api.get(path).json["idleGbSeconds"] > 0, 10, "idle time")
    restart(eager, signal.SIGTERM)
    wait_until(lambda: api.get(path).status == 200, 10, "an evaluation")
    assert api.get(path).json["invocations"] == 5


def test_prediction_keeps_what_the_pool_would_let_go() -> None:
    """With a plan of an hour for everything, and pools that keep nothing for two seconds."""
    flags: dict = {"pool": {"idle_timeout": "1s", "cleanup_interval": "100ms"},
                   "scaler": {"evaluation_interval": "200ms", "policies": "prediction",
                              "prediction": "on", "keep_alive": "fixed:1h"}}
    with own_cluster(flags) as cluster:
        bench = Workbench(cluster.api)
        kept = bench.create(NODE.hello)
        passing = bench.create(NODE.hello, idleTimeout=1000)
        first = cluster.api.receipt(kept["id"])
        cluster.api.receipt(passing["id"])
        wait_until(lambda: not cluster.api.instances_of(passing["id"]), 10,
                   "the other one has gone")
        [instance] = cluster.api.instances_of(kept["id"])
        assert instance["id"] == first["instanceId"]
        wait_until(lambda: cluster.api.instances_of(kept["id"])[0]["idle"] > 4000, 10,
                   "it has been idle for four seconds")
        again = cluster.api.receipt(kept["id"])
        assert (again["coldStart"], again["instanceId"]) == (False, first["instanceId"])
        warming = cluster.api.get(f"/functions/{kept['id']}/warming").json
        assert (warming["prediction"], warming["reason"]) == ("live", "forced")

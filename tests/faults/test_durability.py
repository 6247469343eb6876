"""What the registry has answered, it has: SIGKILL at any moment loses nothing."""

import random
import threading
import time
from collections.abc import Iterator

import pytest

from harness.client import Answer, Client, unique
from harness.cluster import Cluster, own_cluster
from harness.functions import NODE
from harness.load import Load
from harness.wait import wait_until

ROUNDS = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with own_cluster(restart=True) as running:
        yield running


class Ledger:
    """Creates, changes and deletes functions, and writes down what was acknowledged."""

    def __init__(self, api: Client):
        self.api = api
        self._lock = threading.Lock()
        self._random = random.Random(1)
        # Name to the last acknowledged description; None: acknowledged as deleted.
        self.acknowledged: dict[str, str | None] = {}
        # Not answered: either state is right.
        self.in_doubt: set[str] = set()

    def write(self) -> Answer:
        with self._lock:
            existing = [name for name, text in self.acknowledged.items()
                        if text is not None and name not in self.in_doubt]
            action = self._random.choice(["create", "create", "change", "delete"])
            name = self._random.choice(existing) if existing else ""
            if action == "create" or not name:
                action, name = "create", unique("durable")
            # Nobody else touches it until it is answered.
            self.in_doubt.add(name)
        text = unique("text")
        answer = self._send(action, name, text)
        if answer.status < 400:
            with self._lock:
                self.acknowledged[name] = None if action == "delete" else text
                self.in_doubt.discard(name)
        return answer

    def _send(self, action: str, name: str, text: str) -> Answer:
        path = f"/functions/{name}"
        if action == "create":
            return self.api.post("/functions", {
                "name": name, "runtime": "node", "handler": "index.handler",
                "code": f"// {text}\n{NODE.hello}", "description": text})
        if action == "change":
            return self.api.request("PATCH", path, {"description": text, "environment": {"T": text}})
        return self.api.request("DELETE", path)

    def check(self) -> None:
        found = {f["name"]: f["description"] for f in self.api.list_functions(pageSize=1000)}
        for name, text in self.acknowledged.items():
            if name not in self.in_doubt:
                assert found.get(name) == text, f"{name}: acknowledged {text}, found {found.get(name)}"


def test_every_acknowledged_write_survives(cluster: Cluster) -> None:
    ledger = Ledger(cluster.api)
    moments = random.Random(7)
    for round_number in range(ROUNDS):
        with Load(ledger.write, threads=6) as writes:
            wait_until(lambda: writes.answered() >= 30, 20, "writes are acknowledged")
            time.sleep(moments.random() * 0.05)
            cluster.programs["registry"].kill()
        cluster.wait_healthy(10)
        ledger.check()
        print(f"round {round_number}: {dict(writes.kinds())}")
    assert len(ledger.acknowledged) > ROUNDS * 10
    # Code is there as well.
    alive = [n for n, t in ledger.acknowledged.items() if t and n not in ledger.in_doubt][-5:]
    for name in alive:
        assert cluster.api.receipt(name)["body"] == {"message": "Hello"}

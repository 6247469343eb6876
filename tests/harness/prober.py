"""Clients that check every answer they get, against what has really been executed."""

import itertools
import re
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass

from harness.client import ROOT, Answer, Client
from harness.executions import Executions
from harness.load import Load
from harness.wait import wait_until

# Worth trying again, as it is; anything else is not.
RETRYABLE = {"UNAVAILABLE", "NO_CAPACITY", "QUEUE_FULL", "RATE_LIMITED", "CONCURRENCY_LIMIT",
             "QUEUE_TIMEOUT", "GATEWAY_TIMEOUT"}


def documented_statuses() -> dict[str, int]:
    """The HTTP status of every error code, as docs/errors.md has it."""
    rows = re.findall(r"^\| (\d{3}) \| [A-Z_–]+ \| ([A-Z_]+) \|", (ROOT / "docs/errors.md").read_text(),
                      re.MULTILINE)
    return {code: int(status) for status, code in rows}


@dataclass(frozen=True)
class Probe:
    """One call: what it said, and what came back; None when the connection broke."""

    token: str
    answer: Answer | None
    # How long it took.
    seconds: float

    @property
    def executed(self) -> str:
        if self.answer is None:
            return "maybe"
        return "yes" if self.answer.status == 200 else self.answer.error.get("executed", "")


class Prober:
    """Calls functions of `executions`, one after the other, with a token in each event.

        with Prober(api, functions, executions) as prober:
            ...
        prober.check()
    """

    def __init__(self, api: Client, functions: list[str], executions: Executions, *,
                 clients: int = 6, ms: int = 20, timeout: float = 60):
        self.api, self.executions = api, executions
        self.ms, self.timeout = ms, timeout
        self.probes: list[Probe] = []
        self._turns, self._lock = itertools.cycle(functions), threading.Lock()
        self._load = Load(self._call, threads=clients)

    def __enter__(self) -> "Prober":
        self._load.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._load.__exit__(*exception)

    def _call(self) -> Answer:
        with self._lock:
            function = next(self._turns)
        token = secrets.token_hex(8)
        answer, started = None, time.monotonic()
        try:
            answer = self.api.invoke(function, {"token": token, "ms": self.ms},
                                     timeout=self.timeout)
            return answer
        finally:
            self.probes.append(Probe(token, answer, time.monotonic() - started))

    def longest_wait(self) -> float:
        """In seconds."""
        return max(probe.seconds for probe in self.probes)

    def kinds(self, since: float = 0) -> Counter[str]:
        return self._load.kinds(since)

    def wait_right_again(self, calls: int, timeout: float) -> float:
        """Waits until so many calls in a row were answered by their function. Returns how long
        that took in seconds."""
        started = time.monotonic()

        def right() -> bool:
            latest = [outcome for outcome in list(self._load.outcomes)
                      if outcome.at >= started][-calls:]
            return len(latest) == calls and all(outcome.kind == "ok" for outcome in latest)

        try:
            wait_until(right, timeout, f"{calls} good answers in a row")
        except AssertionError as error:
            raise AssertionError(f"{error}; got {self.kinds(started)}") from None
        return time.monotonic() - started

    def check(self, *, connections_may_break: bool = False) -> None:
        """Every answer was the right one, and nothing ran that was said not to have run, nor
        twice. To be called when nothing can be running any more."""
        statuses = documented_statuses()
        counts = self.executions.counts()
        wrong = []
        for probe in self.probes:
            problem = wrongness(probe, counts[probe.token], statuses, connections_may_break)
            if problem:
                wrong.append(f"{problem}; executed {counts[probe.token]} times: {probe.answer}")
        assert not wrong, f"{len(wrong)} of {len(self.probes)} calls:\n" + "\n".join(wrong[:10])


def wrongness(probe: Probe, executed: int, statuses: dict[str, int],
              connections_may_break: bool) -> str:
    """What is wrong about an answer; empty when it is right."""
    answer = probe.answer
    if executed > 1:
        return "executed more than once"
    if answer is None:
        return "" if connections_may_break else "the connection broke"
    if answer.status == 200:
        if answer.json["body"] != {"token": probe.token}:
            return "the answer to another call"
        return "" if executed == 1 else "answered without having been executed"
    code = answer.error["code"]
    if statuses.get(code) != answer.status:
        return f"docs/errors.md has {statuses.get(code)} for {code}"
    if answer.error["retryable"] != (code in RETRYABLE):
        return f"retryable is wrong for {code}"
    if probe.executed not in ("no", "yes", "maybe"):
        return "does not say whether it was executed"
    if probe.executed == "no" and executed:
        return "said not to have been executed"
    if probe.executed == "yes" and not executed:
        return "said to have been executed"
    return ""

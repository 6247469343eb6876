"""Clients that keep calling while something breaks, and remember what they got."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.client import Answer

# A client out there would not hammer either.
PAUSE = 0.005


@dataclass(frozen=True)
class Outcome:
    """What one call came to: an answer, or a connection that broke."""

    at: float
    answer: Answer | None
    problem: str = ""

    @property
    def kind(self) -> str:
        if self.answer is None:
            return f"connection: {self.problem}"
        if self.answer.status < 400:
            return "ok"
        return f"{self.answer.status} {self.answer.error['code']}"


@dataclass
class Load:
    """Repeats a call on several threads, inside a with block."""

    call: Callable[[], Answer]
    threads: int = 4
    outcomes: list[Outcome] = field(default_factory=list)

    def __enter__(self) -> "Load":
        self._ended = threading.Event()
        self._failures: list[BaseException] = []
        self._running = [threading.Thread(target=self._repeat) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._running:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def _repeat(self) -> None:
        try:
            while not self._ended.is_set():
                self.outcomes.append(self._once())
                time.sleep(PAUSE)
        except BaseException as failure:  # Reported by the thread that waits.
            self._failures.append(failure)

    def _once(self) -> Outcome:
        try:
            return Outcome(time.monotonic(), self.call())
        except (OSError, http.client.HTTPException) as problem:
            return Outcome(time.monotonic(), None, type(problem).__name__)

    def kinds(self, since: float = 0) -> Counter[str]:
        return Counter(outcome.kind for outcome in list(self.outcomes) if outcome.at >= since)

    def answered(self) -> int:
        return self.kinds()["ok"]

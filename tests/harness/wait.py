"""Waiting for something to become true, never for time to pass."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.02


def wait_until(condition: Callable[[], T], timeout: float, what: str) -> T:
    """Returns the first true answer of `condition`; fails naming `what`."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout} s: {what}; last answer: {answer!r}")
        time.sleep(POLL_SECONDS)


def wait_until_equal(ask: Callable[[], T], expected: T, timeout: float, what: str) -> None:
    """Asks until the answer is as expected; fails with the last one."""
    last: list[T] = []

    def equal() -> bool:
        last[:] = [ask()]
        return last[0] == expected

    try:
        wait_until(equal, timeout, what)
    except AssertionError:
        raise AssertionError(
            f"{what}: expected {expected!r} within {timeout} s, still {last[0]!r}") from None

"""Bodies of megabytes: exact, and no burden to small calls beside them."""

import concurrent.futures
import json
import random

from harness.client import Client, expect_error
from harness.workbench import Workbench

ECHO = "exports.handler = async (event) => event;"
MEGABYTE = 1 << 20
# The largest event; JSON takes the rest of it.
LARGEST = 6 * MEGABYTE - 64


def text(seed: int, size: int) -> str:
    """Text that repeats nothing, so that a part lost or out of turn shows."""
    return random.Random(seed).randbytes(size // 2 + 1).hex()[:size]


def echoes(api: Client, function_id: str, seed: int, size: int, rounds: int) -> int:
    """How many of so many echoes came back as they were sent."""
    exact = 0
    for n in range(rounds):
        event = {"text": text(seed * 100 + n, size)}
        exact += api.receipt(function_id, event)["body"] == event
    return exact


def test_many_large_echoes_at_once_beside_small_calls(api: Client, bench: Workbench) -> None:
    large = bench.create(ECHO, memory=256, maxInstances=4)["id"]
    small = bench.create(ECHO, maxInstances=2)["id"]
    clients, rounds = 6, 3
    with concurrent.futures.ThreadPoolExecutor(clients + 2) as threads:
        running = [threads.submit(echoes, api, large, seed, LARGEST, rounds)
                   for seed in range(clients)]
        beside = [threads.submit(echoes, api, small, 50 + n, 20, 50) for n in range(2)]
        assert [call.result() for call in running] == [rounds] * clients
        assert [call.result() for call in beside] == [50, 50]


def test_sizes_around_those_that_matter(api: Client, bench: Workbench) -> None:
    function_id = bench.create(ECHO, memory=256)["id"]
    frame = len(json.dumps({"text": ""}))
    # A part, a window of credit, and what is checked elsewhere: one below, that, one above.
    for edge in (64 << 10, 256 << 10, 320 << 10, 512 << 10):
        for size in (edge - 1, edge, edge + 1):
            assert echoes(api, function_id, size, size - frame, 1) == 1, size


def test_large_texts_that_are_not_json_are_found(api: Client, bench: Workbench) -> None:
    function_id = bench.create(
        "exports.handler = async (event) => event.good ? 'x'.repeat(1 << 20) : 1;")["id"]
    answer = api.invoke(function_id, b'{"good": "' + b"x" * MEGABYTE)
    error = expect_error(answer, 400, "INVALID_ARGUMENT")
    assert error["executed"] == "no"
    assert api.receipt(function_id, {"good": True})["body"] == "x" * MEGABYTE

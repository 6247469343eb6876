"""Handlers that yield their answer bit by bit."""

import types

from so_runtime.channel import CREDIT, DATA, HEAD
from so_runtime.errors import ResultError, encode_text
from so_runtime.results import MAX_BODY_BYTES, encode_head, encode_result

# As far as the pool lets a call write before it has heard of its reader.
WINDOW_BYTES = 256 * 1024
MAX_DATA_BYTES = 64 * 1024

STREAMS = (types.GeneratorType, types.AsyncGeneratorType)


class Sender:
    """Where a stream goes to that the caller wants while it is written."""

    def __init__(self, channel, nonce):
        self.channel = channel
        self.nonce = nonce
        self.credit = WINDOW_BYTES

    def head(self, answer):
        self.channel.send(HEAD, self.nonce, encode_head(answer))

    def data(self, chunk):
        """Returns once all of it is on its way."""
        view = memoryview(chunk)
        while view:
            while self.credit == 0:
                self._wait()
            part = view[:min(self.credit, MAX_DATA_BYTES)]
            self.credit -= len(part)
            self.channel.send(DATA, self.nonce, part)
            view = view[len(part):]

    # Nothing but credit can come while an invocation runs; that of an earlier
    # one comes too late.
    def _wait(self):
        kind, nonce, payload = self.channel.receive()
        if kind != CREDIT:
            self.channel.end(1)
        if nonce == self.nonce:
            self.credit += int.from_bytes(payload, "big")


class Collector:
    """Where a stream goes to that the caller wants as a whole."""

    def __init__(self):
        self.answer = None
        self.body = bytearray()

    def head(self, answer):
        self.answer = answer

    def data(self, chunk):
        if len(self.body) + len(chunk) > MAX_BODY_BYTES:
            raise ResultError(f"the result has more than {MAX_BODY_BYTES} bytes; only a streamed answer may",
                              "result-too-large")
        self.body += chunk

    def result(self):
        """What a handler that does not stream would have returned, encoded."""
        return encode_result({**self.answer, "body": self.body.decode("utf-8", "replace")})


class Writer:
    """Gives a sink what a handler yields: perhaps a head, then text or bytes."""

    def __init__(self, sink):
        self.sink = sink
        self.answer = None
        self.started = False

    def write(self, item):
        if isinstance(item, dict) and self.answer is None:
            encode_head(item)  # What is wrong with it is to be said where it is yielded.
            self.answer = item
            return
        chunk = to_bytes(item)
        self._begin()
        self.sink.data(chunk)

    def finish(self):
        self._begin()

    # The head goes with the first bytes: until then an error can take its place.
    def _begin(self):
        if not self.started:
            self.started = True
            self.answer = {"statusCode": 200, **(self.answer or {})}
            self.sink.head(self.answer)


def to_bytes(item):
    if isinstance(item, str):
        return encode_text(item)
    if isinstance(item, (bytes, bytearray, memoryview)):
        return bytes(item)
    raise ResultError(f"a handler that streams must yield str or bytes, not {type(item).__name__}")


def run(returned, sink, run_async):
    """Writes all that a generator of either kind yields. `run_async` waits for an
    awaitable."""
    writer = Writer(sink)
    if isinstance(returned, types.GeneratorType):
        for item in returned:
            writer.write(item)
    else:
        run_async(write_all(returned, writer))
    writer.finish()


async def write_all(items, writer):
    async for item in items:
        writer.write(item)

"""Runs one function in a Python process, for its whole life: from HELLO to the
end of its channel."""

import asyncio
import json
import os
import sys
import time

from so_runtime.channel import (
    CONFIG, CONTRACT_VERSION, CREDIT, END, ERROR, HELLO, INIT_ERROR, INVOKE, NONCE_BYTES, READY, RESULT, STARTED,
    Channel, two_parts)
from so_runtime.errors import ResultError, describe, describe_init, encode_text, set_code_dir
from so_runtime.loader import load_handler
from so_runtime.results import dump, encode_result
from so_runtime.streaming import STREAMS, Collector, Sender, run


NO_NONCE = bytes(NONCE_BYTES)
HELLO_PAYLOAD = dump({"contract": CONTRACT_VERSION}).encode()


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass  # Closed or replaced by the function.


class Context:
    """What the handler is told about its invocation, as on AWS Lambda."""

    def __init__(self, config, meta):
        self._deadline = time.monotonic() + meta["timeoutMs"] / 1000
        self.aws_request_id = meta["requestId"]
        self.function_name = config["functionName"]
        self.function_version = config["functionVersion"]
        self.memory_limit_in_mb = config["memoryLimitInMB"]
        self.invoked_function_arn = config["invokedFunctionArn"]
        self.log_group_name = config["logGroupName"]
        self.log_stream_name = config["logStreamName"]
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class Shim:
    """`end(code)` ends the process; `environment` is the process's."""

    def __init__(self, fd, end, environment):
        self.end = end
        self.environment = environment
        self.channel = Channel(fd, end)
        self.event_loop = None

    # In the process that is the instance.
    def greet(self):
        self.channel.pid = os.getpid()
        self.channel.send(HELLO, NO_NONCE, HELLO_PAYLOAD)

    def run(self):
        kind, nonce, payload = self.channel.receive()
        if kind != CONFIG:
            self.end(1)
        config, handler = self.load(nonce, payload)
        while True:
            kind, nonce, payload = self.channel.receive()
            if kind == CREDIT:
                continue  # Of an invocation that has ended.
            if kind != INVOKE:
                self.end(1)
            self.invoke(handler, config, nonce, payload)

    def load(self, nonce, payload):
        config = json.loads(payload)
        try:
            code_dir = config["codeDir"]
            set_code_dir(code_dir)
            self.environment.update(config["environment"])
            if "TZ" in config["environment"]:
                time.tzset()
            sys.path.insert(0, code_dir)
            handler = load_handler(config["handler"], code_dir)
        except SystemExit as error:
            self.exit_process(error)
        except BaseException as error:
            flush()
            self.channel.send(INIT_ERROR, nonce, encode_text(dump(describe_init(error))))
            self.end(1)
        flush()
        self.channel.send(READY, nonce)
        return config, handler

    def invoke(self, handler, config, nonce, payload):
        meta_end = 4 + int.from_bytes(payload[:4], "big")
        meta = json.loads(payload[4:meta_end])
        self.channel.send(STARTED, nonce)
        try:
            returned = handler(json.loads(payload[meta_end:]), Context(config, meta))
            if hasattr(returned, "__await__"):
                returned = self.run_async(returned)
            answer = self.stream(nonce, meta, returned) if isinstance(returned, STREAMS) else encode_result(returned)
        except SystemExit as error:
            self.exit_process(error)
        except ResultError as error:
            self.fail(nonce, error.kind, error)
        except BaseException as error:
            self.fail(nonce, "error", error)
        else:
            flush()
            if answer is None:
                self.channel.send(END, nonce)
            else:
                self.channel.send(RESULT, nonce, two_parts(*answer))

    def stream(self, nonce, meta, returned):
        """The whole answer, or None when it has been sent already."""
        sink = Sender(self.channel, nonce) if meta.get("stream") else Collector()
        run(returned, sink, self.run_async)
        return None if meta.get("stream") else sink.result()

    def fail(self, nonce, kind, error):
        fault = describe(error)
        flush()
        self.channel.send(ERROR, nonce, encode_text(dump({"kind": kind, **fault})))

    # One event loop for the life of the process, so that clients made in one
    # invocation work in the next.
    def run_async(self, awaitable):
        if self.event_loop is None:
            self.event_loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self.event_loop)

        async def wait():
            return await awaitable

        return self.event_loop.run_until_complete(wait())

    # sys.exit() ends the process with that code, whatever threads are left.
    def exit_process(self, error):
        flush()
        code = error.code
        if code is not None and not isinstance(code, int):
            print(code, file=sys.stderr)
            flush()
            code = 1
        self.end((code or 0) & 0xFF)

"""Runs whole lives of a function in the zygote. The interpreter adapts code to
what it is used for; children inherit what was adapted here, and share it."""

import contextlib
import io
import json
import os
import socket
import sys

from so_runtime.channel import CONFIG, INVOKE, NONCE_BYTES, Channel, two_parts
from so_runtime.shim import Shim

DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rehearsal")
NONCE = bytes(NONCE_BYTES)


class Ended(BaseException):
    """The shim has seen the end of its channel."""


def end(code):
    raise Ended(code)


def live_once():
    ours, theirs = socket.socketpair()
    with ours, theirs, contextlib.redirect_stdout(io.StringIO()):
        pool = Channel(ours.fileno(), end)
        config = dict.fromkeys(
            ("functionName", "functionVersion", "invokedFunctionArn", "logGroupName", "logStreamName"), "")
        config.update(memoryLimitInMB="128", handler="function.handler", codeDir=DIR, environment={"A": "b"})
        pool.send(CONFIG, NONCE, json.dumps(config).encode())
        meta = json.dumps({"requestId": "req-0", "timeoutMs": 1000}).encode()
        pool.send(INVOKE, NONCE, two_parts(meta, b'{"name": "World"}'))
        ours.shutdown(socket.SHUT_WR)
        shim = Shim(theirs.fileno(), end, {})
        try:
            shim.greet()
            shim.run()
        except Ended as ended:
            if ended.args != (0,):
                raise RuntimeError(ours.recv(1 << 16)) from None
        if shim.event_loop is not None:
            shim.event_loop.close()


def rehearse(times):
    path = list(sys.path)
    for _ in range(times):
        live_once()
        del sys.modules["function"]
        sys.path[:] = path

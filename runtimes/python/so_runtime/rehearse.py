"""Runs whole lives of a function that does not exist yet. The interpreter adapts
code to what it is used for; what was adapted in the zygote, its children share.
And a child that waits can touch the memory that it will need, so that it is its
own by the time it counts."""

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
META = json.dumps({"requestId": "req-0", "timeoutMs": 1000}).encode()
EVENT = b'{"name": "World"}'


class Ended(BaseException):
    """The shim has seen the end of its channel."""


def end(code):
    raise Ended(code)


def configuration(handler):
    config = dict.fromkeys(
        ("functionName", "functionVersion", "invokedFunctionArn", "logGroupName", "logStreamName"), "")
    config.update(memoryLimitInMB="128", handler="function." + handler, codeDir=DIR, environment={"A": "b"})
    return json.dumps(config).encode()


def rehearse(handler):
    """One start and one invocation, over a socket of its own."""
    ours, theirs = socket.socketpair()
    path = list(sys.path)
    shim = Shim(theirs.fileno(), end, {})
    with ours, theirs:
        pool = Channel(ours.fileno(), end)
        pool.send(CONFIG, NONCE, configuration(handler))
        pool.send(INVOKE, NONCE, two_parts(META, EVENT))
        ours.shutdown(socket.SHUT_WR)
        try:
            shim.greet()
            shim.run()
        except Ended as ended:
            if ended.args != (0,):
                raise RuntimeError(ours.recv(1 << 16)) from None
    if shim.event_loop is not None:
        shim.event_loop.close()
    sys.path[:] = path
    del sys.modules["function"]


def rehearse_all(times):
    """In the zygote."""
    with contextlib.redirect_stdout(io.StringIO()):
        for _ in range(times):
            rehearse("handler")
            rehearse("async_handler")

"""The frames of the runtime contract (docs/runtime-contract.md) on a socket."""

import os

CONTRACT_VERSION = 1
CONFIG, INVOKE, CREDIT = 1, 2, 3
HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR = 16, 17, 18, 19, 20, 21
HEAD, DATA, END = 22, 23, 24
NONCE_BYTES = 16
MAX_FRAME_BYTES = 6 * 1024 * 1024 + 64 * 1024


def two_parts(first, second):
    """Two parts as one payload: the length of the first, the first, the second."""
    return len(first).to_bytes(4, "big") + first + second


class Channel:
    """`end(code)` is called, and does not return, when it cannot be used any more."""

    def __init__(self, fd, end):
        self.fd = fd
        self.end = end
        self.pid = os.getpid()

    def send(self, kind, nonce, payload=b""):
        """Writes a whole frame before it returns, so that nothing user code does
        next can cut it short."""
        if os.getpid() != self.pid:
            os._exit(1)  # A fork of the function must not answer for it.
        head = (1 + NONCE_BYTES + len(payload)).to_bytes(4, "big") + bytes((kind,))
        view = memoryview(head + nonce + payload)
        try:
            while view:
                view = view[os.write(self.fd, view):]
        except OSError:
            self.end(0)  # The pool is gone.

    def receive(self):
        """The next frame: its type, nonce and payload."""
        length = int.from_bytes(self._read(4), "big")
        if not 1 + NONCE_BYTES <= length <= MAX_FRAME_BYTES:
            self.end(1)
        frame = self._read(length)
        return frame[0], frame[1:1 + NONCE_BYTES], frame[1 + NONCE_BYTES:]

    def _read(self, count):
        data = os.read(self.fd, count) or self.end(0)
        if len(data) == count:
            return data
        whole = bytearray(count)
        whole[:len(data)] = data
        view = memoryview(whole)[len(data):]
        while view:
            view = view[os.readv(self.fd, [view]) or self.end(0):]
        return bytes(whole)

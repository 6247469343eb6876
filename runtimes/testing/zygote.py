"""A zygote over plain forks (plain_zygote.cc) and its children, for tests."""

import array
import contextlib
import json
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile
import time

RUNTIMES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONFIG, INVOKE, CREDIT = 1, 2, 3
HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR = 16, 17, 18, 19, 20, 21
HEAD, DATA, END, LOG = 22, 23, 24, 25
WINDOW_BYTES, MAX_DATA_BYTES = 262144, 65536
ZYGOTE_FD = 3
FORKED, ENDED = 0, 1
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": ":UTC", "HOME": "/tmp", "TMPDIR": "/tmp"}


class Gone(Exception):
    """The instance has closed its channel."""


class Zygote:
    """The zygote process; forks and learns of ends."""

    def __init__(self, command, environment=None, stderr=None):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Descriptor 3 must be the socket: the shell moves it there.
        fd = theirs.fileno()
        moved = ["bash", "-c", f'exec "$@" {ZYGOTE_FD}<&{fd}' + (f" {fd}<&-" if fd != ZYGOTE_FD else ""), "bash", *command]
        self.process = subprocess.Popen(
            moved, env={**ENVIRONMENT, **(environment or {})}, stdin=subprocess.DEVNULL,
            stderr=stderr, pass_fds=[fd])
        theirs.close()
        self.ended = {}

    @property
    def pid(self):
        return self.process.pid

    def fork(self):
        ours, channel = socket.socketpair()
        read, write = os.pipe()
        started = time.monotonic()
        fds = array.array("i", [channel.fileno(), write])
        self.socket.sendmsg([b"f"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        channel.close()
        os.close(write)
        pid = self._receive_fork()
        return Instance(self, pid, ours, read, started)

    def _receive_fork(self):
        while True:
            kind, pid, status = struct.unpack("iii", self.socket.recv(12) or bytes(12))
            if kind == ENDED:
                self.ended[pid] = status
            elif pid == 0:
                raise Gone("the zygote has ended")
            else:
                return pid

    def wait(self, pid, timeout=20):
        """The wait status of a child that ends."""
        deadline = time.monotonic() + timeout
        while pid not in self.ended:
            ready, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"process {pid} does not end")
            _, ended, status = struct.unpack("iii", self.socket.recv(12))
            self.ended[ended] = status
        return self.ended.pop(pid)

    def close(self):
        self.socket.close()
        self.process.wait(20)


class Instance:
    """One child: its channel and its output."""

    def __init__(self, zygote, pid, channel, output, started):
        self.zygote, self.pid, self.channel, self.output = zygote, pid, channel, output
        self.started = started
        self.nonces = 0
        self.status = None
        channel.settimeout(20)

    def read_exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                got = self.channel.recv(count - len(data))
            except ConnectionResetError:
                got = b""
            if not got:
                raise Gone
            data += got
        return data

    def receive(self):
        length = struct.unpack(">I", self.read_exactly(4))[0]
        frame = self.read_exactly(length)
        return frame[0], frame[1:17], frame[17:]

    def expect(self, kind, nonce):
        got, got_nonce, payload = self.receive()
        assert got == kind, (got, payload)
        assert got_nonce == nonce
        return payload

    def send(self, kind, payload, nonce=None):
        if nonce is None:
            self.nonces += 1
            nonce = struct.pack(">QQ", self.pid, self.nonces)
        self.channel.sendall(struct.pack(">IB", 17 + len(payload), kind) + nonce + payload)
        return nonce

    def hello(self):
        assert json.loads(self.expect(HELLO, bytes(16))) == {"contract": 1}
        return self

    def configure(self, code_dir, handler, memory=128, environment=None, concurrency=1):
        config = {
            "contract": 1, "concurrency": concurrency, "instanceId": "inst-1", "functionId": "fn-hello", "functionName": "hello",
            "functionVersion": "3", "memoryLimitInMB": str(memory), "handler": handler, "codeDir": code_dir,
            "invokedFunctionArn": "arn:hello", "logGroupName": "/functions/hello", "logStreamName": "inst-1",
            "environment": {
                "GREETING": "hello there", **(environment or {}), "_HANDLER": handler, "LAMBDA_TASK_ROOT": code_dir,
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)},
        }
        return self.send(CONFIG, json.dumps(config).encode())

    def load(self, code_dir, handler, **options):
        self.expect(READY, self.configure(code_dir, handler, **options))
        return self

    def fail_to_load(self, code_dir, handler):
        return json.loads(self.expect(INIT_ERROR, self.configure(code_dir, handler)))

    def dispatch(self, event=b"{}", timeout_ms=15000, **more):
        meta = json.dumps({"requestId": "req-1", "timeoutMs": timeout_ms, **more}).encode()
        nonce = self.send(INVOKE, struct.pack(">I", len(meta)) + meta + event)
        self.expect(STARTED, nonce)
        return nonce

    def invoke(self, event=b"{}"):
        """(RESULT, meta, body) or (ERROR, fault, None)."""
        nonce = self.dispatch(event)
        kind, got_nonce, payload = self.receive()
        assert got_nonce == nonce
        if kind == ERROR:
            return kind, json.loads(payload), None
        assert kind == RESULT
        length = struct.unpack(">I", payload[:4])[0]
        return kind, json.loads(payload[4:4 + length]), payload[4 + length:]

    def call(self, event=b"{}"):
        """The body of a successful invocation, decoded."""
        kind, meta, body = self.invoke(event)
        assert kind == RESULT, meta
        return json.loads(body)

    def begin(self, event):
        """Dispatches beside calls that are running; see answers."""
        meta = json.dumps({"requestId": "req-1", "timeoutMs": 15000}).encode()
        return self.send(INVOKE, struct.pack(">I", len(meta)) + meta + event)

    def answers(self, count):
        """Until so many calls have ended: their nonces in that order, what each answered, and what each logged."""
        order, bodies, logs = [], {}, {}
        while len(order) < count:
            kind, nonce, payload = self.receive()
            if kind == LOG:
                logs[nonce] = logs.get(nonce, "") + payload.decode()
            elif kind != STARTED:
                order.append(nonce)
                bodies[nonce] = json.loads(payload if kind == ERROR else payload[4 + struct.unpack(">I", payload[:4])[0]:])
        return order, bodies, logs

    def stream(self, event=b"{}"):
        """A streamed answer that has begun: see Stream."""
        nonce = self.dispatch(event, stream=True)
        return Stream(self, nonce, json.loads(self.expect(HEAD, nonce)))

    def silent(self, seconds=0.2):
        """Whether it says nothing for so long."""
        return not select.select([self.channel], [], [], seconds)[0]

    def printed(self):
        """What is in the output pipe now."""
        os.set_blocking(self.output, False)
        data = b""
        with contextlib.suppress(BlockingIOError):
            while got := os.read(self.output, 1 << 20):
                data += got
        return data.decode()

    def wait(self):
        """The exit code, negative for a signal."""
        if self.status is None:
            self.status = self.wait_status()
        return os.waitstatus_to_exitcode(self.status)

    def wait_status(self):
        return self.zygote.wait(self.pid)

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def pss(self):
        """Its proportional share of memory, in KB."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))

    def close(self):
        if self.status is None:
            self.kill()
        self.channel.close()
        os.close(self.output)
        self.wait()


class Stream:
    """An answer while it is written, in the place of the pool."""

    def __init__(self, instance, nonce, head):
        self.instance, self.nonce, self.head = instance, nonce, head

    def part(self):
        data = self.instance.expect(DATA, self.nonce)
        assert 1 <= len(data) <= MAX_DATA_BYTES
        return data

    def grant(self, count):
        with contextlib.suppress(BrokenPipeError):  # It may have ended by now.
            self.instance.send(CREDIT, struct.pack(">I", count), self.nonce)

    def read(self, count):
        """Exactly so many bytes, without granting any."""
        data = b""
        while len(data) < count:
            data += self.part()
        assert len(data) == count
        return data

    def rest(self):
        """All that is left, and how it ends: (data, fault or None)."""
        data = b""
        while True:
            kind, nonce, payload = self.instance.receive()
            assert nonce == self.nonce
            if kind == END:
                return data, None
            if kind == ERROR:
                return data, json.loads(payload)
            assert kind == DATA and len(payload) <= MAX_DATA_BYTES
            data += payload
            self.grant(len(payload))


@contextlib.contextmanager
def code(**files):
    """A code directory; names have _ for a dot before the extension."""
    with tempfile.TemporaryDirectory(prefix="so-code-") as path:
        os.chmod(path, 0o755)
        for name, text in files.items():
            with open(os.path.join(path, ".".join(name.rsplit("_", 1))), "w", encoding="utf-8") as file:
                file.write(text)
        yield path

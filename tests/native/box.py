"""Runs so-init and speaks the runtime contract with it.

Without the launcher the walls around it are whatever an ordinary user may build
(box.sh): what is tested is the runtime, not the walls. With SO_LAUNCHER they are
real.
"""

import atexit
import functools
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import launched

ROOT = Path(__file__).resolve().parents[2]
SO_INIT = Path(os.environ.get("SO_INIT", ROOT / "build/release/bin/so-init-direct"))
TOOLCHAINS = Path(os.environ.get("SO_TOOLCHAINS", ROOT / "var/toolchains"))
NOBODY = 65534

CONFIG, INVOKE = 1, 2
HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR = 16, 17, 18, 19, 20, 21


class Gone(Exception):
    """The process closed its channel."""


class Instance:
    """A so-init, from HELLO on. Its subclasses say where it runs."""

    def __enter__(self):
        return self

    # ---- where it runs ----

    def __exit__(self, *_):
        raise NotImplementedError

    def terminate(self):
        """SIGTERM, from outside."""
        raise NotImplementedError

    def wait(self, timeout=600):
        """The exit code, when the process has ended by itself; what it prints is
        read meanwhile."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None and time.monotonic() < deadline:
            select.select([self.output], [], [], 0.02)
            self._drain()
        assert code is not None, f"it runs on: {self.text()}"
        return code

    def poll(self):
        raise NotImplementedError

    # ---- frames ----

    def send(self, kind, nonce, payload):
        self.channel.sendall((17 + len(payload)).to_bytes(4, "big") + bytes([kind]) + nonce + payload)

    def receive(self, timeout=60):
        self.channel.settimeout(timeout)
        length = int.from_bytes(self._exactly(4), "big")
        frame = self._exactly(length)
        return frame[0], frame[1:17], frame[17:]

    def _exactly(self, count):
        data = bytearray()
        while len(data) < count:
            self._drain()
            try:
                more = self.channel.recv(count - len(data))
            except ConnectionResetError:
                more = b""
            if not more:
                raise Gone(self.text())
            data += more
        return bytes(data)

    def _drain(self):
        while select.select([self.output], [], [], 0)[0]:
            more = os.read(self.output, 65536)
            if not more:
                return
            self.printed += more

    def text(self):
        self._drain()
        return self.printed.decode(errors="replace")

    # ---- the contract ----

    def greet(self):
        kind, nonce, payload = self.receive()
        assert (kind, nonce, json.loads(payload)) == (HELLO, bytes(16), {"contract": 1})
        return self

    def configure(self, environment=None, **more):
        nonce = os.urandom(16)
        config = {
            "contract": 1, "instanceId": "inst-1", "functionId": "fn-1", "functionName": "hello", "functionVersion": "3",
            "memoryLimitInMB": "128", "handler": "handler", "codeDir": "/var/task", "logGroupName": "/functions/hello",
            "invokedFunctionArn": "arn:serverless:lambda:local:000000000000:function:hello:3", "logStreamName": "[3]inst-1",
            "environment": {"GREETING": "hello there", "AWS_LAMBDA_FUNCTION_NAME": "hello", "AWS_LAMBDA_FUNCTION_VERSION": "3",
                            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "_HANDLER": "handler", "LAMBDA_TASK_ROOT": "/var/task",
                            **(environment or {})}, **more}
        self.send(CONFIG, nonce, json.dumps(config).encode())
        return nonce

    def start(self, environment=None):
        """READY, or the fault of INIT_ERROR."""
        self.greet()
        sent = time.perf_counter()
        nonce = self.configure(environment)
        kind, answered, payload = self.receive()
        self.init_ms = (time.perf_counter() - sent) * 1e3
        assert answered == nonce
        if kind == INIT_ERROR:
            return json.loads(payload)
        assert (kind, payload) == (READY, b"")
        return None

    def invoke(self, event, timeout_ms=15000):
        """(status, headers, body) of a RESULT, or the fault of an ERROR."""
        nonce = os.urandom(16)
        meta = json.dumps({"requestId": "req-1", "timeoutMs": timeout_ms}).encode()
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        sent = time.perf_counter()
        self.send(INVOKE, nonce, len(meta).to_bytes(4, "big") + meta + body)
        assert self.receive() == (STARTED, nonce, b"")
        kind, answered, payload = self.receive()
        self.invoke_ms = (time.perf_counter() - sent) * 1e3
        assert answered == nonce
        if kind == ERROR:
            return json.loads(payload)
        assert kind == RESULT
        end = 4 + int.from_bytes(payload[:4], "big")
        answer = json.loads(payload[4:end])
        return answer["statusCode"], answer["headers"], payload[end:]


class Box(Instance):
    """In a box of its own, made by whoever runs the tests (box.sh)."""

    def __init__(self, *mounts):
        self.directory = tempfile.TemporaryDirectory(prefix="box-")
        os.chmod(self.directory.name, 0o777)
        self.channel, theirs = socket.socketpair()
        self.output, output = os.pipe()
        arguments = [f"{SO_INIT.parent}:/opt/so", *mounts, "--", f"/opt/so/{SO_INIT.name}"]
        command = ["unshare", "--map-user=1000", "--map-group=1000", "--keep-caps", "--mount", "--net", "--pid", "--ipc",
                   "--uts", "--fork", "--kill-child", str(Path(__file__).with_name("box.sh")), self.directory.name, *arguments]
        if os.getuid() == 0:
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
        descriptor = theirs.fileno()
        renumber = "" if descriptor == 3 else f"3<&{descriptor} {descriptor}<&-"
        self.process = subprocess.Popen(
            ["/bin/bash", "-c", f'exec "$@" {renumber}', "bash", *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[descriptor],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", "LANG": "C.UTF-8", "TZ": ":UTC", "HOME": "/tmp", "TMPDIR": "/tmp"})
        theirs.close()
        os.close(output)
        self.printed = b""

    def __exit__(self, *_):
        self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.output)
        self.directory.cleanup()

    def pid(self):
        """Of so-init; unshare is its parent."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def terminate(self):
        os.kill(self.pid(), signal.SIGTERM)

    def poll(self):
        return self.process.poll()


class Sandbox(Instance):
    """In a real sandbox."""

    def __init__(self, runtime, code_dir, output_dir=None, memory=256):
        self.launcher = launcher()
        self.sandbox, self.channel, self.output = self.launcher.park(runtime)
        self.printed = b""
        self.launcher.activate(self.sandbox, code_dir, output_dir, memory)

    def __exit__(self, *_):
        self.launcher.kill(self.sandbox)
        self.launcher.exit_code(self.sandbox, 10)
        self.channel.close()
        os.close(self.output)

    def terminate(self):
        self.launcher.kill(self.sandbox, gently=True)

    def poll(self):
        return self.launcher.exit_code(self.sandbox, 0)


@functools.cache
def launcher():
    """The launcher that SO_LAUNCHER names, or None without it."""
    if "SO_LAUNCHER" not in os.environ:
        return None
    started = launched.Launcher(os.environ["SO_LAUNCHER"], ROOT, TOOLCHAINS)
    atexit.register(started.stop)
    return started


def write_files(directory, files):
    for name, content in files.items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o755)
    os.chmod(directory, 0o755)


def function(directory):
    """An instance with this code directory."""
    if launcher():
        return Sandbox("custom", directory)
    return Box(f"{directory}:/var/task", f"{ROOT / 'runtimes/custom'}:/var/runtime")


def builder(runtime, source, output):
    """An instance with what builds of this runtime see."""
    if launcher():
        return Sandbox(runtime, source, output, memory=2048)
    os.chmod(output, 0o777)
    text = (ROOT / "runtimes" / runtime / "runtime.textproto").read_text()
    mounts = [f"{outside.replace('{toolchains}', str(TOOLCHAINS))}:{inside}"
              for outside, inside in re.findall(r'source: "(.*)"\s*target: "(.*)"', text)]
    return Box(f"{source}:/var/task", f"{output}:/var/output:rw", f"{ROOT / 'runtimes' / runtime}:/var/runtime", *mounts)


def build(runtime, source, output, handler="handler"):
    """Builds as the pool does; (exit code, what was printed, seconds)."""
    text = (ROOT / "runtimes" / runtime / "runtime.textproto").read_text()
    rule = re.search(r"^build \{(.*?)^\}", text, re.M | re.S).group(1)
    command = [part.replace("{handler}", handler) for part in re.findall(r'command: "(.*)"', rule)]
    with builder(runtime, source, output) as instance:
        instance.greet()
        sent = time.perf_counter()
        instance.configure(task={"command": command, "environment": {}})
        code = instance.wait()
        return code, instance.text(), time.perf_counter() - sent

"""Runs so-init without the launcher, and speaks the runtime contract with it.

The processes are those of a real sandbox; the walls around them are whatever an
ordinary user may build (box.sh). What is tested is the runtime, not the walls.
"""

import json
import os
import re
import select
import socket
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SO_INIT = Path(os.environ.get("SO_INIT", ROOT / "build/release/bin/so-init-direct"))
TOOLCHAINS = Path(os.environ.get("SO_TOOLCHAINS", ROOT / "var/toolchains"))
NOBODY = 65534

CONFIG, INVOKE = 1, 2
HELLO, READY, INIT_ERROR, STARTED, RESULT, ERROR = 16, 17, 18, 19, 20, 21


class Gone(Exception):
    """The process closed its channel."""


class Box:
    """One so-init in a box of its own."""

    def __init__(self, *mounts):
        self.directory = tempfile.TemporaryDirectory(prefix="box-")
        os.chmod(self.directory.name, 0o777)
        ours, theirs = socket.socketpair()
        self.channel = ours
        self.output, output = os.pipe()
        init_dir = SO_INIT.parent
        arguments = [f"{init_dir}:/opt/so", *mounts, "--", f"/opt/so/{SO_INIT.name}"]
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

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.output)
        self.directory.cleanup()

    def process_signal(self, number=15):
        """To the first process in the box, from outside."""
        # unshare is its parent.
        child = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0]
        os.kill(int(child), number)

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

    def wait(self, timeout=600):
        """The exit code, when the process has ended by itself."""
        deadline = time.monotonic() + timeout
        while self.process.poll() is None and time.monotonic() < deadline:
            select.select([self.output], [], [], 0.05)
            self._drain()
        return self.process.wait(timeout=1)

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


def write_files(directory, files):
    for name, content in files.items():
        path = Path(directory) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(0o755)
    os.chmod(directory, 0o755)


def function(directory):
    """A box with this code directory."""
    return Box(f"{directory}:/var/task", f"{ROOT / 'runtimes/custom'}:/var/runtime")


def build(runtime, source, output, handler="handler"):
    """Builds as the pool does; (exit code, what was printed, seconds)."""
    os.chmod(output, 0o777)
    text = (ROOT / "runtimes" / runtime / "runtime.textproto").read_text()
    rule = re.search(r"^build \{(.*?)^\}", text, re.M | re.S).group(1)
    command = [part.replace("{handler}", handler) for part in re.findall(r'command: "(.*)"', rule)]
    mounts = [f"{source.replace('{toolchains}', str(TOOLCHAINS))}:{target}"
              for source, target in re.findall(r'source: "(.*)"\s*target: "(.*)"', text)]
    with Box(f"{source}:/var/task", f"{output}:/var/output:rw", f"{ROOT / 'runtimes' / runtime}:/var/runtime", *mounts) as box:
        box.greet()
        sent = time.perf_counter()
        box.configure(task={"command": command, "environment": {}})
        code = box.wait()
        return code, box.text(), time.perf_counter() - sent

"""Real sandboxes for the same tests: so-launcher, spoken to as the pool does.

Used when SO_LAUNCHER names the program; needs root.
"""

import os
import select
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

# sandbox/protocol/messages.h
PARK, ACTIVATE, KILL = 1, 2, 3
HELLO, RUNTIME_STATE, PARKED, PARK_FAILED, ACTIVATED, ACTIVATE_FAILED, EXITED = range(16, 23)
PARK_REQUEST = struct.Struct("=II Q 32s")
ACTIVATE_REQUEST = struct.Struct("=II QQ II 512s512s")
KILL_REQUEST = struct.Struct("=II Q")
CHANNEL, OUTPUT = 0, 1


class Launcher:
    """A so-launcher of our own, whose client we are."""

    def __init__(self, program, root, toolchains):
        self.directory = tempfile.TemporaryDirectory(prefix="launcher-")
        path = Path(self.directory.name) / "socket"
        self.process = subprocess.Popen(
            [program, f"--socket={path}", f"--client_uid={os.getuid()}", f"--runtimes_dir={root / 'runtimes'}",
             f"--programs_dir={Path(program).parents[1] / 'runtime'}", f"--toolchains_dir={toolchains}",
             "--uid_base=3000000", "--cgroup_base=native-tests", "--log_level=warn"])
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        deadline = time.monotonic() + 60
        while self.socket.connect_ex(str(path)) != 0:
            assert time.monotonic() < deadline and self.process.poll() is None, "so-launcher does not listen"
            time.sleep(0.05)
        self.exits = {}
        self.ready = {}
        self.tickets = 0

    def stop(self):
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.directory.cleanup()

    def _receive(self, timeout=60):
        """One message, kept when it is about the end of a sandbox or a runtime."""
        assert select.select([self.socket], [], [], timeout)[0], "so-launcher says nothing"
        packet, fds, _, _ = socket.recv_fds(self.socket, 4096, 8)
        assert packet, "so-launcher is gone"
        kind = struct.unpack_from("=I", packet)[0]
        if kind == EXITED:
            status, sandbox = struct.unpack_from("=iQ", packet, 4)
            self.exits[sandbox] = os.waitstatus_to_exitcode(status)
        elif kind == RUNTIME_STATE:
            ready, name, problem = struct.unpack_from("=I32s256s", packet, 4)
            self.ready[name.rstrip(b"\0").decode()] = (bool(ready), problem.rstrip(b"\0").decode())
        return kind, packet, fds

    def _await(self, *kinds):
        while True:
            kind, packet, fds = self._receive()
            if kind in kinds:
                return kind, packet, fds

    def park(self, runtime):
        """(sandbox, channel, output) of a sandbox without code."""
        while not self.ready.get(runtime, (False, ""))[0]:
            self._receive()
            state = self.ready.get(runtime)
            assert state is None or not state[1], f"{runtime}: {state[1]}"
        self.tickets += 1
        self.socket.send(PARK_REQUEST.pack(PARK, 0, self.tickets, runtime.encode()))
        kind, packet, fds = self._await(PARKED, PARK_FAILED)
        assert kind == PARKED, packet[16:].rstrip(b"\0")
        for fd in fds[2:]:
            os.close(fd)
        return struct.unpack_from("=Q", packet, 16)[0], socket.socket(fileno=fds[CHANNEL]), fds[OUTPUT]

    def activate(self, sandbox, code_dir, output_dir, memory):
        self.socket.send(ACTIVATE_REQUEST.pack(ACTIVATE, 0, sandbox, memory << 20, 256, 200,
                                               str(code_dir).encode(), str(output_dir or "").encode()))
        kind, packet, _ = self._await(ACTIVATED, ACTIVATE_FAILED)
        assert kind == ACTIVATED, packet

    def kill(self, sandbox, gently=False):
        self.socket.send(KILL_REQUEST.pack(KILL, int(gently), sandbox))

    def exit_code(self, sandbox, timeout):
        """Waits for the end of a sandbox; None when it lives on."""
        deadline = time.monotonic() + timeout
        while sandbox not in self.exits:
            left = max(0, deadline - time.monotonic())
            if not select.select([self.socket], [], [], left)[0]:
                break
            self._receive()
        return self.exits.get(sandbox)

"""so-launcher with the real zygotes, in the place of a plain zygote. As root."""

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from zygote import Gone, Instance

PARK, ACTIVATE, KILL = 1, 2, 3
HELLO, RUNTIME_STATE, PARKED, PARK_FAILED, ACTIVATED, ACTIVATE_FAILED, EXITED = 16, 17, 18, 19, 20, 21, 22
DESCRIPTORS = ("channel", "output", "freezer", "memory", "cpu", "processes")
MAX_PIDS = 128


class Launcher:
    """One launcher process and its client's end of the socket. Owns the directory
    of the runtimes."""

    def __init__(self, program, modules, runtimes):
        self.directory, self.runtimes = tempfile.mkdtemp(prefix="so-launcher-"), runtimes
        path = os.path.join(self.directory, "socket")
        self.process = subprocess.Popen([
            program, f"--socket={path}", "--client_uid=0", f"--runtimes_dir={runtimes}", f"--programs_dir={modules}",
            f"--cgroup_base=so-test-{os.getpid()}", "--zygote_max_forks=100000", "--log_level=warn"])
        self.socket = self._connect(path)
        self.tickets = 0
        self.states, self.parked, self.answers, self.exits = {}, {}, {}, {}

    def _connect(self, path):
        deadline = time.monotonic() + 30
        while True:
            ours = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            try:
                ours.connect(path)
                ours.settimeout(30)
                return ours
            except OSError:
                ours.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def receive(self):
        data, fds, _, _ = socket.recv_fds(self.socket, 4096, 8)
        if not data:
            raise Gone("the launcher has ended")
        kind = struct.unpack_from("I", data)[0]
        if kind == RUNTIME_STATE:
            ready, name, problem = struct.unpack("4xI32s256s", data)
            self.states[name.rstrip(b"\0").decode()] = (ready, problem.rstrip(b"\0").decode())
        elif kind == PARKED:
            present, ticket, sandbox = struct.unpack_from("4xIQQ", data)
            names = [name for bit, name in enumerate(DESCRIPTORS) if present & 1 << bit]
            self.parked[ticket] = (sandbox, dict(zip(names, fds)), struct.unpack_from("7I", data, 32))
        elif kind in (PARK_FAILED, ACTIVATE_FAILED):
            error, key, step = struct.unpack("4xiQ256s", data)
            raise OSError(error, step.rstrip(b"\0").decode())
        elif kind == ACTIVATED:
            micros, sandbox = struct.unpack("4xIQ", data)
            self.answers[sandbox] = micros
        elif kind == EXITED:
            status, sandbox, oom, peak, cpu = struct.unpack("4xiQI4xQQ", data)
            self.exits[sandbox] = (status, oom, peak, cpu)

    def wait_for(self, table, key):
        while key not in table:
            self.receive()
        return table[key]

    def park(self, runtime):
        while not self.states.get(runtime, (0, ""))[0]:
            self.receive()
            assert not self.states.get(runtime, (0, ""))[1], self.states
        self.tickets += 1
        started = time.monotonic()
        self.socket.send(struct.pack("IIQ32s", PARK, 0, self.tickets, runtime.encode()))
        sandbox, fds, steps = self.wait_for(self.parked, self.tickets)
        del self.parked[self.tickets]
        return Sandbox(self, sandbox, fds, started, steps)

    def close(self):
        self.socket.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.directory)
        shutil.rmtree(self.runtimes)


class Sandbox(Instance):
    """A parked sandbox; loading a function activates it."""

    def __init__(self, launcher, sandbox, fds, started, steps):
        super().__init__(None, 0, socket.socket(fileno=fds.pop("channel")), fds.pop("output"), started)
        self.launcher, self.sandbox, self.fds, self.steps = launcher, sandbox, fds, steps
        self.pid = self.processes()[0]

    def processes(self):
        return [int(pid) for pid in os.pread(self.fds["processes"], 1 << 16, 0).split()]

    def configure(self, code_dir, handler, memory=128, environment=None):
        self.launcher.socket.send(struct.pack(
            "IIQQII512s512s", ACTIVATE, 0, self.sandbox, memory << 20, MAX_PIDS, 100, code_dir.encode(), b""))
        self.launcher.wait_for(self.launcher.answers, self.sandbox)
        return super().configure("/var/task", handler, memory, environment)

    def terminate(self):
        self.launcher.socket.send(struct.pack("IIQ", KILL, 1, self.sandbox))

    def kill(self):
        self.launcher.socket.send(struct.pack("IIQ", KILL, 0, self.sandbox))

    def wait_status(self):
        return self.launcher.wait_for(self.launcher.exits, self.sandbox)[0]

    def close(self):
        for fd in self.fds.values():
            os.close(fd)
        super().close()


class ParkingZygote:
    """Looks like a Zygote: forks are parked sandboxes."""

    def __init__(self, launcher, runtime):
        self.launcher, self.runtime = launcher, runtime

    @property
    def pid(self):
        """Of the newest zygote."""
        script = "zygote.js" if self.runtime == "node" else "zygote.py"
        found = subprocess.run(["pgrep", "-n", "-P", str(self.launcher.process.pid), "-f", script],
                               stdout=subprocess.PIPE, check=True)
        return int(found.stdout)

    def fork(self):
        return self.launcher.park(self.runtime)

    def close(self):
        self.launcher.close()


def runtimes_directory(runtimes, language, interpreter):
    """The folder of one language, running on the given interpreter."""
    directory = tempfile.mkdtemp(prefix="so-runtimes-")
    folder = os.path.join(directory, language)
    shutil.copytree(os.path.join(runtimes, language), folder)
    path = os.path.join(folder, "runtime.textproto")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    name = os.path.basename(interpreter)
    # Only /usr of the host is in a sandbox, and what the descriptor mounts.
    if not interpreter.startswith("/usr/"):
        os.makedirs(os.path.join(folder, "bin"))
        shutil.copy(os.path.realpath(interpreter), os.path.join(folder, "bin", name))
        interpreter = f"/var/runtime/bin/{name}"
    text = re.sub(r'zygote: \[\s*"[^"]*"', f'zygote: [ "{interpreter}"', text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return directory

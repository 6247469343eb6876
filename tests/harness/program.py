"""One program of the platform as a child process."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

# Like the pause that a supervisor of production makes.
RESTART_DELAY = 0.5


class Program:
    """Runs a program, restarts it when it dies if told to, and keeps its output.

    The child is watched by a thread of its own, and the kernel kills it when
    that thread, or the whole test run, is gone.
    """

    def __init__(self, name: str, command: list[str], log_path: Path, *, restart: bool,
                 privileges: Sequence[str] = ()):
        """`privileges` are arguments of setpriv: the user it runs as, for instance."""
        self.name, self.command, self.log_path = name, command, log_path
        self.privileges = privileges
        self._restart = restart
        self._changed = threading.Condition()
        self._wanted = False
        self._told_to_end = False
        self._child: subprocess.Popen | None = None
        self._thread: threading.Thread | None = None
        # Of every life that has ended.
        self.exit_codes: list[int] = []

    def start(self) -> None:
        assert not self.is_running(), f"{self.name} runs already"
        self.join()
        self._wanted, self._told_to_end = True, False
        self._thread = threading.Thread(target=self._watch, name=self.name, daemon=True)
        self._thread.start()
        with self._changed:
            started = self._changed.wait_for(self.is_running, timeout=10)
        assert started, f"{self.name} did not start"

    def is_running(self) -> bool:
        child = self._child
        return child is not None and child.returncode is None

    def has_given_up(self) -> bool:
        """Whether it ended although nobody told it to, and will not come back."""
        return bool(self.exit_codes) and not (self._wanted or self._told_to_end)

    @property
    def pid(self) -> int:
        assert self._child is not None and self.is_running(), f"{self.name} is not running"
        return self._child.pid

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """Sends a signal; a program that restarts comes back."""
        os.kill(self.pid, signal_number)

    def end(self, signal_number: int = signal.SIGTERM) -> None:
        """Sends a signal after which the program shall not come back."""
        with self._changed:
            self._wanted, self._told_to_end = False, True
            self._changed.notify_all()
        if self.is_running():
            self.kill(signal_number)

    def join(self, timeout: float = 60) -> None:
        if self._thread is None:
            return
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"{self.name} has not ended within {timeout} s"
        self._thread = None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def _watch(self) -> None:
        with open(self.log_path, "ab") as output:
            while self._wanted:
                child = subprocess.Popen(
                    ["setpriv", *self.privileges, "--pdeathsig", "KILL", "--", *self.command],
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    env=environment())
                with self._changed:
                    self._child = child
                    self._changed.notify_all()
                code = child.wait()
                with self._changed:
                    self.exit_codes.append(code)
                    if not self._restart:
                        self._wanted = False
                    self._changed.wait_for(lambda: not self._wanted, timeout=RESTART_DELAY)


def environment() -> dict[str, str]:
    """Ours, but as root only with programs that another user may run too."""
    inherited = {name: value for name, value in os.environ.items()
                 if name not in ("PORT", "GRPC_PORT", "LOG_FORMAT")}
    if os.geteuid() == 0:
        inherited["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return inherited


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_gone(pid: int, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while is_alive(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True

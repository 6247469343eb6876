"""The six programs of the platform, on free ports, with a state of their own."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from harness.client import Client
from harness.program import Program
from harness.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]
CPP_DIR = Path(os.environ.get("SO_BIN_DIR", ROOT / "build/release/bin"))
GO_DIR = Path(os.environ.get("SO_GO_BIN_DIR", ROOT / "build/bin"))

# A platform that is running already; then tests must not start one of their own.
ENDPOINT = os.environ.get("SO_ENDPOINT")

SERVICES = ("registry", "pool", "router", "scaler")
# In the order in which calls in flight still find what they need.
STOP_ORDER = ("gateway", "scaler", "router", "pool", "launcher", "registry")
START_TIMEOUT = 20

# The pool is an ordinary user, as in deploy/supervisor.
POOL_UID = 1999999
AS_POOL = ["--reuid", str(POOL_UID), "--regid", str(POOL_UID), "--clear-groups",
           "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]


class Cluster:
    """A platform of its own.

        with Cluster({"pool": {"max_instances": 2}}) as cluster:
            cluster.api.get("/functions")

    `settings` are flags per program. With `restart`, a program that dies is
    started again; without, its death is found by check().
    """

    def __init__(self, settings: dict[str, dict[str, object]] | None = None, *,
                 restart: bool = False):
        self.state_dir = Path(tempfile.mkdtemp(prefix="so-test-"))
        # The pool is another user, who may not be able to enter our checkout.
        self.state_dir.chmod(0o755)
        self.runtimes_dir = self.state_dir / "runtimes"
        shutil.copytree(ROOT / "runtimes", self.runtimes_dir)
        pool_dir = self.state_dir / "pool"
        pool_dir.mkdir()
        os.chown(pool_dir, POOL_UID, POOL_UID)
        self.cgroup_base = f"so-test-{secrets.token_hex(4)}"
        ports = free_ports(len(SERVICES) + 2)
        addresses = {name: f"127.0.0.1:{port}" for name, port in zip(SERVICES, ports)}
        self.rest_port, self.grpc_port = ports[-2:]
        self.addresses = {**addresses, "gateway": self.grpc_address}
        self.programs: dict[str, Program] = {}
        for name, flags in self._flags(addresses).items():
            flags.update((settings or {}).get(name, {}))
            command = [str(self._binary(name))] + [f"--{flag}={value}" for flag, value in flags.items()]
            log_path = self.state_dir / f"{name}.log"
            self.programs[name] = Program(name, command, log_path, restart=restart,
                                          privileges=AS_POOL if name == "pool" else [])
        self.api = Client("127.0.0.1", self.rest_port)

    def _binary(self, name: str) -> Path:
        binary = (GO_DIR if name == "gateway" else CPP_DIR) / f"so-{name}"
        if name != "pool" or subprocess.run(["setpriv", *AS_POOL, "test", "-x", binary],
                                            check=False).returncode == 0:
            return binary
        return Path(shutil.copy2(binary, self.state_dir))

    def _flags(self, addresses: dict[str, str]) -> dict[str, dict[str, object]]:
        def of(*names: str) -> dict[str, object]:
            return {f"{name}_address": addresses[name] for name in names}

        return {
            "registry": {"listen_address": addresses["registry"], **of("pool"),
                         "data_dir": self.state_dir / "registry"},
            "launcher": {"socket": self.state_dir / "launcher.sock", "client_uid": POOL_UID,
                         "runtimes_dir": self.runtimes_dir,
                         "programs_dir": CPP_DIR.parent / "runtime",
                         "toolchains_dir": ROOT / "var/toolchains",
                         "cgroup_base": self.cgroup_base},
            "pool": {"listen_address": addresses["pool"], **of("registry"),
                     "launcher_socket": self.state_dir / "launcher.sock",
                     "data_dir": self.state_dir / "pool", "runtimes_dir": self.runtimes_dir},
            "router": {"listen_address": addresses["router"], **of("registry", "pool")},
            "scaler": {"listen_address": addresses["scaler"], **of("registry", "router", "pool"),
                       "data_dir": self.state_dir / "scaler"},
            "gateway": {"http_address": f"127.0.0.1:{self.rest_port}",
                        "grpc_address": self.grpc_address, **of(*SERVICES)},
        }

    @property
    def grpc_address(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"

    # What a hostile function of this platform could go for.

    @property
    def hostname(self) -> str:
        return socket.gethostname()

    @property
    def hosts(self) -> list[str]:
        """Addresses of the platform besides loopback and the host's own."""
        return []

    @property
    def private_files(self) -> list[str]:
        """What no function may read."""
        return [str(self.state_dir / "registry.log")]

    @property
    def private_directories(self) -> list[str]:
        return [str(self.state_dir)]

    @property
    def launcher_sockets(self) -> list[str]:
        return [str(self.state_dir / "launcher.sock")]

    def __enter__(self) -> "Cluster":
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        for program in self.programs.values():
            program.start()
        self.wait_healthy(START_TIMEOUT)

    def stop(self) -> dict[str, int]:
        """Ends everything gently and returns the exit codes."""
        for name in STOP_ORDER:
            self.programs[name].end(signal.SIGTERM)
            self.programs[name].join()
        return {name: program.exit_codes[-1] for name, program in self.programs.items()}

    def close(self) -> None:
        """Ends everything at once and forgets its state."""
        for program in self.programs.values():
            program.end(signal.SIGKILL)
        for program in self.programs.values():
            program.join()
        self._sweep()
        shutil.rmtree(self.state_dir, ignore_errors=True)

    def _sweep(self) -> None:
        """What the launcher's next start would do: the frozen cannot die, and groups stay."""
        def swept() -> bool:
            for group in [*self.sandbox_cgroups(), *self._base_cgroups()]:
                with contextlib.suppress(OSError):
                    (group / "freezer.state").write_text("THAWED")
                with contextlib.suppress(OSError):
                    group.rmdir()
            return not self._base_cgroups()

        wait_until(swept, 10, "the sandboxes are gone")

    def is_healthy(self) -> bool:
        """Whether every service says that it is well."""
        try:
            answer = self.api.get("/health", timeout=5)
        except OSError:
            return False
        return answer.status == 200 and answer.json["status"] == "ok"

    def wait_healthy(self, timeout: float) -> float:
        """Returns how long it took, in seconds."""
        started = time.monotonic()

        def healthy() -> bool:
            self.check_not_ended()
            return self.is_healthy()

        try:
            wait_until(healthy, timeout, "the platform is healthy")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from None
        return time.monotonic() - started

    def check_not_ended(self) -> None:
        """Fails when a program has ended that nobody told to."""
        for name, program in self.programs.items():
            assert not program.has_given_up(), (
                f"{name} has ended with {program.exit_codes}\n{self.logs()}")

    def logs(self, lines: int = 30) -> str:
        """The last lines of every program."""
        parts = []
        for name, program in self.programs.items():
            tail = "\n".join(program.log().splitlines()[-lines:])
            parts.append(f"---- {name}\n{tail}")
        return "\n".join(parts)

    def instance_pids(self) -> list[int]:
        """Processes of instances: what is in one of our sandboxes and has code."""
        return [pid for pid in self.sandbox_pids() if has_code(pid)]

    def sandbox_pids(self) -> list[int]:
        """Those, and the ones in sandboxes that wait for code."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"/{self.cgroup_base}/" in (entry / "cgroup").read_text():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def sandbox_cgroups(self) -> list[Path]:
        """What is left of sandboxes in the cgroup hierarchies."""
        return [group for base in self._base_cgroups() for group in base.iterdir() if group.is_dir()]

    def _base_cgroups(self) -> list[Path]:
        return [Path(folder) for folder, _, _ in os.walk("/sys/fs/cgroup")
                if os.path.basename(folder) == self.cgroup_base]


def has_code(pid: int) -> bool:
    """Whether there is something at /var/task for this process."""
    try:
        return " /var/task " in Path(f"/proc/{pid}/mountinfo").read_text()
    except OSError:
        return False


def own_cluster(settings: dict[str, dict[str, object]] | None = None, *,
                restart: bool = False) -> Cluster:
    """A cluster for tests that cannot do with any other; skips them if need be."""
    if ENDPOINT:
        pytest.skip("needs a platform of its own, and SO_ENDPOINT names another")
    if os.geteuid() != 0:
        pytest.skip("needs root, because the launcher does")
    return Cluster(settings, restart=restart)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()

"""The platform in containers, driven through docker-compose."""

import glob
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

from harness import docker_engine
from harness.client import ROOT, Client
from harness.cluster import free_ports, has_code
from harness.docker_engine import DOCKER, succeeds
from harness.wait import wait_until

PROJECT = "so-compose-test"
SERVICES = ("registry", "launcher", "pool", "router", "scaler", "gateway")
WORK = ROOT / "build" / "compose"
# Whether tests that run against either are to run against this.
IS_TARGET = os.environ.get("SO_SECURITY_TARGET") == "compose"
# In the launcher's container and the pool's.
SOCKET = "/var/lib/so/node/launcher/launcher.sock"
NODE_VOLUME = "/var/lib/so/node"


@dataclass(frozen=True)
class ContainedProgram:
    """A program of the platform, as the host sees it."""

    pid: int


class Tee(threading.Thread):
    """Shows what a program says, as it says it, and keeps it."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self.text = ""
        self.start()

    def run(self) -> None:
        for line in self._stream:
            sys.stderr.write(line)
            self.text += line


class Composed:
    """Looks like a Cluster to tests that run against either."""

    def __init__(self) -> None:
        self.choose_ports()
        self._client = ([DOCKER, "compose"] if succeeds(DOCKER, "compose", "version")
                        else ["docker-compose"])
        self._overrides: list[Path] = []
        # What containers() has found; it takes Docker a while.
        self._containers: dict[str, dict[str, Any]] = {}

    def choose_ports(self) -> None:
        self.rest_port, self.grpc_port = free_ports(2)
        self.api = Client("127.0.0.1", self.rest_port)

    def compose(self, *arguments: str) -> str:
        """Runs docker-compose and returns its output; its progress is shown."""
        files = [option for path in (ROOT / "docker-compose.yml", *self._overrides)
                 for option in ("-f", str(path))]
        # Docker answers late while a disk is busy with the images just built.
        environment = dict(os.environ, PORT=str(self.rest_port), GRPC_PORT=str(self.grpc_port),
                           COMPOSE_HTTP_TIMEOUT="300")
        command = [*self._client, *files, "-p", PROJECT, *arguments]
        with subprocess.Popen(command, cwd=ROOT, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
            progress = Tee(running.stderr)
            output = running.stdout.read()
            progress.join()
        if running.returncode != 0:
            raise RuntimeError(f"docker-compose {' '.join(arguments)} failed:\n"
                               f"{output[-4000:]}{progress.text[-4000:]}")
        return output

    def build(self) -> None:
        with machine_certificates():
            self.compose("build")
        # Free before the build is not free after it.
        self.choose_ports()

    def up(self) -> None:
        self._containers = {}
        try:
            self.compose("up", "-d")
        except RuntimeError as error:
            raise RuntimeError(f"{error}\n{self.health()}\n{self.logs()}") from error

    def health(self) -> str:
        """What each container's own check said last."""
        return "\n".join(f"{name}: {json.dumps(container['State'].get('Health', {}))[-1500:]}"
                         for name, container in self._inspect().items())

    def down(self, *options: str) -> None:
        self.compose("down", "--timeout", "40", *options)

    @contextmanager
    def adjusted(self, flags: Mapping[str, Sequence[str]],
                 environment: Mapping[str, str]) -> Iterator[None]:
        """Inside the block all services have this in their environment, and some more flags."""
        services: dict[str, dict[str, Any]] = {name: {"environment": dict(environment)} for name in SERVICES}
        containers = self.containers()
        for name, more in flags.items():
            services[name]["command"] = [*containers[name]["Config"]["Cmd"], *more]
        override = WORK / "override.json"
        # JSON is YAML.
        override.write_text(json.dumps({"services": services}))
        self._overrides.append(override)
        try:
            self.up()
            yield
        finally:
            self._overrides.remove(override)

    def run_in(self, service: str, *command: str) -> str:
        return self.compose("exec", "-T", service, *command)

    def containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` said about each service's container when they had started."""
        if not self._containers:
            self._containers = self._inspect()
        return self._containers

    def _inspect(self) -> dict[str, dict[str, Any]]:
        ids = docker("ps", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={PROJECT}")
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container
                for container in json.loads(docker("inspect", *ids.split()))}

    def container(self, service: str) -> dict[str, Any]:
        return self.containers()[service]

    # ---- what a Cluster has --------------------------------------------------

    @property
    def programs(self) -> dict[str, ContainedProgram]:
        """Fails when one has ended since the start."""
        return {name: ContainedProgram(program_pid(name, container["State"]["Pid"]))
                for name, container in self.containers().items()}

    @property
    def addresses(self) -> dict[str, str]:
        """Of the services, in the networks of the containers."""
        found = {}
        for name, container in self.containers().items():
            ports = container["Config"].get("ExposedPorts") or {}
            networks = container["NetworkSettings"]["Networks"].values()
            found |= {name if len(ports) == 1 else f"{name} {port}": f"{network['IPAddress']}:{port.split('/')[0]}"
                      for network in networks for port in ports}
        return found

    @property
    def hosts(self) -> list[str]:
        """Addresses at which something of the platform or of the machine can be."""
        networks = [network for container in self.containers().values()
                    for network in container["NetworkSettings"]["Networks"].values()]
        return sorted({network[kind] for network in networks for kind in ("IPAddress", "Gateway")} - {""})

    @property
    def hostname(self) -> str:
        return self.container("launcher")["Config"]["Hostname"]

    @property
    def state_dir(self) -> Path:
        """On the host: the volume that pool and launcher share."""
        return next(Path(mount["Source"]) for mount in self.container("launcher")["Mounts"]
                    if mount["Destination"] == NODE_VOLUME)

    @property
    def private_files(self) -> list[str]:
        """What no function may read, where it is for the launcher and for the host."""
        return ["/.dockerenv"]

    @property
    def private_directories(self) -> list[str]:
        return [NODE_VOLUME, f"{NODE_VOLUME}/pool", str(self.state_dir), "/var/lib/docker"]

    @property
    def launcher_sockets(self) -> list[str]:
        return [SOCKET, str(self.state_dir / "launcher" / "launcher.sock")]

    def sandbox_pids(self) -> list[int]:
        """Processes of sandboxes: what is below the launcher's own group in its container's."""
        group = f"/{self.container('launcher')['Id']}/serverless-orchestrator/"
        return [int(entry.name) for entry in Path("/proc").iterdir()
                if entry.name.isdigit() and group in read(entry / "cgroup")]

    def instance_pids(self) -> list[int]:
        if os.geteuid() != 0:
            pytest.skip("needs root, to look into sandboxes from the host")
        return [pid for pid in self.sandbox_pids() if has_code(pid)]

    def is_healthy(self) -> bool:
        try:
            answer = self.api.get("/health", timeout=5)
        except OSError:
            return False
        return answer.status == 200 and answer.json["status"] == "ok"

    def wait_healthy(self, timeout: float) -> None:
        wait_until(self.is_healthy, timeout, "the platform is healthy")

    def check_not_ended(self) -> None:
        containers = self._inspect()
        assert set(containers) == set(SERVICES), f"only {sorted(containers)} run\n{self.logs()}"
        restarts = {name: container["RestartCount"] for name, container in containers.items()}
        assert not any(restarts.values()), f"restarts: {restarts}\n{self.logs()}"

    def logs(self, lines: int = 40) -> str:
        return self.compose("logs", f"--tail={lines}")


@contextmanager
def running() -> Iterator[Composed]:
    """Docker, the images and the platform are there inside the block."""
    WORK.mkdir(parents=True, exist_ok=True)
    with docker_engine.running(str(WORK / "dockerd.log")):
        docker_engine.ensure_image(os.environ.get("BASE_IMAGE", "debian:bookworm-slim"),
                                   str(ROOT / "deploy" / "docker" / "base-image"))
        platform = Composed()
        platform.build()
        try:
            platform.up()
            yield platform
        finally:
            platform.down("--volumes", "--remove-orphans")


def docker(*arguments: str) -> str:
    return subprocess.run([DOCKER, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def program_pid(service: str, first: int) -> int:
    """Not the first process of its container, which is Docker's, but a child of that."""
    for child in read(Path(f"/proc/{first}/task/{first}/children")).split():
        if read(Path(f"/proc/{child}/comm")).strip() == f"so-{service}":
            return int(child)
    raise AssertionError(f"so-{service} does not run in its container")


def read(path: Path) -> str:
    """Nothing when there is nothing to read any more."""
    try:
        return path.read_text()
    except OSError:
        return ""


@contextmanager
def machine_certificates() -> Iterator[None]:
    """While building, the images trust the authorities that this machine's
    administrator added, as is needed behind a proxy that intercepts TLS."""
    copies = []
    for path in glob.glob("/usr/local/share/ca-certificates/*.crt"):
        copy = ROOT / "deploy/docker/certs" / os.path.basename(path)
        if not copy.exists():
            shutil.copy2(path, copy)
            copies.append(copy)
    try:
        yield
    finally:
        for copy in copies:
            copy.unlink()

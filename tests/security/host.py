"""What a hostile function is told of the host, so that it can go for it."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness.cluster import ROOT, Cluster
from harness.composed import Composed
from hostile_code import disguise

NAMESPACES = ("mnt", "cgroup", "uts", "ipc", "user", "pid", "net")
SECRET_VARIABLE = "SO_TEST_SECRET"


@dataclass
class Host:
    """Things that belong to nobody's function. All exist while a test runs."""

    secret: str
    secret_file: Path
    listener: socket.socket
    abstract: socket.socket
    victim: subprocess.Popen

    def event(self, cluster: Cluster | Composed) -> dict[str, Any]:
        programs = cluster.programs
        pids = {name: programs[name].pid for name in ("launcher", "pool", "router")}
        ports = {name: urlsplit(f"//{address}").port for name, address in cluster.addresses.items()}
        return {
            "paths": [str(self.secret_file), *cluster.private_files, str(ROOT / "README.md")],
            "directories": [*cluster.private_directories, str(ROOT)],
            "namespaces": {kind: os.readlink(f"/proc/{pids['launcher']}/ns/{kind}") for kind in NAMESPACES},
            "hostname": cluster.hostname,
            "hosts": ["127.0.0.1", *addresses_of_host(), *cluster.hosts],
            "ports": {**ports, "REST": cluster.rest_port, "a listener": self.listener.getsockname()[1]},
            "abstract": [self.abstract.getsockname()[1:].decode()],
            "sockets": ["/run/docker.sock", "/var/run/docker.sock", *cluster.launcher_sockets],
            "pids": {**pids, "a process": self.victim.pid, "the test": os.getpid()},
            "secrets": {"a secret of the platform": disguise(self.secret)},
            "variables": [SECRET_VARIABLE],
        }

    def check_unharmed(self) -> None:
        assert self.victim.poll() is None, "a process of the host was signalled"
        assert self.secret_file.read_text() == self.secret


@contextmanager
def prepared_host(directory: Path) -> Iterator[Host]:
    """Make it before the platform starts: its environment holds the secret."""
    secret = secrets.token_hex(16)
    secret_file = directory / "secret"
    secret_file.write_text(secret)
    secret_file.chmod(0o666)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0so-test-" + secrets.token_hex(8))
    abstract.listen()
    listener = socket.create_server(("0.0.0.0", 0))
    victim = subprocess.Popen(["sleep", "3600"])
    os.environ[SECRET_VARIABLE] = secret
    try:
        yield Host(secret, secret_file, listener, abstract, victim)
    finally:
        del os.environ[SECRET_VARIABLE]
        victim.kill()
        victim.wait()
        listener.close()
        abstract.close()


def addresses_of_host() -> list[str]:
    """The address by which the network knows this machine, if there is a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Sends nothing.
        except OSError:
            return []
        return [probe.getsockname()[0]]


"""The platform in containers, driven through docker-compose."""

import glob
import json
import os
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

from docker_engine import DOCKER, succeeds

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
PROJECT = "so-compose-test"
SERVICES = ("registry", "launcher", "pool", "router", "scaler", "gateway")


class Composed:
    def __init__(self):
        self.port, self.grpc_port = free_port(), free_port()
        self.command = [DOCKER, "compose"] if succeeds(DOCKER, "compose", "version") else ["docker-compose"]

    def compose(self, *arguments):
        """Runs docker-compose and returns its output; its progress is shown."""
        environment = dict(os.environ, PORT=str(self.port), GRPC_PORT=str(self.grpc_port))
        done = subprocess.run([*self.command, "-p", PROJECT, *arguments], cwd=ROOT, env=environment,
                              stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"docker-compose {' '.join(arguments)} failed:\n{done.stdout[-4000:]}")
        return done.stdout

    def build(self):
        with machine_certificates():
            self.compose("build")

    def up(self):
        try:
            self.compose("up", "-d")
        except RuntimeError:
            print(self.compose("logs", "--tail=40"))
            raise

    def down(self, *options):
        self.compose("down", "--timeout", "40", *options)

    def run_in(self, service, *command):
        return self.compose("exec", "-T", service, *command)

    def container(self, service):
        """What `docker inspect` says about a service's container."""
        name = self.compose("ps", "-q", service).strip()
        return json.loads(subprocess.run([DOCKER, "inspect", name], stdout=subprocess.PIPE, check=True).stdout)[0]

    def call(self, method, path, body=None):
        """A REST call: (HTTP status, JSON)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class machine_certificates:
    """While building, the images trust the authorities that this machine's
    administrator added, as is needed behind a proxy that intercepts TLS."""

    def __enter__(self):
        self.copies = []
        for path in glob.glob("/usr/local/share/ca-certificates/*.crt"):
            copy = os.path.join(ROOT, "deploy/docker/certs", os.path.basename(path))
            if not os.path.exists(copy):
                shutil.copy2(path, copy)
                self.copies.append(copy)

    def __exit__(self, *_):
        for copy in self.copies:
            os.remove(copy)

"""grpcurl, as a person at a terminal would use it."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TOOLS_DIR = ROOT / "build/tools/bin"


def grpcurl_binary() -> str:
    """The one on the PATH or in build/tools/bin; built when there is none."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(TOOLS_DIR)])
    found = shutil.which("grpcurl", path=path)
    if found:
        return found
    TOOLS_DIR.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", f"{TOOLS_DIR}/", "github.com/fullstorydev/grpcurl/cmd/grpcurl"],
                   cwd=ROOT / "tools", env={**os.environ, "CGO_ENABLED": "0"}, check=True, timeout=600)
    return str(TOOLS_DIR / "grpcurl")


class Grpcurl:
    """Calls one gRPC address without TLS."""

    def __init__(self, address: str):
        self.address = address

    def run(self, *arguments: str, data: Any = None) -> subprocess.CompletedProcess[str]:
        command = [grpcurl_binary(), "-plaintext", "-max-time", "30"]
        if data is not None:
            command += ["-d", json.dumps(data)]
        return subprocess.run([*command, self.address, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def run_with_protos(self, method: str) -> subprocess.CompletedProcess[str]:
        """Calls with our proto files in hand, so that reflection has no say."""
        package, _, service = method.split("/")[0].rpartition(".")
        protos = ROOT / "protos"
        [file] = [file for file in (protos / package.replace(".", "/")).glob("*.proto")
                  if f"service {service} " in file.read_text()]
        return subprocess.run(
            [grpcurl_binary(), "-plaintext", "-max-time", "30", "-import-path", str(protos),
             "-proto", str(file.relative_to(protos)), self.address, method],
            capture_output=True, text=True, timeout=60, check=False)

    def list(self, *arguments: str) -> set[str]:
        done = self.run("list", *arguments)
        assert done.returncode == 0, done.stderr
        return set(done.stdout.split())

    def call(self, method: str, data: Any = None) -> Any:
        done = self.run(method, data=data if data is not None else {})
        assert done.returncode == 0, f"{method}: {done.stderr}"
        return json.loads(done.stdout)

    def fail(self, method: str, data: Any = None) -> str:
        """What grpcurl says about a call that has to fail."""
        done = self.run(method, data=data if data is not None else {})
        assert done.returncode != 0, f"{method} did not fail: {done.stdout}"
        return done.stderr

"""The programs themselves: help, settings, what they print."""

import json
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from harness.cluster import CPP_DIR, GO_DIR, ROOT, SERVICES, Cluster
from harness.program import environment

PROGRAMS = {name: CPP_DIR / f"so-{name}" for name in SERVICES} | {"gateway": GO_DIR / "so-gateway"}
ADDRESS = {name: "http_address" if name == "gateway" else "listen_address" for name in PROGRAMS}

every_program = pytest.mark.parametrize("name", PROGRAMS)


def run(name: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAMS[name], *arguments], capture_output=True, text=True,
                          timeout=20, check=False, env=environment() | environ)


@every_program
def test_help_describes_every_setting(name: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    for setting in (ADDRESS[name], "config", "log_level", "drain_timeout"):
        assert f"--{setting}" in done.stdout, done.stdout


def test_scaler_evaluates_every_two_seconds_unless_told_otherwise() -> None:
    assert re.search(r"--evaluation_interval \[2s\]", run("scaler", "--help").stdout)


@every_program
def test_wrong_settings_are_reported_all_at_once(name: str) -> None:
    done = run(name, f"--{ADDRESS[name]}=", "--log_level=loud", "--drain_timeout=soon",
               "--no_such_setting=1")
    assert done.returncode == 2, done.stderr
    for setting in (ADDRESS[name], "log_level", "drain_timeout", "no_such_setting"):
        assert setting in done.stderr, f"{setting} is not in:\n{done.stderr}"


@every_program
def test_config_file_and_flags(name: str, tmp_path: Path) -> None:
    config = tmp_path / "config.textproto"
    config.write_text('log_level: "silent"\ndrain_timeout { seconds: 100000 }\n')
    done = run(name, f"--config={config}")
    assert done.returncode == 2
    assert "log_level" in done.stderr and "drain_timeout" in done.stderr

    config.write_text("nonsense: 1\n")
    done = run(name, f"--config={config}")
    assert done.returncode == 2 and "nonsense" in done.stderr

    done = run(name, f"--config={tmp_path}/missing")
    assert done.returncode == 2 and "missing" in done.stderr


def own_places(name: str, path: Path) -> list[str]:
    """Flags that keep a program away from those of others."""
    if name == "gateway":
        return ["--grpc_address=127.0.0.1:0"]
    if name == "pool":
        shutil.copytree(ROOT / "runtimes", path / "runtimes")
        return [f"--data_dir={path}/data", f"--runtimes_dir={path}/runtimes"]
    return [f"--data_dir={path}/data"] if name == "registry" else []


@every_program
def test_taken_address_is_an_error(name: str, public_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run(name, f"--{ADDRESS[name]}={address}", *own_places(name, public_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert address in done.stdout + done.stderr


LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) \[([A-Z]+)\] \S.*")


def test_every_process_logs_lines_of_one_form(cluster: Cluster) -> None:
    # Pool and router tell of their link to the registry, too.
    components = {"registry": {"REGISTRY"}, "pool": {"POOL", "OPTIMIZER", "REGISTRY"},
                  "router": {"ROUTER", "REGISTRY"}, "scaler": {"AUTOSCALER"}}
    for name, expected in components.items():
        lines = cluster.programs[name].log().splitlines()
        assert lines, f"{name} has logged nothing"
        for line in lines:
            match = LINE.fullmatch(line)
            assert match, f"{name}: {line!r}"
            assert match[2] in expected, f"{name}: {line!r}"


@every_program
def test_logs_as_json(name: str, public_path: Path) -> None:
    child = subprocess.Popen(
        [PROGRAMS[name], f"--{ADDRESS[name]}=127.0.0.1:0", *own_places(name, public_path)],
        stdout=subprocess.PIPE, text=True, env=environment() | {"LOG_FORMAT": "json"})
    assert child.stdout is not None
    first = json.loads(child.stdout.readline())
    child.send_signal(signal.SIGTERM)
    rest, _ = child.communicate(timeout=20)
    assert child.returncode == 0
    for line in (first, *map(json.loads, rest.splitlines())):
        assert line["level"] and line["msg"]

"""What the containers may do, and what the host sees of the processes in them."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.client import ROOT, Client
from harness.composed import DOCKER, NODE_VOLUME, PROJECT, SERVICES, Composed
from harness.functions import PYTHON
from harness.wait import wait_until
from harness.workbench import Workbench

# Bits of the kernel's capability sets.
CAPABILITIES = {"SETGID": 6, "SETUID": 7, "SETPCAP": 8, "SYS_CHROOT": 18, "SYS_ADMIN": 21}
LAUNCHER = sum(1 << bit for bit in CAPABILITIES.values())
FIRST_SANDBOX_USER = 2_000_000
SECCOMP_FILTER = "2"

FORKS = """
import subprocess

def handler(event, context):
    if event == "fork":
        subprocess.Popen(["sleep", "60"], start_new_session=True)
    return "done"
"""


def status(pid: int) -> Mapping[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def capabilities(found: Mapping[str, str]) -> list[int]:
    return [int(found[kind], 16) for kind in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")]


def users(found: Mapping[str, str]) -> set[int]:
    return {int(text) for kind in ("Uid", "Gid") for text in found[kind].split()}


@pytest.mark.parametrize("service", SERVICES)
def test_containers_have_little_power(composed: Composed, service: str) -> None:
    container = composed.container(service)
    host = container["HostConfig"]
    assert host["ReadonlyRootfs"] and not host["Privileged"]
    assert host["CapDrop"] == ["ALL"] and not host["Devices"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    networks = {name.removeprefix(f"{PROJECT}_") for name in container["NetworkSettings"]["Networks"]}
    if service == "launcher":
        assert networks == {"functions"}
        assert {cap.removeprefix("CAP_") for cap in host["CapAdd"]} == set(CAPABILITIES)
        assert host["DeviceCgroupRules"] == ["c 10:200 rw"]
    else:
        assert networks == {"services"} | ({"edge"} if service == "gateway" else set())
        assert not host["CapAdd"] and container["Config"]["User"]
    assert host["PidMode"] == host["UTSMode"] == "" and host["IpcMode"] != "host"
    published = [p for ports in host["PortBindings"].values() for p in ports]
    assert bool(published) == (service == "gateway")
    assert all(p["HostIp"] == "127.0.0.1" for p in published)


@pytest.mark.parametrize("service", SERVICES)
def test_programs_are_what_their_containers_allow(composed: Composed, service: str) -> None:
    found = status(composed.programs[service].pid)
    power = LAUNCHER if service == "launcher" else 0
    assert all(kind in (0, power) for kind in capabilities(found)), found
    assert found["NoNewPrivs"] == "1" and found["Seccomp"] == SECCOMP_FILTER
    if service != "launcher":
        assert 0 not in users(found), found


def test_functions_are_nobody_to_the_host(composed: Composed, api: Client, bench: Workbench) -> None:
    """Neither the first process of an instance, nor what a function starts, nor sandboxes that wait."""
    functions = [bench.create(FORKS, PYTHON)["id"], bench.create(FORKS, PYTHON, network="egress")["id"]]
    for function in functions:
        assert api.receipt(function, "fork")["body"] == "done"
    wait_until(lambda: len(composed.instance_pids()) >= 4, 5, "two instances, and a child of each")
    pids = composed.sandbox_pids()
    assert len(pids) > len(composed.instance_pids())
    for pid in pids:
        found = status(pid)
        assert min(users(found)) >= FIRST_SANDBOX_USER, found
        assert not found["Groups"], found
        assert not any(capabilities(found)), found
        assert found["NoNewPrivs"] == "1" and found["Seccomp"] == SECCOMP_FILTER


def test_instances_have_different_users(composed: Composed, api: Client, bench: Workbench) -> None:
    for _ in range(2):
        api.receipt(bench.create(FORKS, PYTHON)["id"])
    of_instances = [frozenset(users(status(pid))) for pid in composed.instance_pids()]
    assert len(of_instances) >= 2 and len(set(of_instances)) == len(of_instances), of_instances


@pytest.mark.parametrize("taken", CAPABILITIES)
def test_the_launcher_needs_each_of_its_capabilities(composed: Composed, taken: str) -> None:
    """Without one of them it says so and ends; with all of them it serves."""
    container = composed.container("launcher")
    options = [option for name in CAPABILITIES if name != taken for option in ("--cap-add", name)]
    alone = subprocess.run(
        ["timeout", "60", DOCKER, "run", "--rm", "--init", "--read-only", "--tmpfs", "/tmp", "--tmpfs", "/run",
         "--volume", NODE_VOLUME, "--network", "none", "--cap-drop", "ALL", *options,
         "--security-opt", "no-new-privileges", "--security-opt", "apparmor=unconfined",
         "--security-opt", f"seccomp={ROOT}/deploy/docker/launcher-seccomp.json",
         container["Image"], *container["Config"]["Cmd"]],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert alone.returncode == 1 and "cannot start" in alone.stdout, alone.stdout


def test_the_device_of_egress_is_the_only_one(composed: Composed) -> None:
    """Of the host's devices; to make others it lacks the capability."""
    listed = composed.run_in("launcher", "find", "/dev", "-type", "b", "-o", "-type", "c")
    assert set(listed.split()) - {"/dev/pts/ptmx", "/dev/ptmx"} == {
        f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "net/tun")}

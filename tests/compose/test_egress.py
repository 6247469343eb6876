"""Functions with `network: egress` in containers: out, but to nobody of the platform."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network
from subprocess import CalledProcessError

import pytest

from harness.client import Client
from harness.composed import PROJECT, Composed, docker
from harness.functions import PYTHON
from harness.wait import wait_until
from harness.workbench import Workbench

# The default route stays with the network whose name comes first.
OUTSIDE_NETWORK = f"{PROJECT}_outside"
# Public for the filter, nobody's in truth (RFC 5737).
OUTSIDE_RANGE, OUTSIDE_ADDRESS, OUTSIDE_PORT = "203.0.113.0/24", "203.0.113.77", 7000
NAME = "somebody-outside"
HOST_ADDRESS = "198.51.100.77"
CLOSED = {"EHOSTUNREACH", "ENETUNREACH"}

CONNECT = """
import errno, socket

def handler(event, context):
    outcomes = {}
    for host, port in event:
        try:
            with socket.create_connection((host, port), 5) as connection:
                outcomes[f"{host}:{port}"] = "connected"
                connection.settimeout(1)
                outcomes[f"{host}:{port}"] = connection.recv(64).decode()
        except TimeoutError:
            outcomes.setdefault(f"{host}:{port}", "ETIMEDOUT")
        except socket.gaierror as error:
            outcomes[f"{host}:{port}"] = "no such name"
        except OSError as error:
            outcomes[f"{host}:{port}"] = errno.errorcode.get(error.errno, str(error))
    return outcomes
"""
GREET = f"""
import socket
with socket.create_server(("0.0.0.0", {OUTSIDE_PORT})) as listener:
    while True:
        with listener.accept()[0] as connection:
            connection.sendall(b"hello from outside")
"""


@pytest.fixture(scope="module")
def outside(composed: Composed) -> Iterator[None]:
    """A server at a public address, which the launcher's container has a route to."""
    launcher = composed.container("launcher")
    docker("network", "create", "--subnet", OUTSIDE_RANGE, OUTSIDE_NETWORK)
    try:
        docker("network", "connect", OUTSIDE_NETWORK, launcher["Id"])
        docker("run", "--detach", "--rm", "--init", "--name", NAME, "--network", OUTSIDE_NETWORK, "--ip", OUTSIDE_ADDRESS,
               "--entrypoint", "python3", launcher["Image"], "-c", GREET)
        wait_until(lambda: answers(OUTSIDE_ADDRESS, OUTSIDE_PORT), 20, "the server outside")
        yield
    finally:
        for command in (("rm", "--force", NAME),
                        ("network", "disconnect", "--force", OUTSIDE_NETWORK, launcher["Id"]),
                        ("network", "rm", OUTSIDE_NETWORK)):
            with suppress(CalledProcessError):
                docker(*command)


def answers(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


def outcomes(api: Client, bench: Workbench, targets: list[tuple[str, int]], network: str) -> dict[str, str]:
    function = bench.create(CONNECT, PYTHON, network=network, timeout=60_000)
    return api.receipt(function["id"], targets)["body"]


@pytest.mark.usefixtures("outside")
def test_a_public_address_is_reached(api: Client, bench: Workbench) -> None:
    found = outcomes(api, bench, [(OUTSIDE_ADDRESS, OUTSIDE_PORT), (NAME, OUTSIDE_PORT)], "egress")
    assert set(found.values()) == {"hello from outside"}, found


@pytest.mark.usefixtures("outside")
def test_without_egress_nothing_is_reached(api: Client, bench: Workbench) -> None:
    found = outcomes(api, bench, [(OUTSIDE_ADDRESS, OUTSIDE_PORT), (NAME, OUTSIDE_PORT)], "none")
    assert set(found.values()) == {"ENETUNREACH", "no such name"}, found


def test_the_platform_and_the_host_stay_closed(composed: Composed, api: Client, bench: Workbench) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        ports = {int(address.rpartition(":")[2]) for address in composed.addresses.values()}
        ports |= {composed.rest_port, composed.grpc_port, listener.getsockname()[1]}
        hosts = [host for host in composed.hosts if ip_address(host) not in ip_network(OUTSIDE_RANGE)]
        hosts.append("169.254.169.254")
        assert len(hosts) > len(ports) > 5, (hosts, ports)
        found = outcomes(api, bench, [(host, port) for host in hosts for port in sorted(ports)], "egress")
    reached = {target: outcome for target, outcome in found.items() if outcome not in CLOSED}
    assert not reached, reached


def test_names_of_the_platform_are_unknown(api: Client, bench: Workbench) -> None:
    found = outcomes(api, bench, [("pool", 7002), ("registry", 7001), ("gateway", 3001)], "egress")
    assert set(found.values()) == {"no such name"}, found


@pytest.mark.usefixtures("outside")
def test_a_rule_of_the_firewall_closes_the_host_itself(composed: Composed, api: Client, bench: Workbench) -> None:
    """The one of docs/operations.md, for machines with a public address."""
    if os.geteuid() != 0:
        pytest.skip("gives this machine an address, and a rule")
    with own_address(HOST_ADDRESS), socket.create_server((HOST_ADDRESS, 0)) as listener:
        here, there = (HOST_ADDRESS, listener.getsockname()[1]), (OUTSIDE_ADDRESS, OUTSIDE_PORT)
        assert list(outcomes(api, bench, [here], "egress").values()) == ["connected"]
        with closed_to(f"br-{docker('network', 'ls', '-q', '-f', f'name={PROJECT}_functions').strip()}"):
            found = outcomes(api, bench, [here, there], "egress")
    assert list(found.values()) == ["ETIMEDOUT", "hello from outside"], found


@contextmanager
def own_address(address: str) -> Iterator[None]:
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "address", "delete", f"{address}/32", "dev", "lo"], check=True)


@contextmanager
def closed_to(bridge: str) -> Iterator[None]:
    rule = ["INPUT", "-i", bridge, "-j", "DROP"]
    subprocess.run(["iptables", "-I", *rule], check=True)
    try:
        yield
    finally:
        subprocess.run(["iptables", "-D", *rule], check=True)

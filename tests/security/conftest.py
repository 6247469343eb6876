"""A platform with a host around it that is worth an attack.

SO_SECURITY_TARGET=compose makes it the platform in containers; tests that need one
with settings of their own are skipped then.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.client import Client
from harness.cluster import Cluster, own_cluster
from harness.composed import IS_TARGET, Composed
from harness.workbench import Workbench
from host import SECRET_VARIABLE, Host, prepared_host
from latency import Neighbour
from traces import Traces

# A busy machine may make a health check miss its own deadline once.
HEALTHY_SECONDS = 10
# Containers are stopped, started and checked one after the other.
COMPOSED_SECONDS = 60


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.skip("sandboxes are made by root, and looked at from the host")
    with prepared_host(tmp_path_factory.mktemp("host")) as prepared:
        yield prepared


@pytest.fixture(scope="session")
def cluster(host: Host, request: pytest.FixtureRequest) -> Iterator[Cluster | Composed]:
    with composed_cluster(host, request) if IS_TARGET else own_cluster({"scaler": {"policies": "windows,schedules"}}) as running:
        yield running
        running.check_not_ended()


@contextmanager
def composed_cluster(host: Host, request: pytest.FixtureRequest) -> Iterator[Composed]:
    composed = request.getfixturevalue("composed")
    with composed.adjusted({"scaler": ["--policies=windows,schedules"]}, {SECRET_VARIABLE: host.secret}):
        composed.wait_healthy(COMPOSED_SECONDS)
        yield composed


@pytest.fixture(scope="session")
def api(cluster: Cluster | Composed) -> Client:
    return cluster.api


@pytest.fixture
def traces(cluster: Cluster | Composed) -> Traces:
    return Traces(cluster)


@pytest.fixture
def neighbour(api: Client, bench: Workbench) -> Neighbour:
    return Neighbour(api, bench)


@pytest.fixture(autouse=True)
def unharmed(host: Host, cluster: Cluster | Composed) -> Iterator[None]:
    """Whatever a test does, the host and the platform live on."""
    pids = {name: program.pid for name, program in cluster.programs.items()}
    yield
    host.check_unharmed()
    assert {name: program.pid for name, program in cluster.programs.items()} == pids
    cluster.wait_healthy(HEALTHY_SECONDS)

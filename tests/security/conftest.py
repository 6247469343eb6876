"""A platform with a host around it that is worth an attack."""

import os
from collections.abc import Iterator

import pytest

from harness.client import Client
from harness.cluster import Cluster, own_cluster
from harness.workbench import Workbench
from host import Host, prepared_host
from latency import Neighbour
from traces import Traces

# A busy machine may make a health check miss its own deadline once.
HEALTHY_SECONDS = 10


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    if os.geteuid() != 0:
        pytest.skip("sandboxes are made by root, and looked at from the host")
    with prepared_host(tmp_path_factory.mktemp("host")) as prepared:
        yield prepared


@pytest.fixture(scope="session")
def cluster(host: Host) -> Iterator[Cluster]:
    with own_cluster({"scaler": {"min_warm": 0}}) as running:
        yield running
        running.check_not_ended()


@pytest.fixture(scope="session")
def api(cluster: Cluster) -> Client:
    return cluster.api


@pytest.fixture
def traces(cluster: Cluster) -> Traces:
    return Traces(cluster)


@pytest.fixture
def neighbour(api: Client, bench: Workbench) -> Neighbour:
    return Neighbour(api, bench)


@pytest.fixture(autouse=True)
def unharmed(host: Host, cluster: Cluster) -> Iterator[None]:
    """Whatever a test does, the host and the platform live on."""
    pids = {name: program.pid for name, program in cluster.programs.items()}
    yield
    host.check_unharmed()
    assert {name: program.pid for name, program in cluster.programs.items()} == pids
    cluster.wait_healthy(HEALTHY_SECONDS)

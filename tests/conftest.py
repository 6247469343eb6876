"""Fixtures of all tests: a running platform, and clients of it.

SO_ENDPOINT=http://host:port and SO_GRPC_ENDPOINT=host:port make the tests use a
platform that is already running; tests that need one of their own are skipped.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from harness import composed as composition
from harness.client import Client
from harness.cluster import ENDPOINT, Cluster, own_cluster
from harness.functions import RUNTIMES, Runtime
from harness.grpcurl import Grpcurl
from harness.workbench import Workbench

GRPC_ENDPOINT = os.environ.get("SO_GRPC_ENDPOINT")



@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Adds the end of the logs to the report of a failed test."""
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for name, value in getattr(item, "funcargs", {}).items():
            if isinstance(value, (Cluster, composition.Composed)):
                report.sections.append((f"logs of {name}", value.logs()))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A platform shared by tests that leave no traces.

    With default settings, but that no instances are started ahead of calls: tests
    count them.
    """
    with own_cluster({"scaler": {"policies": "windows,schedules"}}) as running:
        yield running
        running.check_not_ended()


@pytest.fixture(scope="session")
def composed() -> Iterator[composition.Composed]:
    """The platform in containers, shared by all tests that want it."""
    with composition.running() as platform:
        yield platform


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Client:
    if not ENDPOINT:
        return request.getfixturevalue("cluster").api
    parts = urlsplit(ENDPOINT)
    return Client(parts.hostname or "127.0.0.1", parts.port or 80)


@pytest.fixture(scope="session")
def grpc(request: pytest.FixtureRequest) -> Grpcurl:
    if GRPC_ENDPOINT:
        return Grpcurl(GRPC_ENDPOINT)
    return Grpcurl(request.getfixturevalue("cluster").grpc_address)


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A directory that every user may enter, as instances have to."""
    path = Path(tempfile.mkdtemp(prefix="so-test-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(params=RUNTIMES, ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    return request.param


@pytest.fixture
def bench(api: Client) -> Iterator[Workbench]:
    """Where a test makes its functions."""
    workbench = Workbench(api)
    yield workbench
    workbench.close()

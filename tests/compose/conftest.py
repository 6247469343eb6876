"""Tests of this folder talk to the platform in containers."""

import pytest

from harness.client import Client
from harness.composed import Composed


@pytest.fixture(scope="session")
def api(composed: Composed) -> Client:
    return composed.api

"""One composed platform for all tests of this folder."""

import os

import pytest

import docker_engine
from composed import ROOT, Composed


@pytest.fixture(scope="session")
def composed():
    work = os.path.join(ROOT, "build", "compose")
    os.makedirs(work, exist_ok=True)
    with docker_engine.running(os.path.join(work, "dockerd.log")):
        docker_engine.ensure_image(os.environ.get("BASE_IMAGE", "debian:bookworm-slim"),
                                   os.path.join(ROOT, "deploy", "docker", "base-image"))
        platform = Composed()
        platform.build()
        try:
            platform.up()
            yield platform
        finally:
            platform.down("--volumes", "--remove-orphans")

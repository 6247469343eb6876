"""Zygotes of every runtime at hand, over plain forks, or in real sandboxes.

SO_TEST_NODES and SO_TEST_PYTHONS name the interpreters, separated by colons.
SO_TEST_MODULES is the directory of the modules that the build has made;
SO_TEST_LAUNCHER, for root, the so-launcher that makes sandboxes with them.
"""

import glob
import os
import re
import shutil

import pytest
from launcher import Launcher, ParkingZygote, runtimes_directory
from zygote import RUNTIMES, Zygote

LAUNCHER = os.environ.get("SO_TEST_LAUNCHER")
MODULES = os.environ.get("SO_TEST_MODULES") or max(
    glob.glob(os.path.join(RUNTIMES, "../build/*/runtime_testing")), key=os.path.getmtime, default="")


def interpreters(variable, default):
    names = os.environ.get(variable)
    return names.split(":") if names else [name for name in (shutil.which(default),) if name]


NODES = interpreters("SO_TEST_NODES", "node")
PYTHONS = interpreters("SO_TEST_PYTHONS", "python3")


def zygote_command(language, interpreter):
    """The command of the descriptor, for this machine instead of a sandbox."""
    folder = os.path.join(RUNTIMES, language)
    with open(os.path.join(folder, "runtime.textproto"), encoding="utf-8") as file:
        descriptor = file.read()
    command = re.search(r"zygote: \[(.*?)\]", descriptor, re.DOTALL)[1]
    environment = re.findall(r'environment { key: "(.*?)" value: "(.*?)" }', descriptor)
    words = [*(f"{name}={value}" for name, value in environment), interpreter, *re.findall(r'"([^"]*)"', command)[1:]]
    return ["env", *(word.replace("/var/runtime", folder).replace("/opt/so", MODULES) for word in words)]


def make_zygote(language, interpreter):
    if not LAUNCHER:
        return Zygote(zygote_command(language, interpreter))
    runtimes = runtimes_directory(RUNTIMES, language, interpreter)
    return ParkingZygote(Launcher(LAUNCHER, MODULES, runtimes), language)


class Runtime:
    """A language, its zygote, and what differs between languages."""

    def __init__(self, language, interpreter):
        self.language, self.interpreter = language, interpreter
        self.isolated = bool(LAUNCHER)
        self.zygote = make_zygote(language, interpreter)
        self.file = "index_js" if language == "node" else "main_py"
        self.handler = "index.handler" if language == "node" else "main.handler"
        self.instances = []

    def pick(self, node, python):
        return node if self.language == "node" else python

    def fork(self):
        instance = self.zygote.fork().hello()
        self.instances.append(instance)
        return instance

    def close_instances(self):
        for instance in self.instances:
            instance.close()
        self.instances.clear()


RUNTIMES_AT_HAND = [("node", node) for node in NODES] + [("python", python) for python in PYTHONS]


@pytest.fixture(scope="session")
def running():
    runtimes = {}
    yield runtimes
    for runtime in runtimes.values():
        runtime.zygote.close()


def take(running, kind):
    if not MODULES:
        pytest.skip("the modules are not built")
    if kind not in running:
        running[kind] = Runtime(*kind)
    return running[kind]


@pytest.fixture(params=RUNTIMES_AT_HAND, ids=lambda kind: os.path.basename(kind[1]))
def runtime(request, running):
    runtime = take(running, request.param)
    yield runtime
    runtime.close_instances()


@pytest.fixture(params=NODES, ids=os.path.basename)
def node(request, running):
    runtime = take(running, ("node", request.param))
    yield runtime
    runtime.close_instances()


@pytest.fixture(params=PYTHONS, ids=os.path.basename)
def python(request, running):
    runtime = take(running, ("python", request.param))
    yield runtime
    runtime.close_instances()

#!/usr/bin/env python3
"""Checks that dependencies between the C++ folders point one way.

CMake does not do this: every header below the source root can be included,
whatever a target links. Checked are the #include lines of .h and .cc files and
the so:: targets named in CMakeLists.txt.

    tools/check_layers.py [ROOT]

Prints one line per violation, FILE:LINE: REASON, and exits 1 when there is one.
"""

import os
import re
import sys

# What a folder may use besides itself, its subfolders and the messages. A
# service uses its client folder, not the other way round.
LAYERS = {
    "protos": [],
    "base": [],
    "telemetry": ["base"],
    "rpc": ["base", "telemetry"],
    "sandbox": ["base", "telemetry"],
    "runtimes": ["sandbox"],
    "services/*/client": ["base", "telemetry", "rpc", "sandbox"],
    "services/*": ["base", "telemetry", "rpc", "sandbox", "services/*/client"],
    "tests": ["base", "telemetry", "rpc", "sandbox", "services/*"],
    "bench": ["base", "telemetry", "rpc", "sandbox", "services/*"],
}

# Folders of the sandbox; those of any other target are in services/.
SANDBOX = {"cgroups", "egress", "init", "isolation", "launcher", "probe", "protocol"}

# Services that nobody includes, not even their client folder.
LEAVES = ["services/scaler"]

# Files that may see gRPC. All others stay free of it, directly and through the
# headers they include, so that they can be tested without it.
GRPC_FILES = re.compile(
    r"""^rpc/
    | (^|/)testing/
    | (^|/)main\.cc$
    | (^|/)grpc_\w+\.(h|cc)$
    | _service(_test)?\.(h|cc)$
    | ^(tests|bench)/
    """,
    re.VERBOSE,
)
GRPC_HEADERS = re.compile(r"^(grpcpp/|grpc/(?!health/)|grpc\+\+/)|\.grpc\.pb\.h$")

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')
TARGET = re.compile(r"\bso::(\w+)")
SKIPPED = {"build", "node_modules", "gateway", "var", ".git"}


def main(arguments):
    root = arguments[1] if len(arguments) > 1 else os.path.join(os.path.dirname(__file__), "..")
    problems = Tree(root).problems()
    for problem in problems:
        print(problem)
    return 1 if problems else 0


class Tree:
    """The C++ files of a checkout and what they include."""

    def __init__(self, root):
        # File -> [(line number, name)], all paths relative to the root.
        self.includes = {}
        self.targets = {}
        for directory, folders, files in os.walk(root):
            folders[:] = sorted(set(folders) - SKIPPED)
            for name in sorted(files):
                path = os.path.join(directory, name)
                relative = os.path.relpath(path, root)
                if name.endswith((".h", ".cc")):
                    self.includes[relative] = matches(path, INCLUDE)
                elif name == "CMakeLists.txt" and "/" in relative:
                    self.targets[relative] = matches(path, TARGET)

    def problems(self):
        found = []
        for path, includes in self.includes.items():
            for line, header in includes:
                for reason in self.include_problems(path, header):
                    found.append(f"{path}:{line}: {reason}")
        for path, targets in self.targets.items():
            for line, target in targets:
                reason = layer_problem(os.path.dirname(path), target_folder(target), f"so::{target}")
                if reason:
                    found.append(f"{path}:{line}: {reason}")
        return found

    def include_problems(self, path, header):
        """Yields what is wrong with one #include."""
        if header in self.includes:
            folder = os.path.dirname(header)
            reason = layer_problem(os.path.dirname(path), folder, header)
            if reason:
                yield reason
            if "testing" in folder.split("/") and not is_test(path):
                yield f"{header} is for tests only"
        if not GRPC_FILES.search(path):
            chain = self.grpc_chain(header, set())
            if chain:
                yield "this file must stay free of gRPC, but includes " + ", which includes ".join(chain)

    def grpc_chain(self, header, seen):
        """The includes that lead from `header` to a gRPC header, or []."""
        if GRPC_HEADERS.search(header):
            return [header]
        if header in seen or header not in self.includes:
            return []
        seen.add(header)
        for _, name in self.includes[header]:
            chain = self.grpc_chain(name, seen)
            if chain:
                return [header] + chain
        return []


def matches(path, pattern):
    with open(path, encoding="utf-8") as file:
        return [(number, found) for number, line in enumerate(file, 1)
                for found in pattern.findall(line.split("//")[0])]


def is_test(path):
    parts = path.split("/")
    return path.endswith("_test.cc") or "testing" in parts or parts[0] in ("tests", "bench")


def layer_problem(user, used, name):
    """Why `user` may not use the folder `used`, or None."""
    if used is None or unit(user) == unit(used) or used.startswith(user + "/"):
        return None
    layer = layer_of(user)
    if layer is None:
        return None
    if not any(covers(allowed, used) for allowed in LAYERS[layer]):
        return f"{layer} may not use {name}; it may use {', '.join(LAYERS[layer]) or 'no other folder'}"
    if layer not in ("tests", "bench"):
        for leaf in LEAVES:
            if covers(leaf, used) and not covers(leaf, user):
                return f"nobody may use {leaf}: {name}"
    return None


def layer_of(folder):
    """The key of LAYERS for a folder; the longest that matches."""
    fitting = [layer for layer in LAYERS if covers(layer, folder)]
    return max(fitting, key=len, default=None)


def covers(pattern, folder):
    """Whether `folder` is `pattern` or below it; * is one path component."""
    wanted, parts = pattern.split("/"), folder.split("/")
    return len(parts) >= len(wanted) and all(w in ("*", p) for w, p in zip(wanted, parts))


def unit(folder):
    """The part of a path that its layer names: services/pool for services/pool/testing."""
    layer = layer_of(folder)
    return "/".join(folder.split("/")[: len(layer.split("/"))]) if layer else folder


def target_folder(target):
    """The folder of a CMake target: registry_client_testing is
    services/registry/client/testing, cgroups is sandbox/cgroups."""
    if target in ("messages", "stubs", "warnings"):
        return None
    folder = target.replace("_", "/")
    if layer_of(folder):
        return folder
    parent = "sandbox" if folder.split("/")[0] in SANDBOX else "services"
    return f"{parent}/{folder}"


if __name__ == "__main__":
    sys.exit(main(sys.argv))

"""What a sandbox looks like from the host, and whether anything of it is left."""

import os
from dataclasses import dataclass
from pathlib import Path

from harness.cluster import Cluster
from harness.composed import Composed
from harness.wait import wait_until_equal

CGROUPS = Path("/sys/fs/cgroup")

# How long after its end something of a sandbox may be there.
LEFT_SECONDS = 2.0


@dataclass(frozen=True)
class Sandbox:
    """One sandbox, by its pid namespace; the first process in it is alive when this is made."""

    namespace: str
    groups: tuple[Path, ...]


class Traces:
    """Looks at the host. Needs root."""

    def __init__(self, cluster: Cluster | Composed):
        self._launcher = cluster.programs["launcher"].pid
        self._state_dir = cluster.state_dir
        self._before = self._lasting()

    def sandbox(self, namespace: str) -> Sandbox:
        """The sandbox whose function says that this is its pid namespace."""
        pids = processes_in(namespace)
        assert pids, f"no process on the host is in {namespace}"
        groups = groups_of(pids[0], self._launcher)
        assert groups, f"process {pids[0]} is in no cgroup of its own"
        return Sandbox(namespace, groups)

    def expect_gone(self, sandbox: Sandbox, seconds: float = LEFT_SECONDS) -> None:
        wait_until_equal(lambda: self._left_of(sandbox), {}, seconds, "what is left of the sandbox")

    def _left_of(self, sandbox: Sandbox) -> dict[str, object]:
        """Processes, cgroups, mounts and directories that should not be there."""
        left: dict[str, object] = {
            "processes": processes_in(sandbox.namespace),
            "cgroups": [str(path) for path in sandbox.groups if path.exists()],
        }
        for what, now in self._lasting().items():
            left[what] = sorted(now - self._before[what])
        return {what: found for what, found in left.items() if found}

    def _lasting(self) -> dict[str, set[str]]:
        """What is the same before and after a sandbox."""
        mounts = set()
        for pid in (os.getpid(), self._launcher):
            lines = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
            # The host's other mounts come and go.
            mounts |= {line.split()[4] for line in lines if str(self._state_dir) in line}
        directories = {path.name for path in (self._state_dir / "pool" / "instances").glob("*")}
        return {"mounts": mounts, "directories": directories}


def processes_in(namespace: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "ns" / "pid") == namespace:
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def groups_of(pid: int, launcher: int) -> tuple[Path, ...]:
    """Directories of the groups that this process shares with no other sandbox."""
    names = ends_of_groups(pid) - ends_of_groups(launcher)
    return tuple(sorted(path for name in names for path in CGROUPS.rglob(name)))


def ends_of_groups(pid: int) -> set[str]:
    """The last two names of each path."""
    paths = [line.split(":", 2)[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    return {"/".join(path.split("/")[-2:]) for path in paths if path.count("/") > 1}

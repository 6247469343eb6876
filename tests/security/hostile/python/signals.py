"""Signals, stops and slows down processes that are not its own."""

import fcntl
import resource

RANGE = 70000


def attempts(event):
    all = {"everybody": lambda: os.kill(-1, signal.SIGKILL),
           "everybody, one by one": lambda: none_of(reachable()),
           "a parent": lambda: none_of(os.getppid() if os.getpid() == 1 else 0)}
    for name, pid in event["pids"].items():
        all |= {
            f"kill {name}": lambda pid=pid: os.kill(pid, signal.SIGKILL),
            f"kill the group of {name}": lambda pid=pid: os.kill(-pid, signal.SIGKILL),
            f"pidfd of {name}": lambda pid=pid: syscall("pidfd_open", pid, 0),
            f"owner of a file: {name}": lambda pid=pid: own(pid),
            f"priority of {name}": lambda pid=pid: os.setpriority(os.PRIO_PROCESS, pid, 19),
            f"limits of {name}": lambda pid=pid: resource.prlimit(pid, resource.RLIMIT_NOFILE, (8, 8)),
            f"processors of {name}": lambda pid=pid: os.sched_setaffinity(pid, {0}),
            f"memory of {name}": lambda pid=pid: read(f"/proc/{pid}/maps"),
            f"files of {name}": lambda pid=pid: os.listdir(f"/proc/{pid}/fd"),
        }
    all["a higher priority"] = lambda: os.setpriority(os.PRIO_PROCESS, 0, -5)
    all["real time"] = lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    all["more descriptors"] = lambda: set_limit(resource.RLIMIT_NOFILE, 4096)
    all["core dumps"] = lambda: set_limit(resource.RLIMIT_CORE, 1 << 20)
    return all


def set_limit(which, value):
    return syscall("prlimit64", 0, which, (ctypes.c_uint64 * 2)(value, value), None)


def own(pid):
    with open("/tmp/owned", "wb") as file:
        return fcntl.fcntl(file, fcntl.F_SETOWN, pid)


def ours():
    """Processes and threads of this sandbox: they may be signalled."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            found |= {int(thread) for thread in os.listdir(f"/proc/{name}/task")}
    return found


def reachable():
    found = []
    for pid in range(1, RANGE):
        try:
            os.kill(pid, 0)
        except OSError:
            continue
        found.append(pid)
    return sorted(set(found) - ours())

"""Makes namespaces, enters those of others, and looks for the host's."""

KINDS = {"mnt": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000,
         "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
CLONE_NEWTIME = 0x80
CLONE_ARGS_SIZE = 88


def attempts(event):
    all = {}
    for kind, flag in KINDS.items():
        all[f"unshare {kind}"] = lambda flag=flag: in_child(lambda: syscall("unshare", flag))
        all[f"clone {kind}"] = lambda flag=flag: clone(flag)
        all[f"setns {kind}"] = lambda kind=kind: in_child(lambda: enter(kind))
        all[f"{kind} namespace of the host"] = lambda kind=kind: none_of(
            os.readlink(f"/proc/self/ns/{kind}") == event["namespaces"][kind])
    all["unshare time"] = lambda: in_child(lambda: syscall("unshare", CLONE_NEWTIME))
    all["clone3 user"] = clone3
    all["sethostname"] = lambda: syscall("sethostname", b"hostile", 7)
    all["setdomainname"] = lambda: syscall("setdomainname", b"hostile", 7)
    all["name of the host"] = lambda: none_of(os.uname().nodename == event["hostname"])
    all["groups of the host"] = lambda: none_of(
        [line for line in open("/proc/self/cgroup") if not line.endswith(":/\n")])
    all["processes of others"] = lambda: none_of(others())
    return all


def clone(flag):
    pid = syscall("clone", flag | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def clone3():
    words = (ctypes.c_uint64 * (CLONE_ARGS_SIZE // 8))()
    words[0], words[4] = KINDS["user"], signal.SIGCHLD
    pid = syscall("clone3", words, CLONE_ARGS_SIZE)
    if pid == 0:
        os._exit(0)
    return pid


def enter(kind):
    fd = os.open(f"/proc/1/ns/{kind}", os.O_RDONLY)
    return syscall("setns", fd, KINDS[kind])


def others():
    """Processes that descend neither from the first one nor from nobody here."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with open(f"/proc/{name}/stat") as text:
                parents[int(name)] = int(text.read().rpartition(")")[2].split()[1])
    return [pid for pid, parent in parents.items() if pid != 1 and parent not in parents]

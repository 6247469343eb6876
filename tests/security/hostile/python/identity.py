"""Becomes somebody else, or more than it is."""

import subprocess

PR_SET_KEEPCAPS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 47, 2
PR_GET_NO_NEW_PRIVS, PR_SET_NO_NEW_PRIVS, PR_GET_SECCOMP = 39, 38, 21
CAP_SYS_ADMIN = 21
CAPABILITY_VERSION_3 = 0x20080522
READ_IMPLIES_EXEC, ADDR_NO_RANDOMIZE = 0x400000, 0x40000


def attempts(event):
    all = {
        "uid 0": lambda: os.setuid(0),
        "gid 0": lambda: os.setgid(0),
        "uid of somebody else": lambda: os.setresuid(1001, 1001, 1001),
        "groups": lambda: os.setgroups([0, 27, 999]),
        "capabilities": raise_capabilities,
        "ambient capability": lambda: prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN),
        "personality": lambda: in_child(lambda: syscall("personality", READ_IMPLIES_EXEC)),
        "personality without randomisation": lambda: in_child(
            lambda: syscall("personality", ADDR_NO_RANDOMIZE)),
        "new privileges": lambda: none_of(prctl(PR_GET_NO_NEW_PRIVS) != 1),
        "life without a filter": lambda: none_of(status("Seccomp") != "2"),
        "dropping no_new_privs": lambda: prctl(PR_SET_NO_NEW_PRIVS, 0),
        "a user that is not ours": lambda: none_of({os.getuid(), os.geteuid(), os.getgid()} - {1000}),
        "other users of the namespace": lambda: none_of(open("/proc/self/uid_map").read().split()[2] != "1"),
        "root of the host": lambda: none_of(open("/proc/self/uid_map").read().split()[1] == "0"),
        "extra groups": lambda: none_of(set(os.getgroups()) - {1000}),
    }
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        all[name] = lambda name=name: none_of(int(status(name), 16))
    for program in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/sudo"):
        all[f"set-user-id of {program}"] = lambda program=program: none_of(gains_by(program))
    return all


def prctl(*arguments):
    result = LIBC.prctl(*(ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]))
    if result == -1:
        refuse(ctypes.get_errno())
    return result


def raise_capabilities():
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    return syscall("capset", header, (ctypes.c_uint32 * 6)(*[0xffffffff] * 6))


def status(field):
    with open("/proc/self/status") as lines:
        return next(line.split()[1] for line in lines if line.startswith(field + ":"))


def gains_by(program):
    """Whether the program runs as another user than we do."""
    os.stat(program)
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        with open(f"/proc/{child.pid}/status") as lines:
            return next(line.split()[1:4] for line in lines if line.startswith("Uid:")) != ["1000"] * 3
    finally:
        child.kill()
        child.wait()

"""Changes what is mounted, in every way the kernel knows."""

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_SHARED = 1, 32, 4096, 16384, 1 << 20
MNT_DETACH = 2
AT_FDCWD, AT_RECURSIVE, OPEN_TREE_CLONE = -100, 0x8000, 1
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000

# What the sandbox mounts; everything else would be somebody else's.
EXPECTED = ("/", "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/dev", "/proc", "/tmp",
            "/var/task", "/var/output", "/var/runtime", "/opt/so")


def attempts(event):
    os.makedirs("/tmp/target", exist_ok=True)
    return {
        "mount tmpfs": lambda: mount("tmpfs", "/tmp/target", "tmpfs"),
        "mount proc": lambda: mount("proc", "/tmp/target", "proc"),
        "mount sysfs": lambda: mount("sysfs", "/tmp/target", "sysfs"),
        "mount cgroups": lambda: mount("none", "/tmp/target", "cgroup2"),
        "mount an overlay": lambda: mount("overlay", "/tmp/target", "overlay", 0,
                                          b"lowerdir=/usr,upperdir=/tmp,workdir=/tmp/target"),
        "bind the root": lambda: mount("/", "/tmp/target", None, MS_BIND | MS_REC),
        "remount the root writable": lambda: mount(None, "/", None, MS_REMOUNT | MS_BIND),
        "remount proc writable": lambda: mount(None, "/proc", None, MS_REMOUNT | MS_BIND),
        "remount the code writable": lambda: mount(None, "/var/task", None, MS_REMOUNT | MS_BIND),
        "share the root": lambda: mount(None, "/", None, MS_SHARED | MS_REC),
        "unmount proc": lambda: syscall("umount2", b"/proc", MNT_DETACH),
        "unmount what hides kcore": lambda: syscall("umount2", b"/proc/kcore", MNT_DETACH),
        "unmount the code": lambda: syscall("umount2", b"/var/task", MNT_DETACH),
        "pivot_root": lambda: syscall("pivot_root", b"/tmp", b"/tmp/target"),
        "chroot": lambda: syscall("chroot", b"/tmp"),
        "fsopen": lambda: syscall("fsopen", b"tmpfs", 0),
        "fspick": lambda: syscall("fspick", AT_FDCWD, b"/", 0),
        "fsmount": lambda: syscall("fsmount", 0, 0, 0),
        "open_tree": lambda: syscall("open_tree", AT_FDCWD, b"/", OPEN_TREE_CLONE),
        "move_mount": lambda: syscall("move_mount", AT_FDCWD, b"/proc", AT_FDCWD, b"/tmp/target", 0),
        "mount_setattr": lambda: syscall("mount_setattr", AT_FDCWD, b"/", AT_RECURSIVE,
                                         (ctypes.c_uint64 * 4)(0, MS_RDONLY, 0, 0), 32),
        "mount in a namespace of its own": lambda: in_child(mount_elsewhere),
        "foreign mounts": lambda: none_of([point for point in mount_points() if not known(point)]),
    }


def mount(source, target, kind, flags=0, options=None):
    encode = lambda text: text if text is None else text.encode()
    return syscall("mount", encode(source), target.encode(), encode(kind), flags, options)


def mount_elsewhere():
    syscall("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    return mount("tmpfs", "/tmp/target", "tmpfs")


def mount_points():
    with open("/proc/self/mountinfo") as lines:
        return [line.split()[4] for line in lines]


def known(point):
    return any(point == each or each != "/" and point.startswith(each + "/") for each in EXPECTED)

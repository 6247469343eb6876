"""Reads and writes what belongs to the host, the platform, or other functions."""

import stat

READ = ["/etc/shadow", "/etc/machine-id", "/etc/fstab", "/root/.bashrc", "/proc/kcore",
        "/proc/kallsyms", "/proc/kmsg", "/proc/keys", "/proc/timer_list", "/proc/cmdline",
        "/proc/config.gz", "/proc/sysrq-trigger", "/proc/1/root/root/.bashrc", "/proc/acpi/wakeup",
        "/proc/self/root/../etc/shadow", "/proc/self/cwd/../../../etc/shadow",
        "/sys/kernel/uevent_seqnum", "/sys/fs/cgroup/cgroup.procs", "/dev/mem", "/dev/kmsg",
        "/dev/kvm", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/tty", "/dev/console"]
LIST = ["/root", "/home", "/boot", "/run", "/srv", "/mnt", "/media", "/sys", "/var/lib", "/var/log",
        "/var/run", "/etc/systemd", "/etc/ssh", "/dev/pts", "/dev/mapper"]
WRITE = ["/hostile", "/usr/hostile", "/usr/bin/env", "/etc/hostile", "/etc/passwd", "/etc/hosts",
         "/etc/ld.so.preload", "/dev/hostile", "/var/hostile", "/var/task/hostile",
         "/var/runtime/hostile", "/var/output/hostile", "/opt/so/hostile", "/proc/self/oom_score_adj",
         "/proc/self/uid_map", "/proc/self/mem", "/proc/sysrq-trigger", "/proc/sys/kernel/hostname",
         "/proc/sys/kernel/core_pattern", "/proc/sys/vm/overcommit_memory",
         "/proc/sys/net/ipv4/ip_forward"]
ROOT = {"bin", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "sbin", "tmp", "usr",
        "var"}
WRITABLE = ("/tmp", "/dev/shm", "/proc")


def attempts(event):
    all = {f"read {path}": lambda path=path: read(path) for path in READ + event["paths"]}
    all |= {f"list {path}": lambda path=path: none_of(os.listdir(path))
            for path in LIST + event["directories"]}
    all |= {f"write {path}": lambda path=path: write(path) for path in WRITE + event["paths"]}
    all["unlink the code"] = lambda: os.unlink(f"/var/task/{os.listdir('/var/task')[0]}")
    all["unlink a program"] = lambda: os.unlink("/usr/bin/env")
    all["chmod a program"] = lambda: os.chmod("/usr/bin/env", 0o777)
    all["chown a program"] = lambda: os.chown("/usr/bin/env", 1000, 1000)
    all["rename a directory"] = lambda: os.rename("/tmp", "/hostile")
    all["hard link to the outside"] = lambda: os.link("/etc/passwd", "/tmp/passwd")
    all["a disk"] = lambda: os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, os.makedev(8, 0))
    all["kernel memory"] = lambda: os.mknod("/tmp/mem", stat.S_IFCHR | 0o600, os.makedev(1, 1))
    all["more in the root"] = lambda: none_of(set(os.listdir("/")) - ROOT)
    all["writable directories"] = lambda: none_of(list(writable("/", 3)))
    return all


def writable(directory, depth):
    """Directories we may write to and should not, to some depth."""
    if directory in WRITABLE or depth == 0:
        return
    try:
        below = [entry.path for entry in os.scandir(directory)
                 if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    if os.access(directory, os.W_OK):
        yield directory
    for path in below:
        yield from writable(path, depth - 1)

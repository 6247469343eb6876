"""Calls of the kernel that no function needs. Most of them would succeed, or fail
otherwise, if nothing but the lack of capabilities stood in the way."""

import mmap
import struct

FOREIGN_X32 = 0x40000000
PTRACE_TRACEME, PTRACE_SEIZE = 0, 0x4206
KCMP_FILE = 0
BPF_MAP_CREATE = 0
UFFD_USER_MODE_ONLY = 1
KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, USER_KEYRING = 0, -3, -4
SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER = 1, 8
SECCOMP_RET_ALLOW = 0x7fff0000
CLOCK_REALTIME = 0
REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_CAD_OFF = 0xfee1dead, 672274793, 0
AT_FDCWD, S_IFCHR = -100, 0o20000


def attempts(event):
    own = os.getpid()
    buffer = ctypes.create_string_buffer(4096)
    return {
        "ptrace, to be traced": lambda: in_child(lambda: syscall("ptrace", PTRACE_TRACEME, 0, 0, 0)),
        "ptrace, seize": lambda: in_child(lambda: syscall("ptrace", PTRACE_SEIZE, os.getppid(), 0, 0)),
        "process_vm_readv": lambda: syscall("process_vm_readv", own, *vectors(buffer), 0),
        "process_vm_writev": lambda: syscall("process_vm_writev", own, *vectors(buffer), 0),
        "pidfd_getfd": lambda: syscall("pidfd_getfd", syscall("pidfd_open", own, 0), 0, 0),
        "kcmp": lambda: syscall("kcmp", own, own, KCMP_FILE, 0, 1),
        "bpf": lambda: syscall("bpf", BPF_MAP_CREATE, buffer, 72),
        "perf_event_open": lambda: syscall("perf_event_open", buffer, 0, -1, -1, 0),
        "userfaultfd": lambda: syscall("userfaultfd", UFFD_USER_MODE_ONLY),
        "io_uring_setup": lambda: syscall("io_uring_setup", 1, ctypes.create_string_buffer(120)),
        "io_uring_enter": lambda: syscall("io_uring_enter", 0, 0, 0, 0, 0, 0),
        "io_uring_register": lambda: syscall("io_uring_register", 0, 0, 0, 0),
        "io_setup": lambda: syscall("io_setup", 1, ctypes.byref(ctypes.c_ulong())),
        "keyctl": lambda: syscall("keyctl", KEYCTL_GET_KEYRING_ID, SESSION_KEYRING, 1),
        "add_key": lambda: syscall("add_key", b"user", b"hostile", b"x", 1, USER_KEYRING),
        "request_key": lambda: syscall("request_key", b"user", b"hostile", None, USER_KEYRING),
        "name_to_handle_at": lambda: syscall("name_to_handle_at", AT_FDCWD, b"/tmp", handle(),
                                             ctypes.byref(ctypes.c_int()), 0),
        "open_by_handle_at": lambda: syscall("open_by_handle_at", AT_FDCWD, handle(), 0),
        "fanotify_init": lambda: syscall("fanotify_init", 0x200, 0),
        "quotactl": lambda: syscall("quotactl", 0, None, 0, None),
        "swapon": lambda: syscall("swapon", b"/tmp/swap", 0),
        "swapoff": lambda: syscall("swapoff", b"/tmp/swap"),
        "init_module": lambda: syscall("init_module", buffer, 16, b""),
        "finit_module": lambda: syscall("finit_module", 0, b"", 0),
        "delete_module": lambda: syscall("delete_module", b"hostile", 0),
        "kexec_load": lambda: syscall("kexec_load", 0, 0, None, 0),
        "kexec_file_load": lambda: syscall("kexec_file_load", 0, 0, 0, None, 0),
        "reboot": lambda: syscall("reboot", REBOOT_MAGIC1, REBOOT_MAGIC2, REBOOT_CAD_OFF, 0),
        "syslog": lambda: syscall("syslog", 3, buffer, 4096),
        "clock_settime": lambda: syscall("clock_settime", CLOCK_REALTIME, buffer),
        "settimeofday": lambda: syscall("settimeofday", buffer, None),
        "adjtimex": lambda: syscall("adjtimex", buffer),
        "iopl": lambda: syscall("iopl", 3),
        "ioperm": lambda: syscall("ioperm", 0x80, 1, 1),
        "modify_ldt": lambda: syscall("modify_ldt", 0, buffer, 16),
        "mknod": lambda: syscall("mknodat", AT_FDCWD, b"/tmp/null", S_IFCHR | 0o666, 0x103),
        "acct": lambda: syscall("acct", b"/tmp/acct"),
        "vhangup": lambda: in_child(lambda: syscall("vhangup")),
        "memfd_secret": lambda: syscall("memfd_secret", 0),
        "process_madvise": lambda: syscall("process_madvise", 0, None, 0, 0, 0),
        "move_pages": lambda: syscall("move_pages", own, 0, None, None, None, 0),
        "migrate_pages": lambda: syscall("migrate_pages", own, 0, None, None),
        "seccomp, new listener": lambda: in_child(listen),
        "unknown call": lambda: raw_syscall(4000),
        "call of x32": lambda: in_child(lambda: raw_syscall(FOREIGN_X32 + 39)),
        "call of i386": lambda: in_child(call_i386),
    }


def vectors(buffer):
    """Local and remote memory, as process_vm_* take it: 16 bytes of our own."""
    address = ctypes.addressof(buffer)
    local = (ctypes.c_size_t * 2)(address, 16)
    remote = (ctypes.c_size_t * 2)(address + 1024, 16)
    return local, 1, remote, 1


def handle():
    return ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))


def listen():
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, SECCOMP_RET_ALLOW))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", 1, ctypes.addressof(instruction)))
    return syscall("seccomp", SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, program)


def call_i386():
    """getpid by int 0x80, the gate of another architecture."""
    if platform.machine() != "x86_64":
        refuse(errno.ENOSYS)
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20; int 0x80; ret
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)()

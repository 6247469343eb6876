"""Looks for files and sockets that were left open, and for more of its own."""

import socket
import struct

# fd 0 is /dev/null, 1 and 2 the output pipe, 3 the channel of the runtime contract.
CHANNEL = 3


def attempts(event):
    return {
        "files left open": lambda: none_of(unexpected()),
        "the output pipe, read": lambda: os.read(os.open("/proc/self/fd/1", os.O_RDONLY | os.O_NONBLOCK), 64),
        "the channel, opened anew": lambda: os.open(f"/proc/self/fd/{CHANNEL}", os.O_RDWR),
        "who is at the other end": lambda: none_of(peer()),
        "the terminal": lambda: none_of([fd for fd in range(4) if os.isatty(fd)]),
        "files of the first process": lambda: none_of(
            [fd for fd in os.listdir("/proc/1/fd") if int(fd) > CHANNEL and is_file(1, fd)]),
        "a file sent along": lambda: none_of(received()),
    }


def links(pid="self"):
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue  # The listing's own.
    return found


def is_file(pid, fd):
    target = os.readlink(f"/proc/{pid}/fd/{fd}")
    return target.startswith("/") and target != "/dev/null"


def unexpected():
    """All but pipes, the channel, and what an event loop is made of."""
    return {fd: target for fd, target in links().items()
            if not (target in ("/dev/null", "/dev/urandom") and fd != 1
                    or target.startswith(("pipe:", "anon_inode:"))
                    or target.startswith("socket:") and (fd == CHANNEL or inherited(fd)))}


def inherited(fd):
    """Whether it is half of a pair made here: event loops wake themselves up so."""
    if fd == CHANNEL:
        return False
    with socket.socket(fileno=os.dup(fd)) as half:
        return half.family == socket.AF_UNIX and credentials(half)[0] == os.getpid()


def peer():
    """The process id of the channel's other end, if it can be seen from here."""
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        return credentials(channel)[0]


def credentials(connection):
    size = struct.calcsize("3i")
    return struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))


def received():
    """A descriptor waiting in the channel."""
    with socket.socket(fileno=os.dup(CHANNEL)) as channel:
        try:
            ancillary = channel.recvmsg(0, socket.CMSG_SPACE(4), socket.MSG_PEEK | socket.MSG_DONTWAIT)[1]
        except BlockingIOError:
            return []
        return [data for _, _, data in ancillary]

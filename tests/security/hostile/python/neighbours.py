"""Looks for everything the function in neighbour.py leaves lying about."""

import socket

IPC_KEY, SIZE = 0x50000, 4096


def attempts(event):
    name = event["name"]
    return {
        "its file": lambda: read(f"/tmp/{name}"),
        "any file": lambda: none_of(os.listdir("/tmp")),
        "its shared memory": lambda: read(f"/dev/shm/{name}"),
        "any shared memory": lambda: none_of(os.listdir("/dev/shm")),
        "its System V memory": lambda: LIBC.shmget(IPC_KEY, SIZE, 0) + 1 or refuse(errno.ENOENT),
        "its abstract socket": lambda: connect("\0" + name),
        "its port": lambda: socket.create_connection(("127.0.0.1", event["port"]), 2),
        "its code": lambda: none_of([path for path in os.listdir("/var/task")
                                     if name.encode() in read_all(f"/var/task/{path}")]),
        "its environment": lambda: os.environ[name] if name in os.environ else refuse(errno.ENOENT),
        "its processes": lambda: none_of(
            [pid for pid in os.listdir("/proc") if pid.isdigit()
             and name.encode() in read_all(f"/proc/{pid}/cmdline")]),
        "its global": lambda: none_of(hasattr(__builtins__, "hostile_global")),
    }


def connect(address):
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect(address) or address


def read_all(path):
    with open(path, "rb") as file:
        return file.read()

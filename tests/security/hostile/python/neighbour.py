"""Leaves everything behind that could be found by another: see neighbours.py."""

import builtins
import ctypes
import os
import socket
import subprocess

IPC_KEY, SIZE, IPC_CREAT = 0x50000, 4096, 0o1000
kept = []


def handler(event, context):
    if kept:
        return "left behind already"
    name = event["name"]
    for path in (f"/tmp/{name}", f"/dev/shm/{name}"):
        with open(path, "w") as file:
            file.write(name)
        os.chmod(path, 0o666)
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind("\0" + name)
    abstract.listen()
    port = socket.create_server(("127.0.0.1", event["port"]))
    os.environ[name] = name
    builtins.hostile_global = name
    segment = ctypes.CDLL(None).shmget(IPC_KEY, SIZE, IPC_CREAT | 0o666)
    kept.extend([abstract, port])
    return {"segment": segment}

"""A Docker daemon to test against: the running one, or one of our own."""

import contextlib
import os
import shutil
import subprocess
import time

# Debian's client fits Debian's daemon; others on the PATH may be too new.
DOCKER = "/usr/bin/docker" if os.path.exists("/usr/bin/docker") else "docker"

# From the best to the one that works almost everywhere.
DAEMON_OPTIONS = ([], ["--storage-driver=vfs"])


def succeeds(*command):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def is_running():
    return shutil.which(DOCKER) is not None and succeeds(DOCKER, "info")


@contextlib.contextmanager
def running(log_path):
    """Docker is up inside the block; a daemon started for it ends with it."""
    if is_running():
        yield
        return
    daemon = start(log_path)
    try:
        yield
    finally:
        daemon.terminate()
        daemon.wait(60)


def start(log_path):
    for options in DAEMON_OPTIONS:
        with open(log_path, "ab") as log:
            daemon = subprocess.Popen(["dockerd", *options], stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while daemon.poll() is None and time.monotonic() < deadline:
            if is_running():
                return daemon
            time.sleep(0.5)
        daemon.kill()
        daemon.wait()
    with open(log_path, encoding="utf-8", errors="replace") as log:
        raise RuntimeError("dockerd does not start:\n" + "".join(log.readlines()[-20:]))


def ensure_image(tag, make):
    """Has the image: it is there, or can be pulled, or `make` makes it."""
    if succeeds(DOCKER, "image", "inspect", tag):
        return
    if succeeds("timeout", "120", DOCKER, "pull", tag):
        return
    subprocess.run([make, tag], check=True)

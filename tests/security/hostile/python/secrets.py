"""Searches for what only the host, the platform or another function may know."""

import re

CHUNK = 1 << 20
# Secrets arrive disguised, so that the search does not find itself.
MASK = 0x15


def attempts(event):
    disguised = {name: bytes.fromhex(text) for name, text in event["secrets"].items()}
    all = {}
    for name, secret in disguised.items():
        all[f"{name} in the environment"] = lambda secret=secret: none_of(in_files(
            secret, ["/proc/self/environ", "/proc/1/environ", "/proc/self/cmdline", "/proc/1/cmdline",
                     "/proc/self/stat", "/proc/self/mountinfo", "/proc/mounts"]))
        all[f"{name} in memory"] = lambda secret=secret: none_of(in_memory(secret))
    all["environment of the platform"] = lambda: none_of(
        [name for name in os.environ if name.startswith(("SO_", "LD_")) or name in event["variables"]])
    return all


def disguise(text):
    return text.translate(bytes(byte ^ MASK for byte in range(256)))


def in_files(secret, paths):
    found = []
    for path in paths:
        try:
            with open(path, "rb") as file:
                if secret in disguise(file.read()):
                    found.append(path)
        except OSError:
            continue
    return found


def in_memory(secret):
    """Regions of our own memory, some of it a zygote's, that hold the secret."""
    found = []
    with open("/proc/self/maps") as lines:
        regions = [re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+\s*(.*)", line) for line in lines]
    with open("/proc/self/mem", "rb", buffering=0) as memory:
        for region in filter(None, regions):
            start, end = int(region[1], 16), int(region[2], 16)
            if region[3].startswith("/usr") or region[3] == "[vvar]":
                continue
            for at in range(start, end, CHUNK):
                try:
                    memory.seek(at)
                    text = memory.read(min(CHUNK, end - at))
                except (OSError, ValueError, OverflowError):
                    continue
                if secret in disguise(text):
                    found.append(region[3] or "anonymous")
    return found

"""The initialised python that instances are forked from. Its one argument is the
directory of the native extension."""

import gc
import os
import select
import sys

CHANNEL = 3
REHEARSALS = 20
PARKED_SECONDS = 0.02

# What functions import most, so that they find it there. Pages are shared with
# the zygote until they are written to.
COMMON = (
    "argparse", "asyncio", "base64", "collections", "concurrent.futures", "contextlib", "copy", "csv",
    "dataclasses", "datetime", "decimal", "enum", "functools", "glob", "hashlib", "hmac", "html", "inspect",
    "io", "itertools", "json", "logging", "math", "operator", "pathlib", "pickle", "queue", "random", "re",
    "secrets", "shutil", "socket", "statistics", "string", "struct", "subprocess", "tempfile", "textwrap",
    "threading", "time", "traceback", "types", "typing", "urllib.parse", "uuid", "warnings", "zlib")


def import_from(directory, name):
    """Imports a module of the platform's, whose directory functions do not search."""
    sys.path.insert(0, directory)
    try:
        return __import__(name, fromlist=["*"])
    finally:
        sys.path.remove(directory)


def main():
    gc.disable()
    here = os.path.dirname(os.path.abspath(__file__))
    native = import_from(sys.argv[1], "so_sandbox")
    shim = import_from(here, "so_runtime.shim")
    rehearsal = import_from(here, "so_runtime.rehearse")
    rehearsal.rehearse_all(REHEARSALS)
    for name in COMMON:
        __import__(name)
    sys.argv[:] = [shim.__file__]
    instance = shim.Shim(CHANNEL, os._exit, os.environ)
    # Collections in children look at what they made themselves only, and so
    # leave what they share alone.
    gc.collect()
    gc.freeze()

    native.serve()

    gc.enable()
    instance.greet()
    # Who is not given a function at once is waiting for one, and has the time to
    # make the memory its own that it will need.
    if not select.select((CHANNEL,), (), (), PARKED_SECONDS)[0]:
        rehearsal.rehearse("handler")
    instance.run()


if __name__ == "__main__":
    main()

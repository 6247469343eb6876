"""The hostile functions beside this file, as code that can be registered."""

from pathlib import Path

from harness.functions import Runtime

FOLDER = Path(__file__).parent / "hostile"
SUFFIX = {"node": ".js", "python": ".py"}
# What each attempt of a hostile function that goes by the deny table starts with.
PRELUDE = "prelude"


def plain(runtime: Runtime, name: str) -> str:
    """A function that stands by itself."""
    return (FOLDER / runtime.name / (name + SUFFIX[runtime.name])).read_text()


def attempts(runtime: Runtime, name: str) -> str:
    """A function that makes the attempts of one row of the deny table."""
    return f"{plain(runtime, PRELUDE)}\n{plain(runtime, name)}"


def script(runtime: Runtime, name: str) -> str:
    """The same attempts as a program: the event on standard input, outcomes on output."""
    return attempts(runtime, name) + "\nprint(json.dumps(handler(json.load(sys.stdin), None)))\n"


# Secrets travel disguised, so that a search for them does not find itself.
MASK = 0x15


def disguise(secret: str) -> str:
    return bytes(byte ^ MASK for byte in secret.encode()).hex()

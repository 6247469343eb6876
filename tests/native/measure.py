#!/usr/bin/python3
"""Times builds, starts and warm calls of native functions on so-init.

    SO_TOOLCHAINS=DIR tests/native/measure.py [STARTS]

Each program is built twice, from different source. A start is CONFIG to READY,
the exec of the function included; a call is INVOKE to RESULT.
"""

import statistics
import sys
import tempfile

import box
from programs import PROGRAMS

CALLS = 200


def built(runtime, source, handler):
    """A code directory, and how long it took."""
    files, output = tempfile.mkdtemp(prefix="native-"), tempfile.mkdtemp(prefix="native-")
    box.write_files(files, {"main.go" if runtime == "go" else "main.rs": source})
    code, printed, seconds = box.build(runtime, files, box.Path(output), handler)
    assert code == 0, printed
    box.os.chmod(output, 0o755)
    return output, seconds


def memory_of_init(instance):
    """Proportional set size of so-init, in KB; not of one in a real sandbox."""
    if not isinstance(instance, box.Box):
        return 0
    for line in open(f"/proc/{instance.pid()}/smaps_rollup"):
        if line.startswith("Pss:"):
            return int(line.split()[1])


def measure(starts):
    print(f"{'program':14} {'build s':>8} {'again s':>8} {'start ms':>9} {'best':>6} {'call ms':>8} {'best':>6} {'so-init KB':>10}")
    for name, (runtime, source, handler) in PROGRAMS.items():
        _, first = built(runtime, source, handler)
        output, second = built(runtime, source.replace('"doing', '"really doing'), handler)
        inits, calls, memory = [], [], 0
        for _ in range(starts):
            with box.function(output) as instance:
                assert instance.start() is None
                inits.append(instance.init_ms)
                for _ in range(CALLS // starts + 1):
                    instance.invoke({"do": "echo"})
                    calls.append(instance.invoke_ms)
                memory = memory_of_init(instance)
        print(f"{name:14} {first:8.2f} {second:8.2f} {statistics.median(inits):9.2f} {min(inits):6.2f} "
              f"{statistics.median(calls):8.2f} {min(calls):6.2f} {memory:10}")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20)

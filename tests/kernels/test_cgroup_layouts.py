"""The tests of sandbox/cgroups on kernels that lay out control groups in every way
there is. A machine has one layout; user-mode Linux boots others as a process.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(os.environ.get("SO_BIN_DIR", ROOT / "build/release/bin")) / "so_cgroups_root_test"

# Booting and testing takes a quarter of a minute.
TIMEOUT = 180


@pytest.mark.parametrize("layout", ["unified", "legacy", "mixed", "container"])
def test_limits_hold(layout: str) -> None:
    kernel = shutil.which("linux.uml")
    assert kernel, "the package user-mode-linux is missing"
    output = boot(kernel, layout)
    assert "program ended with 0" in output, output
    assert "SKIPPED" not in output, output


def boot(kernel: str, layout: str) -> str:
    command = [kernel, "mem=512M", "rootfstype=hostfs", "rootflags=/", "ro", "con=null",
               "con0=null,fd:1", "uml_dir=/tmp", f"init={ROOT}/tests/kernels/init.sh",
               f"program={PROGRAM}", f"layout={layout}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    return done.stdout.decode(errors="replace")

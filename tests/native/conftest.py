import shutil
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import box  # noqa: E402


@pytest.fixture(scope="session")
def new_directory():
    """Makes directories that another user can enter, which those of pytest are
    not."""
    made = []

    def make():
        made.append(Path(tempfile.mkdtemp(prefix="native-")))
        made[-1].chmod(0o755)
        return made[-1]

    yield make
    for directory in made:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def built(new_directory):
    """built(runtime, source, handler): the code directory of a program made of
    it; each is built once a session."""
    done = {}

    def make(runtime, source, handler):
        key = (runtime, source, handler)
        if key not in done:
            files, output = new_directory(), new_directory()
            box.write_files(files, {"main.go" if runtime == "go" else "main.rs": source})
            code, printed, seconds = box.build(runtime, files, output, handler)
            print(f"{runtime}: built in {seconds:.1f} s")
            assert code == 0, printed
            done[key] = output
        return done[key]

    return make


@pytest.fixture
def directory(new_directory):
    return new_directory()


@pytest.fixture
def output(new_directory):
    return new_directory()

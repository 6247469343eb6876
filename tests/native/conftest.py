import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import box  # noqa: E402


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """built(runtime, source): the code directory of a program made of it; each
    is built once a session."""
    done = {}

    def make(runtime, source, handler="handler"):
        key = (runtime, source, handler)
        if key not in done:
            files, output = open_directory(tmp_path_factory), open_directory(tmp_path_factory)
            box.write_files(files, {"main.go" if runtime == "go" else "main.rs": source})
            code, printed, seconds = box.build(runtime, files, output, handler)
            print(f"{runtime}: built in {seconds:.1f} s")
            assert code == 0, printed
            done[key] = output
        return done[key]

    return make


def open_directory(factory):
    """A temporary directory that another user can enter."""
    directory = factory.mktemp("box")
    for parent in [directory, *directory.parents][:3]:
        parent.chmod(0o755)
    return directory


@pytest.fixture
def directory(tmp_path_factory):
    return open_directory(tmp_path_factory)


@pytest.fixture
def output(tmp_path_factory):
    return open_directory(tmp_path_factory)

"""For all tests: Qt draws into memory, not on a screen, and no file of the user's is touched."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def home_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logs, caches and settings go to a folder of the run; a test may name another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AQUATINT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def mini_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model as a GGUF file in Q8_0; not to be changed."""
    from tests.gguf_files import write_mini_gguf

    return write_mini_gguf(tmp_path_factory.mktemp("gguf") / "mini-Q8_0.gguf")

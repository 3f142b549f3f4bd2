"""For all tests: Qt draws into memory, not on a screen, and no file of the user's is touched."""

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session", autouse=True)
def home_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logs, caches and settings go to a folder of the run; a test may name another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AQUATINT_HOME", str(tmp_path_factory.mktemp("home")))
        yield

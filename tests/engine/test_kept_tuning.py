"""What the timing of a GPU found outlives the process, and whatever lies in its file is safe."""

import os
from pathlib import Path
from typing import Any

import pytest

from app import machine_processors
from app.engine import kept_tuning
from app.engine.kept_tuning import open_engine, tuning_file, tuning_key
from app.engine.types import EngineReport

LINE = "1 4 0 0 1 1 0 1 1 0 2600000000000 Apple M1"
NOT_KEPT = [
    b"",
    b"\n",
    b"\xff\xfe" + LINE.encode(),
    LINE.encode(),
    b"another key\n" + LINE.encode(),
    b"KEY",
    b"KEY\n1 4\0",
]


class FakeEngine:
    """Tells of what it was opened with, or of what it timed."""

    def __init__(self, *, tuning: str, **options: Any) -> None:
        self.given = tuning
        self.threads = options["threads"]

    def report(self) -> EngineReport:
        return EngineReport(tuning=self.given or LINE)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Engines are fakes, and the cache is empty."""
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    monkeypatch.setattr(kept_tuning, "Engine", FakeEngine)


def given() -> str:
    """What an engine that is opened now is told."""
    engine: Any = open_engine()
    return str(engine.given)


@pytest.mark.usefixtures("opened")
def test_a_second_start_is_told_what_the_first_found() -> None:
    assert given() == ""
    assert given() == LINE


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("content", NOT_KEPT)
def test_what_does_not_fit_is_found_anew(content: bytes) -> None:
    tuning_file().parent.mkdir(parents=True)
    tuning_file().write_bytes(content.replace(b"KEY", tuning_key().encode()))
    assert given() == ""
    assert given() == LINE


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("change", ["VERSION", "metal_sources", "platform", "os"])
def test_another_app_kernel_or_system_times_anew(
    monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    before = tuning_key()
    assert given() == ""
    if change == "VERSION":
        monkeypatch.setattr(kept_tuning, "VERSION", "0.0")
    elif change == "metal_sources":
        monkeypatch.setattr(kept_tuning, "metal_sources", list)
    elif change == "platform":
        monkeypatch.setattr("platform.mac_ver", lambda: ("99.9", ("", "", ""), "arm64"))
    else:
        system = os.uname()
        other = os.uname_result((*system[:3], "another build", system.machine))
        monkeypatch.setattr("os.uname", lambda: other)
    assert tuning_key() != before
    assert given() == ""


@pytest.mark.usefixtures("opened")
def test_a_cache_that_cannot_be_written_costs_a_timing() -> None:
    tuning_file().parent.parent.mkdir(parents=True, exist_ok=True)
    tuning_file().parent.write_text("a file in the folder's place")
    assert given() == ""
    assert given() == ""


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(("wish", "wanted"), [(0, 3), (1, 1), (3, 3), (4, 3), (-1, -1)])
def test_no_more_threads_than_processors(
    monkeypatch: pytest.MonkeyPatch, wish: int, wanted: int
) -> None:
    """A wish is the most that there are; one that makes no sense is the engine's to refuse."""
    monkeypatch.setattr(machine_processors, "machine_processors", lambda: 3)
    engine: Any = open_engine(threads=wish)
    assert engine.threads == wanted

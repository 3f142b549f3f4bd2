"""The first start on a new account: an empty home, and the real engine's process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.application import Application
from app.generation.engine_child import engine_command
from app.generation.engine_client import EngineClient
from app.paths import cache_folder, data_folder, log_folder, pictures_folder
from app.settings import Settings
from app.ui.canvas.first_run import FirstRun

LIMIT_MS = 60_000
SLOW_START = "import sys, time; time.sleep(1.5); from app.generation.engine_process import main; "


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing in it, and nothing that leads elsewhere."""
    for name in ("AQUATINT_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "newcomer"))
    (tmp_path / "newcomer").mkdir()
    return tmp_path / "newcomer"


@pytest.fixture
def client() -> EngineClient:
    """An engine that takes its time, as Metal's compiler does at the first start."""

    def command(descriptor: int) -> list[str]:
        python = engine_command(descriptor)[0]
        return [python, "-P", "-c", f"{SLOW_START}sys.exit(main(['{descriptor}']))"]

    return EngineClient(command=command)


@pytest.fixture
def shown(qapp: QApplication, home: Path, client: EngineClient) -> Iterator[Application]:
    application = Application(qapp, client, Settings())
    application.show()
    yield application
    application.quit()
    for part in (application.window, application):
        part.deleteLater()
        QApplication.sendPostedEvents(part, QEvent.Type.DeferredDelete)
    qapp.setStyleSheet("")


def test_the_window_is_usable_while_the_engine_is_checked(
    qtbot: QtBot, home: Path, shown: Application
) -> None:
    qtbot.waitExposed(shown.window)
    editor = shown.panel.prompt_panel.prompt.editor
    editor.selectAll()
    qtbot.keyClicks(editor, "a red apple")
    assert shown.draft.request.prompt == "a red apple"
    assert not shown.backend_panel.report, "the engine was ready before anything was typed"
    shown.draft.set(steps=2, seed=3)
    first_run = shown.canvas.findChild(FirstRun)
    with qtbot.waitSignal(shown.workbench.pictures_kept, timeout=LIMIT_MS) as kept:
        qtbot.mouseClick(first_run.button, Qt.MouseButton.LeftButton)
    (entry,) = kept.args[0]
    assert shown.backend_panel.report
    assert entry.path.is_relative_to(home / "Pictures" / "Aquatint")
    assert entry.path.is_file()
    shown.quit()
    kept = {path.name for path in data_folder().iterdir()}
    assert {"settings.json", "queue.json", "gallery.db"} <= kept
    assert (log_folder() / "engine.log").is_file()
    assert cache_folder().is_dir()
    ours = (data_folder(), log_folder(), cache_folder(), pictures_folder())
    for file in (path for path in home.rglob("*") if path.is_file()):
        assert any(file.is_relative_to(folder) for folder in ours), file

"""A mask in the whole window: painted, drawn by the real engine, kept with a job over a restart."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.generation.engine_client import EngineClient
from app.generation.job import JobState
from app.library.picture_file import save_png
from tests.ui.window.test_application import REAL_LIMIT_MS, Open, generate, open_app

__all__ = ["open_app"]  # a fixture


def test_a_mask_is_painted_drawn_by_the_real_engine_and_kept_with_a_waiting_job(
    qtbot: QtBot, open_app: Open, tmp_path: Path
) -> None:
    first = tmp_path / "first.png"
    save_png(first, bytes((40, 90, 200)) * (64 * 64), (64, 64), "")
    shown = open_app(client=EngineClient())
    shown.draft.set(init_image=first, width=64, height=64, mask_blur=0)
    qtbot.mouseClick(shown.init_panel.mask_button, Qt.MouseButton.LeftButton)
    painter = shown.mask_desk.editor.painter
    painter.set_diameter(20)
    qtbot.mouseClick(painter, Qt.MouseButton.LeftButton, pos=painter.rect().center())
    with qtbot.waitSignal(shown.workbench.pictures_kept, timeout=REAL_LIMIT_MS) as kept:
        generate(shown, "a fox", steps=2, seed=3)
    assert not shown.mask_desk.is_open
    picture = QImage(str(kept.args[0][0].path))
    assert picture.pixelColor(32, 32).name() != "#285ac8"
    assert {picture.pixelColor(x, 5).name() for x in range(64)} == {"#285ac8"}
    mask = shown.draft.request.mask_image
    assert mask
    shown.queue.paused = True
    generate(shown, "a waiting fox")
    shown.draft.set(mask_image=None)
    shown.quit()
    again = open_app()
    (waiting,) = (job for job in again.queue.jobs() if job.state is JobState.QUEUED)
    assert waiting.request.mask_image == mask
    qtbot.wait(1)  # what can wait until the window stands, such as tidying masks
    assert mask.exists()
    again.workbench.edit(waiting.id)
    assert again.init_panel.mask_button.text() == "Edit mask"

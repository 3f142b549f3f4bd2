"""The picture to begin from: dropped, pasted, chosen, refused."""

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QSlider, QToolButton
from pytestqt.qtbot import QtBot

from app.checkpoint.description import GenerationDefaults
from app.engine.types import Sampler, Schedule
from app.generation.request import GenerationRequest
from app.ui.draft.request_draft import RequestDraft
from app.ui.sidebar.init_image_panel import InitImagePanel
from app.ui.sidebar.picture_well import PictureWell
from tests.ui.canvas.shown_pictures import image


@pytest.fixture
def draft(qtbot: QtBot) -> RequestDraft:
    defaults = GenerationDefaults(
        width=256,
        height=256,
        steps=20,
        sampler=Sampler.EULER,
        schedule=Schedule.NORMAL,
        cfg_scale=5.0,
    )
    return RequestDraft(GenerationRequest(prompt="a fox"), defaults)


@pytest.fixture
def panel(draft: RequestDraft, qtbot: QtBot) -> InitImagePanel:
    made = InitImagePanel(draft)
    made.resize(308, 200)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "fox.png"
    assert image("#ff0000", 120, 80).save(str(path))
    return path


def well(panel: InitImagePanel) -> PictureWell:
    found = panel.findChild(PictureWell)
    assert found
    return found


def files(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drag_in(panel: InitImagePanel, data: QMimeData) -> bool:
    """Whether the well would take it."""
    event = QDragEnterEvent(
        well(panel).rect().center(),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    event.ignore()
    QApplication.sendEvent(well(panel), event)
    return event.isAccepted()


def drop(panel: InitImagePanel, data: QMimeData) -> None:
    assert drag_in(panel, data)
    event = QDropEvent(
        QPointF(well(panel).rect().center()),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(well(panel), event)


def visible_texts(panel: InitImagePanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]


def test_a_dropped_picture_is_in_the_draft(
    panel: InitImagePanel, draft: RequestDraft, picture: Path
) -> None:
    assert visible_texts(panel) == []
    drop(panel, files(picture))
    assert draft.request.init_image == picture
    assert {"fox.png", "120 × 80"} <= set(visible_texts(panel))
    seen = well(panel).grab().toImage()
    assert seen.pixelColor(seen.width() // 2, seen.height() // 2).name() == "#ff0000"


def test_text_is_no_picture(panel: InitImagePanel) -> None:
    data = QMimeData()
    data.setText("a fox")
    assert not drag_in(panel, data)


def test_a_drag_that_goes_away_leaves_no_light(panel: InitImagePanel, picture: Path) -> None:
    before = well(panel).grab().toImage()
    drag_in(panel, files(picture))
    assert well(panel).grab().toImage() != before
    QApplication.sendEvent(well(panel), QDragLeaveEvent())
    assert well(panel).grab().toImage() == before


def test_what_is_no_picture_is_refused_with_a_sentence(
    panel: InitImagePanel, draft: RequestDraft, tmp_path: Path, picture: Path
) -> None:
    words = tmp_path / "words.txt"
    words.write_text("no picture")
    drop(panel, files(words))
    assert draft.request.init_image is None
    assert any("words.txt cannot be read" in text for text in visible_texts(panel))
    drop(panel, files(picture))
    assert not any("cannot be read" in text for text in visible_texts(panel))


def test_strength_by_slider(panel: InitImagePanel, draft: RequestDraft, picture: Path) -> None:
    drop(panel, files(picture))
    slider = panel.findChild(QSlider)
    assert slider
    slider.setValue(slider.minimum() + (slider.maximum() - slider.minimum()) // 5)
    assert draft.request.denoise_strength == pytest.approx(0.2)
    assert any("small things" in text for text in visible_texts(panel))


def test_it_follows_a_draft_that_is_changed_elsewhere(
    panel: InitImagePanel, draft: RequestDraft, picture: Path
) -> None:
    draft.set(init_image=picture, denoise_strength=0.5)
    slider = panel.findChild(QSlider)
    assert slider
    assert slider.value() == (slider.minimum() + slider.maximum()) // 2
    draft.set(init_image=None)
    assert visible_texts(panel) == []


def test_a_file_that_is_gone_is_named(
    panel: InitImagePanel, draft: RequestDraft, tmp_path: Path
) -> None:
    draft.set(init_image=tmp_path / "gone.png")
    assert any("gone" in text and "choose" in text for text in visible_texts(panel))


def test_keys_choose_paste_and_remove(
    panel: InitImagePanel,
    draft: RequestDraft,
    picture: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    well(panel).setFocus()
    QApplication.clipboard().setMimeData(files(picture))
    qtbot.keyClick(well(panel), Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert draft.request.init_image == picture
    qtbot.keyClick(well(panel), Qt.Key.Key_Delete)
    assert draft.request.init_image is None
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(picture), ""))
    qtbot.keyClick(well(panel), Qt.Key.Key_Space)
    assert draft.request.init_image == picture


def test_a_click_chooses_and_the_button_removes(
    panel: InitImagePanel,
    draft: RequestDraft,
    picture: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([("", ""), (str(picture), "")])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: next(answers))
    qtbot.mouseClick(well(panel), Qt.MouseButton.LeftButton)
    assert draft.request.init_image is None
    qtbot.mouseClick(well(panel), Qt.MouseButton.LeftButton)
    assert draft.request.init_image == picture
    remove = next(b for b in panel.findChildren(QToolButton) if "noise" in b.toolTip())
    qtbot.mouseClick(remove, Qt.MouseButton.LeftButton)
    assert draft.request.init_image is None

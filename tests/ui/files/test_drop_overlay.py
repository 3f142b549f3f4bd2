"""What a drag over the window shows and does, by events as the system sends them to the window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragLeaveEvent, QDragMoveEvent
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.ui.files.drop_overlay import DropAction, DropDescription, DropOverlay
from app.ui.files.dropped_content import describe_drop
from tests.checkpoint.model_files import HEADS, ldm_arrays
from tests.gguf_files import write_gguf
from tests.ui.gallery.gallery_set_up import drag_at, drop_at

FILES = [Path("/pictures/a.png"), Path("/pictures/b.png")]
ACTIONS = (
    DropAction(word="use", label="Use it where it is", detail="Nothing is copied"),
    DropAction(word="copy", label="Copy"),
    DropAction(word="move", label="Move"),
)


class Stage:
    """A window that is full of a field of text, which would take every drop."""

    def __init__(self) -> None:
        self.described: list[list[Path]] = []
        self.actions = ACTIONS
        self.window = QWidget()
        self.window.resize(700, 500)
        self.text = QPlainTextEdit()
        QVBoxLayout(self.window).addWidget(self.text)
        self.overlay = DropOverlay(self.window, self.describe)

    def describe(self, files: list[Path]) -> DropDescription:
        self.described.append(files)
        detail = "A model." if self.actions else "This file is damaged."
        return DropDescription(
            title="dreamshaper", detail=detail, icon_name="model", actions=self.actions
        )

    def send(self, event) -> bool:
        QApplication.sendEvent(self.window.windowHandle(), event)
        return event.isAccepted()

    def enter(self, data: QMimeData, place: QPoint) -> bool:
        return self.send(drag_at(data, place)) and self.move(data, place)

    def move(self, data: QMimeData, place: QPoint) -> bool:
        copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        none = Qt.KeyboardModifier.NoModifier
        return self.send(QDragMoveEvent(place, copy, data, left, none))

    def place_of(self, row: int) -> QPoint:
        target = self.overlay._targets[row]
        return target.mapTo(self.window, target.rect().center())

    @property
    def lit(self) -> list[str]:
        return [target.action.word for target in self.overlay._targets if target.is_lit]


@pytest.fixture
def stage(qtbot) -> Iterator[Stage]:
    stage = Stage()
    qtbot.addWidget(stage.window)
    stage.window.show()
    return stage


@pytest.fixture
def data() -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in FILES])
    return data


def test_a_drag_says_what_it_is_before_it_is_let_go(stage: Stage, data: QMimeData) -> None:
    assert not stage.overlay.isVisible()
    assert stage.enter(data, QPoint(5, 5))
    assert stage.described == [FILES]
    assert stage.overlay.geometry() == stage.window.rect()
    texts = {label.text() for label in stage.overlay.findChildren(QLabel)}
    assert {"dreamshaper", "A model.", "Copy", "Move", "Nothing is copied"} <= texts
    assert stage.lit == ["use"]  # outside every field the first counts


@pytest.mark.parametrize("row", [0, 1, 2])
def test_letting_go_on_a_field(qtbot, stage: Stage, data: QMimeData, row: int) -> None:
    stage.enter(data, QPoint(5, 5))
    stage.move(data, stage.place_of(row))
    assert stage.lit == [ACTIONS[row].word]
    with qtbot.waitSignal(stage.overlay.dropped) as dropped:
        stage.send(drop_at(data, stage.place_of(row)))
    assert dropped.args == [FILES, ACTIONS[row].word]
    assert not stage.overlay.isVisible()
    assert stage.text.toPlainText() == ""  # the field of text below got nothing


def test_letting_go_beside_the_fields_does_the_first(qtbot, stage: Stage, data: QMimeData) -> None:
    stage.enter(data, QPoint(5, 5))
    with qtbot.waitSignal(stage.overlay.dropped) as dropped:
        stage.send(drop_at(data, QPoint(5, 5)))
    assert dropped.args == [FILES, "use"]


def test_a_drag_that_leaves(stage: Stage, data: QMimeData) -> None:
    stage.enter(data, QPoint(5, 5))
    stage.send(QDragLeaveEvent())
    assert not stage.overlay.isVisible()
    stage.actions = ACTIONS[:1]
    stage.enter(data, QPoint(9, 9))  # and comes back, with something else
    assert len(stage.described) == 2
    assert stage.lit == ["use"]
    assert stage.overlay.isVisible()


def test_what_cannot_be_used_is_refused_and_says_why(qtbot, stage: Stage, data: QMimeData) -> None:
    stage.actions = ()
    assert not stage.enter(data, QPoint(50, 50))
    texts = {label.text() for label in stage.overlay.findChildren(QLabel)}
    assert "This file is damaged." in texts
    with qtbot.assertNotEmitted(stage.overlay.dropped):
        stage.send(QDragLeaveEvent())  # what the system makes of letting go where nothing takes it
    assert not stage.overlay.isVisible()


def test_a_gguf_file_is_a_model(tmp_path: Path) -> None:
    """What the overlay says of one, and that it can be taken."""
    path = write_gguf(tmp_path / "small.gguf", ldm_arrays(), HEADS, "Q5_0")
    shown = describe_drop([path])
    assert (shown.title, shown.icon_name) == ("small", "model")
    assert "Q5_0" in shown.detail
    assert shown.actions


def test_text_goes_to_the_field_below(stage: Stage) -> None:
    data = QMimeData()
    data.setText("a red apple")
    assert stage.enter(data, QPoint(100, 100))
    assert not stage.overlay.isVisible()
    stage.send(drop_at(data, QPoint(100, 100)))
    assert stage.text.toPlainText() == "a red apple"


def test_the_window_may_change_its_size_meanwhile(stage: Stage, data: QMimeData) -> None:
    stage.enter(data, QPoint(5, 5))
    stage.window.resize(400, 300)
    assert stage.overlay.geometry() == stage.window.rect()
    inside = stage.overlay._card.geometry()
    assert stage.overlay.rect().contains(inside)

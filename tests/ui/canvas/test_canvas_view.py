"""The middle of the window: pictures, previews, the strip, what is asked for."""

from pathlib import Path

import pytest
from PySide6.QtCore import SIGNAL, QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QDrag
from PySide6.QtWidgets import QLabel, QToolButton
from pytestqt.qtbot import QtBot

from app.ui.canvas.canvas import CompareMode
from app.ui.canvas.canvas_view import CanvasView
from app.ui.canvas.film_strip import FilmStrip
from app.ui.parts.action_button import ActionButton
from app.ui.pictures.picture_drag import picture_data
from tests.ui.canvas.shown_pictures import image, shown


@pytest.fixture
def view(qtbot: QtBot) -> CanvasView:
    made = CanvasView()
    made.resize(700, 560)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitExposed(made)
    return made


def strip(view: CanvasView) -> FilmStrip:
    found = view.findChild(FilmStrip)
    assert found
    return found


def color(view: CanvasView) -> str:
    seen = view.canvas.grab().toImage()
    return seen.pixelColor(seen.width() // 2, seen.height() // 2).name()


def texts(view: CanvasView) -> str:
    return " ".join(label.text() for label in view.findChildren(QLabel) if label.isVisible())


def test_at_first_it_says_what_to_do(view: CanvasView) -> None:
    assert "Generate" in texts(view)
    assert not view.canvas_actions.fit.isEnabled()
    assert not view.canvas.isVisible()


def test_another_widget_may_stand_where_there_is_no_picture(
    view: CanvasView, tmp_path: Path
) -> None:
    first_run = QLabel("Welcome")
    view.show_empty(first_run)
    assert "Welcome" in texts(view)
    view.show_batch([shown(tmp_path, 1, "#ff0000")])
    assert not first_run.isVisible()


def test_a_picture_and_what_it_says(view: CanvasView, tmp_path: Path, qtbot: QtBot) -> None:
    picture = shown(tmp_path, 1, "#ff0000")
    with qtbot.waitSignal(view.current_changed) as changed:
        view.show_picture(picture.image, picture.entry)
    assert changed.args == [picture]
    assert view.current == picture
    assert color(view) == "#ff0000"
    assert "64 × 64 · mini · seed 101" in texts(view)
    assert "%" in texts(view)
    assert not strip(view).isVisible()


def test_a_preview_comes_and_goes(view: CanvasView, tmp_path: Path) -> None:
    picture = shown(tmp_path, 1, "#ff0000")
    view.show_picture(picture.image, picture.entry)
    view.show_preview(image("#00ff00", 8, 8), 3, 20, QSize(64, 64))
    assert color(view) == "#00ff00"
    assert "Step 3 of 20" in texts(view)
    assert view.current is None
    assert not view.canvas_actions.delete.isEnabled()
    view.end_preview()
    assert color(view) == "#ff0000"
    assert view.current == picture


def test_a_first_preview_that_comes_to_nothing_leaves_it_empty(view: CanvasView) -> None:
    view.show_preview(image("#00ff00"), 1, 20)
    assert view.canvas.isVisible()
    view.end_preview()
    assert "Generate" in texts(view)


def test_a_first_run_comes_back_where_its_preview_came_to_nothing(view: CanvasView) -> None:
    first_run = QLabel("Welcome")
    view.show_empty(first_run)
    view.show_preview(image("#00ff00"), 1, 20)
    assert not first_run.isVisible()
    view.end_preview()
    assert first_run.isVisible()


def test_the_strip_chooses_by_mouse_and_by_keys(
    view: CanvasView, tmp_path: Path, qtbot: QtBot
) -> None:
    batch = [shown(tmp_path, n, c) for n, c in enumerate(("#ff0000", "#00ff00", "#0000ff"))]
    view.show_batch(batch)
    row = strip(view)
    assert row.isVisible()
    third = row.visualRect(row.model().index(2, 0)).center()
    qtbot.mouseClick(row.viewport(), Qt.MouseButton.LeftButton, pos=third)
    assert view.current == batch[2]
    assert color(view) == "#0000ff"
    view.canvas.setFocus()
    qtbot.keyClick(view.canvas, Qt.Key.Key_Left)
    assert view.current == batch[1]
    assert row.place == 1
    row.setFocus()
    qtbot.keyClick(row, Qt.Key.Key_Left)
    assert view.current == batch[0]


def test_a_deleted_picture_leaves_its_neighbour(view: CanvasView, tmp_path: Path) -> None:
    batch = [shown(tmp_path, n, c) for n, c in enumerate(("#ff0000", "#00ff00"), start=1)]
    view.show_batch(batch)
    view.remove(99)
    assert view.current == batch[0]
    view.remove(1)
    assert view.current == batch[1]
    assert not strip(view).isVisible()
    view.remove(2)
    assert view.current is None
    assert "Generate" in texts(view)


@pytest.mark.parametrize("word", ["use_settings", "use_seed", "delete"])
def test_wishes_for_the_entry(view: CanvasView, tmp_path: Path, qtbot: QtBot, word: str) -> None:
    picture = shown(tmp_path, 1, "#ff0000")
    view.show_batch([picture])
    action = getattr(view.canvas_actions, word)
    button = next(b for b in view.findChildren(ActionButton) if b.action is action)
    with qtbot.waitSignal(getattr(view, f"{word}_requested")) as wish:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert wish.args == [picture.entry]


@pytest.mark.parametrize("word", ["reveal", "use_as_init"])
def test_wishes_for_the_file(view: CanvasView, tmp_path: Path, qtbot: QtBot, word: str) -> None:
    view.show_batch([shown(tmp_path, 1, "#ff0000")])
    with qtbot.waitSignal(getattr(view, f"{word}_requested")) as wish:
        getattr(view.canvas_actions, word).trigger()
    assert wish.args == [tmp_path / "1.png"]


def test_keys_copy_and_delete(view: CanvasView, tmp_path: Path, qtbot: QtBot) -> None:
    picture = shown(tmp_path, 1, "#ff0000")
    view.show_batch([picture])
    view.activateWindow()
    view.canvas.setFocus()
    with qtbot.waitSignal(view.copy_requested) as copied:
        qtbot.keyClick(view.canvas, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert copied.args == [picture]
    with qtbot.waitSignal(view.delete_requested):
        qtbot.keyClick(view.canvas, Qt.Key.Key_Backspace)


def test_a_picture_that_is_not_kept_can_only_be_copied(view: CanvasView) -> None:
    view.show_picture(image("#ff0000"))
    act = view.canvas_actions
    assert act.copy.isEnabled()
    rest = (act.reveal, act.use_settings, act.use_seed, act.use_as_init, act.delete)
    assert not any(action.isEnabled() for action in rest)


def test_compare_with_the_picture_before(view: CanvasView, tmp_path: Path) -> None:
    act = view.canvas_actions
    view.show_batch([shown(tmp_path, 1, "#ff0000", 256)])
    assert not act.split.isEnabled()
    view.show_batch([shown(tmp_path, 2, "#0000ff", 256)])
    act.split.trigger()
    assert view.canvas.mode is CompareMode.SPLIT
    act.side_by_side.trigger()
    assert view.canvas.mode is CompareMode.SIDE_BY_SIDE
    assert not act.split.isChecked()
    act.side_by_side.trigger()
    assert view.canvas.mode is CompareMode.NONE


def test_compare_with_a_given_picture_until_another_is_shown(
    view: CanvasView, tmp_path: Path
) -> None:
    view.show_batch([shown(tmp_path, 1, "#ff0000", 256)])
    view.set_compare(image("#00ff00", 256, 256), "Began from")
    view.canvas_actions.side_by_side.trigger()
    seen = view.canvas.grab().toImage()
    assert seen.pixelColor(seen.width() // 4, seen.height() // 2).name() == "#00ff00"
    view.set_compare(None)
    assert view.canvas.mode is CompareMode.NONE


def test_a_dragged_picture_is_its_file(
    view: CanvasView, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[QDrag] = []
    monkeypatch.setattr(QDrag, "exec", lambda drag, *_: carried.append(drag))
    view.show_batch([shown(tmp_path, 1, "#ff0000")])
    middle = view.canvas.rect().center()
    qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=middle)
    qtbot.mouseMove(view.canvas, middle + QPoint(30, 30))
    assert carried[0].mimeData().urls() == [QUrl.fromLocalFile(str(tmp_path / "1.png"))]
    assert not carried[0].pixmap().isNull()


def test_a_picture_of_the_strip_is_carried_as_its_file(view: CanvasView, tmp_path: Path) -> None:
    view.show_batch([shown(tmp_path, n, "#ff0000") for n in (1, 2)])
    model = strip(view).model()
    data = model.mimeData([model.index(1, 0)])
    assert data.urls() == [QUrl.fromLocalFile(str(tmp_path / "2.png"))]
    assert data.hasImage()
    assert strip(view).dragEnabled()
    assert model.flags(model.index(1, 0)) & Qt.ItemFlag.ItemIsDragEnabled


def test_data_without_a_file_is_the_image() -> None:
    data = picture_data([], image("#ff0000"))
    assert data.hasImage()
    assert not data.hasUrls()


def test_a_right_click_offers_what_can_be_done(view: CanvasView, tmp_path: Path) -> None:
    view.show_batch([shown(tmp_path, 1, "#ff0000")])
    assert view.canvas.contextMenuPolicy() is Qt.ContextMenuPolicy.ActionsContextMenu
    assert view.canvas_actions.delete in view.canvas.actions()


def test_every_button_says_what_it_does(view: CanvasView) -> None:
    for button in view.findChildren(QToolButton):
        assert button.accessibleName()
        assert button.toolTip().endswith(".")


def test_buttons_follow_their_actions_by_one_connection_each(view: CanvasView) -> None:
    buttons = view.findChildren(ActionButton)
    before = [button.action.receivers(SIGNAL("changed()")) for button in buttons]
    for state in (True, False) * 5:
        for button in buttons:
            button.action.setEnabled(state)
            assert button.isEnabled() is state
    assert [button.action.receivers(SIGNAL("changed()")) for button in buttons] == before
    act = view.canvas_actions.split
    act.setChecked(True)
    assert all(button.isChecked() for button in buttons if button.action is act)

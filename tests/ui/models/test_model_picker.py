"""The model picker under real keys, clicks and drops."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from app.library.model_entry import KnownFolder, ModelEntry, ModelKind
from app.ui.models.model_choice import ModelChoice, choice_of
from app.ui.models.model_picker import ModelPicker
from app.ui.parts import theme
from tests.ui.gallery.gallery_set_up import drag_at, drop_at, write_picture

GIB = 1 << 30
FOLDER = Path("/models")


def entry(name: str, kind: ModelKind, family: str, sentence: str = "") -> ModelEntry:
    return ModelEntry(
        path=FOLDER / f"{name}.safetensors",
        kind=kind,
        family=family,
        title=name,
        dtype_label="f16",
        size_bytes=2 * GIB,
        modified_ns=0,
        sentence=sentence,
    )


MINI = ModelChoice(
    path=None, title="Zebra mini", family="sd1", dtype_label="f16", size_bytes=80 << 20
)
DREAM = choice_of(entry("dreamshaper", ModelKind.CHECKPOINT, "sd1"))
BIG = choice_of(entry("pruned", ModelKind.CHECKPOINT, "sd1"))
REFUSED = choice_of(
    entry("a_first_by_name", ModelKind.REFUSED, "sdxl", "Not this one: choose two.")
)


@pytest.fixture
def picker(qtbot) -> Iterator[ModelPicker]:
    picker = ModelPicker()
    qtbot.addWidget(picker)
    picker.set_choices([REFUSED, BIG, DREAM, MINI])
    picker.set_current(DREAM.path, None)
    picker.show()
    picker.search.setFocus()
    yield picker
    picker.close_down()


def titles(picker: ModelPicker) -> list[str]:
    model = picker.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def told(picker: ModelPicker, row: int) -> str:
    return picker.list.model().index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole)


def test_the_mini_model_is_first_and_refused_files_are_last(picker: ModelPicker) -> None:
    assert titles(picker) == ["Zebra mini", "dreamshaper", "pruned", "a_first_by_name"]
    assert picker.list.currentIndex().row() == 1  # the one in use
    assert "Comes with the app · SD 1.5 · f16 · 80 MB" in told(picker, 0)
    assert "Not this one: choose two." in told(picker, 3)


def test_typing_finds_and_return_chooses(qtbot, picker: ModelPicker) -> None:
    qtbot.keyClicks(picker.search, "1.5 PRUN")
    assert titles(picker) == ["pruned"]
    with qtbot.waitSignal(picker.model_chosen) as chosen:
        qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert chosen.args == [BIG.path]
    assert not picker.isVisible()


def test_arrows_in_the_search_field_walk(qtbot, picker: ModelPicker) -> None:
    with qtbot.waitSignal(picker.model_highlighted) as lit:
        qtbot.keyClick(picker.search, Qt.Key.Key_Up)
    assert lit.args == [MINI]
    with qtbot.waitSignal(picker.model_chosen) as chosen:
        qtbot.mouseClick(picker.use_button, Qt.MouseButton.LeftButton)
    assert chosen.args == [None]


def test_return_chooses_once(qtbot, picker: ModelPicker) -> None:
    chosen = []
    picker.model_chosen.connect(chosen.append)
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert chosen == [DREAM.path]


def test_a_double_click_chooses(qtbot, picker: ModelPicker) -> None:
    place = picker.list.visualRect(picker.list.model().index(2, 0)).center()
    qtbot.mouseClick(picker.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(picker.model_chosen) as chosen:
        qtbot.mouseDClick(picker.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert chosen.args == [BIG.path]


def test_a_refused_file_cannot_be_used(qtbot, picker: ModelPicker) -> None:
    qtbot.keyClicks(picker.search, "a_first")
    assert not picker.use_button.isEnabled()
    with qtbot.assertNotEmitted(picker.model_chosen):
        qtbot.keyClick(picker.search, Qt.Key.Key_Return)
        place = picker.list.visualRect(picker.list.model().index(0, 0)).center()
        qtbot.mouseDClick(picker.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert picker.isVisible()


def test_nothing_found_is_said(qtbot, picker: ModelPicker) -> None:
    qtbot.keyClicks(picker.search, "nothing like it")
    assert titles(picker) == []
    assert picker.state_label.text() == "No model is called that."
    assert not picker.use_button.isEnabled()


def reddish(picker: ModelPicker, row: int) -> int:
    """How many pixels of a row wear the colour of danger."""
    image = picker.list.viewport().grab().toImage()
    place = picker.list.visualRect(picker.list.model().index(row, 0))
    danger = QColor(theme.colors().danger)
    return sum(
        QColor(image.pixel(x, y)) == danger
        for x in range(place.left(), place.right())
        for y in range(place.top(), place.bottom())
    )


def test_need_is_held_against_what_is_free(picker: ModelPicker) -> None:
    picker.set_need(DREAM.path, 3 * GIB)
    picker.set_need(BIG.path, 6 * GIB)
    picker.set_free(5 * GIB)
    assert "Needs 3.0 GB" in told(picker, 1)
    assert "free" not in told(picker, 1)
    assert "Needs 6.0 GB of 5.0 GB free" in told(picker, 2)
    assert picker.free_label.text() == "5.0 GB of memory free"
    assert reddish(picker, 1) == 0
    assert reddish(picker, 2) > 5
    picker.set_free(None)
    assert "of 5.0 GB free" not in told(picker, 2)
    assert picker.free_label.text() == ""


def test_a_picture_made_with_it_is_shown(qtbot, picker: ModelPicker, tmp_path: Path) -> None:
    picture = write_picture(tmp_path / "a.png", 3)
    shown = ModelChoice(
        path=DREAM.path,
        title="dreamshaper",
        family="sd1",
        dtype_label="f16",
        size_bytes=1,
        picture=picture,
    )
    picker.set_choices([MINI, shown])
    place = picker.list.visualRect(picker.list.model().index(1, 0))
    spot = QPoint(place.left() + 30, place.center().y())

    def blue() -> int:
        return picker.list.viewport().grab().toImage().pixelColor(spot).blue()

    qtbot.waitUntil(lambda: abs(blue() - 160) < 8)


def test_pictures_that_are_shown_no_more_are_let_go(qtbot, picker, tmp_path: Path) -> None:
    """Each finished picture is the newest of its model: the one before must not stay in memory."""
    shown = [replace(MINI, picture=write_picture(tmp_path / f"{n}.png", n)) for n in range(3)]
    model = picker.list.model()
    for choice in shown:
        picker.set_choices([choice, BIG])
        qtbot.waitUntil(lambda choice=choice: model.image(choice) is not None)
    assert [model.image(choice) is not None for choice in shown] == [False, False, True]


def test_choices_that_change_keep_the_highlight(picker: ModelPicker) -> None:
    picker.list.setCurrentIndex(picker.list.model().index(2, 0))
    picker.set_choices([MINI, BIG])
    assert picker.list.currentIndex().data() == "pruned"


def test_the_vae(qtbot, picker: ModelPicker) -> None:
    assert not picker.vaes.isEnabled()
    better = entry("better_vae", ModelKind.VAE, "vae")
    picker.set_vaes([better])
    assert picker.vaes.currentText() == "The model's own"
    picker.vaes.setFocus()
    with qtbot.waitSignal(picker.vae_chosen) as chosen:
        qtbot.keyClick(picker.vaes, Qt.Key.Key_Down)
    assert chosen.args == [better.path]
    picker.set_current(DREAM.path, None)
    assert picker.vaes.currentText() == "The model's own"


def test_folders(qtbot, picker: ModelPicker) -> None:
    with qtbot.waitSignal(picker.add_folder_requested) as asked:
        qtbot.mouseClick(picker.folders_button, Qt.MouseButton.LeftButton)
    assert asked.args == [None]
    other = KnownFolder(program="ComfyUI", path=Path("/comfy/models"))
    picker.set_folders([FOLDER], [other])
    menu = picker.folders_menu()
    labels = [action.text() for action in menu.actions()]
    assert labels == ["Add folder…", "Use the models of ComfyUI", "", str(FOLDER)]
    with qtbot.waitSignal(picker.add_folder_requested) as asked:
        menu.actions()[1].trigger()
    assert asked.args == [other.path]
    below = menu.actions()[3].menu().actions()
    for action, signal in zip(
        below, (picker.reveal_requested, picker.remove_folder_requested), strict=True
    ):
        with qtbot.waitSignal(signal) as asked:
            action.trigger()
        assert asked.args == [FOLDER]


def test_looking_is_said(picker: ModelPicker) -> None:
    picker.set_scanning(True)
    assert picker.state_label.text() == "Looking for models…"
    picker.set_scanning(False)
    assert picker.state_label.text() == "or drop a model file here"


def test_files_dropped_are_handed_on(qtbot, picker: ModelPicker) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/x/new.safetensors"), QUrl("https://example.org/a")])
    enter = drag_at(data, QPoint(50, 50))
    QApplication.sendEvent(picker, enter)
    assert enter.isAccepted()
    assert picker.state_label.text() == "Let go to add"
    with qtbot.waitSignal(picker.files_dropped) as dropped:
        QApplication.sendEvent(picker, drop_at(data, QPoint(50, 50)))
    assert dropped.args == [[Path("/x/new.safetensors")]]


def test_text_is_not_taken_for_files(picker: ModelPicker) -> None:
    data = QMimeData()
    data.setText("hello")
    enter = drag_at(data, QPoint(50, 50))
    enter.ignore()
    QApplication.sendEvent(picker, enter)
    assert not enter.isAccepted()

"""A walk through the window in Chinese: no sentence that one can meet there is still English."""

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QAbstractItemModel, QEvent, QMimeData, QPoint, Qt, QTranslator, QUrl
from PySide6.QtGui import QAction, QDragLeaveEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTableWidget,
    QTextBrowser,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.application import Application
from app.engine.types import Condition, Pressure, Thermal
from app.generation.add_ons import EmbeddingReceipt, LoraReceipt
from app.generation.memory_fit import Saving, refusal, savings_note
from app.generation.messages import Plan, Ready
from app.library.image_metadata import SAMPLER_LABELS, SCHEDULE_LABELS
from app.library.model_library import describe_model
from app.library.picture_file import save_png
from app.paths import resource_path
from app.settings import Settings
from app.ui.draft.abilities import Abilities
from app.ui.files.dropped_content import DropWord
from app.ui.gallery.import_report import ImportReportDialog
from app.ui.gallery.picture_import import import_pictures
from app.ui.models.model_choice import choice_of
from app.ui.prompt.examples import FIRST_PROMPT, MINI_PROMPTS
from app.ui.window.menus import Command
from tests import fake_engine
from tests.fake_engine_client import FakeEngineClient
from tests.ui.gallery.gallery_set_up import drag_at, fill

OWN_NAMES = (
    *SAMPLER_LABELS.values(),
    *SCHEDULE_LABELS.values(),
    *MINI_PROMPTS,
    FIRST_PROMPT,
    *("Aquatint Mini", "Apple Silicon", "Stable Diffusion", "Clip skip", "CFG scale", "NVIDIA GPU"),
    *("a fox", "DPM++ 2M", "Euler a", "Microsoft Fluent Emoji"),
)
"""What is called so in Chinese too: samplers, models, prompts that the small model knows."""
LATIN = re.compile(r"[A-Za-z][a-z']+(?: [A-Za-z][a-z']+)+")
"""Two words or more beside each other."""
GIB = 1 << 30
PATH = re.compile(r"(?:[/\\][^ /\\，；。：、]+){2,}")


def texts_of(widget: QWidget) -> Iterator[str]:
    """All that a widget says: on itself, when pointed at, and to a reader of the screen."""
    yield from (widget.toolTip(), widget.accessibleName(), widget.accessibleDescription())
    if isinstance(widget, QLabel | QAbstractButton):
        yield re.sub("<[^>]*>", " ", widget.text())
    if isinstance(widget, QGroupBox):
        yield widget.title()
    if isinstance(widget, QLineEdit | QPlainTextEdit):
        yield widget.placeholderText()
    if isinstance(widget, QPlainTextEdit) and widget.isReadOnly():
        yield widget.toPlainText()
    if isinstance(widget, QComboBox):
        yield from (widget.itemText(place) for place in range(widget.count()))
    if isinstance(widget, QAbstractItemView) and not isinstance(widget, QTableWidget):
        yield from rows_of(widget.model())
    if isinstance(widget, QTableWidget):
        for column in range(widget.columnCount()):
            yield widget.horizontalHeaderItem(column).text()
    if widget.isWindow():
        yield widget.windowTitle()
    for action in widget.actions():
        yield from (action.text(), action.toolTip(), action.statusTip())


def rows_of(model: QAbstractItemModel | None) -> Iterator[str]:
    roles = (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    for row in range(model.rowCount() if model else 0):
        for role in roles:
            said = model.index(row, 0).data(role)
            yield said if isinstance(said, str) else ""


def english_in(top: QWidget) -> list[str]:
    """The English phrases in what is seen of a window."""
    found = []
    for widget in (top, *top.findChildren(QWidget)):
        if not widget.isVisible() or isinstance(widget, QTextBrowser):
            continue
        for text in texts_of(widget):
            rest = PATH.sub(" / ", text)
            for name in sorted(OWN_NAMES, key=len, reverse=True):
                rest = rest.replace(name, "-")
            found += [f"{type(widget).__name__}: {text}"] if LATIN.search(rest) else []
    return found


def english_now() -> list[str]:
    """The same of all windows of the app."""
    windows = [w for w in QApplication.topLevelWidgets() if w.isVisible()]
    return [text for window in windows for text in english_in(window)]


@pytest.fixture
def shown(qapp: QApplication, tmp_path: Path, monkeypatch) -> Iterator[Application]:
    """The window in Chinese, with a small gallery and an engine that answers when it is told to."""
    monkeypatch.setenv("AQUATINT_HOME", str(tmp_path))
    translator = QTranslator()
    assert translator.load(str(resource_path("translations/zh_CN.qm")))
    qapp.installTranslator(translator)
    fill(tmp_path / "pictures")
    settings = dataclasses.replace(Settings(), gallery_folders=(tmp_path / "pictures",))
    shown = Application(qapp, FakeEngineClient(), settings)
    shown.window.resize(1400, 900)
    shown.show()
    yield shown
    shown.quit()
    for part in (shown.window, shown):
        part.deleteLater()
        QApplication.sendPostedEvents(part, QEvent.Type.DeferredDelete)
    qapp.removeTranslator(translator)
    qapp.setStyleSheet("")


def fake(shown: Application) -> FakeEngineClient:
    assert isinstance(shown.client, FakeEngineClient)
    return shown.client


def make(shown: Application, **told: object) -> None:
    """One picture from the fake engine, of which the message tells so much."""
    shown.draft.set(prompt="a fox", width=64, height=64)
    shown.menus.action(Command.GENERATE).trigger()
    client = fake(shown)
    start = client._take()
    client.finished.emit(dataclasses.replace(fake_engine.finished(start), **told))


def test_the_scan_finds_what_is_english(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    label, hidden = (QLabel(text, window) for text in ("写下来 then press", "not seen"))
    named = QWidget(window)
    hidden.hide()
    named.setAccessibleName("Start it again")
    QLabel("Aquatint Mini · Euler a · 256", window)
    window.show()
    hidden.hide()
    assert english_in(window) == ["QLabel: 写下来 then press", "QWidget: Start it again"]
    label.setToolTip("写下来")
    assert len(english_in(window)) == 2


def test_the_first_start_and_every_menu(shown: Application, qtbot: QtBot) -> None:
    assert not english_now()
    qtbot.waitUntil(lambda: shown.gallery_model.rowCount() > 0)
    for action in shown.window.findChildren(QAction):
        for text in (action.text(), action.statusTip()):
            assert not LATIN.search(text), text
    shown.panel.settings_panel.advanced.click()
    shown.draft.set(negative_prompt="a fox")
    assert not english_now()


SENTENCES = (
    savings_note(Saving),
    refusal(30 * GIB, 8 * GIB, None),
    "no memory for a picture of this size (512 MB): make it smaller",
    "the GPU has no memory to give",
    "numbers ran out of range before unet.middle in f16, so it was rerun in f32",
    "the model cannot start from a picture: its VAE has no encoder",
    "clip skip must be 1 to 6 for this model",
    "/pictures/lost.png cannot be read as a picture: choose a PNG or JPEG.",
    "There is no file /pictures/lost.png to begin from.",
    "The steps must be from 1 to 1000, not 0.",
    "Cancelled.",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_what_the_engine_says(shown: Application, sentence: str) -> None:
    """As a failure, as the note of a picture, and as a refusal before it."""
    shown.draft.set(prompt="a fox")
    shown.menus.action(Command.GENERATE).trigger()
    fake(shown).fail(sentence)
    assert not english_now()
    make(shown, note=f"{savings_note(Saving)}\n{sentence}")
    assert not english_now()
    refused = fake_engine.planned(Plan(plan_id=1, request=shown.draft.request))
    refused = dataclasses.replace(refused, needs=(), request=None, sentence=sentence)
    shown.forecaster._take(refused)
    shown.menus.action(Command.MEMORY).trigger()
    assert not english_now()


@pytest.mark.parametrize("peak", [GIB, 10 * GIB, 40 * GIB])
def test_memory(shown: Application, peak: int) -> None:
    condition = Condition(
        working_set_bytes=6 * GIB,
        allocated_bytes=GIB,
        pressure=Pressure.CRITICAL,
        thermal=Thermal.CRITICAL,
        is_low_power=True,
    )
    memory = dataclasses.replace(fake_engine.memory(), condition=condition)
    fake(shown).memory_changed.emit(memory)
    answer = fake_engine.planned(Plan(plan_id=1, request=shown.draft.request))
    needs = fake_engine.needs(*(peak - step for step in range(len(Saving) + 1)))
    shown.forecaster._take(dataclasses.replace(answer, needs=needs))
    for answers in range(3):
        smaller = dataclasses.replace(answer, needs=fake_engine.needs(GIB >> answers))
        shown.forecaster._take_smaller(smaller) if shown.forecaster._smaller else None
    shown.menus.action(Command.MEMORY).trigger()
    assert not english_now()


def test_jobs(shown: Application) -> None:
    client = fake(shown)
    shown.draft.set(prompt="a fox")
    for _ in range(4):
        shown.menus.action(Command.GENERATE).trigger()
    client.advance(2, 4)
    shown.menus.action(Command.QUEUE).trigger()
    assert not english_now()
    client.fail("the GPU has no memory to give")
    client.fail("Cancelled.", cancelled=True)
    client.finish()
    shown.menus.action(Command.PAUSE).trigger()
    assert not english_now()
    client.lose_engine("The engine cannot be started.")


def test_a_finished_picture_and_what_is_told_of_it(
    shown: Application, qtbot: QtBot, tmp_path: Path
) -> None:
    receipts = (
        LoraReceipt(
            name="ink",
            applied=2,
            layers=4,
            left_out=("2 layers, which this model does not have (a, b)", "1 layers at strength 0"),
        ),
    )
    words = (
        EmbeddingReceipt(
            name="bad",
            count=0,
            sentence="bad was made for a text encoder of width 768, and this model's is 192, so it "
            "was read as plain words.",
        ),
    )
    make(shown, loras=receipts, embeddings=words)
    assert not english_now()
    qtbot.waitUntil(lambda: shown.canvas.current is not None)
    assert not english_now()
    shown.menus.action(Command.GALLERY).trigger()
    assert not english_now()
    shown.menus.action(Command.CREATE).trigger()
    shown.draft.set(init_image=shown.canvas.current.entry.path)
    shown.mask_desk.open()
    assert not english_now()
    shown.mask_desk.close()
    shown.draft.set_abilities(Abilities(begins_from_pictures=False))
    shown.canvas.use_as_init_requested.emit(tmp_path / "a.png")
    assert not english_now()
    shown.draft.set(init_image=None)
    shown.draft.set_abilities(Abilities(paints_into_pictures=True))
    assert not english_now()


def files(folder: Path) -> list[Path]:
    """Files that are refused, each for another reason."""
    contents = {
        "picture.safetensors": b"\x89PNG and so on, for a while",
        "short.safetensors": (100).to_bytes(8, "little") + b"{}",
        "empty.safetensors": b"",
        "page.safetensors": b"<!DOCTYPE html><html></html>",
        "old.ckpt": b"\x80\x02}q\x00.",
        "quantised.gguf": b"GGUF" + (9).to_bytes(4, "little") + bytes(40),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def test_models_that_are_refused(shown: Application, tmp_path: Path) -> None:
    paths = files(tmp_path)
    shown.picker.set_choices([choice_of(describe_model(path)) for path in paths])
    shown.show_picker()
    assert not english_now()
    window = shown.window.windowHandle()
    for path in paths:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        QApplication.sendEvent(window, drag_at(data, QPoint(640, 420)))
        assert not english_now()
        QApplication.sendEvent(window, QDragLeaveEvent())
    shown.opener.act(paths[:1], DropWord.USE)
    assert not english_now()


def test_pictures_that_are_refused(shown: Application, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "broken.png").write_bytes(b"nothing")
    strange = tmp_path / "strange.png"
    save_png(strange, bytes(64 * 64 * 3), (64, 64), "a fox\nSteps: 3, Hires upscale: 2")
    wanted = [tmp_path / "lost.png", inside, strange]
    report = import_pictures(shown.gallery, wanted, lambda: False)
    assert len(report.refused) == 2
    dialog = ImportReportDialog(report, shown.window)
    dialog.show()
    refused = dialog.text.toPlainText().partition("Hires")[0]
    assert not LATIN.search(PATH.sub("/", refused).replace("broken.png", "")), refused
    dialog.close()


@pytest.mark.parametrize("open_it", ["show_preferences", "show_about"])
def test_dialogs(shown: Application, open_it: str) -> None:
    getattr(shown, open_it)()
    assert not english_now()
    for window in QApplication.topLevelWidgets():
        if window is not shown.window and window.isWindow() and window.isVisible():
            window.close()


def test_the_engine_s_panel(shown: Application) -> None:
    ready = Ready(device=fake_engine.DEVICE, checks=(), elapsed_ms=10.0)
    show: Callable[[], None] = shown.backend_panel.show
    show()
    assert not english_now()
    shown.backend_panel.show_ready(
        dataclasses.replace(ready, device=dataclasses.replace(fake_engine.DEVICE, device="CPU"))
    )
    assert not english_now()
    shown.backend_panel.show_trouble("The GPU takes no more.")
    shown.backend_panel.hide()

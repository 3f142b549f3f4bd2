"""What the tests of the sidebar share: a draft, labels, keys."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.checkpoint.description import GenerationDefaults
from app.engine.types import Sampler, Schedule
from app.generation.request import GenerationRequest
from app.library.image_metadata import SAMPLER_LABELS, SCHEDULE_LABELS
from app.prompt.conditioning import CHUNK_CAPACITY, TokenCount
from app.ui.draft.request_draft import RequestDraft
from app.ui.sidebar.settings_panel import SettingLabels

COMMAND = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
ALT = Qt.KeyboardModifier.AltModifier
DEFAULTS = GenerationDefaults(
    width=512,
    height=512,
    steps=20,
    sampler=Sampler.EULER_A,
    schedule=Schedule.NORMAL,
    cfg_scale=7.0,
)
LABELS = SettingLabels(samplers=SAMPLER_LABELS, schedules=SCHEDULE_LABELS)


def new_draft(prompt: str = "") -> RequestDraft:
    return RequestDraft(GenerationRequest(prompt=prompt), DEFAULTS)


def count_words(text: str) -> TokenCount:
    """A word counts as a token; chunks are of 75."""
    count = len(text.split())
    chunks = max(-(-count // CHUNK_CAPACITY), 1)
    return TokenCount(count=count, limit=chunks * CHUNK_CAPACITY)


def show(qtbot, widget: QWidget) -> None:
    """Show a widget as the active window, so that it has the keyboard."""
    qtbot.addWidget(widget)
    with qtbot.waitActive(widget):
        widget.show()
        widget.activateWindow()


def press(widget: QWidget, key: Qt.Key, modifiers: Qt.KeyboardModifier | None = None) -> None:
    QTest.keyClick(widget, key, modifiers or Qt.KeyboardModifier.NoModifier)


def retype(field: QWidget, text: str) -> None:
    """What a user does: focus, select all, type, return."""
    field.setFocus()
    press(field, Qt.Key.Key_A, COMMAND)
    press(field, Qt.Key.Key_Backspace)
    QTest.keyClicks(field, text)
    press(field, Qt.Key.Key_Return)

"""The sidebar as a whole: its one button, what it is told and what it wishes for."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea, QWidget

from app.ui.draft.request_draft import RequestDraft
from app.ui.sidebar.generation_panel import NARROWEST, GenerationPanel
from tests.ui.sidebar.sidebar import (
    COMMAND,
    LABELS,
    SHIFT,
    count_words,
    new_draft,
    press,
    retype,
    show,
)

LEFT = Qt.MouseButton.LeftButton
RETURN = Qt.Key.Key_Return


@pytest.fixture
def draft(qapp) -> RequestDraft:
    return new_draft("a fox")


@pytest.fixture
def panel(qtbot, draft: RequestDraft) -> GenerationPanel:
    made = GenerationPanel(draft, count_words, LABELS)
    made.resize(340, 800)
    show(qtbot, made)
    return made


def test_generate_by_mouse_and_keys(qtbot, panel: GenerationPanel) -> None:
    editor = panel.prompt_panel.prompt.editor
    with qtbot.waitSignal(panel.generate_requested) as asked:
        QTest.mouseClick(panel.generate_button, LEFT)
    assert asked.args == [False]
    with qtbot.waitSignal(panel.generate_requested) as asked:
        press(editor, RETURN, COMMAND)
    assert asked.args == [False]
    with qtbot.waitSignal(panel.generate_requested) as asked:
        press(editor, RETURN, COMMAND | SHIFT)
    assert asked.args == [True]


def test_what_is_half_typed_counts(qtbot, panel, draft) -> None:
    field = panel.settings_panel.size_setting.width_field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "700")
    assert draft.request.width is None
    with qtbot.waitSignal(panel.generate_requested):
        QTest.mouseClick(panel.generate_button, LEFT)
    assert draft.request.width == 704


def test_generate_turns_into_cancel(qtbot, panel) -> None:
    assert panel.generate_button.text() == "Generate"
    panel.set_running(True)
    assert panel.generate_button.text() == "Cancel"
    with qtbot.assertNotEmitted(panel.generate_requested), qtbot.waitSignal(panel.cancel_requested):
        QTest.mouseClick(panel.generate_button, LEFT)
    assert panel.generate_button.text() == "Cancelling…"
    assert not panel.generate_button.isEnabled()
    panel.set_running(False)
    assert panel.generate_button.text() == "Generate"
    assert panel.generate_button.isEnabled()


def test_typing_while_it_cancels_does_not_bring_cancel_back(panel, draft) -> None:
    panel.set_running(True)
    QTest.mouseClick(panel.generate_button, LEFT)
    draft.set(prompt="a hare")
    panel.set_forecast("Needs 1 GB of 5 GB free", "ok")
    assert panel.generate_button.text() == "Cancelling…"
    assert not panel.generate_button.isEnabled()


def test_while_one_runs_another_can_be_added(qtbot, panel) -> None:
    assert not panel.add_button.isVisible()
    panel.set_running(True)
    with qtbot.waitSignal(panel.generate_requested) as asked:
        QTest.mouseClick(panel.add_button, LEFT)
    assert asked.args == [False]
    with qtbot.waitSignal(panel.generate_requested):
        press(panel.prompt_panel.prompt.editor, RETURN, COMMAND)


def test_escape_cancels(qtbot, panel) -> None:
    with qtbot.waitSignal(panel.cancel_requested):
        press(panel.prompt_panel.negative_prompt.editor, Qt.Key.Key_Escape)


def test_a_refused_forecast_takes_generate_away(qtbot, panel) -> None:
    panel.set_forecast("Needs 9 GB of 5 GB free: choose a smaller size.", "refused")
    assert panel.forecast.isVisible()
    assert not panel.generate_button.isEnabled()
    with qtbot.assertNotEmitted(panel.generate_requested):
        press(panel.prompt_panel.prompt.editor, RETURN, COMMAND)
    panel.set_running(True)
    assert panel.generate_button.isEnabled()
    assert not panel.add_button.isEnabled()
    panel.set_running(False)
    panel.set_forecast("", "ok")
    assert panel.generate_button.isEnabled()
    assert not panel.forecast.isVisible()


def test_the_button_counts_pictures(panel, draft) -> None:
    draft.set(batch_count=4)
    assert panel.generate_button.text() == "Generate 4 pictures"


def test_live(qtbot, panel) -> None:
    with qtbot.waitSignal(panel.live_toggled) as told:
        QTest.mouseClick(panel.live_button, LEFT)
    assert told.args == [True]
    with qtbot.waitSignal(panel.live_toggled) as told:
        panel.set_live(False)
    assert told.args == [False]


def test_model(qtbot, panel, tmp_path) -> None:
    picture = QImage(64, 96, QImage.Format.Format_RGB32)
    picture.fill(QColor("red"))
    picture.save(str(tmp_path / "made.png"))
    panel.set_model("a-" + "very-" * 20 + "long-name", "f16, 2 GB", tmp_path / "made.png")
    seen = panel.model_button.grab().toImage()
    assert seen.pixelColor(28, seen.height() // 2) == QColor("red")
    shown = [label.text() for label in panel.model_button.findChildren(QLabel)]
    assert any("…" in text for text in shown)
    assert "f16, 2 GB" in shown
    assert "very-very" in panel.model_button.toolTip()
    with qtbot.waitSignal(panel.model_requested):
        QTest.mouseClick(panel.model_button, LEFT)


def test_undo_survives_a_generation(qtbot, panel, draft) -> None:
    editor = panel.prompt_panel.prompt.editor
    editor.setFocus()
    press(editor, Qt.Key.Key_End)
    QTest.keyClicks(editor, " runs")
    press(editor, RETURN, COMMAND)
    panel.set_running(True)
    panel.set_last_seed(42)
    panel.set_history(["a fox runs"], [])
    panel.set_running(False)
    press(editor, Qt.Key.Key_Z, COMMAND)
    assert draft.request.prompt == "a fox"
    press(editor, Qt.Key.Key_Z, COMMAND | SHIFT)
    assert draft.request.prompt == "a fox runs"


def test_a_section_stands_below_the_settings(panel) -> None:
    section = QLabel("Picture to begin with")
    panel.add_section(section)
    QApplication.processEvents()
    top = section.mapTo(panel, section.rect().topLeft()).y()
    assert section.isVisible()
    assert top > panel.settings_panel.mapTo(panel, panel.settings_panel.rect().bottomLeft()).y()


@pytest.mark.parametrize("width", [NARROWEST, 340, 420])
def test_nothing_is_cut_at_any_width(panel, draft, width: int) -> None:
    panel.settings_panel.advanced.setChecked(True)
    draft.set(steps=30, width=640, seed=2**64 - 65, clip_skip=2)
    retype(panel.settings_panel.steps.field, "5000")
    panel.resize(width, 1100)
    QApplication.processEvents()
    for widget in panel.settings_panel.findChildren(QWidget):
        if widget.isVisible():
            right = widget.mapTo(panel, widget.rect().topRight()).x()
            assert right < width, widget


def test_all_is_reached_by_the_keyboard_and_named(panel) -> None:
    panel.settings_panel.advanced.setChecked(True)
    panel.focus_prompt()
    first = QApplication.focusWidget()
    reached = []
    for _ in range(60):
        press(QApplication.focusWidget(), Qt.Key.Key_Tab)
        widget = QApplication.focusWidget()
        if widget is first:
            break
        reached.append(widget)
    settings = panel.settings_panel
    for control in (
        panel.prompt_panel.negative_prompt.editor,
        settings.size_setting.presets,
        settings.size_setting.swap_button,
        settings.steps.slider,
        settings.seed.lock,
        settings.rng,
        panel.generate_button,
        panel.live_button,
        panel.model_button,
    ):
        assert control in reached
    for widget in reached:
        assert widget.accessibleName() or widget.text(), widget
        assert widget.toolTip(), widget


@pytest.mark.parametrize("height", [400, 1400])
def test_the_fields_end_where_the_model_s_button_does(
    qtbot, panel: GenerationPanel, height: int
) -> None:
    panel.resize(340, height)
    scroll = panel.findChild(QScrollArea)
    qtbot.waitUntil(lambda: scroll.verticalScrollBar().isVisible() == (height < 1000))
    ends = [
        widget.mapTo(panel, widget.rect().topRight()).x()
        for widget in (panel.model_button, panel.prompt_panel, panel.settings_panel)
    ]
    assert len(set(ends)) == 1

"""Each setting reaches the draft, shows the model's default and finds its way back."""

import dataclasses
import random

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QToolButton

from app.engine.types import Rng, Sampler, Schedule
from app.generation.request import RANDOM_SEED, VaeTiling
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts.setting_row import SettingRow
from app.ui.sidebar.settings_panel import SettingsPanel
from app.ui.sidebar.size_setting import size_presets
from tests.ui.sidebar.sidebar import DEFAULTS, LABELS, new_draft, press, retype, show

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def draft(qapp) -> RequestDraft:
    return new_draft("a fox")


@pytest.fixture
def panel(qtbot, draft: RequestDraft) -> SettingsPanel:
    made = SettingsPanel(draft, LABELS)
    made.resize(308, 600)
    show(qtbot, made)
    return made


def row_of(control) -> SettingRow:
    while not isinstance(control, SettingRow):
        control = control.parentWidget()
    return control


def choose(box: QComboBox, label: str) -> None:
    """Open the menu with the keyboard, go to the line and take it."""
    press(box, Qt.Key.Key_Space)
    view = box.view()
    view.setCurrentIndex(box.model().index(box.findText(label), 0))
    press(view, Qt.Key.Key_Return)


def test_nothing_chosen_shows_the_models_defaults(panel: SettingsPanel) -> None:
    size = panel.size_setting
    assert [size.width_field.placeholderText(), size.height_field.placeholderText()] == ["512"] * 2
    assert panel.steps.field.placeholderText() == "20"
    assert panel.steps.slider.value() == 20
    assert panel.cfg_scale.field.placeholderText() == "7"
    assert panel.sampler.currentText() == "Euler a (default)"
    assert panel.schedule.currentText() == "Normal (default)"
    assert panel.seed.field.placeholderText() == "Random"
    assert panel.sampler.property("role") == "default"


def test_other_defaults_show_and_keep_what_was_chosen(panel, draft) -> None:
    draft.set(steps=30)
    draft.set_defaults(
        dataclasses.replace(DEFAULTS, width=128, height=128, steps=8, sampler=Sampler.LCM)
    )
    assert panel.steps.field.text() == "30"
    assert panel.size_setting.width_field.placeholderText() == "128"
    assert panel.sampler.currentText() == "LCM (default)"
    assert panel.sampler.count() == len(Sampler) + 2
    assert panel.size_setting.presets.itemText(0).endswith("128 \u00d7 128")


def test_sampler_and_schedule_are_words_of_the_field(panel, draft) -> None:
    choose(panel.sampler, "DPM++ 2M")
    choose(panel.schedule, "Karras")
    assert draft.request.sampler is Sampler.DPMPP_2M
    assert draft.request.schedule is Schedule.KARRAS
    choose(panel.sampler, "Euler a (default)")
    assert draft.request.sampler is None


def test_steps_are_typed_and_slid(panel, draft) -> None:
    retype(panel.steps.field, "35")
    assert draft.request.steps == 35
    assert panel.steps.slider.value() == 35
    panel.steps.slider.setFocus()
    press(panel.steps.slider, Qt.Key.Key_Right)
    assert draft.request.steps == 36
    assert panel.steps.field.text() == "36"


def test_steps_beyond_the_slider(panel, draft) -> None:
    retype(panel.steps.field, "500")
    assert draft.request.steps == 500
    assert panel.steps.slider.value() == panel.steps.slider.maximum()


def test_a_correction_stands_below_until_the_next_edit(panel, draft) -> None:
    retype(panel.steps.field, "5000")
    row = row_of(panel.steps)
    assert draft.request.steps == 1000
    assert row.caption == "Steps goes from 1 to 1000: 5000 became 1000."
    retype(panel.steps.field, "20")
    assert row.caption == ""


def test_cfg_scale_in_halves(panel, draft) -> None:
    panel.cfg_scale.slider.setFocus()
    press(panel.cfg_scale.slider, Qt.Key.Key_Right)
    assert draft.request.cfg_scale == 7.5
    retype(panel.cfg_scale.field, "6.25")
    assert draft.request.cfg_scale == 6.25


def test_reset(panel, draft, qtbot) -> None:
    row = row_of(panel.steps)
    reset = row.findChild(QToolButton)
    assert not reset.isVisible()
    retype(panel.steps.field, "35")
    assert reset.isVisible()
    QTest.mouseClick(reset, LEFT)
    assert draft.request.steps is None
    assert not reset.isVisible()
    assert panel.steps.field.text() == ""


def test_size_presets_are_of_the_models_size() -> None:
    sizes = [(preset.width, preset.height) for preset in size_presets(512, 512)]
    assert sizes == [(512, 512), (512, 768), (768, 512), (512, 896), (896, 512)]
    for width, height in ((128, 128), (768, 768), (1024, 1024), (64, 64)):
        for preset in size_presets(width, height):
            assert min(preset.width, preset.height) == width
            assert preset.width % 8 == preset.height % 8 == 0


def test_preset_swap_and_reset(panel, draft) -> None:
    size = panel.size_setting
    choose(size.presets, "Portrait  512 \u00d7 768")
    assert (draft.request.width, draft.request.height) == (512, 768)
    QTest.mouseClick(size.swap_button, LEFT)
    assert (draft.request.width, draft.request.height) == (768, 512)
    assert size.presets.currentText().startswith("Landscape")
    retype(size.width_field, "640")
    assert size.presets.currentIndex() == -1
    QTest.mouseClick(row_of(size).findChild(QToolButton), LEFT)


def test_size_has_a_way_back(panel, draft) -> None:
    draft.set(width=640)
    row = row_of(panel.size_setting)
    resets = [b for b in row.findChildren(QToolButton) if "default" in b.accessibleName()]
    QTest.mouseClick(resets[0], LEFT)
    assert (draft.request.width, draft.request.height) == (None, None)


def test_locked_aspect(panel, draft) -> None:
    size = panel.size_setting
    draft.set(width=512, height=768)
    QTest.mouseClick(size.lock_button, LEFT)
    retype(size.width_field, "256")
    assert (draft.request.width, draft.request.height) == (256, 384)
    retype(size.height_field, "768")
    assert (draft.request.width, draft.request.height) == (512, 768)
    QTest.mouseClick(size.swap_button, LEFT)
    retype(size.width_field, "384")
    assert (draft.request.width, draft.request.height) == (384, 256)


def test_locked_aspect_keeps_through_odd_sizes(panel, draft) -> None:
    size = panel.size_setting
    draft.set(width=512, height=768)
    size.lock_button.setChecked(True)
    for width in ("104", "136", "512"):
        retype(size.width_field, width)
    assert (draft.request.width, draft.request.height) == (512, 768)


def test_locked_aspect_of_a_size_from_elsewhere(panel, draft) -> None:
    size = panel.size_setting
    size.lock_button.setChecked(True)
    draft.set(width=512, height=768)
    retype(size.width_field, "256")
    assert draft.request.height == 384
    retype(size.width_field, "")
    assert (draft.request.width, draft.request.height) == (None, 768)


def test_locked_aspect_at_the_limit_says_so(panel, draft) -> None:
    size = panel.size_setting
    draft.set(width=512, height=1024)
    size.lock_button.setChecked(True)
    retype(size.width_field, "4096")
    assert draft.request.height == 4096
    assert "4096 is the limit" in row_of(size).caption


def test_seed_is_random_typed_kept(panel, draft) -> None:
    seed = panel.seed
    assert seed.dice.isChecked()
    retype(seed.field, "42")
    assert draft.request.seed == 42
    assert seed.lock.isChecked()
    assert not seed.dice.isChecked()
    QTest.mouseClick(seed.dice, LEFT)
    assert draft.request.seed == RANDOM_SEED
    assert seed.field.text() == ""
    panel.set_last_seed(1234)
    QTest.mouseClick(seed.lock, LEFT)
    assert draft.request.seed == 1234
    QTest.mouseClick(seed.lock, LEFT)
    assert draft.request.seed == RANDOM_SEED


def test_lock_without_a_picture_draws_a_seed(panel, draft) -> None:
    QTest.mouseClick(panel.seed.lock, LEFT)
    assert 0 <= draft.request.seed < 2**32
    assert panel.seed.field.text() == str(draft.request.seed)


def test_dice_stay_down_when_pressed_again(panel, draft) -> None:
    QTest.mouseClick(panel.seed.dice, LEFT)
    assert panel.seed.dice.isChecked()
    assert draft.request.seed == RANDOM_SEED


def test_an_emptied_seed_is_random(panel, draft) -> None:
    draft.set(seed=42)
    retype(panel.seed.field, "")
    assert draft.request.seed == RANDOM_SEED


def test_advanced_unfolds_and_tells_what_is_changed(panel, draft) -> None:
    assert not panel.rng.isVisible()
    draft.set(clip_skip=2, rng=Rng.NV)
    assert panel.advanced.text() == "Advanced, 2 changed"
    panel.advanced.setFocus()
    press(panel.advanced, Qt.Key.Key_Space)
    assert panel.rng.isVisible()
    assert panel.advanced.text() == "Advanced"
    assert panel.rng.currentText() == "NVIDIA GPU"


def test_advanced_settings_reach_the_draft(panel, draft) -> None:
    panel.advanced.setChecked(True)
    retype(panel.batch_count.field, "4")
    retype(panel.clip_skip.field, "20")
    choose(panel.rng, "NVIDIA GPU")
    choose(panel.vae_tiling, "Always in tiles")
    request = draft.request
    assert (request.batch_count, request.clip_skip, request.rng) == (4, 12, Rng.NV)
    assert request.vae_tiling is VaeTiling.ON
    assert "from 1 to 12" in row_of(panel.clip_skip).caption


def test_what_the_request_refuses_is_said(panel, draft) -> None:
    draft.set(seed=2**64 - 1)
    panel.advanced.setChecked(True)
    retype(panel.batch_count.field, "4")
    assert draft.request.batch_count == 1
    assert "seed" in row_of(panel.batch_count).caption
    assert panel.batch_count.field.value == 1


def test_another_request_shows_whole(panel, draft) -> None:
    request = dataclasses.replace(
        draft.request, width=640, height=448, steps=12, sampler=Sampler.HEUN, cfg_scale=3.5, seed=9
    )
    draft.replace(request)
    size = panel.size_setting
    assert (size.width_field.text(), size.height_field.text()) == ("640", "448")
    assert (panel.steps.field.text(), panel.cfg_scale.field.text()) == ("12", "3.5")
    assert (panel.sampler.currentText(), panel.seed.field.text()) == ("Heun", "9")
    assert draft.request is request


def turn_wheel(control) -> None:
    middle = QPointF(control.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(control.mapToGlobal(middle.toPoint())),
        QPoint(0, 0),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(control, event)


def test_the_wheel_scrolls_past(panel, draft) -> None:
    before = draft.request
    panel.seed.field.setFocus()
    for control in (panel.sampler, panel.steps.slider, panel.size_setting.presets):
        turn_wheel(control)
    assert draft.request == before
    panel.steps.slider.setFocus()
    turn_wheel(panel.steps.slider)
    assert draft.request.steps != before.steps


def test_random_edits_never_break_the_draft(panel, draft) -> None:
    dice = random.Random(7)
    fields = [panel.steps.field, panel.cfg_scale.field, panel.seed.field]
    fields += [panel.size_setting.width_field, panel.size_setting.height_field]
    fields += [panel.batch_count.field, panel.clip_skip.field]
    panel.advanced.setChecked(True)
    for _ in range(150):
        field = dice.choice(fields)
        retype(field, "".join(dice.choices("0123456789.,-e ", k=dice.randrange(6))))
        if dice.random() < 0.1:
            QTest.mouseClick(panel.size_setting.lock_button, LEFT)
        request = draft.request
        shown = panel.size_setting.width_field.text()
        assert shown == ("" if request.width is None else str(request.width))
        assert panel.steps.field.text() == ("" if request.steps is None else str(request.steps))

"""One number under real keys: typed, stepped, corrected."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.ui.parts.number_field import NumberField, NumberRange
from tests.ui.sidebar.sidebar import SHIFT, press, retype, show

SIDES = NumberRange(low=64, high=4096, step=64, multiple=8)
SCALES = NumberRange(low=0.0, high=100.0, step=0.5, decimals=2)
SEEDS = NumberRange(low=0, high=2**64 - 64)


class Seen:
    """What a field said."""

    def __init__(self, field: NumberField) -> None:
        self.values: list[object] = []
        self.sentences: list[str] = []
        field.value_edited.connect(self.values.append)
        field.corrected.connect(self.sentences.append)


def new_field(qtbot, limits: NumberRange, default: float | None = None) -> tuple[NumberField, Seen]:
    field = NumberField("Width", limits)
    if default is not None:
        field.set_default(default)
    show(qtbot, field)
    return field, Seen(field)


@pytest.mark.parametrize(
    ("limits", "typed", "value", "words"),
    [
        (SIDES, "515", 512, "Width goes in steps of 8: 515 became 512."),
        (SIDES, "516", 520, "steps of 8"),
        (SIDES, "5000", 4096, "Width goes from 64 to 4096: 5000 became 4096."),
        (SIDES, "9" * 400, 4096, "from 64 to 4096"),
        (SIDES, "1e999", 4096, "from 64 to 4096"),
        (SIDES, "-8", 64, "from 64 to 4096"),
        (SIDES, "512.5", 512, "steps of 8"),
        (SCALES, "7.123", 7.12, "keeps 2 decimals"),
        (SCALES, "250", 100.0, "from 0 to 100"),
    ],
)
def test_what_is_out_of_range_is_corrected_and_said(qtbot, limits, typed, value, words) -> None:
    field, seen = new_field(qtbot, limits, 128)
    retype(field, typed)
    assert field.value == value
    assert seen.values[-1] == value
    assert words in seen.sentences[-1]
    assert field.text() == limits.text(value)


@pytest.mark.parametrize("typed", ["abc", "1e", "nan", "--", "9" * 5000])
def test_what_is_no_number_stays_out(qtbot, typed: str) -> None:
    field, seen = new_field(qtbot, SIDES)
    field.set_value(256)
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, typed[:1])
    field.insert(typed[1:])
    press(field, Qt.Key.Key_Return)
    assert field.value == 256
    assert field.text() == "256"
    assert "256 stays" in seen.sentences[-1]
    assert len(seen.sentences[-1]) < 100


def test_goes_out_while_it_is_typed(qtbot) -> None:
    field, seen = new_field(qtbot, SIDES, 512)
    field.setFocus()
    QTest.keyClicks(field, "1024")
    assert seen.values == [1024]
    assert seen.sentences[-1] == ""


def test_comma_is_a_point(qtbot) -> None:
    field, seen = new_field(qtbot, SCALES, 7.0)
    retype(field, "6,5")
    assert seen.values[-1] == 6.5
    assert field.text() == "6.5"


def test_whole_numbers_stay_whole_up_to_the_largest_seed(qtbot) -> None:
    field, seen = new_field(qtbot, SEEDS)
    retype(field, str(2**64 - 65))
    assert seen.values[-1] == 2**64 - 65
    assert field.text() == str(2**64 - 65)


def test_empty_is_the_default_where_there_is_one(qtbot) -> None:
    field, seen = new_field(qtbot, SIDES, 512)
    field.set_value(256)
    retype(field, "")
    assert seen.values == [None]
    assert field.placeholderText() == "512"
    assert field.text() == ""


def test_empty_is_refused_where_there_is_none(qtbot) -> None:
    field, seen = new_field(qtbot, SIDES)
    field.set_value(256)
    retype(field, "")
    assert field.text() == "256"
    assert seen.values == []
    assert seen.sentences[-1]


def test_arrows_step_from_the_default(qtbot) -> None:
    field, seen = new_field(qtbot, SIDES, 512)
    field.setFocus()
    press(field, Qt.Key.Key_Up)
    press(field, Qt.Key.Key_Down)
    press(field, Qt.Key.Key_Down)
    assert seen.values == [576, 512, 448]
    press(field, Qt.Key.Key_Up, SHIFT)
    assert field.value == 448 + 640


def test_escape_takes_back_what_was_typed(qtbot) -> None:
    field, seen = new_field(qtbot, SIDES, 512)
    field.set_value(256)
    field.setFocus()
    QTest.keyClicks(field, "5")
    press(field, Qt.Key.Key_Escape)
    assert field.text() == "256"
    assert seen.values == []


def test_a_value_from_elsewhere_does_not_disturb_typing(qtbot) -> None:
    field, _ = new_field(qtbot, SCALES, 7.0)
    field.setFocus()
    QTest.keyClicks(field, "6.")
    field.set_value(6.0)
    QTest.keyClicks(field, "5")
    assert field.value == 6.5

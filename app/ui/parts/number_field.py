"""A field for one number.

Owns typing, stepping and the correction of a number within limits. Knows no request: it says which
number was put in, and what it had to correct, in a sentence.
"""

import math
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.parts import theme

_STEPS_WITH_SHIFT = 10
_LONGEST_QUOTED = 20


@dataclass(frozen=True, kw_only=True)
class NumberRange:
    """Which numbers a field takes: from `low` to `high`, multiples of `multiple` (0: any).

    `step` is what an arrow key adds, `decimals` how many are kept.
    """

    low: float
    high: float
    step: float = 1
    multiple: int = 0
    decimals: int = 0

    def nearest(self, value: float) -> float:
        """The number of the range that is nearest to `value`."""
        value = min(max(round(value, self.decimals), self.low), self.high)
        if self.multiple:
            value = math.floor(value / self.multiple + 0.5) * self.multiple
        return value if self.decimals else int(value)

    def text(self, value: float) -> str:
        """The number as one writes it: no zeros behind the point that say nothing."""
        return f"{value:.{self.decimals}f}".rstrip("0").rstrip(".") if self.decimals else f"{value}"


class NumberField(QLineEdit):
    """A number, or nothing where the default, greyed, stands for it.

    The number goes out while it is typed, as soon as the range takes it; when the field is left,
    what the range does not take is corrected, and `corrected` says so. Up and down step, with
    shift by ten.
    """

    value_edited = Signal(object)
    """int or float; None where the field was emptied and has a default."""
    corrected = Signal(str)
    """What was corrected and why, a sentence; empty once the number is fine again."""

    def __init__(self, name: str, limits: NumberRange, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._limits = name, limits
        self._value: float | None = None
        self._default: float | None = None
        self._may_be_empty = False
        self.setAccessibleName(name)
        theme.set_role(self, "number")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setInputMethodHints(Qt.InputMethodHint.ImhPreferNumbers)
        self.textEdited.connect(self._take_while_typed)
        self.editingFinished.connect(self.commit)

    @property
    def value(self) -> float | None:
        """The number that stands, None for the default."""
        return self._value

    def set_value(self, value: float | None) -> None:
        """Show a number that came from elsewhere; what is being typed stays if it means this."""
        self._value = value
        if self._number() != value or not self.hasFocus():
            self._show_value()

    def set_limits(self, limits: NumberRange) -> None:
        """Which numbers are taken from now on; one that stands already stays."""
        self._limits = limits

    def set_default(self, value: float) -> None:
        """What an empty field means."""
        self._default = value
        self.set_no_value(self._limits.text(value))

    def set_no_value(self, words: str) -> None:
        """An empty field is allowed, and means what these words say."""
        self._may_be_empty = True
        self.setPlaceholderText(words)

    def commit(self) -> None:
        """Make what was typed a number of the range, with a sentence if it was none."""
        if self.text() == self._shown():
            return
        typed, number = self.text().strip(), self._number()
        if number is None:
            if typed or not self._may_be_empty:
                self.corrected.emit(self._refusal(typed))
            else:
                self._give(None)
            self._show_value()
            return
        near = self._limits.nearest(number)
        if near != number:
            self.corrected.emit(self._correction(typed, near))
        self._give(near)
        self._show_value()

    def step(self, count: int) -> None:
        """Add so many steps to the number, or to the default where there is none."""
        base = self._value if self._value is not None else self._default
        if base is None:
            base = self._limits.low
        self.corrected.emit("")
        self._give(self._limits.nearest(base + count * self._limits.step))
        self._show_value()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Up and down step; escape takes back what was typed."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            count = _STEPS_WITH_SHIFT if shifted else 1
            self.step(count if event.key() == Qt.Key.Key_Up else -count)
        elif event.key() == Qt.Key.Key_Escape and self.text() != self._shown():
            self._show_value()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """A number is replaced more often than mended, so it is selected."""
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.selectAll()

    def _take_while_typed(self) -> None:
        self.corrected.emit("")
        number = self._number()
        if number is not None and self._limits.nearest(number) == number:
            self._give(self._limits.nearest(number))

    def _give(self, value: float | None) -> None:
        if value != self._value:
            self._value = value
            self.value_edited.emit(value)

    def _number(self) -> float | None:
        text = self.text().strip().replace(",", ".")
        try:
            number = int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError:
            return None
        return None if isinstance(number, float) and math.isnan(number) else number

    def _shown(self) -> str:
        return "" if self._value is None else self._limits.text(self._value)

    def _show_value(self) -> None:
        self.setText(self._shown())
        self.setCursorPosition(0)

    def _correction(self, typed: str, near: float) -> str:
        low, high = self._limits.text(self._limits.low), self._limits.text(self._limits.high)
        number = self._number() or 0
        if self._limits.low <= number <= self._limits.high and self._limits.multiple:
            sentence = self.tr("{name} goes in steps of {multiple}: {typed} became {near}.")
        elif self._limits.low <= number <= self._limits.high:
            sentence = self.tr("{name} keeps {decimals} decimals: {typed} became {near}.")
        else:
            sentence = self.tr("{name} goes from {low} to {high}: {typed} became {near}.")
        return sentence.format(
            name=self._name,
            typed=_shortened(typed),
            near=self._limits.text(near),
            low=low,
            high=high,
            multiple=self._limits.multiple,
            decimals=self._limits.decimals,
        )

    def _refusal(self, typed: str) -> str:
        standing = self._shown() or self.placeholderText()
        sentence = self.tr("{name} is a number, which “{typed}” is not: {standing} stays.")
        return sentence.format(name=self._name, typed=_shortened(typed), standing=standing)


def _shortened(typed: str) -> str:
    return typed if len(typed) <= _LONGEST_QUOTED else typed[:_LONGEST_QUOTED] + "…"

"""A menu of a few words, one of which may be the model's default.

Owns the look of a default: grey, with its own label. Knows no request.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from app.ui.parts import theme
from app.ui.parts.setting_row import WheelGuard

_Word = TypeVar("_Word", bound=StrEnum)


class ChoiceField(QComboBox):
    """One of `labels`, or the default where `set_default` gave one: the first line of the menu."""

    value_edited = Signal(object)
    """The enum that was chosen; None for the default."""

    def __init__(
        self, name: str, labels: Mapping[_Word, str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._labels: dict[StrEnum, str] = {word: labels[word] for word in labels}
        self.setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        WheelGuard(self)
        self._values: list[StrEnum | None] = list(labels)
        self.addItems(list(labels.values()))
        self.activated.connect(self._choose)

    def set_value(self, value: StrEnum | None) -> None:
        """Show a choice that came from elsewhere."""
        self.setCurrentIndex(self._values.index(value))
        show_default(self, value is None)

    def set_default(self, value: StrEnum) -> None:
        """What the model draws best with; the menu begins with it."""
        label = self.tr("{label} (default)").format(label=self._labels[value])
        if self._values[0] is None:
            self.setItemText(0, label)
        else:
            self._values[:0] = [None, None]  # the default and the line below it
            self.insertItem(0, label)
            self.insertSeparator(1)

    def _choose(self, row: int) -> None:
        value = self._values[row]
        self.set_value(value)
        self.value_edited.emit(value)


def show_default(box: QComboBox, is_default: bool) -> None:
    """Grey while what stands is the model's default; restyled only then, for that takes time."""
    role = "default" if is_default else "chosen"
    if box.property("role") != role:
        theme.set_role(box, role)

"""A number that is mostly found by sliding: a slider and a field for the same value.

Owns how the two agree. The slider covers the usual numbers, the field all of them.
"""

import dataclasses

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from app.ui.parts import theme
from app.ui.parts.number_field import NumberField, NumberRange
from app.ui.parts.setting_row import WheelGuard

_FIELD_WIDTH = 60


class SliderField(QWidget):
    """`usual` is what the slider goes from and to, in `limits.step` steps."""

    value_edited = Signal(object)
    """int or float, or None for the default."""
    corrected = Signal(str)
    """What the field corrected, or nothing."""

    def __init__(
        self,
        name: str,
        limits: NumberRange,
        usual: tuple[float, float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._limits, self._usual = limits, usual
        self._default = usual[0]
        self.field = NumberField(name, limits, self)
        self.field.setFixedWidth(_FIELD_WIDTH)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(round(usual[0] / limits.step), round(usual[1] / limits.step))
        self.slider.setAccessibleName(name)
        self.slider.setMinimumHeight(theme.CONTROL_HEIGHT)
        WheelGuard(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        self.setFocusProxy(self.field)
        self.slider.valueChanged.connect(self._take_slid)
        self.field.value_edited.connect(self._take_typed)
        self.field.corrected.connect(self.corrected)

    def setToolTip(self, sentence: str) -> None:  # noqa: N802 - Qt's name
        """One sentence for both."""
        self.slider.setToolTip(sentence)
        self.field.setToolTip(sentence)

    def set_value(self, value: float | None) -> None:
        """Show a number that came from elsewhere."""
        self.field.set_value(value)
        self._slide(value)

    def set_most(self, most: float) -> None:
        """The largest number from now on, within the limits."""
        limits = dataclasses.replace(self._limits, high=min(most, self._limits.high))
        self.field.set_limits(limits)
        low, high = self._usual
        self.slider.blockSignals(True)
        self.slider.setRange(round(low / limits.step), round(min(high, most) / limits.step))
        self.slider.blockSignals(False)
        self._slide(self.field.value)

    def set_default(self, value: float) -> None:
        """What an empty field means."""
        self._default = value
        self.field.set_default(value)
        self._slide(self.field.value)

    def _slide(self, value: float | None) -> None:
        shown = self._default if value is None else value
        self.slider.blockSignals(True)
        self.slider.setValue(round(shown / self._limits.step))
        self.slider.blockSignals(False)

    def _take_slid(self, place: int) -> None:
        value = self._limits.nearest(place * self._limits.step)
        self.corrected.emit("")
        self.field.set_value(value)
        self.value_edited.emit(value)

    def _take_typed(self, value: float | None) -> None:
        self._slide(value)
        self.value_edited.emit(value)

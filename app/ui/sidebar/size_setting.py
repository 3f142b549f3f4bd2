"""Width and height of a picture.

Owns presets, the lock on the aspect and the swap of the two sides. Knows no request: it shows two
sides (None: the model's default) and says which ones were chosen.
"""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.generation.request import LARGEST_SIDE, SIDE_STEP, SMALLEST_SIDE
from app.ui.parts import theme
from app.ui.parts.choice_field import show_default
from app.ui.parts.number_field import NumberField, NumberRange
from app.ui.parts.setting_row import WheelGuard, icon_button

_COARSE_STEP = 64
_TIMES = "\u00d7"
_SIDES = NumberRange(low=SMALLEST_SIDE, high=LARGEST_SIDE, step=_COARSE_STEP, multiple=SIDE_STEP)


@dataclass(frozen=True, kw_only=True)
class SizePreset:
    """A size with a name; pixels."""

    name: str
    width: int
    height: int


def size_presets(width: int, height: int) -> list[SizePreset]:
    """Sizes for a model that draws best at width x height: its short side in every one.

    Long sides are multiples of an eighth of the short one, but no less than `SIDE_STEP`.
    """
    short = min(width, height)
    step = max(short // 8 // SIDE_STEP, 1) * SIDE_STEP
    shapes = [
        (QCoreApplication.translate("SizeSetting", "Square"), 1, 1),
        (QCoreApplication.translate("SizeSetting", "Portrait"), 2, 3),
        (QCoreApplication.translate("SizeSetting", "Landscape"), 3, 2),
        (QCoreApplication.translate("SizeSetting", "Tall"), 9, 16),
        (QCoreApplication.translate("SizeSetting", "Wide"), 16, 9),
    ]
    presets = []
    for name, across, down in shapes:
        long = round(short * max(across, down) / min(across, down) / step) * step
        sides = (short, long) if across <= down else (long, short)
        presets.append(SizePreset(name=name, width=sides[0], height=sides[1]))
    return presets


class SizeSetting(QWidget):
    """A menu of presets above two fields, swap between them and the lock behind."""

    size_edited = Signal(object, object)
    """Width and height, int, or None for both: the model's default."""
    corrected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._default = (512, 512)
        self._size: tuple[int | None, int | None] = (None, None)
        self._aspect = 1.0
        self._preset_sizes: list[tuple[int, int]] = []
        self.presets = QComboBox(self)
        self.presets.setPlaceholderText(self.tr("Custom"))
        self.presets.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.presets.setToolTip(self.tr("Sizes that suit the model."))
        self.presets.setAccessibleName(self.tr("Size"))
        self.width_field = NumberField(self.tr("Width"), _SIDES, self)
        self.height_field = NumberField(self.tr("Height"), _SIDES, self)
        self.width_field.setToolTip(self.tr("How many pixels wide the picture is."))
        self.height_field.setToolTip(self.tr("How many pixels high the picture is."))
        self.swap_button = icon_button("swap", self.tr("Swap width and height."), self)
        self.lock_button = icon_button("link", self.tr("Keep the aspect of the two sides."), self)
        self.lock_button.setCheckable(True)
        WheelGuard(self.presets)
        self._lay_out()
        self.presets.activated.connect(self._take_preset)
        self.width_field.value_edited.connect(self._take_width)
        self.height_field.value_edited.connect(self._take_height)
        self.width_field.corrected.connect(self.corrected)
        self.height_field.corrected.connect(self.corrected)
        self.swap_button.clicked.connect(self.swap)
        self.lock_button.toggled.connect(self._keep_aspect)

    def set_size(self, width: int | None, height: int | None) -> None:
        """Show a size from elsewhere, whose aspect is then kept; None is the model's default."""
        if (width, height) != self._size:
            self._show(width, height)
            self._keep_aspect()

    def set_default(self, width: int, height: int) -> None:
        """The model's own size, of which the presets are made."""
        self._default = (width, height)
        self.width_field.set_default(width)
        self.height_field.set_default(height)
        self.presets.clear()
        self._preset_sizes = []
        for preset in size_presets(width, height):
            sides = (preset.width, preset.height)
            self._preset_sizes.append(sides)
            self.presets.addItem(f"{preset.name}  {sides[0]} {_TIMES} {sides[1]}")
        self._show_preset()
        self._keep_aspect()

    def swap(self) -> None:
        """Turn the picture on its side."""
        width, height = self._sides()
        self._aspect = height / width
        self._give(height, width)

    def commit(self) -> None:
        """Take what stands half typed."""
        self.width_field.commit()
        self.height_field.commit()

    def _lay_out(self) -> None:
        sides = QHBoxLayout()
        sides.setSpacing(2)
        sides.addWidget(self.width_field, 1)
        sides.addWidget(self.swap_button)
        sides.addWidget(self.height_field, 1)
        sides.addSpacing(2)
        sides.addWidget(self.lock_button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.SPACE // 2)
        rows.addWidget(self.presets)
        rows.addLayout(sides)

    def _sides(self) -> tuple[int, int]:
        """The sides in pixels, with the defaults where nothing was chosen."""
        return self._size[0] or self._default[0], self._size[1] or self._default[1]

    def _keep_aspect(self) -> None:
        width, height = self._sides()
        self._aspect = width / height

    def _take_width(self, width: int | None) -> None:
        height = self._size[1]
        if self.lock_button.isChecked():
            wished = (width or self._default[0]) / self._aspect
            height = self._follow(self.height_field.accessibleName(), wished)
        self._give(width, height)

    def _take_height(self, height: int | None) -> None:
        width = self._size[0]
        if self.lock_button.isChecked():
            wished = (height or self._default[1]) * self._aspect
            width = self._follow(self.width_field.accessibleName(), wished)
        self._give(width, height)

    def _follow(self, name: str, wished: float) -> int:
        """The side that the lock sets, and a sentence if the limits do not let it."""
        near = int(_SIDES.nearest(wished))
        if abs(near - wished) > SIDE_STEP:
            sentence = self.tr("{name} would be {wished}; {near} is the limit.")
            self.corrected.emit(sentence.format(name=name, wished=round(wished), near=near))
        return near

    def _take_preset(self, row: int) -> None:
        width, height = self._preset_sizes[row]
        self._aspect = width / height
        self.corrected.emit("")
        self._give(width, height)

    def _give(self, width: int | None, height: int | None) -> None:
        self._show(width, height)
        self.size_edited.emit(width, height)

    def _show(self, width: int | None, height: int | None) -> None:
        self._size = (width, height)
        self.width_field.set_value(width)
        self.height_field.set_value(height)
        self._show_preset()

    def _show_preset(self) -> None:
        sides = self._sides()
        known = self._preset_sizes
        show_default(self.presets, self._size == (None, None))
        self.presets.setCurrentIndex(known.index(sides) if sides in known else -1)

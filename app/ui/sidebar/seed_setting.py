"""The seed of a picture: drawn anew each time, kept, or typed.

Owns these three and the last seed that was drawn. Knows no request.
"""

import random

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.generation.request import MOST_PICTURES, RANDOM_SEED, RANDOM_SEED_LIMIT, SEED_LIMIT
from app.ui.parts.number_field import NumberField, NumberRange
from app.ui.parts.setting_row import icon_button

_SEEDS = NumberRange(low=0, high=SEED_LIMIT - MOST_PICTURES)


class SeedSetting(QWidget):
    """A field, the dice (a new seed each time) and the lock (the seed of the last picture)."""

    seed_edited = Signal(object)
    """int; RANDOM_SEED for a new one each time."""
    corrected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._last: int | None = None
        self.field = NumberField(self.tr("Seed"), _SEEDS, self)
        self.field.setToolTip(self.tr("The same seed and settings give the same picture."))
        self.dice = icon_button("dice", self.tr("Draw a new seed for each picture."), self)
        self.lock = icon_button("lock", self.tr("Keep the seed of the last picture."), self)
        self.dice.setCheckable(True)
        self.lock.setCheckable(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        row.addWidget(self.field, 1)
        row.addSpacing(2)
        row.addWidget(self.dice)
        row.addWidget(self.lock)
        self.dice.clicked.connect(self._draw_each_time)
        self.lock.clicked.connect(self._keep)
        self.field.value_edited.connect(self._take)
        self.field.corrected.connect(self.corrected)
        self.field.set_no_value(self.tr("Random"))
        self.set_seed(RANDOM_SEED)

    def set_seed(self, seed: int) -> None:
        """Show a seed, or RANDOM_SEED."""
        is_random = seed == RANDOM_SEED
        self.field.set_value(None if is_random else seed)
        self.dice.setChecked(is_random)
        self.lock.setChecked(not is_random)

    def set_last_seed(self, seed: int) -> None:
        """The seed that the last picture was made with, for the lock to keep."""
        self._last = seed
        self.lock.setToolTip(
            self.tr("Keep the seed of the last picture, {seed}.").format(seed=seed)
        )

    def _draw_each_time(self) -> None:
        self._give(RANDOM_SEED)

    def _keep(self) -> None:
        """Locking keeps what was drawn last; unlocking draws again."""
        if not self.lock.isChecked():
            self._give(RANDOM_SEED)
            return
        drawn = random.SystemRandom().randrange(RANDOM_SEED_LIMIT)
        self._give(drawn if self._last is None else self._last)

    def _take(self, seed: int | None) -> None:
        self._give(RANDOM_SEED if seed is None else seed)

    def _give(self, seed: int) -> None:
        self.corrected.emit("")
        self.set_seed(seed)
        self.seed_edited.emit(seed)

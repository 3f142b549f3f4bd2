"""One LoRA of the draft: its name, how strong it is, the words it was trained with, its receipt.

Owns the shape of such a row. Knows no request: it says what is wished for.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.generation.add_ons import LoraReceipt
from app.generation.request import LARGEST_LORA_WEIGHT
from app.ui.parts import theme
from app.ui.parts.elided_label import ElidedLabel
from app.ui.parts.engine_words import in_own_words
from app.ui.parts.flow_layout import FlowLayout
from app.ui.parts.number_field import NumberRange
from app.ui.parts.setting_row import caption_label, icon_button
from app.ui.parts.slider_field import SliderField

_WEIGHTS = NumberRange(low=-LARGEST_LORA_WEIGHT, high=LARGEST_LORA_WEIGHT, step=0.05, decimals=2)
_USUAL_WEIGHTS = (0.0, 2.0)
_DEFAULT_WEIGHT = 1.0


class LoraRow(QWidget):
    """Name and a way to take it out, the strength, chips of words, a line of what became of it."""

    weight_edited = Signal(float)
    removed = Signal()
    word_taken = Signal(str)

    def __init__(self, path: Path, words: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self._name = ElidedLabel(path.stem, self)
        self.remove_button = icon_button("trash", self.tr("Take this LoRA out."), self)
        self.remove_button.clicked.connect(self.removed)
        self.weight = SliderField(
            self.tr("Strength of {name}").format(name=path.stem), _WEIGHTS, _USUAL_WEIGHTS, self
        )
        self.weight.setToolTip(
            self.tr("How strong the LoRA is: 0 is nothing, below 0 the opposite.")
        )
        self.weight.set_default(_DEFAULT_WEIGHT)
        self.weight.value_edited.connect(self._take_weight)
        self._chips = self._made_chips(words)
        self.caption = caption_label(self)
        self.caption.hide()
        head = QHBoxLayout()
        head.setSpacing(theme.SPACE // 2)
        head.addWidget(self._name, 1)
        head.addWidget(self.remove_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE // 2)
        column.addLayout(head)
        for part in (self.weight, self._chips, self.caption):
            column.addWidget(part)

    def set_weight(self, weight: float) -> None:
        """Show a strength that came from elsewhere."""
        self.weight.set_value(weight)

    def show_receipt(self, receipt: LoraReceipt) -> None:
        """What became of it in the last picture."""
        is_whole = receipt.applied == receipt.layers
        self.caption.setText(receipt_text(receipt))
        self.caption.setToolTip("\n".join(map(in_own_words, receipt.left_out)))
        theme.set_role(self.caption, "caption" if is_whole else "caption_warning")
        self.caption.show()

    def _take_weight(self, weight: float | None) -> None:
        self.weight_edited.emit(_DEFAULT_WEIGHT if weight is None else weight)

    def _made_chips(self, words: Sequence[str]) -> QWidget:
        chips = QWidget(self)
        flow = FlowLayout(chips, theme.SPACE // 2)
        for word in words:
            chip = QPushButton(word.replace("&", "&&"), chips)
            chip.setAccessibleName(word)
            chip.setToolTip(self.tr("Add this word, which the LoRA was trained with."))
            theme.set_role(chip, "chip")
            chip.clicked.connect(lambda _=False, word=word: self.word_taken.emit(word))
            flow.addWidget(chip)
        chips.setVisible(bool(words))
        return chips


def receipt_text(receipt: LoraReceipt) -> str:
    """Such as "192 of 192 layers"."""
    words = QCoreApplication.translate("LoraRow", "{applied} of {layers} layers")
    return words.format(applied=receipt.applied, layers=receipt.layers)

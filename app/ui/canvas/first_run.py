"""The first run: what stands on the canvas until a first picture is made.

Owns its words and their place. Knows nothing of how a picture is made.
"""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.parts.icons import icon
from app.ui.parts.theme import SPACE, set_role

WIDTH, ICON_SIDE = 440, 40


class FirstRun(QWidget):
    """An example that waits, one button, more to try, and how to add a full model."""

    example_requested = Signal(str)
    """Make a picture of this prompt."""
    add_model_requested = Signal()

    def __init__(self, first: str, more: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        middle = QHBoxLayout(self)
        layout = QVBoxLayout()
        layout.setSpacing(SPACE)
        middle.addStretch()
        middle.addLayout(layout)
        middle.addStretch()
        layout.addStretch()
        picture = QLabel()
        drawing = icon("generate", QPalette.ColorRole.Link)
        picture.setPixmap(drawing.pixmap(QSize(ICON_SIDE, ICON_SIDE), self.devicePixelRatioF()))
        layout.addWidget(picture, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._label(self.tr("Make your first picture"), "headline"))
        layout.addWidget(
            self._label(
                self.tr("A small model is ready. Press the button, or type your own words."), ""
            )
        )
        layout.addSpacing(SPACE)
        self.button = QPushButton(self.tr("Make “{prompt}”").format(prompt=first))
        self.button.setToolTip(self.tr("Makes a picture of these words."))
        set_role(self.button, "primary")
        self.button.clicked.connect(lambda: self.example_requested.emit(first))
        layout.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addSpacing(SPACE)
        layout.addWidget(self._chips(more))
        layout.addSpacing(2 * SPACE)
        layout.addWidget(
            self._label(
                self.tr(
                    "It draws about 1,360 things that have an emoji, at 256 x 256, and knows no"
                    " photos, faces or artists. For those, drop a Stable Diffusion 1.5 model"
                    " onto this window."
                ),
                "caption",
            )
        )
        add = QPushButton(self.tr("Choose a model…"))
        add.setToolTip(self.tr("Opens the list of models, where folders and files can be added."))
        set_role(add, "quiet")
        add.clicked.connect(self.add_model_requested)
        layout.addWidget(add, alignment=Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch()

    def _chips(self, prompts: Sequence[str]) -> QWidget:
        chips = QWidget()
        chips.setFixedWidth(WIDTH)
        lines = QVBoxLayout(chips)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(SPACE)
        line, room = _new_line(lines), WIDTH
        for prompt in prompts:
            chip = QPushButton(prompt)
            set_role(chip, "chip")
            chip.setToolTip(self.tr("Makes a picture of these words."))
            chip.clicked.connect(
                lambda _checked=False, prompt=prompt: self.example_requested.emit(prompt)
            )
            width = chip.sizeHint().width() + SPACE
            if width > room:
                line, room = _new_line(lines), WIDTH
            line.insertWidget(line.count() - 1, chip)
            room -= width
        return chips

    @staticmethod
    def _label(text: str, role: str) -> QLabel:
        label = QLabel(text)
        label.setWordWrap(True)
        label.setFixedWidth(WIDTH)
        label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        set_role(label, role)
        return label


def _new_line(lines: QVBoxLayout) -> QHBoxLayout:
    """A line whose widgets stand in its middle."""
    line = QHBoxLayout()
    line.setSpacing(SPACE)
    line.addStretch()
    line.addStretch()
    lines.addLayout(line)
    return line

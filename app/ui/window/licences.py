"""The licences of all parts: a list of them, and the text of the one that is selected.

Owns how they are shown; which parts there are stands in resources/licences/parts.json.
"""

import json

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.paths import resource_path
from app.ui.parts.theme import SPACE, set_role

WIDTH, HEIGHT, LIST_WIDTH = 940, 560, 190  # their lines are broken at 80 letters
FOLDER = "licences"


class Licences(QDialog):
    """Parts at the left, the text of one at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Licences"))
        self.resize(WIDTH, HEIGHT)
        text = resource_path(f"{FOLDER}/parts.json").read_text(encoding="utf-8")
        self._parts = json.loads(text)
        self._list = QListWidget()
        self._list.setFixedWidth(LIST_WIDTH)
        self._list.setAccessibleName(self.tr("Parts of Aquatint"))
        self._list.addItems([part["name"] for part in self._parts])
        self._summary = QLabel()
        self._summary.setWordWrap(True)
        self._summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text = QPlainTextEdit(readOnly=True)
        self._text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._text.setAccessibleName(self.tr("Text of the licence"))
        for field in (self._list, self._text):
            set_role(field, "field")
        self._list.currentRowChanged.connect(self._show_part)
        self._list.setCurrentRow(0)
        self._arrange()

    def _arrange(self) -> None:
        right = QVBoxLayout()
        right.setSpacing(SPACE)
        right.addWidget(self._summary)
        right.addWidget(self._text, 1)
        columns = QHBoxLayout()
        columns.setSpacing(2 * SPACE)
        columns.addWidget(self._list)
        columns.addLayout(right, 1)
        done = QPushButton(self.tr("Done"))
        done.setToolTip(self.tr("Closes this window."))
        done.setDefault(True)
        done.clicked.connect(self.accept)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(2 * SPACE)
        layout.addLayout(columns, 1)
        layout.addWidget(done, alignment=Qt.AlignmentFlag.AlignRight)

    def _show_part(self, row: int) -> None:
        part = self._parts[row]
        self._summary.setText(f"{part['name']}: {part['licence']}. {part['note']}")
        texts = [resource_path(f"{FOLDER}/{name}") for name in part["texts"]]
        self._text.setPlainText(
            "\n\n\n".join(text.read_text(encoding="utf-8").strip() for text in texts)
        )

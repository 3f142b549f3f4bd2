"""The list from which a LoRA is added: what there is, narrowed by typing.

Owns the search and the choice. Knows no request: it says which file was chosen.
"""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.library.model_entry import ModelEntry
from app.ui.parts import theme
from app.ui.parts.icons import icon
from app.ui.parts.setting_row import caption_label

WIDTH, MOST_ROWS = 280, 9


class LoraChooser(QWidget):
    """A search field over a list of names; return or a click chooses."""

    chosen = Signal(object)
    """The LoRA's file (Path)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText(self.tr("Search LoRAs"))
        self.search.setAccessibleName(self.tr("Search LoRAs"))
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("LoRAs"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._empty = caption_label(self)
        self._empty.setMinimumWidth(WIDTH - 2 * theme.SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.SPACE] * 4)
        column.setSpacing(theme.SPACE)
        for part in (self.search, self.list, self._empty):
            column.addWidget(part)
        self.setFixedWidth(WIDTH)
        self.search.textChanged.connect(self._narrow)
        self.search.returnPressed.connect(self._choose_current)
        self.list.itemClicked.connect(self._choose)
        self.setFocusProxy(self.search)
        self.set_entries([])

    def set_entries(self, entries: Sequence[ModelEntry], others: int = 0) -> None:
        """The LoRAs that can be chosen; so many `others` are there, but for other models."""
        self.list.clear()
        for entry in entries:
            item = QListWidgetItem(entry.title)
            item.setData(Qt.ItemDataRole.UserRole, entry.path)
            item.setToolTip(str(entry.path))
            item.setSizeHint(QSize(0, theme.CONTROL_HEIGHT))
            self.list.addItem(item)
        for part in (self.search, self.list):
            part.setVisible(bool(entries))
        words = self.tr("LoRAs that were made for other models are not listed: {count}.")
        if not others:
            words = self.tr(
                "There is no LoRA yet: drop a file onto the window, or add a folder in Models."
            )
        self._empty.setText(words.format(count=others))
        self._empty.setVisible(others > 0 or not entries)
        self.list.setFixedHeight(min(len(entries), MOST_ROWS) * theme.CONTROL_HEIGHT)
        self._narrow(self.search.text())

    def begin(self) -> None:
        """Forgets what was sought."""
        self.search.clear()
        self._narrow("")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Up and down walk the list while the search keeps the keyboard."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.key() in steps:
            self._step(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _step(self, step: int) -> None:
        row = self.list.currentRow() + step
        while 0 <= row < self.list.count() and self.list.item(row).isHidden():
            row += step
        if 0 <= row < self.list.count():
            self.list.setCurrentRow(row)

    def _narrow(self, letters: str) -> None:
        first: int | None = None
        for row in range(self.list.count()):
            item = self.list.item(row)
            item.setHidden(letters.strip().lower() not in item.text().lower())
            if first is None and not item.isHidden():
                first = row
        self.list.setCurrentRow(-1 if first is None else first)

    def _choose_current(self) -> None:
        item = self.list.currentItem()
        if item is not None and not item.isHidden():
            self._choose(item)

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(item.data(Qt.ItemDataRole.UserRole))

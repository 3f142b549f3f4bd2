"""The LoRAs that are added to the model, and the way to add one.

Owns that section of the sidebar. Each row shows one LoRA of the draft and changes it there; LoRAs
that the prompt names in tags are the prompt's.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.generation.add_ons import LoraReceipt
from app.generation.request import GenerationRequest, LoraUse
from app.library.model_entry import ModelEntry, ModelKind
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts import theme
from app.ui.parts.setting_row import caption_label, icon_button
from app.ui.sidebar.lora_row import LoraRow


class LoraPanel(QWidget):
    """A heading with a plus, a row for each LoRA, and what became of those in the prompt."""

    add_requested = Signal(object)
    """The button beside which the list is to open."""
    word_taken = Signal(str)
    """A word that is to be added to the prompt."""

    def __init__(self, draft: RequestDraft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._entries: dict[Path, ModelEntry] = {}
        self.rows: list[LoraRow] = []
        self.add_button = icon_button("plus", self.tr("Add a LoRA."), self)
        self.add_button.clicked.connect(lambda: self.add_requested.emit(self.add_button))
        self._title = QLabel(self.tr("LoRA"), self)
        self.tagged = caption_label(self)
        self.tagged.hide()
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self.add_button)
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.SPACE * 3 // 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.SPACE)
        column.addLayout(head)
        column.addLayout(self._column)
        column.addWidget(self.tagged)
        draft.changed.connect(self._follow)
        self._follow(draft.request)

    def set_entries(self, entries: Sequence[ModelEntry]) -> None:
        """What is known of the LoRAs that there are."""
        self._entries = {e.path: e for e in entries if e.kind is ModelKind.LORA}
        self._make_rows(self._draft.request)

    def add(self, path: Path) -> None:
        """Adds a LoRA at full strength; one that is there already stays as it is."""
        loras = self._draft.request.loras
        if all(use.path != path for use in loras):
            self._draft.set(loras=(*loras, LoraUse(path=path)))

    def show_receipts(self, receipts: Sequence[LoraReceipt]) -> None:
        """What became of the LoRAs of a picture: the list's first, then the prompt's."""
        rows = list(self.rows)
        others = []
        for receipt in receipts:
            row = next((row for row in rows if row.path.stem == receipt.name), None)
            if row:
                rows.remove(row)
                row.show_receipt(receipt)
            else:
                others.append(
                    self.tr("{name}: {applied} of {layers} layers").format(
                        name=receipt.name, applied=receipt.applied, layers=receipt.layers
                    )
                )
        self.tagged.setText("\n".join(others))
        self.tagged.setVisible(bool(others))

    def _follow(self, request: GenerationRequest) -> None:
        if [row.path for row in self.rows] != [use.path for use in request.loras]:
            self._make_rows(request)
        for row, use in zip(self.rows, request.loras, strict=True):
            row.set_weight(use.weight)

    def _make_rows(self, request: GenerationRequest) -> None:
        for row in self.rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = [self._made_row(use) for use in request.loras]
        for row in self.rows:
            self._column.addWidget(row)

    def _made_row(self, use: LoraUse) -> LoraRow:
        entry = self._entries.get(use.path)
        row = LoraRow(use.path, entry.words if entry else (), self)
        row.set_weight(use.weight)
        row.weight_edited.connect(lambda weight: self._set_weight(row, weight))
        row.removed.connect(lambda: self._remove(row))
        row.word_taken.connect(self.word_taken)
        return row

    def _set_weight(self, row: LoraRow, weight: float) -> None:
        loras = list(self._draft.request.loras)
        place = self.rows.index(row)
        loras[place] = dataclasses.replace(loras[place], weight=weight)
        self._draft.set(loras=tuple(loras))

    def _remove(self, row: LoraRow) -> None:
        place = self.rows.index(row)
        loras = self._draft.request.loras
        self._draft.set(loras=loras[:place] + loras[place + 1 :])

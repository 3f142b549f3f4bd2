"""The words of a picture: what is to be seen, what is not, and examples to begin with.

Owns the two editors, their token counts and the example chips. Knows of tokens only how to have
them counted.
"""

from collections.abc import Callable

from PySide6.QtCore import QCoreApplication, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.generation.request import GenerationRequest
from app.prompt.conditioning import CHUNK_CAPACITY, TokenCount
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts import theme
from app.ui.parts.flow_layout import FlowLayout
from app.ui.prompt.prompt_editor import PromptEditor

COUNT_DELAY_MS = 120
_CHIP_PADDING = 14  # and the line about it


class PromptPanel(QWidget):
    """Prompt and negative prompt of the draft."""

    generate_requested = Signal()
    generate_first_requested = Signal()
    cancel_requested = Signal()

    def __init__(
        self,
        draft: RequestDraft,
        count_tokens: Callable[[str], TokenCount | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft = draft
        self.prompt = _PromptField("prompt", self.tr("Prompt"), draft, count_tokens)
        self.negative_prompt = _PromptField(
            "negative_prompt", self.tr("Negative prompt"), draft, count_tokens
        )
        self.prompt.editor.setPlaceholderText(self.tr("What is to be seen"))
        self.prompt.editor.setToolTip(self.tr("The words of what is to be seen."))
        self.negative_prompt.editor.setPlaceholderText(self.tr("What is not to be seen"))
        self.negative_prompt.editor.setToolTip(self.tr("The words of what is not to be seen."))
        self._chips = QWidget(self)
        self._chip_flow = FlowLayout(self._chips, theme.SPACE * 3 // 4)
        self._chips.hide()
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.SPACE * 3 // 2)
        for row in (self.prompt, self._chips, self.negative_prompt):
            rows.addWidget(row)
        for editor in (self.prompt.editor, self.negative_prompt.editor):
            editor.generate_requested.connect(self.generate_requested)
            editor.generate_first_requested.connect(self.generate_first_requested)
            editor.cancel_requested.connect(self.cancel_requested)

    def set_history(self, prompts: list[str], negative_prompts: list[str]) -> None:
        """What was asked for before, the latest first."""
        self.prompt.editor.set_history(prompts)
        self.negative_prompt.editor.set_history(negative_prompts)

    def count_again(self) -> None:
        """The tokens can be counted from now on."""
        self.prompt.show_count()
        self.negative_prompt.show_count()

    def set_completions(self, names: list[str]) -> None:
        """What a word may be completed to, in both editors."""
        self.prompt.editor.set_completions(names)
        self.negative_prompt.editor.set_completions(names)

    def add_word(self, word: str) -> None:
        """Put a word behind the prompt, parted by a comma; undo takes it out again."""
        words = self.prompt.editor.toPlainText().rstrip(" ,\n")
        self.prompt.editor.set_text(f"{words}, {word}" if words else word)

    def set_examples(self, prompts: list[str]) -> None:
        """Prompts to begin with, a chip each; none takes the chips away."""
        while (item := self._chip_flow.takeAt(0)) is not None:
            chip = item.widget()
            if chip is not None:
                chip.hide()
                chip.deleteLater()
        for prompt in prompts:
            chip = _Chip(prompt, self._chips)
            chip.setToolTip(self.tr("Write this as the prompt."))
            chip.clicked.connect(lambda _=False, words=prompt: self._use_example(words))
            self._chip_flow.addWidget(chip)
        self._chips.setVisible(bool(prompts))

    def _use_example(self, words: str) -> None:
        self.prompt.editor.set_text(words)
        self.prompt.editor.setFocus(Qt.FocusReason.OtherFocusReason)


class _Chip(QPushButton):
    """A button whose words are cut where they are wider than it may be."""

    def __init__(self, words: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = words
        self.setAccessibleName(words)
        theme.set_role(self, "chip")
        self._cut(None)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """The words are cut to the width."""
        super().resizeEvent(event)
        self._cut(self.width() - 2 * _CHIP_PADDING)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as all the words."""
        words = self.fontMetrics().horizontalAdvance(self._words)
        return QSize(words + 2 * _CHIP_PADDING + 2, super().sizeHint().height())

    def _cut(self, room: int | None) -> None:
        shown = self._words
        if room is not None:
            shown = self.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideRight, room)
        self.setText(shown.replace("&", "&&"))


class _PromptField(QWidget):
    """One prompt of the draft: its name, its count, its editor."""

    def __init__(
        self,
        field: str,
        name: str,
        draft: RequestDraft,
        count_tokens: Callable[[str], TokenCount | None],
    ) -> None:
        super().__init__()
        self._field, self._draft, self._count_tokens = field, draft, count_tokens
        self.editor = PromptEditor(self)
        self.editor.setAccessibleName(name)
        self.count = QLabel(self)
        self.count.setToolTip(
            self.tr("A model reads a prompt in chunks of {size} tokens.").format(
                size=CHUNK_CAPACITY
            )
        )
        theme.set_role(self.count, "caption")
        label = QLabel(name, self)
        label.setBuddy(self.editor)
        head = QHBoxLayout()
        head.addWidget(label, 1)
        head.addWidget(self.count)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(theme.SPACE // 2)
        rows.addLayout(head)
        rows.addWidget(self.editor)
        self._rest = QTimer(self, singleShot=True, interval=COUNT_DELAY_MS)
        self._rest.timeout.connect(self.show_count)
        self.editor.textChanged.connect(self._take)
        draft.changed.connect(self._show)
        self.editor.begin_with(str(getattr(draft.request, field)))

    def _take(self) -> None:
        self._rest.start()
        self._draft.set(**{self._field: _clean(self.editor.toPlainText())})

    def _show(self, request: GenerationRequest) -> None:
        words = str(getattr(request, self._field))
        if words != _clean(self.editor.toPlainText()):
            self.editor.set_text(words)

    def show_count(self) -> None:
        """Count the words' tokens again; nothing is shown while they cannot be counted."""
        words = self.editor.toPlainText()
        tokens = self._count_tokens(words) if words.strip() else None
        self.count.setText(_count_text(tokens) if tokens else "")


def _clean(words: str) -> str:
    """Without what no request may hold: NUL, and halves of characters."""
    return words.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "ignore")


def _count_text(tokens: TokenCount) -> str:
    """Such as "23 of 75", and over one chunk "2 chunks, 81 of 150"."""
    chunks = tokens.limit // CHUNK_CAPACITY
    if chunks == 1:
        sentence = QCoreApplication.translate("PromptPanel", "{count} of {limit}")
    else:
        sentence = QCoreApplication.translate("PromptPanel", "{chunks} chunks, {count} of {limit}")
    return sentence.format(chunks=chunks, count=tokens.count, limit=tokens.limit)

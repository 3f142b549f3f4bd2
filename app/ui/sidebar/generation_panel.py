"""The left sidebar: what to make.

Owns how the parts of asking stand one below the other - model, prompt, settings, what will be
needed, Generate - and the state of its one button. Decides nothing: it says what is wished for.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.generation.request import GenerationRequest
from app.prompt.conditioning import TokenCount
from app.ui.draft.request_draft import RequestDraft
from app.ui.models.model_button import ModelButton
from app.ui.parts import theme
from app.ui.parts.setting_row import caption_label, icon_button
from app.ui.prompt.prompt_panel import PromptPanel
from app.ui.sidebar.settings_panel import SettingLabels, SettingsPanel

SIDEBAR_WIDTH = 340
NARROWEST, WIDEST = 300, 420
_MARGIN = theme.SPACE * 2
_ROLES = {"ok": "caption", "warning": "caption_warning", "refused": "caption_danger"}


class GenerationPanel(QWidget):
    """All of the draft's controls, and the button that makes the picture.

    Generate turns into Cancel while a job runs (`set_running`); beside it, a press then adds
    another picture to the queue. A refused forecast takes Generate away and says why.
    """

    generate_requested = Signal(bool)
    """True: at the front of the queue."""
    cancel_requested = Signal()
    live_toggled = Signal(bool)
    model_requested = Signal()

    def __init__(
        self,
        draft: RequestDraft,
        count_tokens: Callable[[str], TokenCount | None],
        labels: SettingLabels,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft = draft
        self._running = False
        self._cancelling = False
        self._refused = False
        self.model_button = ModelButton(self)
        self.prompt_panel = PromptPanel(draft, count_tokens, self)
        self.settings_panel = SettingsPanel(draft, labels, self)
        self.forecast = caption_label(self)
        self.live_button = icon_button("live", self.tr("A quick picture follows as you type."))
        self.live_button.setCheckable(True)
        self.generate_button = QPushButton(self)
        self.add_button = icon_button("plus", self.tr("Add another picture to the queue."))
        self.setMinimumWidth(NARROWEST)
        self.setMaximumWidth(WIDEST)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        theme.set_role(self, "sidebar")
        self._lay_out()
        self._connect()
        self.set_forecast("", "ok")
        self._show_state()

    def set_forecast(self, text: str, level: Literal["ok", "warning", "refused"]) -> None:
        """What the picture will need, in a line; "refused" also takes Generate away."""
        self._refused = level == "refused"
        self.forecast.setText(text)
        self.forecast.setVisible(bool(text))
        theme.set_role(self.forecast, _ROLES[level])
        self._show_state()

    def set_running(self, running: bool) -> None:
        """Whether a job runs: what the button does."""
        self._running = running
        self._cancelling = False
        self._show_state()

    def set_model(self, name: str, detail: str, picture: Path | None = None) -> None:
        """The chosen model: its name, a few words on it, the file of a picture made with it."""
        self.model_button.set_model(name, detail, picture)

    def set_completions(self, names: list[str]) -> None:
        """What a word of a prompt may be completed to, such as "<lora:ink:1>" or "bad-hands"."""
        self.prompt_panel.set_completions(names)

    def set_examples(self, prompts: list[str]) -> None:
        """Prompts to begin with, a chip each."""
        self.prompt_panel.set_examples(prompts)

    def set_history(self, prompts: list[str], negative_prompts: list[str]) -> None:
        """Prompts of before, the latest first, for option with the arrows."""
        self.prompt_panel.set_history(prompts, negative_prompts)

    def set_last_seed(self, seed: int) -> None:
        """The seed of the last picture, which the lock keeps."""
        self.settings_panel.set_last_seed(seed)

    def set_live(self, live: bool) -> None:
        """Show whether live is on."""
        self.live_button.setChecked(live)

    def add_section(self, widget: QWidget) -> None:
        """Put another part below the settings, parted by a line."""
        place = self._parts.count() - 1  # before the stretch
        self._parts.insertWidget(place, _line(self))
        self._parts.insertWidget(place + 1, widget)

    def focus_prompt(self) -> None:
        """Put the cursor in the prompt."""
        self.prompt_panel.prompt.editor.setFocus(Qt.FocusReason.OtherFocusReason)

    def _lay_out(self) -> None:
        inside = QWidget(self)
        self._parts = QVBoxLayout(inside)
        self._parts.setContentsMargins(_MARGIN, theme.SPACE, _MARGIN, _MARGIN)
        self._parts.setSpacing(_MARGIN)
        self._parts.addWidget(self.prompt_panel)
        self._parts.addWidget(_line(inside))
        self._parts.addWidget(self.settings_panel)
        self._parts.addStretch(1)
        scroll = QScrollArea(self)
        scroll.setWidget(inside)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar = scroll.verticalScrollBar()
        bar.rangeChanged.connect(lambda _, last: self._leave_room(bar.width() if last else 0))
        model = QHBoxLayout()
        model.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, theme.SPACE)
        model.addWidget(self.model_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.SPACE // 2)
        buttons.addWidget(self.generate_button, 1)
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.live_button)
        foot = QVBoxLayout()
        foot.setContentsMargins(_MARGIN, theme.SPACE, _MARGIN, _MARGIN)
        foot.setSpacing(theme.SPACE)
        foot.addWidget(self.forecast)
        foot.addLayout(buttons)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(model)
        rows.addWidget(scroll, 1)
        rows.addWidget(_line(self))
        rows.addLayout(foot)

    def _leave_room(self, bar_width: int) -> None:
        """The scroll bar stands in the margin: the fields end where the model's button does."""
        self._parts.setContentsMargins(_MARGIN, theme.SPACE, _MARGIN - bar_width, _MARGIN)

    def _connect(self) -> None:
        self.model_button.clicked.connect(self.model_requested)
        self.live_button.toggled.connect(self.live_toggled)
        self.generate_button.clicked.connect(self._press)
        self.add_button.clicked.connect(lambda: self.ask(front=False))
        self.prompt_panel.generate_requested.connect(lambda: self.ask(front=False))
        self.prompt_panel.generate_first_requested.connect(lambda: self.ask(front=True))
        self.prompt_panel.cancel_requested.connect(self.cancel_requested)
        self._draft.changed.connect(self._show_words)

    def _press(self) -> None:
        if self._running:
            self._cancelling = True
            self._show_state()
            self.cancel_requested.emit()
        else:
            self.ask(front=False)

    def ask(self, *, front: bool) -> None:
        """Wish for the picture of the draft, unless its forecast is refused."""
        self.settings_panel.commit()
        if not self._refused:
            self.generate_requested.emit(front)

    def _show_state(self) -> None:
        """The button's words, its place among the others and whether it may be pressed."""
        may_cancel = self._running and not self._cancelling
        may_generate = not self._running and not self._refused
        self.generate_button.setEnabled(may_cancel or may_generate)
        theme.set_role(self.generate_button, "cancel" if self._running else "primary")
        self.add_button.setVisible(self._running)
        self.add_button.setEnabled(not self._refused)
        self._show_words(self._draft.request)

    def _show_words(self, request: GenerationRequest) -> None:
        if self._cancelling:
            words, sentence = self.tr("Cancelling…"), self.tr("The picture ends within a moment.")
        elif self._running:
            words, sentence = self.tr("Cancel"), self.tr("Stop the picture that is being made.")
        elif request.batch_count > 1:
            words = self.tr("Generate {count} pictures").format(count=request.batch_count)
            sentence = self.tr("Make these pictures.")
        else:
            words, sentence = self.tr("Generate"), self.tr("Make this picture.")
        self.generate_button.setText(words)
        self.generate_button.setToolTip(sentence)


def _line(parent: QWidget) -> QFrame:
    line = QFrame(parent)
    theme.set_role(line, "line")
    return line

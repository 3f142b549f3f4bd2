"""LoRAs and embeddings in the window: what there is, told to all who need to know.

Owns the section of LoRAs, the list from which one is added, and who hears of the library's finds:
the engine, the completion of prompts, the count of tokens. Decides nothing about a picture.
"""

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.generation.add_ons import AddOns
from app.generation.engine_client import EngineClient
from app.generation.messages import Finished
from app.library.model_entry import ModelEntry, ModelKind
from app.prompt.lora_tags import tag_text
from app.ui.draft.request_draft import RequestDraft
from app.ui.parts.popover import Popover
from app.ui.prompt.token_counter import TokenCounter
from app.ui.sidebar.generation_panel import GenerationPanel
from app.ui.sidebar.lora_chooser import LoraChooser
from app.ui.sidebar.lora_panel import LoraPanel


class AddOnDesk(QObject):
    """Puts its section below those that the sidebar has."""

    changed = Signal()
    """Prompts may name other files than before."""

    def __init__(
        self,
        draft: RequestDraft,
        window: QWidget,
        panel: GenerationPanel,
        client: EngineClient,
        counter: TokenCounter,
    ) -> None:
        super().__init__(window)
        self._panel, self._client, self._counter = panel, client, counter
        self._draft, self._entries = draft, tuple[ModelEntry, ...]()
        self.lora_panel = LoraPanel(draft)
        self.chooser = LoraChooser()
        self.popover = Popover(window, self.chooser)
        panel.add_section(self.lora_panel)
        self.lora_panel.add_requested.connect(self._show_loras)
        self.lora_panel.word_taken.connect(panel.prompt_panel.add_word)
        self.chooser.chosen.connect(self.lora_panel.add)
        self.chooser.chosen.connect(lambda _path: self.popover.close_up())
        draft.abilities_changed.connect(self._offer)

    def set_entries(self, entries: Sequence[ModelEntry]) -> None:
        """The LoRAs and embeddings that there are from now on."""
        self._entries = tuple(entries)
        loras = [entry for entry in entries if entry.kind is ModelKind.LORA]
        words = [entry for entry in entries if entry.kind is ModelKind.EMBEDDING]
        add_ons = AddOns.of((e.path for e in loras), (e.path for e in words))
        aliases = {e.alias: e.path for e in reversed(loras) if e.alias}
        self._client.set_add_ons(replace(add_ons, loras=aliases | dict(add_ons.loras)))
        self.lora_panel.set_entries(loras)
        self._counter.set_embeddings({entry.path.stem: entry.token_count for entry in words})
        self._offer()
        self.changed.emit()

    def show_receipts(self, _job_id: str, finished: Finished) -> None:
        """What became of the LoRAs of a picture."""
        self.lora_panel.show_receipts(finished.loras)

    def _offer(self) -> None:
        """Only what was made for models like the chosen one is listed and completed."""
        able = self._draft.abilities
        loras = [entry for entry in self._entries if entry.kind is ModelKind.LORA]
        fitting = [entry for entry in loras if able.fits_lora(entry.text_width)]
        words = [
            entry.path
            for entry in self._entries
            if entry.kind is ModelKind.EMBEDDING and able.fits_embedding(entry.text_width)
        ]
        self.chooser.set_entries(fitting, len(loras) - len(fitting))
        add_ons = AddOns.of((entry.path for entry in fitting), words)
        tags = [tag_text(name, 1.0) for name in add_ons.loras]
        self._panel.set_completions([*tags, *add_ons.embeddings])

    def _show_loras(self, button: QWidget) -> None:
        self.chooser.begin()
        self.popover.toggle(button)
        self.chooser.setFocus()

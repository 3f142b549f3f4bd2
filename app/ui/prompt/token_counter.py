"""How many tokens a prompt has, once the tokenizer is there: it takes a moment to load.

Knows no widget.
"""

from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from app.prompt.conditioning import TokenCount, token_count
from app.prompt.embedding_words import EmbeddingWords
from app.prompt.lora_tags import without_tags
from app.prompt.tokenizer import Tokenizer
from app.ui.parts.background_calls import BackgroundCalls


class TokenCounter(QObject):
    """Counts; None until `loaded`."""

    loaded = Signal()
    """The counts are known, or others, from now on."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tokenizer: Tokenizer | None = None
        self._embeddings: Mapping[str, int] = {}
        self._words: EmbeddingWords | None = None
        self._calls = BackgroundCalls(1, self)

    def load(self) -> None:
        """Reads the vocabulary in the background."""
        self._calls.call(Tokenizer, self._take, _give_up)

    def count(self, text: str) -> TokenCount | None:
        """The tokens of a prompt without its LoRA tags, and the places of its chunks."""
        if self._tokenizer is None:
            return None
        return token_count(without_tags(text), self._tokenizer, self._words)

    def set_embeddings(self, counts: Mapping[str, int]) -> None:
        """The tokens that embeddings are worth, by the words that they are."""
        if counts != self._embeddings:
            self._embeddings = counts
            self._make_words()

    def close(self) -> None:
        """Ends the loading."""
        self._calls.close()

    def _take(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._make_words()

    def _make_words(self) -> None:
        if self._tokenizer:
            self._words = EmbeddingWords(self._embeddings, self._tokenizer)
            self.loaded.emit()


def _give_up(error: Exception) -> None:
    """Without its vocabulary the app is broken, and the engine's first job says so better."""

"""How many tokens a prompt has, once the tokenizer is there: it takes a moment to load.

Knows no widget.
"""

from PySide6.QtCore import QObject, Signal

from app.prompt.conditioning import TokenCount, token_count
from app.prompt.tokenizer import Tokenizer
from app.ui.background_calls import BackgroundCalls


class TokenCounter(QObject):
    """Counts; None until `loaded`."""

    loaded = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tokenizer: Tokenizer | None = None
        self._calls = BackgroundCalls(1, self)

    def load(self) -> None:
        """Reads the vocabulary in the background."""
        self._calls.call(Tokenizer, self._take, _give_up)

    def count(self, text: str) -> TokenCount | None:
        """The tokens of a prompt, and the places of its chunks."""
        return token_count(text, self._tokenizer) if self._tokenizer else None

    def close(self) -> None:
        """Ends the loading."""
        self._calls.close()

    def _take(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self.loaded.emit()


def _give_up(error: Exception) -> None:
    """Without its vocabulary the app is broken, and the engine's first job says so better."""

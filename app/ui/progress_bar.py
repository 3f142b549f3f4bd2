"""How far the running job is: the left part of the status bar.

Owns the words for it. Knows no queue: it is told what to show.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.generation.messages import Progress


class JobProgress(QWidget):
    """A thin bar, step n of N, it/s, time left and a button to cancel; or one sentence."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError

    def show_started(self) -> None:
        """A job has begun and has not said anything yet."""
        raise NotImplementedError

    def show_progress(self, progress: Progress) -> None:
        """Where the running job stands."""
        raise NotImplementedError

    def show_message(self, sentence: str = "", level: str = "") -> None:
        """Nothing runs. `level` is a role of the theme: "", "good", "warning" or "danger"."""
        raise NotImplementedError

"""The queue as it is seen: every job, what it does, and what can be done with it.

Owns no job: all that is done is done by the JobQueue, which is the view's model.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.generation.job_queue import JobQueue


class QueueView(QWidget):
    """A list of jobs with pause, clear ended and cancel all above it. Fits 300 px."""

    edit_requested = Signal(str)
    """Change the request of this job id, which waits (Return, double click)."""
    use_settings_requested = Signal(str)
    """Take all settings of this job id, which may have ended."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError

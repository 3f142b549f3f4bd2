"""How many jobs wait, always in sight. Knows only the queue."""

from PySide6.QtWidgets import QPushButton, QWidget

from app.generation.job_queue import JobQueue


class QueuePill(QPushButton):
    """A button that says what the queue does; a click is the wish to see it."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError

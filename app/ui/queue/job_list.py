"""The rows of the queue under the hand: select, drag to another place, keys.

Owns what keys and the mouse mean. Does nothing to a job but move it.
"""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QListView, QWidget

from app.generation.job import Job, JobState
from app.generation.job_queue import JOB_ROLE, JobQueue
from app.ui.queue.queue_delegate import ROW_HEIGHT, QueueDelegate, button_rect

WIDTH = 320
FEWEST_ROWS, MOST_ROWS = 2, 6
"""Rows that it would like to show at once; whole ones, so that none looks cut off."""


class JobList(QListView):
    """A waiting job follows the pointer that drags it; alt with up or down moves it as well."""

    removal_requested = Signal(str)
    """Delete was pressed on this job id."""
    opened = Signal(str)
    """Return was pressed on this job id, or it was clicked twice."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self._pressed_at: QPoint | None = None
        self._dragged: str | None = None
        self._row_before = -1
        self.delegate = QueueDelegate(self)
        self.setModel(queue)
        self.setItemDelegate(self.delegate)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName(self.tr("Queue"))
        for changed in (queue.rowsInserted, queue.rowsRemoved, queue.modelReset):
            changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As high as its jobs, within bounds."""
        rows = min(max(self._queue.rowCount(), FEWEST_ROWS), MOST_ROWS)
        return QSize(WIDTH, rows * ROW_HEIGHT)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Begins at the job that runs: those that have ended are above."""
        super().showEvent(event)
        if self._queue.running_id:
            row = self._queue.row_of(self._queue.running_id)
            self.scrollTo(self._queue.index(row, 0), QListView.ScrollHint.PositionAtTop)

    @property
    def current_job(self) -> Job | None:
        """The job with the focus."""
        job: Job | None = self.currentIndex().data(JOB_ROLE)
        return job

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Delete, Return, alt-up and alt-down; Esc puts a dragged job back."""
        key, job = event.key(), self.current_job
        is_alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if key == Qt.Key.Key_Escape and self._dragged:
            self._queue.move(self._dragged, self._row_before)
            self._let_go()
        elif job and key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removal_requested.emit(job.id)
        elif job and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(job.id)
        elif job and is_alt and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = -1 if key == Qt.Key.Key_Up else 1
            self._queue.move(job.id, max(self._queue.row_of(job.id) + step, 0))
            self.scrollTo(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """Notes where a drag would begin."""
        super().mousePressEvent(event)
        if event.button() is Qt.MouseButton.LeftButton:
            self._pressed_at = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A waiting job goes where the pointer is, and the others make room."""
        at = event.position().toPoint()
        if self._pressed_at is not None and self._dragged is None:
            moved = (at - self._pressed_at).manhattanLength()
            if moved >= QApplication.startDragDistance():
                self._take_hold(self._pressed_at)
        if self._dragged is None:
            super().mouseMoveEvent(event)
            return
        target = self.indexAt(QPoint(self.viewport().width() // 2, at.y()))
        row = target.row() if target.isValid() else (0 if at.y() < 0 else self._queue.rowCount())
        if row != self._queue.row_of(self._dragged):
            self._queue.move(self._dragged, row)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The job stays where it is."""
        self._let_go()
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """The same as Return; on a row's button it is the second of two quick clicks."""
        at = event.position().toPoint()
        index = self.indexAt(at)
        job: Job | None = index.data(JOB_ROLE)
        if button_rect(self.visualRect(index)).contains(at):
            super().mousePressEvent(event)
        elif job:
            self.opened.emit(job.id)

    def _take_hold(self, at: QPoint) -> None:
        job: Job | None = self.indexAt(at).data(JOB_ROLE)
        self._pressed_at = None
        if job and job.state is JobState.QUEUED:
            self._dragged, self._row_before = job.id, self._queue.row_of(job.id)
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)

    def _let_go(self) -> None:
        self._pressed_at = self._dragged = None
        self.viewport().unsetCursor()

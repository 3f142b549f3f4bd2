"""How many jobs wait, always in sight. Knows only the queue."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QWidget

from app.generation.job import JobState
from app.generation.job_queue import JobQueue
from app.ui.parts import theme
from app.ui.parts.icons import icon


class QueuePill(QPushButton):
    """A button that says what the queue does; a click is the wish to see it."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        theme.set_role(self, "quiet")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the cursor in the prompt
        self.setIconSize(QSize(14, 14))
        self.setToolTip(self.tr("Show the queue."))
        for changed in (queue.rowsInserted, queue.rowsRemoved, queue.modelReset, queue.dataChanged):
            changed.connect(self._refresh)
        queue.paused_changed.connect(self._refresh)
        self._refresh()

    def _refresh(self) -> None:
        states = [job.state for job in self._queue.jobs()]
        waiting, is_running = states.count(JobState.QUEUED), JobState.RUNNING in states
        if self._queue.paused:
            text = self.tr("Queue paused, {count} waiting") if waiting else self.tr("Queue paused")
        elif waiting:
            text = self.tr("{count} waiting")
        else:
            text = self.tr("None waiting") if is_running else self.tr("Queue empty")
        self.setText(text.format(count=waiting))
        self.setAccessibleName(self.tr("Queue: {state}").format(state=self.text()))
        self.setIcon(icon("pause" if self._queue.paused else "queue"))

"""The queue as it is seen: every job, what it does, and what can be done with it.

Owns no job: all that is done is done by the JobQueue, which is the view's model.
"""

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.generation.job import Job, JobState
from app.generation.job_queue import JOB_ROLE, JobQueue
from app.ui.parts import theme
from app.ui.parts.icons import icon
from app.ui.queue.job_list import JobList


class QueueView(QWidget):
    """A list of jobs with pause, clear ended and cancel all. Fits 300 px."""

    edit_requested = Signal(str)
    """Change the request of this job id, which waits (Return, double click)."""
    use_settings_requested = Signal(str)
    """Take all settings of this job id, which may have ended."""

    def __init__(self, queue: JobQueue, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._queue = queue
        self.list = JobList(queue, self)
        self._summary = QLabel(self)
        theme.set_role(self._summary, "caption")
        self._pause = QToolButton(self)
        self._clear = self._text_button(
            self.tr("Clear ended"), self.tr("Take all jobs that have ended off the list.")
        )
        self._cancel_all = self._text_button(
            self.tr("Cancel all"), self.tr("Stop what runs and withdraw all that wait.")
        )
        self._paused_note = QLabel(self.tr("Paused: nothing further is started."), self)
        theme.set_role(self._paused_note, "warning")
        self._empty = QLabel(self.tr("Pictures that you ask for wait here for their turn."), self)
        theme.set_role(self._empty, "caption")
        self._stack = QStackedWidget(self)
        self._lay_out()
        self._connect()
        self._refresh()

    def _lay_out(self) -> None:
        theme.set_role(self._pause, "quiet")
        self._pause.setIconSize(QSize(16, 16))
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._paused_note.setContentsMargins(theme.SPACE * 2, 0, theme.SPACE, theme.SPACE // 2)
        title = QLabel(self.tr("Queue"), self)
        theme.set_role(title, "title")
        head = QHBoxLayout()
        head.setContentsMargins(theme.SPACE * 2, theme.SPACE, theme.SPACE, theme.SPACE // 2)
        head.setSpacing(theme.SPACE)
        head.addWidget(title)
        head.addWidget(self._summary, 1)
        head.addWidget(self._pause)
        foot = QHBoxLayout()
        foot.setContentsMargins(theme.SPACE, theme.SPACE // 2, theme.SPACE, theme.SPACE // 2)
        foot.addWidget(self._clear)
        foot.addStretch(1)
        foot.addWidget(self._cancel_all)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.list)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._paused_note)
        column.addWidget(self._stack, 1)
        column.addLayout(foot)

    def _connect(self) -> None:
        queue, rows = self._queue, self.list
        self._pause.clicked.connect(self._toggle_pause)
        self._clear.clicked.connect(queue.clear_ended)
        self._cancel_all.clicked.connect(queue.cancel_all)
        for changed in (queue.rowsInserted, queue.rowsRemoved, queue.modelReset, queue.dataChanged):
            changed.connect(self._refresh)
        queue.paused_changed.connect(self._refresh)
        rows.removal_requested.connect(self._take_away)
        rows.delegate.cancel_requested.connect(queue.cancel)
        rows.delegate.retry_requested.connect(queue.retry)
        rows.opened.connect(self._open)
        rows.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        rows.customContextMenuRequested.connect(self._show_menu)

    def menu(self, job: Job) -> QMenu:
        """All that can be done with one job."""
        menu, queue, is_waiting = QMenu(self), self._queue, job.state is JobState.QUEUED
        edit = menu.addAction(icon("edit"), self.tr("Edit"))
        edit.triggered.connect(lambda: self.edit_requested.emit(job.id))
        edit.setEnabled(is_waiting)
        first = menu.addAction(icon("up"), self.tr("Make next"))
        first.triggered.connect(lambda: queue.move(job.id, 0))
        first.setEnabled(is_waiting)
        settings = menu.addAction(icon("reuse"), self.tr("Use settings"))
        settings.triggered.connect(lambda: self.use_settings_requested.emit(job.id))
        menu.addSeparator()
        if job.has_ended:
            again = menu.addAction(icon("generate"), self.tr("Make again"))
            again.triggered.connect(lambda: queue.retry(job.id))
            remove = menu.addAction(icon("trash"), self.tr("Remove"))
            remove.triggered.connect(lambda: queue.remove(job.id))
        else:
            cancel = menu.addAction(icon("cancel"), self.tr("Cancel"))
            cancel.triggered.connect(lambda: queue.cancel(job.id))
        return menu

    def _show_menu(self, at: QPoint) -> None:
        job: Job | None = self.list.indexAt(at).data(JOB_ROLE)
        if job:
            menu = self.menu(job)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.list.viewport().mapToGlobal(at))

    def _open(self, job_id: str) -> None:
        if self._queue.job(job_id).state is JobState.QUEUED:
            self.edit_requested.emit(job_id)
        else:
            self.use_settings_requested.emit(job_id)

    def _take_away(self, job_id: str) -> None:
        """Cancels what waits or runs, removes what has ended."""
        if self._queue.job(job_id).has_ended:
            self._queue.remove(job_id)
        else:
            self._queue.cancel(job_id)

    def _toggle_pause(self) -> None:
        self._queue.paused = not self._queue.paused

    def _refresh(self) -> None:
        jobs, paused = self._queue.jobs(), self._queue.paused
        waiting = sum(job.state is JobState.QUEUED for job in jobs)
        going = waiting + sum(job.state is JobState.RUNNING for job in jobs)
        self._summary.setText(self.tr("{count} waiting").format(count=waiting) if waiting else "")
        self._stack.setCurrentIndex(1 if jobs else 0)
        self._clear.setEnabled(going < len(jobs))
        self._cancel_all.setEnabled(going > 0)
        self._paused_note.setVisible(paused)
        self._pause.setIcon(icon("play" if paused else "pause"))
        name = self.tr("Go on") if paused else self.tr("Pause")
        hint = (
            self.tr("Start the jobs that wait.")
            if paused
            else self.tr("Start no further job; the one that runs goes on.")
        )
        self._pause.setAccessibleName(name)
        self._pause.setToolTip(hint)

    def _text_button(self, text: str, tooltip: str) -> QPushButton:
        button = QPushButton(text, self)
        theme.set_role(button, "quiet")
        button.setToolTip(tooltip)
        return button

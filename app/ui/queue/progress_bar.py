"""How far the running job is: the left part of the status bar.

Owns how it is laid out. Knows no queue: it is told what to show.
"""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from app.generation.messages import Progress
from app.ui.parts import theme
from app.ui.parts.elided_label import ElidedLabel
from app.ui.parts.icons import icon
from app.ui.queue import job_words

_BAR_WIDTH = 120
_BUTTON_SIDE = 22


class JobProgress(QWidget):
    """A thin bar, step n of N, it/s, time left and a button to cancel; or one sentence."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar = QProgressBar(self)
        self._bar.setFixedWidth(_BAR_WIDTH)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the picture"))
        self._text = ElidedLabel(self)
        font = QFont(self._text.font())
        font.setFeature(QFont.Tag("tnum"), 1)
        self._text.setFont(font)
        self._cancel = QToolButton(self)
        theme.set_role(self._cancel, "quiet")
        self._cancel.setIcon(icon("cancel"))
        self._cancel.setIconSize(QSize(14, 14))
        self._cancel.setFixedSize(_BUTTON_SIDE, _BUTTON_SIDE)
        self._cancel.setStyleSheet("min-height: 0; padding: 0;")
        self._cancel.setToolTip(self.tr("Stop this picture."))
        self._cancel.setAccessibleName(self.tr("Cancel"))
        self._cancel.clicked.connect(self.cancel_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.SPACE * 2, 0, theme.SPACE, 0)
        row.setSpacing(theme.SPACE)
        row.addWidget(self._bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._cancel)
        row.addWidget(self._text, 1)
        self.show_message()

    def show_started(self) -> None:
        """A job has begun and has not said anything yet."""
        self._show_running(True)
        self._bar.setRange(0, 1)
        self._bar.setValue(0)
        self._text.setText(job_words.phase_text(None, 0, 0))

    def show_progress(self, progress: Progress) -> None:
        """Where the running job stands."""
        self._show_running(True)
        self._bar.setRange(0, max(progress.steps, 1))
        self._bar.setValue(progress.step)
        parts = [job_words.phase_text(progress.phase, progress.step, progress.steps)]
        if progress.it_per_second:
            parts.append(job_words.rate(progress.it_per_second))
        if progress.seconds_left is not None:
            parts.append(job_words.time_left(progress.seconds_left))
        self._text.setText(job_words.SEPARATOR.join(parts))

    def show_message(self, sentence: str = "", level: str = "caption") -> None:
        """Nothing runs. `level` is a role of the theme: caption, good, warning or danger."""
        self._show_running(False)
        theme.set_role(self._text, level)
        self._text.setText(sentence)

    def _show_running(self, is_running: bool) -> None:
        self._bar.setVisible(is_running)
        self._cancel.setVisible(is_running)
        if is_running and self._text.property("role") != "caption":
            theme.set_role(self._text, "caption")

"""One row of the queue: how a job is drawn, and the button that a row has.

Owns no job and does nothing to one: a click on the button is a wish.
"""

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QHelpEvent,
    QMouseEvent,
    QPainter,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
)

from app.generation.job import Job, JobState
from app.generation.job_queue import JOB_ROLE
from app.ui.parts import theme
from app.ui.parts.engine_words import in_own_words
from app.ui.parts.icons import icon
from app.ui.queue import job_words

ROW_HEIGHT = 56
_GLYPH = 7.0
"""Half the size of the sign of a state, in points."""
_BUTTON = 24
_Index = QModelIndex | QPersistentModelIndex


class QueueDelegate(QStyledItemDelegate):
    """Draws the Job at JOB_ROLE."""

    cancel_requested = Signal(str)
    """Stop or withdraw this job id."""
    retry_requested = Signal(str)
    """Make this job id once more."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 - Qt's
        """Every row is as high as the next."""
        return QSize(120, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Sign of the state, prompt, what it is made with, where it stands."""
        job: Job = index.data(JOB_ROLE)
        row = QRectF(option.rect).adjusted(theme.SPACE / 2, 1, -theme.SPACE / 2, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, row)
        _paint_sign(painter, job, QPointF(row.left() + 18, row.top() + 18))
        has_button = self._shows_button(option, job)
        text = QRectF(row.left() + 34, row.top() + 8, row.width() - 34 - theme.SPACE, 20)
        self._paint_words(painter, job, text, _BUTTON if has_button else 0)
        if has_button:
            name = "reuse" if job.has_ended else "cancel"
            place = button_rect(option.rect)
            icon(name, QPalette.ColorRole.Text).paint(painter, place.adjusted(4, 4, -4, -4))
        if job.state is JobState.RUNNING:
            line = QRectF(text.left(), row.bottom() - 6, text.width(), 2)
            _paint_line(painter, line, job.step / job.steps if job.steps else 0)
        painter.restore()

    def editorEvent(  # noqa: N802 - Qt's name
        self,
        event: QEvent,
        model: QAbstractItemModel,
        option: QStyleOptionViewItem,
        index: _Index,
    ) -> bool:
        """A click on the row's button."""
        if isinstance(event, QMouseEvent) and event.button() is Qt.MouseButton.LeftButton:
            job: Job = index.data(JOB_ROLE)
            inside = button_rect(option.rect).contains(event.position().toPoint())
            if inside and job.state is not JobState.FINISHED:
                if event.type() is QEvent.Type.MouseButtonRelease:
                    wish = self.retry_requested if job.has_ended else self.cancel_requested
                    wish.emit(job.id)
                return True
        return super().editorEvent(event, model, option, index)

    def helpEvent(  # noqa: N802 - Qt's name
        self,
        event: QHelpEvent,
        view: QAbstractItemView,
        option: QStyleOptionViewItem,
        index: _Index,
    ) -> bool:
        """The whole prompt, and why a job failed."""
        job: Job | None = index.data(JOB_ROLE)
        lines = (job.request.prompt, in_own_words(job.sentence)) if job else ()
        text = "\n\n".join(line.strip() for line in lines if line.strip())
        QToolTip.showText(event.globalPos(), text, view)
        return True

    def _shows_button(self, option: QStyleOptionViewItem, job: Job) -> bool:
        near = QStyle.StateFlag.State_MouseOver | QStyle.StateFlag.State_Selected
        return job.state is not JobState.FINISHED and bool(option.state & near)

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, row: QRectF) -> None:
        worn = theme.colors()
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(worn.selection))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(worn.hover))
        else:
            return
        painter.drawRoundedRect(row, 6, 6)

    def _paint_words(self, painter: QPainter, job: Job, line: QRectF, taken: float) -> None:
        """`taken` is what the button has of the upper line."""
        worn = theme.colors()
        body, caption = theme.body_font(), _caption_font()
        _paint_text(
            painter,
            line,
            job_words.title(job.request),
            body,
            worn.muted if job.has_ended else worn.text,
        )
        below = line.translated(0, 20)
        state = job_words.standing(job)
        width = QFontMetricsF(caption).horizontalAdvance(state) + 1
        left = below.adjusted(0, 0, -width - theme.SPACE, 0)
        if job.state is JobState.FAILED:
            _paint_text(painter, below, in_own_words(job.sentence) or state, caption, worn.danger)
            return
        _paint_text(painter, left, job_words.details(job.request), caption, worn.muted)
        color = worn.accent if job.state is JobState.RUNNING else worn.muted
        place = QRectF(below.right() - width, below.top(), width, below.height())
        _paint_text(painter, place, state, caption, color)


def button_rect(row: QRect) -> QRect:
    """Where the button of a row lies."""
    place = QRect(0, 0, _BUTTON, _BUTTON)
    place.moveCenter(row.center())
    place.moveRight(row.right() - theme.SPACE)
    place.moveTop(row.top() + 6)
    return place


def _caption_font() -> QFont:
    font = theme.body_font()
    font.setPixelSize(theme.CAPTION_SIZE)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def _paint_text(painter: QPainter, place: QRectF, text: str, font: QFont, color: str) -> None:
    painter.setFont(font)
    painter.setPen(QColor(color))
    fitting = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, place.width())
    painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, fitting)


def _paint_line(painter: QPainter, line: QRectF, share: float) -> None:
    worn = theme.colors()
    painter.setPen(Qt.PenStyle.NoPen)
    for color, part in ((worn.pressed, 1.0), (worn.accent, share)):
        painter.setBrush(QColor(color))
        painter.drawRoundedRect(QRectF(line.left(), line.top(), line.width() * part, 2), 1, 1)


def _paint_sign(painter: QPainter, job: Job, centre: QPointF) -> None:
    """A ring that fills while it runs; a tick, a cross or an exclamation mark at its end."""
    worn = theme.colors()
    ring = QRectF(centre.x() - _GLYPH, centre.y() - _GLYPH, 2 * _GLYPH, 2 * _GLYPH)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if job.state in (JobState.QUEUED, JobState.RUNNING):
        painter.setPen(QPen(QColor(worn.field_line), 2))
        painter.drawEllipse(ring)
        share = job.step / job.steps if job.steps else 0
        painter.setPen(QPen(QColor(worn.accent), 2, c=Qt.PenCapStyle.RoundCap))
        if job.state is JobState.RUNNING:
            painter.drawArc(ring, 90 * 16, -round(max(share, 0.04) * 360 * 16))
        return
    color = {JobState.FINISHED: worn.good, JobState.FAILED: worn.danger}.get(job.state, worn.faint)
    painter.setPen(QPen(QColor(color), 1.6, c=Qt.PenCapStyle.RoundCap))
    painter.drawEllipse(ring)
    strokes = {
        JobState.FINISHED: ((-3.0, 0.2), (-0.8, 2.4), (3.2, -2.4)),
        JobState.FAILED: ((0.0, -3.4), (0.0, 0.6)),
        JobState.CANCELLED: ((-2.8, 0.0), (2.8, 0.0)),
    }[job.state]
    painter.drawPolyline([centre + QPointF(x, y) for x, y in strokes])
    if job.state is JobState.FAILED:
        painter.drawPoint(centre + QPointF(0, 3.2))

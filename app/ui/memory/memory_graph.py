"""Memory over time as a graph: the machine, the engine's process, and the next picture's peak.

Knows nothing of where the figures come from.
"""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.ui.memory.memory_history import SAMPLES, MemoryHistory
from app.ui.parts import theme
from app.ui.parts.byte_text import byte_text

HEIGHT, CAPTION_HEIGHT = 112, 20


class MemoryGraph(QWidget):
    """Draws a history, newest on the right; the top is the machine's whole memory."""

    def __init__(self, history: MemoryHistory) -> None:
        super().__init__()
        self._history = history
        self._peak_bytes: int | None = None
        self.setMinimumHeight(HEIGHT)
        self.setAccessibleName(self.tr("Memory over the last five minutes"))

    def set_forecast(self, peak_bytes: int | None) -> None:
        """The height of the mark for the next picture, above what others use."""
        self._peak_bytes = peak_bytes
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As wide as there is room."""
        return QSize(320, HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draws ground, areas, the mark and the scale."""
        worn, area = theme.colors(), QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(worn.line))
        painter.setBrush(QColor(worn.canvas))
        painter.drawRoundedRect(area, 6, 6)
        samples = self._history.samples
        if not samples:
            return
        painter.setClipRect(area.adjusted(1, 1, -1, -1))
        machine = [sample.machine_used or sample.resident for sample in samples]
        self._draw_area(painter, area, machine, worn.faint, 70)
        self._draw_area(painter, area, [s.resident for s in samples], worn.accent, 150)
        self._draw_peak(painter, area)
        painter.setPen(QColor(worn.muted))
        painter.setFont(theme.number_font())
        painter.drawText(
            area.adjusted(6, 2, -6, 0),
            Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight,
            byte_text(self._history.total_bytes),
        )

    def _draw_area(
        self, painter: QPainter, area: QRectF, values: list[int], color: str, opacity: int
    ) -> None:
        step = area.width() / (SAMPLES - 1)
        left = area.right() - step * (len(values) - 1)
        line = [
            QPointF(left + step * place, self._y(area, value)) for place, value in enumerate(values)
        ]
        first = QPointF(line[0].x() - 1, line[0].y())
        fill = QColor(color)
        fill.setAlpha(opacity)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        ground = [QPointF(area.right(), area.bottom()), QPointF(first.x(), area.bottom())]
        painter.drawPolygon(QPolygonF([first, *line, *ground]))
        painter.setPen(QPen(QColor(color), 1.25))
        painter.drawPolyline(QPolygonF([first, *line]))

    def _draw_peak(self, painter: QPainter, area: QRectF) -> None:
        if self._peak_bytes is None:
            return
        newest = self._history.samples[-1]
        others = max(0, (newest.machine_used or newest.resident) - newest.engine)
        y = self._y(area, others + self._peak_bytes)
        painter.setPen(QPen(QColor(theme.colors().warning), 1.25, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))

    def _y(self, area: QRectF, value: int) -> float:
        share = min(1.0, value / max(1, self._history.total_bytes))
        return area.bottom() - share * (area.height() - CAPTION_HEIGHT)

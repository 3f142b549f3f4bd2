"""The memory monitor: a pill that is always in sight, and a card with a graph and figures.

Owns how memory is shown. Is told the figures; measures and forecasts nothing itself.
"""

from types import MappingProxyType

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.engine.types import Condition, Pressure, Thermal
from app.generation.messages import Memory
from app.ui.draft.forecast import Forecast, Level
from app.ui.memory.memory_graph import MemoryGraph
from app.ui.memory.memory_history import MemoryHistory
from app.ui.parts import theme
from app.ui.parts.byte_text import byte_text, share_text
from app.ui.parts.theme import SPACE, set_role

BAR_WIDTH, BAR_HEIGHT, PILL_HEIGHT = 44, 6, 22
CARD_WIDTH = 360
UNKNOWN = "-"
_SENTENCE_ROLES = MappingProxyType(
    {Level.OK: "muted", Level.WARNING: "warning", Level.REFUSED: "danger"}
)


class MemoryPill(QToolButton):
    """The text "2.1 of 16 GB" beside a tiny bar; amber where the next picture does not fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_role(self, "quiet")
        self.setAccessibleName(self.tr("Memory"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the cursor in the prompt
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._memory: Memory | None = None
        self._forecast: Forecast | None = None
        self._refresh()

    def set_memory(self, memory: Memory) -> None:
        """The figures of the moment."""
        self._memory = memory
        self._refresh()

    def set_forecast(self, forecast: Forecast) -> None:
        """What the next picture takes."""
        self._forecast = forecast
        self._refresh()

    @property
    def is_alarmed(self) -> bool:
        """Whether the next picture does not fit."""
        return self._forecast is not None and self._forecast.level is not Level.OK

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The text, the bar and the space around them."""
        width = self.fontMetrics().horizontalAdvance(self.text())
        return QSize(width + BAR_WIDTH + 3 * SPACE, PILL_HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """The same: the pill is never cut."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draws the ground, the bar and the text."""
        worn = theme.colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QColor(worn.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(worn.hover))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        bar = QRectF(SPACE, (self.height() - BAR_HEIGHT) / 2, BAR_WIDTH, BAR_HEIGHT)
        self._draw_bar(painter, bar)
        painter.setPen(QColor(worn.warning if self.is_alarmed else worn.muted))
        text = self.rect().adjusted(BAR_WIDTH + 2 * SPACE, 0, -SPACE, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, self.text())

    def _draw_bar(self, painter: QPainter, bar: QRectF) -> None:
        """The machine as the whole, others' share in grey, ours in colour, need as a mark."""
        worn, memory = theme.colors(), self._memory
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(worn.pressed))
        painter.drawRoundedRect(bar, 3, 3)
        if memory is None:
            return
        total = max(1, memory.machine_total_bytes)
        own = min(1.0, memory.resident_bytes / total)
        available = memory.machine_available_bytes
        used = own if available is None else max(own, 1 - available / total)
        painter.setBrush(QColor(worn.faint))
        painter.drawRoundedRect(QRectF(bar.x(), bar.y(), bar.width() * used, bar.height()), 3, 3)
        painter.setBrush(QColor(worn.warning if self.is_alarmed else worn.accent))
        width = max(bar.height(), bar.width() * own)
        painter.drawRoundedRect(QRectF(bar.x(), bar.y(), width, bar.height()), 3, 3)

    def _refresh(self) -> None:
        memory = self._memory
        if memory is None:
            self.setText(self.tr("Memory"))
            self.setToolTip(self.tr("Shows what the engine and this machine use."))
        else:
            self.setText(share_text(memory.resident_bytes, memory.machine_total_bytes))
            tip = self.tr("The engine uses {used} of {total}; press for more.").format(
                used=byte_text(memory.resident_bytes), total=byte_text(memory.machine_total_bytes)
            )
            if self._forecast and self.is_alarmed:
                tip = self._forecast.text
            self.setToolTip(tip)
        self.setAccessibleDescription(self.toolTip())
        self.updateGeometry()
        self.update()


class MemoryCard(QWidget):
    """The graph of the last minutes and a line for each figure: what is popped over the pill."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedWidth(CARD_WIDTH)
        self._history = MemoryHistory()
        self._graph = MemoryGraph(self._history)
        self._values: dict[str, QLabel] = {}
        self._memory: Memory | None = None
        self._forecast: Forecast | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        title = QLabel(self.tr("Memory"))
        set_role(title, "title")
        layout.addWidget(title)
        layout.addWidget(self._graph)
        layout.addLayout(self._legend())
        layout.addLayout(self._figures())
        self._state = QLabel()
        self._state.setWordWrap(True)
        set_role(self._state, "caption")
        self._state.hide()
        layout.addWidget(self._state)
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.hide()
        layout.addWidget(self._sentence)

    def set_memory(self, memory: Memory) -> None:
        """Adds the figures of the moment to the graph."""
        self._memory = memory
        self._history.add(memory)
        self._refresh()

    def set_forecast(self, forecast: Forecast) -> None:
        """What the next picture takes."""
        self._forecast = forecast
        self._graph.set_forecast(forecast.figures.peak if forecast.figures else None)
        self._refresh()

    def value(self, name: str) -> str:
        """The text of a figure: machine, free, process, engine, gpu, weights, activations, peak."""
        return self._values[name].text()

    def _legend(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE // 2)
        for role, text in (
            ("accent", self.tr("Engine")),
            ("faint", self.tr("Everything else")),
            ("warning", self.tr("Next picture")),
        ):
            dot = _Dot(role)
            label = QLabel(text)
            set_role(label, "caption")
            row.addWidget(dot)
            row.addWidget(label)
            row.addSpacing(SPACE)
        row.addStretch()
        span = QLabel(self.tr("last 5 minutes"))
        set_role(span, "caption")
        row.addWidget(span)
        return row

    def _figures(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setContentsMargins(0, SPACE, 0, 0)
        grid.setVerticalSpacing(SPACE // 2)
        rows = (
            ("machine", self.tr("This machine"), self.tr("All memory of this machine in use.")),
            ("free", self.tr("Free for a picture"), self.tr("What is free, and the engine's own.")),
            ("process", self.tr("Engine process"), self.tr("All that the engine's process uses.")),
            ("engine", self.tr("Held by the engine"), self.tr("Weights and room to compute, now.")),
            (
                "gpu",
                self.tr("Held for the GPU"),
                self.tr("Of what the system advises to stay under."),
            ),
            ("weights", self.tr("Next picture, weights"), self.tr("The model itself.")),
            (
                "activations",
                self.tr("Next picture, activations"),
                self.tr("Room to compute in; grows with size and batch."),
            ),
            (
                "peak",
                self.tr("Next picture, at its peak"),
                self.tr("The most that is needed at one time."),
            ),
        )
        for row, (name, label, tooltip) in enumerate(rows):
            text, value = QLabel(label), QLabel(UNKNOWN)
            value.setFont(theme.number_font())
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            text.setToolTip(tooltip)
            value.setToolTip(tooltip)
            value.setAccessibleName(label)
            self._values[name] = value
            grid.addWidget(text, row, 0)
            grid.addWidget(value, row, 1)
            if name == "gpu":
                self._gpu = (text, value)
        for part in self._gpu:  # there only where the engine computes on one
            part.hide()
        return grid

    def _refresh(self) -> None:
        memory, forecast = self._memory, self._forecast
        shown: dict[str, str] = {}
        if memory:
            total, available = memory.machine_total_bytes, memory.machine_available_bytes
            if available is not None:
                shown["machine"] = share_text(total - available, total)
                shown["free"] = byte_text(available + memory.engine_bytes)
            shown["process"] = byte_text(memory.resident_bytes)
            shown["engine"] = byte_text(memory.engine_bytes)
            if memory.condition and memory.condition.working_set_bytes:
                gpu = memory.condition
                shown["gpu"] = share_text(gpu.allocated_bytes, gpu.working_set_bytes)
            for part in self._gpu:
                part.setVisible("gpu" in shown)
            self._state.setText(self._state_text(memory.condition))
            self._state.setVisible(bool(self._state.text()))
        if forecast and forecast.figures:
            plan = forecast.figures
            weights = (plan.text_weights, plan.unet_weights, plan.vae_weights, plan.taesd_weights)
            activations = (
                plan.text_activations,
                plan.denoise_activations,
                plan.decode_activations,
            )
            shown["weights"] = byte_text(sum(weights))
            shown["activations"] = byte_text(max(activations) + plan.workspace)
            shown["peak"] = byte_text(plan.peak)
        for name, label in self._values.items():
            label.setText(shown.get(name, UNKNOWN))
        self._graph.update()
        if forecast:
            self._sentence.setVisible(forecast.level is not Level.OK or bool(forecast.savings))
            self._sentence.setText(forecast.text)
            set_role(self._sentence, _SENTENCE_ROLES[forecast.level])

    def _state_text(self, condition: Condition | None) -> str:
        """What slows this machine down now; empty where nothing does."""
        if condition is None:
            return ""
        parts = []
        if condition.pressure is not Pressure.NORMAL:
            parts.append(self.tr("The system is short of memory."))
        if condition.thermal in (Thermal.SERIOUS, Thermal.CRITICAL):
            parts.append(self.tr("The machine is hot, so it computes more slowly."))
        if condition.is_low_power:
            parts.append(self.tr("Low-power mode is on."))
        return " ".join(parts)


class _Dot(QWidget):
    """A dot in one of the theme's colours."""

    def __init__(self, color_name: str) -> None:
        super().__init__()
        self._color_name = color_name
        self.setFixedSize(8, 8)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(getattr(theme.colors(), self._color_name)))
        painter.drawEllipse(self.rect())

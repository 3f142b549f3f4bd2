"""What the engine runs on: the device, and the check of each operation at start-up.

Owns how the report is shown and its text to copy. Checks nothing itself.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.engine.report_text import report_lines, wanted_pipelines
from app.engine.types import DeviceInfo, EngineReport, OpCheck
from app.generation.messages import Ready
from app.ui.parts import theme
from app.ui.parts.engine_words import in_own_words
from app.ui.parts.theme import SPACE, set_role
from app.version import VERSION

WIDTH, HEIGHT = 560, 620


class BackendPanel(QDialog):
    """Device, instruction set, threads, a row for each operation, and a report to copy."""

    copy_requested = Signal(bool)
    """Copy a report of a problem, with the user's words or without."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Engine"))
        self.resize(WIDTH, HEIGHT)
        self._report = ""
        self._facts: dict[str, QLabel] = {}
        self._verdict = QLabel(self.tr("The engine is starting."))
        self._verdict.setWordWrap(True)
        set_role(self._verdict, "title")
        self._detail = QLabel()
        self._detail.setWordWrap(True)
        set_role(self._detail, "caption")
        self._table = self._make_table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE)
        layout.addWidget(self._verdict)
        layout.addWidget(self._detail)
        layout.addSpacing(SPACE)
        layout.addWidget(self._device_card())
        layout.addSpacing(SPACE)
        layout.addWidget(self._table, 1)
        layout.addLayout(self._foot())

    @property
    def report(self) -> str:
        """What the engine said of itself, as text; empty before it is ready."""
        return self._report

    def show_ready(self, ready: Ready) -> None:
        """The engine's device and what its check found."""
        device, checks = ready.device, ready.checks
        failed = [check for check in checks if not check.passed]
        if failed:
            names = ", ".join(check.op for check in failed)
            text = self.tr("Not every operation is right on this machine")
            detail = self.tr("Pictures may be wrong. These failed their check: {names}.").format(
                names=names
            )
        else:
            text = self.tr("The engine is ready")
            detail = " ".join((self._placement(device, checks), *self._reasons(ready.report)))
        self._verdict.setText(text)
        self._detail.setText(detail)
        self._show_device(device, ready.elapsed_ms)
        self._show_kernels(ready.report)
        self._show_checks(checks)
        self._report = report_text(ready)

    def show_trouble(self, sentence: str) -> None:
        """The engine was lost or cannot be started."""
        self._verdict.setText(self.tr("The engine is not running"))
        self._detail.setText(in_own_words(sentence))

    def _device_card(self) -> QFrame:
        card = QFrame()
        set_role(card, "card")
        grid = QGridLayout(card)
        grid.setContentsMargins(2 * SPACE, SPACE + 4, 2 * SPACE, SPACE + 4)
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setColumnStretch(1, 1)
        rows = (
            ("device", self.tr("Device")),
            ("backend", self.tr("Computes on")),
            ("instructions", self.tr("Instruction set")),
            ("threads", self.tr("Threads")),
            ("elapsed", self.tr("Started in")),
            ("kernels", self.tr("GPU programs")),
        )
        for row, (name, text) in enumerate(rows):
            label, value = QLabel(text), QLabel("-")
            set_role(label, "muted")
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            value.setAccessibleName(text)
            self._facts[name] = value
            grid.addWidget(label, row, 0)
            grid.addWidget(value, row, 1)
        self._kernels = (label, value)  # the last row: there only where there is a GPU
        for part in self._kernels:
            part.hide()
        return card

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 5)
        table.setHorizontalHeaderLabels(
            [
                self.tr("Operation"),
                self.tr("Runs on"),
                self.tr("Error"),
                self.tr("Time"),
                self.tr("Check"),
            ]
        )
        table.setAccessibleName(self.tr("Start-up check of each operation"))
        table.setToolTip(self.tr("Error is a share of what is allowed: up to 1.0 is right."))
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        return table

    def _foot(self) -> QHBoxLayout:
        copy = QPushButton(self.tr("Copy report"))
        copy.setToolTip(
            self.tr("Copies all of this and the newest lines of the log, to report a problem.")
        )
        copy.setAutoDefault(False)
        words = QCheckBox(self.tr("with my prompt and settings"))
        words.setToolTip(self.tr("Without this, nothing of what you wrote is in the report."))
        copy.clicked.connect(lambda: self.copy_requested.emit(words.isChecked()))
        done = QPushButton(self.tr("Done"))
        done.setToolTip(self.tr("Closes this window."))
        done.setDefault(True)
        done.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(copy)
        row.addWidget(words)
        row.addStretch()
        row.addWidget(done)
        return row

    def _show_device(self, device: DeviceInfo, elapsed_ms: float) -> None:
        shown = {
            "device": device.device,
            "backend": self._backend_name(device.backend),
            "instructions": device.instructions,
            "threads": str(device.threads),
            "elapsed": self.tr("{seconds} s, check included").format(
                seconds=f"{elapsed_ms / 1000:.1f}"
            ),
        }
        for name, text in shown.items():
            self._facts[name].setText(text)

    def _show_kernels(self, report: EngineReport) -> None:
        for part in self._kernels:
            part.setVisible(bool(report.family))
        wanted = wanted_pipelines(report)
        there = sum(pipeline.max_threads > 0 for pipeline in wanted)
        text = self.tr("{count} of {all}, for {family}").format(
            count=there, all=len(wanted), family=report.family
        )
        self._facts["kernels"].setText(text)
        self._facts["kernels"].setToolTip("\n".join(report_lines(report, None)))

    def _reasons(self, report: EngineReport) -> list[str]:
        """Why something does not run on the GPU; the reasons themselves are the engine's."""
        ops_by_reason: dict[str, list[str]] = {}
        for row in report.fallbacks:
            ops_by_reason.setdefault(row.reason, []).append(row.op)
        reasons = [f"{', '.join(ops)}: {reason}." for reason, ops in ops_by_reason.items()]
        if report.refusal:
            reasons.append(self.tr("The GPU is not used: {why}.").format(why=report.refusal))
        return reasons

    def _show_checks(self, checks: tuple[OpCheck, ...]) -> None:
        worn = theme.colors()
        self._table.setRowCount(len(checks))
        for row, check in enumerate(checks):
            passed = self.tr("passed") if check.passed else self.tr("failed")
            texts = (
                check.op,
                self._backend_name(check.served_by),
                f"{check.error_ratio:.3f}",
                self.tr("{time} ms").format(time=f"{check.elapsed_ms:.2f}"),
                passed,
            )
            for column, text in enumerate(texts):
                item = QTableWidgetItem(text)
                if column in (2, 3):
                    item.setFont(theme.number_font())
                if column == len(texts) - 1:
                    item.setForeground(QColor(worn.good if check.passed else worn.danger))
                self._table.setItem(row, column, item)

    def _backend_name(self, word: str) -> str:
        return {"cpu": self.tr("Processor"), "metal": self.tr("GPU")}.get(word, word)

    def _placement(self, device: DeviceInfo, checks: tuple[OpCheck, ...]) -> str:
        """One sentence on what runs where."""
        elsewhere = [check.op for check in checks if check.served_by != device.backend]
        place = self._backend_name(device.backend)
        if elsewhere:
            return self.tr("{count} of {all} operations do not run on the {place}.").format(
                count=len(elsewhere), all=len(checks), place=place
            )
        return self.tr("All {all} operations passed their check.").format(all=len(checks))


def report_text(ready: Ready) -> str:
    """The report as plain text, in English whatever the window speaks."""
    device = ready.device
    lines = [
        f"Aquatint {VERSION}",
        f"{device.backend}: {device.device}, {device.instructions}, {device.threads} threads",
        f"started and checked in {ready.elapsed_ms:.0f} ms",
        "",
        f"{'operation':<28}{'runs on':<10}{'error':>8}{'ms':>10}",
    ]
    lines += [
        f"{check.op:<28}{check.served_by:<10}{check.error_ratio:>8.3f}{check.elapsed_ms:>10.2f}"
        + ("" if check.passed else "  FAILED")
        for check in ready.checks
    ]
    lines += ["", *found] if (found := report_lines(ready.report, None)) else []
    return "\n".join(lines) + "\n"

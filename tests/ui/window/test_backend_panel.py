import dataclasses

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton, QTableWidget
from pytestqt.qtbot import QtBot

from app.engine.types import (
    EngineReport,
    FallbackReport,
    LibraryReport,
    OpCheck,
    PipelineReport,
)
from app.generation.messages import Ready
from app.ui.window.backend_panel import BackendPanel
from tests import fake_engine

GOOD = OpCheck(op="linear", served_by="cpu", error_ratio=0.25, elapsed_ms=1.5, passed=True)
BAD = OpCheck(op="attention", served_by="cpu", error_ratio=7.0, elapsed_ms=2.0, passed=False)


def ready(*checks: OpCheck) -> Ready:
    return Ready(device=fake_engine.DEVICE, checks=checks, elapsed_ms=1234.0)


def words(panel: BackendPanel) -> list[str]:
    return [label.text() for label in panel.findChildren(QLabel)]


def test_it_shows_device_and_checks(qtbot: QtBot) -> None:
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show_ready(ready(GOOD, dataclasses.replace(GOOD, op="conv")))
    assert {"a fake", "Processor", "none", "1", "1.2 s, check included"} <= set(words(panel))
    assert "All 2 operations passed their check." in words(panel)
    table = panel.findChild(QTableWidget)
    row = [table.item(0, column).text() for column in range(table.columnCount())]
    assert row == ["linear", "Processor", "0.250", "1.50 ms", "passed"]


def test_a_failed_check_is_named(qtbot: QtBot) -> None:
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show_ready(ready(GOOD, BAD))
    assert any("attention" in text for text in words(panel))
    assert "FAILED" in panel.report


def test_an_operation_that_runs_elsewhere_is_counted(qtbot: QtBot) -> None:
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show_ready(ready(GOOD, dataclasses.replace(GOOD, served_by="metal")))
    assert "1 of 2 operations do not run on the Processor." in words(panel)


def test_a_report_is_asked_for_with_words_only_on_wish(qtbot: QtBot) -> None:
    """Also before the engine is ready: that it never is may be the problem."""
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show()
    asked: list[bool] = []
    panel.copy_requested.connect(asked.append)
    (copy,) = [b for b in panel.findChildren(QPushButton) if b.text() == "Copy report"]
    words = panel.findChild(QCheckBox)
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    qtbot.keyClick(words, Qt.Key.Key_Space)
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert asked == [False, True]
    panel.show_ready(ready(GOOD))
    assert "linear" in panel.report


def test_a_lost_engine_is_told(qtbot: QtBot) -> None:
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show_trouble("The engine crashed.")
    assert "The engine crashed." in words(panel)


def test_a_gpu_s_programs_and_what_left_it_are_told(qtbot: QtBot) -> None:
    report = EngineReport(
        family="Apple7",
        libraries=(
            LibraryReport(
                name="core", language=30, is_ready=True, elapsed_ms=812.4, log="a warning"
            ),
            LibraryReport(name="tensor", language=0, is_ready=False, elapsed_ms=0, log="too old"),
        ),
        pipelines=(
            PipelineReport(
                name="add_f16", library="core", max_threads=1024, threadgroup_bytes=0, log=""
            ),
            PipelineReport(
                name="cast", library="core", max_threads=0, threadgroup_bytes=0, log="no register"
            ),
            PipelineReport(
                name="tile", library="tensor", max_threads=0, threadgroup_bytes=0, log="unused"
            ),
        ),
        fallbacks=tuple(
            FallbackReport(op=op, reason="the pipeline cast is missing") for op in ("cast", "add")
        ),
    )
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.show_ready(dataclasses.replace(ready(GOOD), report=report))
    shown = words(panel)
    assert "1 of 2, for Apple7" in shown
    assert any("cast, add: the pipeline cast is missing." in text for text in shown)
    for line in (
        "library core (MSL 3.0) ready in 812 ms",
        "    a warning",
        "library tensor not used: too old",
        "pipeline add_f16 of core: 1024 threads",
        "pipeline cast of core FAILED: no register",
        "cast runs on the CPU: the pipeline cast is missing",
    ):
        assert line in panel.report.splitlines()
    assert "tile" not in panel.report


def test_a_refused_gpu_has_its_reason(qtbot: QtBot) -> None:
    panel = BackendPanel()
    qtbot.addWidget(panel)
    panel.show_ready(dataclasses.replace(ready(GOOD), report=EngineReport(refusal="it is gone")))
    assert any("The GPU is not used: it is gone." in text for text in words(panel))
    assert "Metal was not taken: it is gone" in panel.report

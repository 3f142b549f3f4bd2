import dataclasses

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.engine.types import Condition, Pressure, Thermal
from app.generation.messages import Memory
from app.ui.draft.forecast import judge
from app.ui.memory.memory_monitor import MemoryCard, MemoryPill
from app.ui.parts.byte_text import byte_text, share_text
from tests import fake_engine

GIB = 1 << 30
NOW = Memory(
    engine_bytes=GIB,
    resident_bytes=2 * GIB,
    machine_total_bytes=16 * GIB,
    machine_available_bytes=4 * GIB,
)


def test_the_pill_shows_use_and_alarm(qtbot: QtBot) -> None:
    pill = MemoryPill()
    qtbot.addWidget(pill)
    pill.set_memory(NOW)
    pill.set_forecast(judge(fake_engine.needs(GIB), NOW))
    assert pill.text() == "2.0 of 16 GB"
    assert not pill.is_alarmed
    pill.set_forecast(judge(fake_engine.needs(9 * GIB), NOW))
    assert pill.is_alarmed
    assert pill.toolTip() == "Needs 9.0 GB, but only 5.0 GB are free"
    pill.show()
    with qtbot.waitSignal(pill.clicked):
        qtbot.mouseClick(pill, Qt.MouseButton.LeftButton)


def test_a_click_on_the_pill_leaves_the_cursor_where_it_is(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    row = QHBoxLayout(window)
    editor, pill = QLineEdit(), MemoryPill()
    row.addWidget(editor)
    row.addWidget(pill)
    window.show()
    window.activateWindow()
    editor.setFocus()
    qtbot.waitUntil(editor.hasFocus)
    with qtbot.waitSignal(pill.clicked):
        qtbot.mouseClick(pill, Qt.MouseButton.LeftButton)
    assert editor.hasFocus()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert pill.hasFocus()


def test_the_pill_is_painted_in_the_alarm_s_colour(qtbot: QtBot) -> None:
    pill = MemoryPill()
    qtbot.addWidget(pill)
    pill.set_memory(NOW)
    pill.resize(pill.sizeHint())
    calm = pill.grab().toImage()
    pill.set_forecast(judge(fake_engine.needs(9 * GIB), NOW))
    assert pill.grab().toImage() != calm


def test_the_card_tells_all_figures(qtbot: QtBot) -> None:
    card = MemoryCard()
    qtbot.addWidget(card)
    card.set_memory(NOW)
    card.set_forecast(judge(fake_engine.needs(8 * GIB), NOW))
    assert card.value("machine") == "12.0 of 16 GB"
    assert card.value("free") == "5.0 GB"
    assert card.value("process") == "2.0 GB"
    assert card.value("engine") == "1.0 GB"
    assert card.value("weights") == "4.0 GB"
    assert card.value("activations") == "4.0 GB"
    assert card.value("peak") == "8.0 GB"


def test_the_card_tells_what_will_be_saved(qtbot: QtBot) -> None:
    card = MemoryCard()
    qtbot.addWidget(card)
    card.set_memory(NOW)
    sentence = card.findChildren(QLabel)[-1]
    card.set_forecast(judge(fake_engine.needs(4 * GIB, 3 * GIB), NOW))
    assert sentence.isHidden()
    card.set_forecast(judge(fake_engine.needs(8 * GIB, 4 * GIB), NOW))
    assert not sentence.isHidden()
    assert sentence.text() == "Needs 4.0 GB of 5.0 GB free; will make previews in tiles"
    assert card.value("peak") == "4.0 GB"


def test_the_graph_grows_with_the_samples(qtbot: QtBot) -> None:
    card = MemoryCard()
    qtbot.addWidget(card)
    card.set_memory(NOW)
    before = card.grab().toImage()
    for _ in range(100):
        card.set_memory(NOW)
    assert card.grab().toImage() != before


def test_an_unknown_figure_is_not_made_up(qtbot: QtBot) -> None:
    card = MemoryCard()
    qtbot.addWidget(card)
    card.set_memory(
        Memory(
            engine_bytes=0,
            resident_bytes=0,
            machine_total_bytes=GIB,
            machine_available_bytes=None,
        )
    )
    assert card.value("free") == card.value("peak") == "-"


def test_bytes_as_people_read_them() -> None:
    assert [byte_text(count) for count in (0, 500, 4096, 5 << 20, 1023 << 20, 5 * GIB)] == [
        "0 MB",
        "1 KB",
        "4 KB",
        "5 MB",
        "1.0 GB",
        "5.0 GB",
    ]
    assert byte_text(200 * GIB) == "200 GB"
    assert share_text(GIB, 16 * GIB) == "1.0 of 16 GB"


def test_a_gpu_has_its_figure_and_its_state(qtbot: QtBot) -> None:
    card = MemoryCard()
    qtbot.addWidget(card)
    card.show()
    card.set_memory(NOW)
    labels = {label.text(): label for label in card.findChildren(QLabel)}
    assert not labels["Held for the GPU"].isVisible()
    condition = Condition(
        allocated_bytes=3 * GIB,
        working_set_bytes=10 * GIB,
        pressure=Pressure.WARNING,
        thermal=Thermal.SERIOUS,
        is_low_power=True,
    )
    card.set_memory(dataclasses.replace(NOW, condition=condition))
    assert labels["Held for the GPU"].isVisible()
    assert card.value("gpu") == "3.0 of 10 GB"
    state = " ".join(label.text() for label in card.findChildren(QLabel) if label.isVisible())
    for words in ("short of memory", "hot", "Low-power mode"):
        assert words in state
    calm = dataclasses.replace(
        condition, pressure=Pressure.NORMAL, thermal=Thermal.FAIR, is_low_power=False
    )
    card.set_memory(dataclasses.replace(NOW, condition=calm))
    assert not any("Low-power" in label.text() for label in card.findChildren(QLabel))

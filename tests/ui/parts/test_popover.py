import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.ui.parts.popover import Popover


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    window.resize(600, 400)
    qtbot.addWidget(window)
    return window


def opened(window: QWidget, x: int, y: int) -> tuple[Popover, QPushButton]:
    anchor = QPushButton("here", window)
    anchor.setGeometry(x, y, 60, 20)
    content = QLabel("much\nto\nsay")
    popover = Popover(window, content)
    window.show()
    popover.open_at(anchor)
    return popover, anchor


def test_it_stays_inside_the_window_on_the_side_with_room(window: QWidget) -> None:
    below, anchor = opened(window, 0, 0)
    assert below.y() >= anchor.geometry().bottom()
    above, anchor = opened(window, 540, 380)
    assert above.geometry().bottom() < anchor.y()
    assert window.rect().contains(above.geometry())


def test_a_press_elsewhere_and_esc_close_it(qtbot: QtBot, window: QWidget) -> None:
    popover, anchor = opened(window, 0, 0)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    qtbot.mouseClick(popover.content, Qt.MouseButton.LeftButton)
    assert popover.isVisible()
    qtbot.mouseClick(window, Qt.MouseButton.LeftButton, pos=window.rect().bottomRight())
    assert not popover.isVisible()
    writing = QLineEdit(window)
    writing.show()
    writing.setFocus()
    popover.toggle(anchor)
    assert popover.hasFocus()
    qtbot.keyClick(popover, Qt.Key.Key_Escape)
    assert not popover.isVisible()
    assert writing.hasFocus()


def test_it_follows_the_window(qtbot: QtBot, window: QWidget) -> None:
    popover, anchor = opened(window, 500, 380)
    anchor.move(200, 180)
    window.resize(300, 200)
    qtbot.waitUntil(lambda: window.rect().contains(popover.geometry()))

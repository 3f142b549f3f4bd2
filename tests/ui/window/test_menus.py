import pytest
from PySide6.QtWidgets import QMainWindow
from pytestqt.qtbot import QtBot

from app.ui.window.menus import Command, MenuName, Menus


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    qtbot.addWidget(window)
    return window


def test_every_command_stands_in_a_menu(window: QMainWindow) -> None:
    menus = Menus(window)
    listed = [action for bar in window.menuBar().actions() for action in bar.menu().actions()]
    for command in Command:
        assert menus.action(command) in listed, command
        assert menus.action(command).text()
    assert len(window.menuBar().actions()) == len(MenuName)


def test_the_standard_shortcuts_of_a_mac(window: QMainWindow) -> None:
    menus = Menus(window)
    expected = {
        Command.OPEN: "Ctrl+O",
        Command.CLOSE: "Ctrl+W",
        Command.QUIT: "Ctrl+Q",
        Command.UNDO: "Ctrl+Z",
        Command.COPY: "Ctrl+C",
        Command.FIND: "Ctrl+F",
        Command.PREFERENCES: "Ctrl+,",
        Command.GENERATE: "Ctrl+Return",
        Command.GENERATE_FIRST: "Ctrl+Shift+Return",
        Command.CANCEL: "Ctrl+.",
        Command.MINIMIZE: "Ctrl+M",
    }
    shown = {command: menus.action(command).shortcut().toString() for command in expected}
    assert shown == expected

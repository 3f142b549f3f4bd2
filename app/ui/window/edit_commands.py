"""The Edit menu's commands for whatever has the keyboard.

Knows text fields by what they can do, not by their class.
"""

from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from app.ui.window.menus import Command

_METHODS = {
    Command.UNDO: "undo",
    Command.REDO: "redo",
    Command.CUT: "cut",
    Command.COPY: "copy",
    Command.PASTE: "paste",
    Command.SELECT_ALL: "selectAll",
}
EDIT_COMMANDS = tuple(_METHODS)


def edit_text(command: Command) -> bool:
    """Does it in the text field that has the keyboard; False if no text field has it."""
    field: QWidget | None = QApplication.focusWidget()
    if not isinstance(field, QLineEdit | QPlainTextEdit | QTextEdit):
        return False
    getattr(field, _METHODS[command])()
    return True

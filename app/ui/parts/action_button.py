"""A tool button for an action: its icon, its state, and a press triggers it.

Qt's own `QToolButton.setDefaultAction` connects itself to the action anew at each of its changes
(seen with 6.11): over a session thousands of connections pile up, and each change serves them all.
"""

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QToolButton, QWidget

from app.ui.parts import theme


class ActionButton(QToolButton):
    """Shows `action` by its icon; whether it can be pressed and is checked follow the action."""

    def __init__(self, action: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.action = action
        theme.set_role(self, "quiet")
        self.setIcon(action.icon())
        self.setToolTip(action.toolTip())
        self.setAccessibleName(action.text())
        self.setCheckable(action.isCheckable())
        self.clicked.connect(action.trigger)
        action.changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setEnabled(self.action.isEnabled())
        self.setChecked(self.action.isChecked())

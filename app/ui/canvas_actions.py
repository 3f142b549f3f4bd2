"""What can be done with the picture on the canvas: one QAction each, for toolbar and menus alike.

Owns their words, icons and keys. Knows no picture: whoever has one connects `triggered`.
"""

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.icons import icon


class CanvasActions:
    """The actions; their keys work while the focus is in `owner`."""

    def __init__(self, owner: QWidget) -> None:
        self._owner = owner
        standard = QKeySequence.StandardKey
        self.fit = self._make(
            "fit", _tr("Fit"), _tr("Show all of the picture."), QKeySequence("Ctrl+9")
        )
        self.actual_size = self._make(
            "actual",
            _tr("Actual size"),
            _tr("Show each pixel of the picture on one of the screen."),
            QKeySequence("Ctrl+0"),
        )
        self.zoom_in = self._make("zoom_in", _tr("Zoom in"), _tr("Go nearer."), standard.ZoomIn)
        self.zoom_out = self._make(
            "zoom_out", _tr("Zoom out"), _tr("Go further away."), standard.ZoomOut
        )
        self.split = self._make(
            "compare", _tr("Before and after"), _tr("Lay the picture before over this one.")
        )
        self.side_by_side = self._make(
            "side_by_side", _tr("Side by side"), _tr("Show the picture before beside this one.")
        )
        self.copy = self._make("copy", _tr("Copy"), _tr("Copy the picture."), standard.Copy)
        self.reveal = self._make(
            "reveal", _tr("Show in folder"), _tr("Show the picture's file in its folder.")
        )
        self.use_settings = self._make(
            "reuse", _tr("Use settings"), _tr("Take prompt and settings from this picture.")
        )
        self.use_seed = self._make(
            "dice", _tr("Use seed"), _tr("Take only the seed from this picture.")
        )
        self.use_as_init = self._make(
            "image", _tr("Begin from this"), _tr("Begin the next picture from this one.")
        )
        self.delete = self._make(
            "trash",
            _tr("Delete"),
            _tr("Move the picture to the trash."),
            QKeySequence(Qt.Key.Key_Backspace),
        )
        self.delete.setShortcuts(
            [QKeySequence(Qt.Key.Key_Backspace), QKeySequence(Qt.Key.Key_Delete)]
        )
        for action in (self.split, self.side_by_side):
            action.setCheckable(True)

    def _make(
        self,
        icon_name: str,
        text: str,
        tooltip: str,
        key: QKeySequence | QKeySequence.StandardKey | None = None,
    ) -> QAction:
        action = QAction(icon(icon_name), text, self._owner)
        action.setToolTip(tooltip)
        action.setStatusTip(tooltip)
        if key is not None:
            action.setShortcut(key)
            action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self._owner.addAction(action)
        return action


def _tr(text: str) -> str:
    return QCoreApplication.translate("CanvasActions", text)

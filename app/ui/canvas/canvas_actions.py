"""What can be done with the picture on the canvas: one QAction each, for toolbar and menus alike.

Owns their words, icons and keys. Knows no picture: whoever has one connects `triggered`.
"""

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.parts.icons import icon

translate = QCoreApplication.translate


class CanvasActions:
    """The actions; their keys work while the focus is in `owner`."""

    def __init__(self, owner: QWidget) -> None:
        self._owner = owner
        self._make_ways_to_look()
        self._make_ways_to_use()

    def _make_ways_to_look(self) -> None:
        standard = QKeySequence.StandardKey
        self.fit = self._make(
            "fit",
            translate("CanvasActions", "Fit"),
            translate("CanvasActions", "Show all of the picture."),
            QKeySequence("Ctrl+9"),
        )
        self.actual_size = self._make(
            "actual",
            translate("CanvasActions", "Actual size"),
            translate("CanvasActions", "Show each pixel of the picture on one of the screen."),
            QKeySequence("Ctrl+0"),
        )
        self.zoom_in = self._make(
            "zoom_in",
            translate("CanvasActions", "Zoom in"),
            translate("CanvasActions", "Go nearer."),
            standard.ZoomIn,
        )
        self.zoom_out = self._make(
            "zoom_out",
            translate("CanvasActions", "Zoom out"),
            translate("CanvasActions", "Go further away."),
            standard.ZoomOut,
        )
        self.split = self._make(
            "compare",
            translate("CanvasActions", "Before and after"),
            translate("CanvasActions", "Lay the picture before over this one."),
        )
        self.side_by_side = self._make(
            "side_by_side",
            translate("CanvasActions", "Side by side"),
            translate("CanvasActions", "Show the picture before beside this one."),
        )
        for action in (self.split, self.side_by_side):
            action.setCheckable(True)

    def _make_ways_to_use(self) -> None:
        standard = QKeySequence.StandardKey
        self.copy = self._make(
            "copy",
            translate("CanvasActions", "Copy"),
            translate("CanvasActions", "Copy the picture."),
            standard.Copy,
        )
        self.reveal = self._make(
            "reveal",
            translate("CanvasActions", "Show in folder"),
            translate("CanvasActions", "Show the picture's file in its folder."),
        )
        self.use_settings = self._make(
            "reuse",
            translate("CanvasActions", "Use settings"),
            translate("CanvasActions", "Take prompt and settings from this picture."),
        )
        self.use_seed = self._make(
            "dice",
            translate("CanvasActions", "Use seed"),
            translate("CanvasActions", "Take only the seed from this picture."),
        )
        self.use_as_init = self._make(
            "image",
            translate("CanvasActions", "Begin from this"),
            translate("CanvasActions", "Begin the next picture from this one."),
        )
        self.delete = self._make(
            "trash",
            translate("CanvasActions", "Delete"),
            translate("CanvasActions", "Move the picture to the trash."),
            QKeySequence(Qt.Key.Key_Backspace),
        )
        self.delete.setShortcuts(
            [QKeySequence(Qt.Key.Key_Backspace), QKeySequence(Qt.Key.Key_Delete)]
        )

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

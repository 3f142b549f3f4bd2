"""The menu bar: every command with its words and its standard Mac shortcut.

Owns the table of commands. Does nothing itself: whoever composes the window connects the actions.
Ctrl in a shortcut is the command key on a Mac, Meta the control key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

translate = QCoreApplication.translate
Key = QKeySequence.StandardKey
Role = QAction.MenuRole


class MenuName(StrEnum):
    """The menus, in their order."""

    FILE = "file"
    EDIT = "edit"
    PICTURE = "picture"
    VIEW = "view"
    QUEUE = "queue"
    WINDOW = "window"
    HELP = "help"


class Command(StrEnum):
    """All that the menus can be asked for; what the canvas does, it brings as its own actions."""

    OPEN = "open"
    IMPORT = "import"
    MODELS = "models"
    SHOW_PICTURES = "show_pictures"
    CLOSE = "close"
    QUIT = "quit"
    UNDO = "undo"
    REDO = "redo"
    CUT = "cut"
    COPY = "copy"
    PASTE = "paste"
    SELECT_ALL = "select_all"
    FIND = "find"
    PREFERENCES = "preferences"
    GENERATE = "generate"
    GENERATE_FIRST = "generate_first"
    CANCEL = "cancel"
    LIVE = "live"
    FOCUS_PROMPT = "focus_prompt"
    CREATE = "create"
    GALLERY = "gallery"
    SIDEBAR = "sidebar"
    GALLERY_PANEL = "gallery_panel"
    PREVIOUS = "previous"
    NEXT = "next"
    FULL_SCREEN = "full_screen"
    QUEUE = "queue"
    PAUSE = "pause"
    CANCEL_ALL = "cancel_all"
    CLEAR_ENDED = "clear_ended"
    MINIMIZE = "minimize"
    ZOOM = "zoom"
    MEMORY = "memory"
    ENGINE = "engine"
    ABOUT = "about"


@dataclass(frozen=True, kw_only=True)
class _Item:
    """One line of a menu."""

    command: Command
    text: str
    shortcut: str | QKeySequence.StandardKey | None = None
    is_checkable: bool = False
    role: QAction.MenuRole = Role.NoRole


class Menus:
    """The menus of a window; `action` gives a command's action to connect and to enable."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._actions: dict[Command, QAction] = {}
        self._menus: dict[MenuName, QMenu] = {}
        for name, title, items in (
            (MenuName.FILE, translate("Menus", "File"), _file()),
            (MenuName.EDIT, translate("Menus", "Edit"), _edit()),
            (MenuName.PICTURE, translate("Menus", "Picture"), _picture()),
            (MenuName.VIEW, translate("Menus", "View"), _view()),
            (MenuName.QUEUE, translate("Menus", "Queue"), _queue()),
            (MenuName.WINDOW, translate("Menus", "Window"), _window_items()),
            (MenuName.HELP, translate("Menus", "Help"), _help()),
        ):
            self._menus[name] = window.menuBar().addMenu(title)
            for item in items:
                self._add(self._menus[name], item)

    def action(self, command: Command) -> QAction:
        """The action of a command."""
        return self._actions[command]

    def add(self, name: MenuName, actions: Sequence[QAction]) -> None:
        """Puts a widget's own actions at the end of a menu, parted by a line."""
        self._menus[name].addSeparator()
        self._menus[name].addActions(list(actions))

    def _add(self, menu: QMenu, item: _Item | None) -> None:
        if item is None:
            menu.addSeparator()
            return
        action = QAction(item.text, self._window)
        if item.shortcut is not None:
            action.setShortcut(QKeySequence(item.shortcut))
        action.setCheckable(item.is_checkable)
        action.setMenuRole(item.role)
        self._actions[item.command] = action
        menu.addAction(action)


def _file() -> Sequence[_Item | None]:
    return (
        _Item(command=Command.OPEN, text=translate("Menus", "Open…"), shortcut=Key.Open),
        _Item(
            command=Command.IMPORT,
            text=translate("Menus", "Add pictures to the gallery…"),
            shortcut="Ctrl+I",
        ),
        None,
        _Item(command=Command.MODELS, text=translate("Menus", "Models…"), shortcut="Ctrl+Shift+M"),
        _Item(
            command=Command.SHOW_PICTURES,
            text=translate("Menus", "Show the folder of pictures"),
        ),
        None,
        _Item(command=Command.CLOSE, text=translate("Menus", "Close window"), shortcut="Ctrl+W"),
        _Item(
            command=Command.QUIT,
            text=translate("Menus", "Quit Aquatint"),
            shortcut="Ctrl+Q",
            role=Role.QuitRole,
        ),
    )


def _edit() -> Sequence[_Item | None]:
    return (
        _Item(command=Command.UNDO, text=translate("Menus", "Undo"), shortcut=Key.Undo),
        _Item(command=Command.REDO, text=translate("Menus", "Redo"), shortcut=Key.Redo),
        None,
        _Item(command=Command.CUT, text=translate("Menus", "Cut"), shortcut=Key.Cut),
        _Item(command=Command.COPY, text=translate("Menus", "Copy"), shortcut=Key.Copy),
        _Item(command=Command.PASTE, text=translate("Menus", "Paste"), shortcut=Key.Paste),
        _Item(
            command=Command.SELECT_ALL,
            text=translate("Menus", "Select all"),
            shortcut=Key.SelectAll,
        ),
        None,
        _Item(
            command=Command.FIND, text=translate("Menus", "Find in the gallery"), shortcut=Key.Find
        ),
        _Item(
            command=Command.PREFERENCES,
            text=translate("Menus", "Preferences…"),
            shortcut="Ctrl+,",
            role=Role.PreferencesRole,
        ),
    )


def _picture() -> Sequence[_Item | None]:
    return (
        _Item(
            command=Command.GENERATE, text=translate("Menus", "Generate"), shortcut="Ctrl+Return"
        ),
        _Item(
            command=Command.GENERATE_FIRST,
            text=translate("Menus", "Generate before all that wait"),
            shortcut="Ctrl+Shift+Return",
        ),
        _Item(command=Command.CANCEL, text=translate("Menus", "Cancel"), shortcut="Ctrl+."),
        None,
        _Item(
            command=Command.LIVE,
            text=translate("Menus", "Live"),
            shortcut="Ctrl+L",
            is_checkable=True,
        ),
        _Item(
            command=Command.FOCUS_PROMPT,
            text=translate("Menus", "Write the prompt"),
            shortcut="Ctrl+Shift+P",
        ),
    )


def _view() -> Sequence[_Item | None]:
    return (
        _Item(
            command=Command.CREATE,
            text=translate("Menus", "Create"),
            shortcut="Ctrl+1",
            is_checkable=True,
        ),
        _Item(
            command=Command.GALLERY,
            text=translate("Menus", "Gallery"),
            shortcut="Ctrl+2",
            is_checkable=True,
        ),
        None,
        _Item(
            command=Command.SIDEBAR,
            text=translate("Menus", "Sidebar"),
            shortcut="Ctrl+Alt+S",
            is_checkable=True,
        ),
        _Item(
            command=Command.GALLERY_PANEL,
            text=translate("Menus", "Gallery beside the picture"),
            shortcut="Ctrl+Alt+G",
            is_checkable=True,
        ),
        None,
        _Item(
            command=Command.PREVIOUS,
            text=translate("Menus", "Newer picture"),
            shortcut="Ctrl+Alt+Left",
        ),
        _Item(
            command=Command.NEXT,
            text=translate("Menus", "Older picture"),
            shortcut="Ctrl+Alt+Right",
        ),
        _Item(
            command=Command.FULL_SCREEN,
            text=translate("Menus", "Full screen"),
            shortcut=Key.FullScreen,
        ),
    )


def _queue() -> Sequence[_Item | None]:
    return (
        _Item(command=Command.QUEUE, text=translate("Menus", "Show the queue"), shortcut="Ctrl+J"),
        None,
        _Item(
            command=Command.PAUSE,
            text=translate("Menus", "Pause"),
            shortcut="Ctrl+Shift+J",
            is_checkable=True,
        ),
        _Item(
            command=Command.CANCEL_ALL,
            text=translate("Menus", "Cancel all"),
            shortcut="Ctrl+Shift+.",
        ),
        _Item(command=Command.CLEAR_ENDED, text=translate("Menus", "Clear what has ended")),
    )


def _window_items() -> Sequence[_Item | None]:
    return (
        _Item(command=Command.MINIMIZE, text=translate("Menus", "Minimise"), shortcut="Ctrl+M"),
        _Item(command=Command.ZOOM, text=translate("Menus", "Zoom")),
        None,
        _Item(command=Command.MEMORY, text=translate("Menus", "Memory"), shortcut="Ctrl+Shift+Y"),
        _Item(command=Command.ENGINE, text=translate("Menus", "Engine…"), shortcut="Ctrl+Shift+E"),
    )


def _help() -> Sequence[_Item | None]:
    return (
        _Item(
            command=Command.ABOUT,
            text=translate("Menus", "About Aquatint"),
            role=Role.AboutRole,
        ),
    )

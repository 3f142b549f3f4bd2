"""The menu bar: every command with its words and its standard Mac shortcut.

Owns the table of commands. Does nothing itself: whoever composes the window connects the actions.
Ctrl in a shortcut is the command key on a Mac, Meta the control key.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

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


_Line = tuple[Command, object] | None
# Each menu with its commands and their words; None is a line between.
_MENUS: tuple[tuple[MenuName, object, tuple[_Line, ...]], ...] = (
    (
        MenuName.FILE,
        QT_TRANSLATE_NOOP("Menus", "File"),
        (
            (Command.OPEN, QT_TRANSLATE_NOOP("Menus", "Open…")),
            (Command.IMPORT, QT_TRANSLATE_NOOP("Menus", "Add pictures to the gallery…")),
            None,
            (Command.MODELS, QT_TRANSLATE_NOOP("Menus", "Models…")),
            (Command.SHOW_PICTURES, QT_TRANSLATE_NOOP("Menus", "Show the folder of pictures")),
            None,
            (Command.CLOSE, QT_TRANSLATE_NOOP("Menus", "Close window")),
            (Command.QUIT, QT_TRANSLATE_NOOP("Menus", "Quit Aquatint")),
        ),
    ),
    (
        MenuName.EDIT,
        QT_TRANSLATE_NOOP("Menus", "Edit"),
        (
            (Command.UNDO, QT_TRANSLATE_NOOP("Menus", "Undo")),
            (Command.REDO, QT_TRANSLATE_NOOP("Menus", "Redo")),
            None,
            (Command.CUT, QT_TRANSLATE_NOOP("Menus", "Cut")),
            (Command.COPY, QT_TRANSLATE_NOOP("Menus", "Copy")),
            (Command.PASTE, QT_TRANSLATE_NOOP("Menus", "Paste")),
            (Command.SELECT_ALL, QT_TRANSLATE_NOOP("Menus", "Select all")),
            None,
            (Command.FIND, QT_TRANSLATE_NOOP("Menus", "Find in the gallery")),
            (Command.PREFERENCES, QT_TRANSLATE_NOOP("Menus", "Preferences…")),
        ),
    ),
    (
        MenuName.PICTURE,
        QT_TRANSLATE_NOOP("Menus", "Picture"),
        (
            (Command.GENERATE, QT_TRANSLATE_NOOP("Menus", "Generate")),
            (Command.GENERATE_FIRST, QT_TRANSLATE_NOOP("Menus", "Generate before all that wait")),
            (Command.CANCEL, QT_TRANSLATE_NOOP("Menus", "Cancel")),
            None,
            (Command.LIVE, QT_TRANSLATE_NOOP("Menus", "Live")),
            (Command.FOCUS_PROMPT, QT_TRANSLATE_NOOP("Menus", "Write the prompt")),
        ),
    ),
    (
        MenuName.VIEW,
        QT_TRANSLATE_NOOP("Menus", "View"),
        (
            (Command.CREATE, QT_TRANSLATE_NOOP("Menus", "Create")),
            (Command.GALLERY, QT_TRANSLATE_NOOP("Menus", "Gallery")),
            None,
            (Command.SIDEBAR, QT_TRANSLATE_NOOP("Menus", "Sidebar")),
            (Command.GALLERY_PANEL, QT_TRANSLATE_NOOP("Menus", "Gallery beside the picture")),
            None,
            (Command.PREVIOUS, QT_TRANSLATE_NOOP("Menus", "Newer picture")),
            (Command.NEXT, QT_TRANSLATE_NOOP("Menus", "Older picture")),
            (Command.FULL_SCREEN, QT_TRANSLATE_NOOP("Menus", "Full screen")),
        ),
    ),
    (
        MenuName.QUEUE,
        QT_TRANSLATE_NOOP("Menus", "Queue"),
        (
            (Command.QUEUE, QT_TRANSLATE_NOOP("Menus", "Show the queue")),
            None,
            (Command.PAUSE, QT_TRANSLATE_NOOP("Menus", "Pause")),
            (Command.CANCEL_ALL, QT_TRANSLATE_NOOP("Menus", "Cancel all")),
            (Command.CLEAR_ENDED, QT_TRANSLATE_NOOP("Menus", "Clear what has ended")),
        ),
    ),
    (
        MenuName.WINDOW,
        QT_TRANSLATE_NOOP("Menus", "Window"),
        (
            (Command.MINIMIZE, QT_TRANSLATE_NOOP("Menus", "Minimise")),
            (Command.ZOOM, QT_TRANSLATE_NOOP("Menus", "Zoom")),
            None,
            (Command.MEMORY, QT_TRANSLATE_NOOP("Menus", "Memory")),
            (Command.ENGINE, QT_TRANSLATE_NOOP("Menus", "Engine…")),
        ),
    ),
    (
        MenuName.HELP,
        QT_TRANSLATE_NOOP("Menus", "Help"),
        ((Command.ABOUT, QT_TRANSLATE_NOOP("Menus", "About Aquatint")),),
    ),
)
_SHORTCUTS: Mapping[Command, str | QKeySequence.StandardKey] = {
    Command.OPEN: Key.Open,
    Command.IMPORT: "Ctrl+I",
    Command.MODELS: "Ctrl+Shift+M",
    Command.CLOSE: "Ctrl+W",
    Command.QUIT: "Ctrl+Q",
    Command.UNDO: Key.Undo,
    Command.REDO: Key.Redo,
    Command.CUT: Key.Cut,
    Command.COPY: Key.Copy,
    Command.PASTE: Key.Paste,
    Command.SELECT_ALL: Key.SelectAll,
    Command.FIND: Key.Find,
    Command.PREFERENCES: "Ctrl+,",
    Command.GENERATE: "Ctrl+Return",
    Command.GENERATE_FIRST: "Ctrl+Shift+Return",
    Command.CANCEL: "Ctrl+.",
    Command.LIVE: "Ctrl+L",
    Command.FOCUS_PROMPT: "Ctrl+Shift+P",
    Command.CREATE: "Ctrl+1",
    Command.GALLERY: "Ctrl+2",
    Command.SIDEBAR: "Ctrl+Alt+S",
    Command.GALLERY_PANEL: "Ctrl+Alt+G",
    Command.PREVIOUS: "Ctrl+Alt+Left",
    Command.NEXT: "Ctrl+Alt+Right",
    Command.FULL_SCREEN: Key.FullScreen,
    Command.QUEUE: "Ctrl+J",
    Command.PAUSE: "Ctrl+Shift+J",
    Command.CANCEL_ALL: "Ctrl+Shift+.",
    Command.MINIMIZE: "Ctrl+M",
    Command.MEMORY: "Ctrl+Shift+Y",
    Command.ENGINE: "Ctrl+Shift+E",
}
_CHECKABLE = frozenset(
    (
        Command.LIVE,
        Command.CREATE,
        Command.GALLERY,
        Command.SIDEBAR,
        Command.GALLERY_PANEL,
        Command.PAUSE,
    )
)
# What a Mac puts into the app's own menu.
_ROLES = {
    Command.QUIT: Role.QuitRole,
    Command.PREFERENCES: Role.PreferencesRole,
    Command.ABOUT: Role.AboutRole,
}


class Menus:
    """The menus of a window; `action` gives a command's action to connect and to enable."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._actions: dict[Command, QAction] = {}
        self._menus: dict[MenuName, QMenu] = {}
        for name, title, lines in _MENUS:
            menu = self._menus[name] = window.menuBar().addMenu(_translated(title))
            for line in lines:
                if line:
                    menu.addAction(self._made(*line))
                else:
                    menu.addSeparator()

    def action(self, command: Command) -> QAction:
        """The action of a command."""
        return self._actions[command]

    def add(self, name: MenuName, actions: Sequence[QAction]) -> None:
        """Puts a widget's own actions at the end of a menu, parted by a line."""
        self._menus[name].addSeparator()
        self._menus[name].addActions(list(actions))

    def _made(self, command: Command, text: object) -> QAction:
        action = QAction(_translated(text), self._window)
        if command in _SHORTCUTS:
            action.setShortcut(QKeySequence(_SHORTCUTS[command]))
        action.setCheckable(command in _CHECKABLE)
        action.setMenuRole(_ROLES.get(command, Role.NoRole))
        self._actions[command] = action
        return action


def _translated(text: object) -> str:
    return QCoreApplication.translate("Menus", str(text))

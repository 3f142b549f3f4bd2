"""What lies over the window while files are dragged across it: what they are, what can be done.

Knows no kind of file: what is dragged is described by the function that it is given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True, kw_only=True)
class DropAction:
    """One thing that letting go can do; `word` is what `dropped` says of it."""

    word: str
    label: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class DropDescription:
    """What is dragged: `title`, one sentence of `detail`, the icon's name and what can be done.

    The first action is done where no other is chosen. Without actions the drop is refused.
    """

    title: str
    detail: str
    icon_name: str
    actions: tuple[DropAction, ...]


class DropOverlay(QWidget):
    """Covers `window` while files are dragged over it from another program."""

    dropped = Signal(object, str)
    """The files (list of Path) were let go on the action with this word."""

    def __init__(self, window: QWidget, describe: Callable[[list[Path]], DropDescription]) -> None:
        super().__init__(window)
        raise NotImplementedError

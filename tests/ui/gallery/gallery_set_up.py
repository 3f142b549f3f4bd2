"""A small real gallery and its view, for the tests of the gallery."""

import os
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryEntry, GalleryQuery
from app.library.picture_file import save_png
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.gallery_view import GalleryView

WORDS = ["red apple", "green pear", "blue cat", "red fox", "yellow banana", "brown bear"]
COUNT = 12
SIDE = 32


def text_of(number: int) -> str:
    """What is written into picture `number`: it tells its model and its seed."""
    prompt = f"a {WORDS[number % len(WORDS)]}, number {number}"
    model = "mini" if number % 2 else "dreamshaper"
    return f"{prompt}\nSteps: 12, Sampler: Euler a, Seed: {number}, Size: 32x32, Model: {model}"


def write_picture(path: Path, number: int) -> Path:
    """A small picture, of one colour, `number` hours younger than the epoch's 400,000th hour."""
    color = bytes((number * 20 % 256, 90, 160))
    save_png(path, color * (SIDE * SIDE), (SIDE, SIDE), text_of(number))
    os.utime(path, ((400_000 - number) * 3600.0,) * 2)
    return path


def fill(folder: Path, count: int = COUNT) -> None:
    """Pictures 0 (the newest) to `count` - 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        write_picture(folder / f"{number:02}.png", number)


@dataclass
class Shown:
    """A gallery, what shows it, and short words for what tests do."""

    gallery: Gallery
    model: GalleryModel
    view: GalleryView

    @property
    def seeds(self) -> list[int | None]:
        """Which pictures stand in the rows."""
        return [entry.seed for entry in self.model.entries(range(self.model.rowCount()))]

    def index(self, row: int) -> QModelIndex:
        return self.model.index(row)

    def stored(self, row: int) -> GalleryEntry:
        """What the database has of the picture in a row."""
        return self.gallery.entries([self.model.id_at(row)])[0]

    def all_stored(self) -> list[GalleryEntry]:
        return self.gallery.search(GalleryQuery())

    def center(self, row: int) -> QPoint:
        return self.view.grid.visualRect(self.index(row)).center()

    def press(self, qtbot, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        qtbot.keyClick(self.view.grid, key, modifier)

    def click(self, qtbot, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        self.click_at(qtbot, self.center(row), modifier)

    def click_at(self, qtbot, place: QPoint, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        viewport = self.view.grid.viewport()
        qtbot.mouseClick(viewport, Qt.MouseButton.LeftButton, modifier, place)


def drag_at(data, place: QPoint) -> QDragEnterEvent:
    """A drag that enters there."""
    return QDragEnterEvent(
        place,
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def drop_at(data, place: QPoint) -> QDropEvent:
    return QDropEvent(
        QPointF(place),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )

"""The middle of the window: a picture, or the one that is being made, and what can be done with it.

Owns the small toolbar, the strip of a batch and what is compared with what. Owns no file: what is
to be done outside the canvas is asked for by signals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QWidget

from app.library.gallery_entry import GalleryEntry


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """A picture on the canvas; `entry` is None while it is not in the gallery."""

    image: QImage
    entry: GalleryEntry | None = None


class CanvasView(QWidget):
    """The canvas with its toolbar. Its actions may stand in menus as well."""

    copy_requested = Signal(object)
    """Put this ShownPicture on the clipboard (see picture_drag.picture_data)."""
    reveal_requested = Signal(object)
    """Show this file (Path) in the Finder."""
    delete_requested = Signal(object)
    """Move this GalleryEntry to the trash; `remove` takes it off the canvas."""
    use_settings_requested = Signal(object)
    """Take all settings of this GalleryEntry."""
    use_seed_requested = Signal(object)
    """Take only the seed of this GalleryEntry."""
    use_as_init_requested = Signal(object)
    """Begin the next picture from this file (Path)."""
    current_changed = Signal(object)
    """The ShownPicture that is looked at now, or None."""

    fit_action: QAction
    actual_size_action: QAction
    zoom_in_action: QAction
    zoom_out_action: QAction
    split_action: QAction
    side_by_side_action: QAction
    copy_action: QAction
    reveal_action: QAction
    use_settings_action: QAction
    use_seed_action: QAction
    use_as_init_action: QAction
    delete_action: QAction

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError

    @property
    def current(self) -> ShownPicture | None:
        """The picture that is looked at; None while there is none or one is being made."""
        raise NotImplementedError

    def show_preview(self, image: QImage, step: int, steps: int, size: QSize | None = None) -> None:
        """The picture as it forms. `size` is what it will have in pixels, None: that of `image`."""
        raise NotImplementedError

    def end_preview(self) -> None:
        """Goes back to the picture before, where a job ended without one."""
        raise NotImplementedError

    def show_picture(self, image: QImage, entry: GalleryEntry | None = None) -> None:
        """One picture, as large as it fits."""
        raise NotImplementedError

    def show_batch(self, pictures: Sequence[ShownPicture]) -> None:
        """The first of these pictures, and a strip to choose among them."""
        raise NotImplementedError

    def remove(self, entry_id: int) -> None:
        """Takes a picture off the canvas, and shows its neighbour in the strip if it has one."""
        raise NotImplementedError

    def show_empty(self, widget: QWidget | None = None) -> None:
        """Nothing to look at: `widget` (such as the first run's) or one sentence."""
        raise NotImplementedError

    def set_compare(self, image: QImage | None, title: str = "") -> None:
        """What the picture is compared with; None: the picture shown before it."""
        raise NotImplementedError

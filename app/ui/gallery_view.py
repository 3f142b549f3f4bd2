"""The gallery as it is seen: search and filters, the grid, and one line below.

Fits a sidebar of 300 px and a whole window. Owns no picture and no file: what is to be done outside
the gallery is asked for by signals.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.library.gallery_entry import GalleryEntry
from app.ui.gallery_model import GalleryModel


class GalleryView(QWidget):
    """Search field, filters, grid, count and size of the cells."""

    show_requested = Signal(object)
    """Show this GalleryEntry large (Return, double click)."""
    current_changed = Signal(object)
    """The GalleryEntry that has the focus now, or None."""
    compare_requested = Signal(object, object)
    """Compare these two GalleryEntries (Space with two selected)."""
    use_settings_requested = Signal(object)
    """Take all settings of this GalleryEntry."""
    use_seed_requested = Signal(object)
    """Take only the seed of this GalleryEntry."""
    use_as_init_requested = Signal(object)
    """Begin the next picture from this file (Path)."""
    copy_requested = Signal(object)
    """Put these files (list of Path) on the clipboard."""
    reveal_requested = Signal(object)
    """Show this file (Path) in the Finder."""

    def __init__(self, model: GalleryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError

    def selected(self) -> list[GalleryEntry]:
        """The selected entries in the order of the rows."""
        raise NotImplementedError

    def select(self, entry_id: int) -> None:
        """Selects a picture and scrolls to it, if it is shown."""
        raise NotImplementedError

    def focus_search(self) -> None:
        """Puts the cursor into the search field."""
        raise NotImplementedError

    def select_next(self, step: int) -> GalleryEntry | None:
        """Moves the selection by `step` rows and returns what is selected then."""
        raise NotImplementedError

    def set_cell_side(self, side: int) -> None:
        """Asks for cells about this wide, in px; they are stretched to fill the width."""
        raise NotImplementedError

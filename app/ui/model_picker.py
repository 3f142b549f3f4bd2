"""The dialog in which a model, its VAE and the folders of models are chosen.

Is handed everything that it shows; reads no model file. Stays open beside the window, so that files
can be dragged into it.
"""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget

from app.library.model_entry import KnownFolder, ModelEntry
from app.ui.model_choice import ModelChoice


class ModelPicker(QDialog):
    """A searchable list of models; below it the VAE and the folders."""

    model_chosen = Signal(object)
    """The Path of the chosen model, None for the mini model."""
    vae_chosen = Signal(object)
    """The Path of the chosen VAE, None for the model's own."""
    model_highlighted = Signal(object)
    """The ModelChoice that has the focus: a chance to forecast its memory."""
    add_folder_requested = Signal(object)
    """Watch this folder (Path), or ask for one (None)."""
    remove_folder_requested = Signal(object)
    """Stop watching this folder (Path)."""
    reveal_requested = Signal(object)
    """Show this file (Path) in the Finder."""
    files_dropped = Signal(object)
    """Files (list of Path) were dropped here."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        raise NotImplementedError

    def set_choices(self, choices: Sequence[ModelChoice]) -> None:
        """What can be chosen; the mini model (path None) is shown first, refused files last."""
        raise NotImplementedError

    def set_current(self, model: Path | None, vae: Path | None) -> None:
        """What is in use now."""
        raise NotImplementedError

    def set_vaes(self, vaes: Sequence[ModelEntry]) -> None:
        """The VAE files that can be chosen."""
        raise NotImplementedError

    def set_folders(self, folders: Sequence[Path], known: Sequence[KnownFolder] = ()) -> None:
        """The folders that are watched, and those of other programs that could be."""
        raise NotImplementedError

    def set_free(self, free_bytes: int | None) -> None:
        """The memory that is free now, against which each need is shown."""
        raise NotImplementedError

    def set_need(self, model: Path | None, need_bytes: int | None) -> None:
        """The memory that a picture with this model takes."""
        raise NotImplementedError

    def set_scanning(self, scanning: bool) -> None:
        """Says whether folders are being looked at."""
        raise NotImplementedError

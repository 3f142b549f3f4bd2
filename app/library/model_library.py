"""Which models there are: folders are walked, headers are read, and what was read is remembered.

Owns the list and its cache. Watching folders is the window's task; what a file is, the checkpoint
room's.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.library.model_entry import ModelEntry


def describe_model(path: Path) -> ModelEntry:
    """What one file or diffusers folder is, such as one that is dragged over the window."""
    raise NotImplementedError


class ModelLibrary:
    """The models in some folders; files may be given in place of folders."""

    def __init__(self, folders: Sequence[Path], cache: Path | None = None) -> None:
        """Reads nothing yet. `cache` is the folder of the cache; None: the user's."""
        raise NotImplementedError

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """What the last scan found, by kind and title."""
        raise NotImplementedError

    def scan(
        self, changed: Path | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> tuple[ModelEntry, ...]:
        """Looks at all folders, or only at `changed`, a file or folder in them; the new entries.

        May be called from any thread, one call at a time. `stopped` is asked before each file.
        """
        raise NotImplementedError

    def find(self, name: str, sha256: str = "") -> ModelEntry | None:
        """The usable file that a picture's text names, with or without its ending."""
        raise NotImplementedError

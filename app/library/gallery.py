"""The gallery: pictures as files, and one row for each in a database that can be lost.

Owns the names of files, the order file first, row second, and the trash. The files are the truth:
rows are made again from their metadata, ratings from the file beside them (see ratings_file.py).
Every method may be called from any thread; those that read or write pictures take their time.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from app.generation.messages import Finished
from app.library.gallery_entry import Flag, GalleryEntry, GalleryQuery, NameCount, ScanReport

PAGE = 200
KEEP_DAYS = 30


class Gallery:
    """The kept pictures of `folder`, and of other folders that were scanned.

    Raises `GalleryError` or `PictureError`, each with one sentence.
    """

    def __init__(
        self, folder: Path, database: Path, move_to_trash: Callable[[Path], Path] | None = None
    ) -> None:
        """Opens, or makes, what is needed.

        `move_to_trash` moves a file to where the user looks for deleted ones and returns where it is
        now; None: to the folder `trash` beside the database. After `was_rebuilt` is true, `scan`
        every folder: the database was new, of another version or damaged.
        """
        self.was_rebuilt = False
        raise NotImplementedError

    def __enter__(self) -> Self:
        """The gallery itself."""
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the gallery."""
        raise NotImplementedError

    def close(self) -> None:
        """Closes the database; may be called twice."""
        raise NotImplementedError

    def save(self, finished: Finished, picture: int) -> GalleryEntry:
        """Writes picture number `picture`, from 0, of a finished job, and then its row."""
        raise NotImplementedError

    def import_picture(self, path: Path) -> GalleryEntry:
        """Adds one picture of any program, where it lies."""
        raise NotImplementedError

    def scan(
        self, folder: Path | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> ScanReport:
        """Makes the rows agree with the files of a folder and of those in it; None: its own.

        A folder that is not there (a disk that is not plugged in) keeps its rows. `stopped` is asked
        before each file.
        """
        raise NotImplementedError

    def search(
        self, query: GalleryQuery, *, limit: int = PAGE, after: GalleryEntry | None = None
    ) -> list[GalleryEntry]:
        """The first `limit` pictures, or those that follow `after` in the query's order."""
        raise NotImplementedError

    def ids(self, query: GalleryQuery) -> list[int]:
        """The ids of all that the query finds, in its order: what a virtualised view counts."""
        raise NotImplementedError

    def entries(self, ids: Sequence[int]) -> list[GalleryEntry]:
        """The entries of these ids, in their order; one that is gone is left out."""
        raise NotImplementedError

    def count(self, query: GalleryQuery) -> int:
        """How many pictures the query finds."""
        raise NotImplementedError

    def models(self) -> list[NameCount]:
        """The models in use, the most used first."""
        raise NotImplementedError

    def loras(self) -> list[NameCount]:
        """The LoRAs in use, the most used first."""
        raise NotImplementedError

    def rate(self, ids: Sequence[int], rating: int) -> None:
        """Gives 0 to 5 stars."""
        raise NotImplementedError

    def flag(self, ids: Sequence[int], flag: Flag) -> None:
        """Marks as pick or reject, or takes the mark away."""
        raise NotImplementedError

    def delete(self, ids: Sequence[int]) -> None:
        """Moves pictures to the trash."""
        raise NotImplementedError

    def restore(self, ids: Sequence[int]) -> list[GalleryEntry]:
        """Undoes `delete`: the files come back under their names, ratings and all."""
        raise NotImplementedError

    def empty_trash(self, older_than_days: float = KEEP_DAYS) -> int:
        """Forgets what was deleted longer ago, and its files in the app's own trash; their number."""
        raise NotImplementedError

"""The gallery: pictures as files, and one row for each in a database that can be lost.

Owns the names of files, the order file first, row second, and the trash. The files are the truth:
rows are made again from their metadata, ratings from the file beside them (see ratings_file.py).
Every method may be called from any thread; those that read or write pictures take their time.
"""

import dataclasses
import os
import re
import secrets
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from app.generation.messages import Finished
from app.library.gallery_entry import (
    MOST_STARS,
    Flag,
    GalleryEntry,
    GalleryError,
    GalleryQuery,
    NameCount,
    ScanReport,
)
from app.library.gallery_rows import FileState, GalleryRows, PictureRow, Trashed
from app.library.image_metadata import (
    ModelFile,
    add_on_hashes,
    parameters_text,
    read_parameters,
)
from app.library.model_entry import model_name
from app.library.picture_file import PictureError, save_png
from app.library.picture_row import picture_files, picture_row, read_row
from app.library.ratings_file import UNRATED, Ratings, read_ratings, write_ratings

PAGE = 200
KEEP_DAYS = 30
DAY_SECONDS = 86400.0
ROWS_AT_ONCE = 100  # of a scan, so that other threads wait for milliseconds only
OWN_NAME = re.compile(r"(\d{5,})-\d+\.png")  # number of the day's picture, seed


class Gallery:
    """The kept pictures of `folder`, and of other folders that were scanned.

    Raises `GalleryError` or `PictureError`, each with one sentence.
    """

    def __init__(
        self, folder: Path, database: Path, move_to_trash: Callable[[Path], Path] | None = None
    ) -> None:
        """Opens, or makes, what is needed.

        `move_to_trash` moves a file to where the user looks for deleted ones, returns where it is
        now, and raises OSError; None: to the folder `trash` beside the database. After
        `was_rebuilt` is true, `scan` every folder: the database was new, of another version or
        damaged.
        """
        self._folder = folder.absolute()
        self._trash = database.absolute().parent / "trash"
        self._move_to_trash = move_to_trash or self._move_to_own_trash
        self._files_lock = threading.Lock()  # names of new files, and files of ratings
        self._last_numbers: dict[Path, int] = {}
        self._rows = GalleryRows(database)
        self.was_rebuilt = self._rows.is_new

    def __enter__(self) -> Self:
        """The gallery itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes the gallery."""
        self.close()

    @property
    def folder(self) -> Path:
        """Where new pictures are written."""
        return self._folder

    def close(self) -> None:
        """Closes the database; may be called twice."""
        self._rows.close()

    def save(self, finished: Finished, picture: int) -> GalleryEntry:
        """Writes picture number `picture`, from 0, of a finished job, and then its row."""
        request, pixels = finished.request, finished.pictures
        model = ModelFile(name=model_name(finished.model.name), sha256=finished.model_sha256)
        vae = ModelFile(name=request.vae.name, sha256=finished.vae_sha256) if request.vae else None
        add_ons = add_on_hashes(finished.loras, finished.embeddings)
        text = parameters_text(request, picture, model, vae, add_ons)
        own = dataclasses.replace(request, seed=request.seed + picture, batch_count=1)
        path = self._reserve(own.seed)
        size = (pixels.width, pixels.height)
        try:
            save_png(path, pixels.pictures[picture], size, text)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        metadata = dataclasses.replace(read_parameters(text), request=own, model=model)
        return self._put_one(picture_row(path, size, metadata))

    def import_picture(self, path: Path) -> GalleryEntry:
        """Adds one picture of any program, where it lies."""
        path = path.absolute()
        rating = read_ratings(path.parent).get(path.name, UNRATED)
        return self._put_one(read_row(path, rating))

    def scan(
        self, folder: Path | None = None, stopped: Callable[[], bool] = lambda: False
    ) -> ScanReport:
        """Makes the rows agree with the files of a folder and of those in it; None: its own.

        A folder that is not there (a disk that is not plugged in) keeps its rows. `stopped` is
        asked before each file.
        """
        root = self._folder if folder is None else folder.absolute()
        if folder is None:
            _remove_parts(root)
        scan = _Scan(self._rows, self._rows.files(root) if root.is_dir() else {})
        for path in picture_files(root, self._trash):
            if stopped():
                break
            if path.is_relative_to(self._folder) and _is_left_over(path):
                path.unlink(missing_ok=True)
            else:
                scan.look_at(path)
        else:
            scan.remove_missing()
        return scan.report()

    def search(
        self, query: GalleryQuery, *, limit: int = PAGE, after: GalleryEntry | None = None
    ) -> list[GalleryEntry]:
        """The first `limit` pictures, or those that follow `after` in the query's order."""
        return self._rows.search(query, limit, after)

    def dated_ids(self, query: GalleryQuery) -> list[tuple[int, float]]:
        """Id and time of all that the query finds, in its order: what a virtualised view needs."""
        return self._rows.dated_ids(query)

    def entries(self, ids: Sequence[int]) -> list[GalleryEntry]:
        """The entries of these ids, in their order; one that is gone is left out."""
        return self._rows.entries(ids)

    def count(self, query: GalleryQuery) -> int:
        """How many pictures the query finds."""
        return self._rows.count(query)

    def models(self) -> list[NameCount]:
        """The models in use, the most used first."""
        return self._rows.models()

    def loras(self) -> list[NameCount]:
        """The LoRAs in use, the most used first."""
        counts: Counter[str] = Counter()
        for names, count in self._rows.loras():
            counts.update(dict.fromkeys(names, count))
        return [NameCount(name=name, count=count) for name, count in counts.most_common()]

    def rate(self, ids: Sequence[int], rating: int) -> None:
        """Gives 0 to 5 stars."""
        if not 0 <= rating <= MOST_STARS:
            raise GalleryError(f"A rating is from 0 to {MOST_STARS} stars, not {rating}.")
        self._rows.set_where(ids, "rating", rating)
        self._keep_ratings(entry.path.parent for entry in self._rows.entries(ids))

    def flag(self, ids: Sequence[int], flag: Flag) -> None:
        """Marks as pick or reject, or takes the mark away."""
        self._rows.set_where(ids, "flag", flag)
        self._keep_ratings(entry.path.parent for entry in self._rows.entries(ids))

    def delete(self, ids: Sequence[int]) -> None:
        """Moves pictures to the trash; one whose file is gone already is forgotten."""
        entries, now, refused = self._rows.entries(ids), time.time(), ""
        for entry in entries:
            # marked before the move: after a crash in between, a scan finds the file and unmarks it
            self._rows.trash(entry.id, now, None)
            try:
                self._rows.trash(entry.id, now, str(self._move_to_trash(entry.path)))
            except FileNotFoundError:
                self._rows.remove([entry.id])
            except OSError as error:
                self._rows.bring_back(entry.id, entry.path)
                refused = f"{entry.path} could not be deleted: {error.strerror or error}."
        self._keep_ratings(entry.path.parent for entry in entries)
        if refused:
            raise GalleryError(refused)

    def restore(self, ids: Sequence[int]) -> list[GalleryEntry]:
        """Undoes `delete`: the files come back under their names, ratings and all.

        Raises `GalleryError` for one that is no longer in the trash, after the others are back.
        """
        restored, refused = [], ""
        for trashed in self._rows.trashed(ids):
            try:
                path = _put_back(trashed)
            except OSError as error:
                refused = (
                    f"{trashed.path.name} could not be taken out of the trash:"
                    f" {error.strerror or error}."
                )
                continue
            self._rows.bring_back(trashed.id, path)
            restored.append(trashed.id)
        entries = self._rows.entries(restored)
        self._keep_ratings(entry.path.parent for entry in entries)
        if refused:
            raise GalleryError(refused)
        return entries

    def empty_trash(self, older_than_days: float = KEEP_DAYS) -> int:
        """Forgets what was deleted longer ago, with its files in the app's own trash; how many."""
        limit = time.time() - older_than_days * DAY_SECONDS
        old = self._rows.trashed(before=limit)
        self._rows.remove([trashed.id for trashed in old])
        kept = {trashed.trashed_path for trashed in self._rows.trashed()}
        for path in self._trash.iterdir() if self._trash.is_dir() else ():
            # the status changed when the file was moved here
            if path not in kept and path.stat().st_ctime <= limit:
                path.unlink(missing_ok=True)
        return len(old)

    def _put_one(self, row: PictureRow) -> GalleryEntry:
        return self._rows.entries(self._rows.put([row]))[0]

    def _reserve(self, seed: int) -> Path:
        """A new empty file of today's folder, such as 2026-05-01/00042-1234.png."""
        folder = self._folder / time.strftime("%Y-%m-%d")
        with self._files_lock:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                number = self._last_numbers.get(folder) or self._largest_number(folder)
                while True:
                    number += 1
                    path = folder / f"{number:05}-{seed}.png"
                    try:
                        path.touch(exist_ok=False)
                    except FileExistsError:
                        continue
                    self._last_numbers[folder] = number
                    return path
            except OSError as error:
                raise GalleryError(
                    f"Could not write into {folder}: {error.strerror or error}."
                ) from error

    def _largest_number(self, folder: Path) -> int:
        """The last number in use, that of a deleted picture too, for it may come back."""
        names = [*(path.name for path in folder.iterdir()), *self._rows.names(folder)]
        return max((int(found[1]) for found in map(OWN_NAME.match, names) if found), default=0)

    def _keep_ratings(self, folders: Iterable[Path]) -> None:
        with self._files_lock:
            for folder in set(folders):
                write_ratings(folder, self._rows.ratings(str(folder)))

    def _move_to_own_trash(self, path: Path) -> Path:
        self._trash.mkdir(parents=True, exist_ok=True)
        return Path(shutil.move(path, self._trash / f"{secrets.token_hex(4)}-{path.name}"))


class _Scan:
    """One walk through files: what is new or changed is read, and written some rows at a time."""

    def __init__(self, rows: GalleryRows, known: dict[Path, FileState]) -> None:
        self._rows = rows
        self._known = known
        self._missing = dict(known)
        self._waiting: list[PictureRow] = []
        self._ratings: dict[Path, Ratings] = {}
        self._added = self._changed = self._removed = 0
        self._unreadable: list[Path] = []

    def look_at(self, path: Path) -> None:
        self._missing.pop(path, None)
        state = self._known.get(path)
        try:
            status = path.stat()
            if state and _is_same(state, status):
                if state.is_trashed:  # a delete did not come to its end, or the user undid it
                    self._rows.bring_back(state.id, path)
                    self._changed += 1
                return
            row = read_row(path, self._rating(path))
        except (OSError, PictureError):
            self._unreadable.append(path)
            return
        if state:
            self._changed += 1
        else:
            self._added += 1
        self._waiting.append(row)
        if len(self._waiting) >= ROWS_AT_ONCE:
            self._write()

    def remove_missing(self) -> None:
        """Removes the rows whose files were not met, and are not there."""
        gone = [
            state.id
            for path, state in self._missing.items()
            if not state.is_trashed and _is_gone(path)
        ]
        self._rows.remove(gone)
        self._removed = len(gone)

    def report(self) -> ScanReport:
        self._write()
        return ScanReport(
            added=self._added,
            changed=self._changed,
            removed=self._removed,
            unreadable=tuple(self._unreadable),
        )

    def _rating(self, path: Path) -> tuple[int, str]:
        if path.parent not in self._ratings:
            self._ratings[path.parent] = read_ratings(path.parent)
        return self._ratings[path.parent].get(path.name, UNRATED)

    def _write(self) -> None:
        self._rows.put(self._waiting)
        self._waiting = []


def _is_same(state: FileState, status: os.stat_result) -> bool:
    return (state.modified_ns, state.size_bytes) == (status.st_mtime_ns, status.st_size)


def _is_gone(path: Path) -> bool:
    """Whether there is surely no such file: one that may not be looked at is not gone."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_left_over(path: Path) -> bool:
    """Whether a file is a reserved name whose picture was never written, because of a crash."""
    return OWN_NAME.fullmatch(path.name) is not None and path.stat().st_size == 0


def _remove_parts(folder: Path) -> None:
    """Removes what a crash left of a picture that was being written; one of today may be in use."""
    limit = time.time() - DAY_SECONDS
    for part in folder.rglob(".*.png.*.part"):
        with suppress(OSError):
            if part.stat().st_mtime < limit:
                part.unlink()


def _put_back(trashed: Trashed) -> Path:
    """Moves a file out of the trash to its path, or beside it if that is taken; its new path."""
    path, number = trashed.path, 1
    if trashed.trashed_path is None:  # it was never moved
        path.stat()
        return path
    trashed.trashed_path.stat()
    path.parent.mkdir(parents=True, exist_ok=True)
    while path.exists():
        number += 1
        path = trashed.path.with_stem(f"{trashed.path.stem}-{number}")
    return Path(shutil.move(trashed.trashed_path, path))

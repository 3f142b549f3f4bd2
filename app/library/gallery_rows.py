"""The gallery's database: one connection, one lock, every change one transaction.

Owns the connection and what is written through it. A crash loses at most the last change, and a
file that lacks its row for that is found by the next scan. Knows nothing of picture files.
"""

import dataclasses
import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.library import gallery_schema
from app.library.gallery_entry import (
    Flag,
    GalleryEntry,
    GalleryError,
    GalleryQuery,
    NameCount,
)

NO_LIMIT = -1
CACHE_KIBIBYTES = 64_000  # all of 10,000 rows and more stays in memory
BUSY_SECONDS = 5.0  # another window's transaction is waited for this long
ENTRY_COLUMNS = (
    "id, folder, name, created_at, width, height, prompt, negative_prompt, model, model_hash,"
    " loras, seed, steps, cfg_scale, sampler, schedule, program, rating, flag, request_json"
)


@dataclass(frozen=True, kw_only=True)
class PictureRow:
    """What is known of a picture's file, before it has an id; names are the table's columns."""

    folder: str
    name: str
    created_at: float
    modified_ns: int
    size_bytes: int
    width: int
    height: int
    prompt: str
    negative_prompt: str
    model: str
    model_hash: str
    loras: str
    seed: str
    steps: int | None
    cfg_scale: float | None
    sampler: str
    schedule: str
    program: str
    request_json: str
    rating: int
    flag: str


@dataclass(frozen=True, kw_only=True)
class FileState:
    """A row's id and what its file was when it was read; a trashed picture's file is elsewhere."""

    id: int
    modified_ns: int
    size_bytes: int
    is_trashed: bool


@dataclass(frozen=True, kw_only=True)
class Trashed:
    """A deleted picture: where it was, and where it is; None: the move did not come to its end."""

    id: int
    path: Path
    trashed_path: Path | None


_COLUMNS = tuple(field.name for field in dataclasses.fields(PictureRow))
# A picture that is read again keeps its id and its rating, and is no longer in the trash.
_KEPT = frozenset({"folder", "name", "rating", "flag"})
_PUT = (
    f"INSERT INTO pictures ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
    " ON CONFLICT (folder, name) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _KEPT)
    + ", trashed_at = NULL, trashed_path = NULL RETURNING id"
)
_LISTED = "(SELECT value FROM json_each(?))"
"""As many ids as there are in one value: each number of question marks would be a statement that
the connection prepares and keeps, some 20 KiB each."""


class GalleryRows:
    """The rows of a gallery; may be used from any thread. Raises `GalleryError`."""

    def __init__(self, database: Path) -> None:
        """Opens the database; `is_new` says that it holds nothing yet.

        One of an earlier version is converted, one of an unknown version is emptied, a damaged one
        is set aside beside it.
        """
        self._lock = threading.Lock()
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection, self.is_new = _open(database)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                _set_aside(database)
                self._connection, self.is_new = _open(database)
        except (sqlite3.Error, OSError) as error:
            raise GalleryError(
                f"The gallery's list {database} cannot be opened: {error}."
            ) from None

    def close(self) -> None:
        """Closes the connection; may be called twice."""
        with self._lock:
            self._connection.close()

    def put(self, rows: Sequence[PictureRow]) -> list[int]:
        """Adds rows, or renews those of the same file; their ids."""
        with self._change() as connection:
            ids = []
            for row in rows:
                values = [getattr(row, name) for name in _COLUMNS]
                ids.append(int(connection.execute(_PUT, values).fetchone()[0]))
            return ids

    def set_where(self, ids: Sequence[int], column: str, value: str | int) -> None:
        """Sets one column of rows."""
        with self._change() as connection:
            statement = f"UPDATE pictures SET {column} = ? WHERE id IN {_LISTED}"
            connection.execute(statement, [value, json.dumps(list(ids))])

    def remove(self, ids: Sequence[int]) -> None:
        """Removes rows."""
        with self._change() as connection:
            connection.executemany("DELETE FROM pictures WHERE id = ?", [(each,) for each in ids])

    def trash(self, picture: int, at: float, trashed_path: str | None) -> None:
        """Marks a row as deleted; None while the file is not moved yet."""
        with self._change() as connection:
            connection.execute(
                "UPDATE pictures SET trashed_at = ?, trashed_path = ? WHERE id = ?",
                [at, trashed_path, picture],
            )

    def bring_back(self, picture: int, path: Path) -> None:
        """Takes the mark away; the file is at `path` again."""
        with self._change() as connection:
            connection.execute(
                "UPDATE pictures SET folder = ?, name = ?, trashed_at = NULL, trashed_path = NULL"
                " WHERE id = ?",
                [str(path.parent), path.name, picture],
            )

    def trashed(self, ids: Sequence[int] | None = None, before: float = 1e18) -> list[Trashed]:
        """Rows marked as deleted before a time: these, or all."""
        found = self._read(
            "SELECT id, folder, name, trashed_path FROM pictures WHERE trashed_at < ?", [before]
        )
        wanted = None if ids is None else set(ids)
        return [
            Trashed(
                id=each, path=Path(folder, name), trashed_path=Path(trashed) if trashed else None
            )
            for each, folder, name, trashed in found
            if wanted is None or each in wanted
        ]

    def files(self, folder: Path) -> dict[Path, FileState]:
        """The files that have a row, in a folder and the folders in it."""
        within = str(folder).rstrip("/") + "/"
        found = self._read(
            "SELECT id, folder, name, modified_ns, size_bytes, trashed_at FROM pictures"
            " WHERE folder = ? OR substr(folder, 1, ?) = ?",
            [str(folder), len(within), within],
        )
        return {
            Path(place, name): FileState(
                id=each, modified_ns=modified, size_bytes=size, is_trashed=at is not None
            )
            for each, place, name, modified, size, at in found
        }

    def names(self, folder: Path) -> list[str]:
        """The names of the files of one folder that have a row, deleted ones too."""
        found = self._read("SELECT name FROM pictures WHERE folder = ?", [str(folder)])
        return [str(name) for (name,) in found]

    def ratings(self, folder: str) -> dict[str, tuple[int, str]]:
        """Rating and flag by the name of each picture of a folder; a deleted one has none."""
        found = self._read(
            "SELECT name, iif(trashed_at IS NULL, rating, 0),"
            " iif(trashed_at IS NULL, flag, 'none') FROM pictures WHERE folder = ?",
            [folder],
        )
        return {name: (rating, flag) for name, rating, flag in found}

    def search(
        self, query: GalleryQuery, limit: int, after: GalleryEntry | None
    ) -> list[GalleryEntry]:
        """A page of entries."""
        return self.entries([each for each, _ in self.dated_ids(query, limit, after)])

    def dated_ids(
        self, query: GalleryQuery, limit: int = NO_LIMIT, after: GalleryEntry | None = None
    ) -> list[tuple[int, float]]:
        """The ids that a query finds, in its order, with the seconds since 1970 of each.

        No more, for what they are sorted by stands in an index: whole rows are ten times as slow.
        """
        condition, values = gallery_schema.where(query, after)
        order = gallery_schema.order_by(query.order)
        return self._read(
            f"SELECT id, created_at FROM pictures WHERE {condition} ORDER BY {order} LIMIT ?",
            [*values, limit],
        )

    def count(self, query: GalleryQuery) -> int:
        """How many a query finds."""
        condition, values = gallery_schema.where(query)
        found = self._read(f"SELECT count(*) FROM pictures WHERE {condition}", values)
        return int(found[0][0])

    def entries(self, ids: Sequence[int]) -> list[GalleryEntry]:
        """The entries of ids that are not deleted, in the order of the ids."""
        entries = self._entries(
            f"SELECT {ENTRY_COLUMNS} FROM pictures WHERE trashed_at IS NULL AND id IN {_LISTED}",
            [json.dumps(list(ids))],
        )
        found = {entry.id: entry for entry in entries}
        return [found[each] for each in ids if each in found]

    def models(self) -> list[NameCount]:
        """Models in use, the most used first."""
        found = self._read(
            "SELECT model, count(*) FROM pictures WHERE trashed_at IS NULL AND model <> ''"
            " GROUP BY model ORDER BY 2 DESC, 1"
        )
        return [NameCount(name=name, count=count) for name, count in found]

    def loras(self) -> list[tuple[tuple[str, ...], int]]:
        """The combinations of LoRAs in use, and how often."""
        found = self._read(
            "SELECT loras, count(*) FROM pictures WHERE trashed_at IS NULL AND loras <> ''"
            " GROUP BY loras"
        )
        return [(gallery_schema.split_loras(loras), count) for loras, count in found]

    def _entries(self, statement: str, values: Sequence[str | float]) -> list[GalleryEntry]:
        return [_entry(row) for row in self._read(statement, values)]

    def _read(self, statement: str, values: Sequence[str | float] = ()) -> list[tuple[Any, ...]]:
        with self._lock, _sentences():
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with self._lock, _sentences(), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield self._connection


def _open(database: Path) -> tuple[sqlite3.Connection, bool]:
    """The connection, and whether the tables were made just now."""
    connection = sqlite3.connect(
        database, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        connection.execute("PRAGMA trusted_schema = ON")  # for the triggers, which call `spaced`
        connection.create_function("spaced", 1, gallery_schema.spaced, deterministic=True)
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if migration := gallery_schema.MIGRATIONS.get(version):
            connection.executescript(f"BEGIN; {migration} COMMIT;")
            version = gallery_schema.VERSION
        if version == gallery_schema.VERSION:
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError
            return connection, False
        connection.executescript("DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS pictures;")
        connection.executescript(f"BEGIN; {gallery_schema.SCHEMA} COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection, True


def _set_aside(database: Path) -> None:
    """Gives a damaged database another name; its log must not meet the new one."""
    database.replace(database.with_name(f"{database.name}.damaged-{secrets.token_hex(4)}"))
    for ending in ("-wal", "-shm"):
        database.with_name(database.name + ending).unlink(missing_ok=True)


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise GalleryError(f"The gallery's list could not be used: {error}.") from error


def _entry(row: tuple[Any, ...]) -> GalleryEntry:
    each, folder, name, created_at, width, height, prompt, negative, model, digest = row[:10]
    loras, seed, steps, cfg_scale, sampler, schedule, program, rating, flag, request = row[10:]
    return GalleryEntry(
        id=each,
        path=Path(folder, name),
        created_at=created_at,
        width=width,
        height=height,
        prompt=prompt,
        negative_prompt=negative,
        model=model,
        model_hash=digest,
        loras=gallery_schema.split_loras(loras),
        seed=int(seed) if seed else None,
        steps=steps,
        cfg_scale=cfg_scale,
        sampler=sampler,
        schedule=schedule,
        program=program,
        rating=rating,
        flag=Flag(flag),
        request_json=request,
    )

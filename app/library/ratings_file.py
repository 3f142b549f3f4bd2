"""Ratings and flags of a folder's pictures, in one small file beside them.

So they outlive the database and go with the folder when it is copied or moved. A picture's own file
is not written again for a star: that would put the picture at risk, change its date, and cost a
megabyte for a click. Owns the file's form; knows nothing of the database.
"""

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from app.library.gallery_entry import MOST_STARS, Flag

FILE_NAME = ".aquatint-ratings.json"
LIMIT_BYTES = 50_000_000
UNRATED = (0, Flag.NONE.value)

Ratings = dict[str, tuple[int, str]]
"""Rating and flag by the name of a picture's file."""


def read_ratings(folder: Path) -> Ratings:
    """What the folder's file says; what is damaged or absent is unrated."""
    try:
        with (folder / FILE_NAME).open("rb") as file:
            pictures = json.loads(file.read(LIMIT_BYTES))["pictures"]
        return {
            name: (value["rating"], value["flag"])
            for name, value in pictures.items()
            if type(value["rating"]) is int
            and 0 <= value["rating"] <= MOST_STARS
            and value["flag"] in list(Flag)
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def write_ratings(folder: Path, known: Mapping[str, tuple[int, str]]) -> None:
    """Writes the ratings of the known pictures; those of other names stay as they are.

    A folder that cannot be written to keeps the file that it has: the database still has the rest.
    """
    before = read_ratings(folder)
    ratings = {name: value for name, value in (before | dict(known)).items() if value != UNRATED}
    if ratings == before:
        return
    path = folder / FILE_NAME
    part = folder / f"{FILE_NAME}.{secrets.token_hex(4)}.part"
    pictures = {name: {"rating": stars, "flag": flag} for name, (stars, flag) in ratings.items()}
    with suppress(OSError):
        try:
            with part.open("x", encoding="utf-8") as file:
                json.dump({"version": 1, "pictures": pictures}, file, indent=1, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

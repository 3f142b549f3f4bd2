"""From picture files to the gallery's rows.

Owns which files of a folder are pictures, and what a row says of one. Writes nothing.
"""

import dataclasses
import json
import os
from collections.abc import Iterator
from pathlib import Path

from app.generation.request import RANDOM_SEED
from app.generation.request_json import request_json
from app.library.foreign_metadata import understand
from app.library.gallery_rows import PictureRow
from app.library.gallery_schema import joined_loras
from app.library.image_metadata import HASH_DIGITS, PictureMetadata
from app.library.model_entry import model_name
from app.library.picture_file import PictureError, read_texts
from app.library.ratings_file import UNRATED

PICTURE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif"})


def picture_files(folder: Path, left_out: Path) -> Iterator[Path]:
    """The files that claim to be pictures, in a folder and those in it, hidden ones left out."""
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and here / name != left_out
        )
        for name in sorted(names):
            if Path(name).suffix.lower() in PICTURE_ENDINGS and not name.startswith("."):
                yield here / name


def read_row(path: Path, rating: tuple[int, str] = UNRATED) -> PictureRow:
    """The row of any program's picture; raises `PictureError`."""
    picture = read_texts(path)
    return picture_row(path, picture.size, understand(picture, path), rating)


def picture_row(
    path: Path,
    size: tuple[int, int],
    metadata: PictureMetadata,
    rating: tuple[int, str] = UNRATED,
) -> PictureRow:
    """The row of a picture of `size` (width, height) whose metadata is known."""
    try:
        str(path).encode("utf-8")
        status = path.stat()
    except UnicodeEncodeError:
        raise PictureError(f"The name {path!a} is not text: give the file another.") from None
    except OSError as error:
        raise PictureError(f"Could not read {path}: {error.strerror}.") from error
    request = metadata.request
    values = request_json(dataclasses.replace(request, batch_count=1))
    return PictureRow(
        folder=str(path.parent),
        name=path.name,
        created_at=status.st_mtime,
        modified_ns=status.st_mtime_ns,
        size_bytes=status.st_size,
        width=size[0],
        height=size[1],
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        model=model_name(metadata.model.name) if metadata.model else "",
        model_hash=metadata.model.sha256[:HASH_DIGITS] if metadata.model else "",
        loras=joined_loras(tuple(map(model_name, metadata.loras))),
        seed="" if request.seed == RANDOM_SEED else str(request.seed),
        steps=request.steps,
        cfg_scale=request.cfg_scale,
        sampler=request.sampler or "",
        schedule=request.schedule or "",
        program=metadata.program,
        request_json=json.dumps(values, ensure_ascii=False),
        rating=rating[0],
        flag=rating[1],
    )

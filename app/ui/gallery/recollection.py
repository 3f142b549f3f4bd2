"""What the last pictures of the gallery tell: prompts to go back to, a picture of each model.

Knows no widget; runs in any thread.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.library.gallery import Gallery
from app.library.gallery_entry import GalleryQuery
from app.library.picture_file import PictureError
from app.library.thumbnails import thumbnail

LOOKED_AT = 200


@dataclass(frozen=True, kw_only=True)
class Recollection:
    """Prompts without repetition, the latest first; `pictures` are thumbnails by model name."""

    prompts: tuple[str, ...]
    negative_prompts: tuple[str, ...]
    pictures: Mapping[str, Path]


def recollect(gallery: Gallery, cache: Path) -> Recollection:
    """Looks at the last pictures; `cache` is the folder of all caches."""
    entries = gallery.search(GalleryQuery(), limit=LOOKED_AT)
    pictures: dict[str, Path] = {}
    for entry in entries:
        if entry.model not in pictures:
            with suppress(PictureError):
                pictures[entry.model] = thumbnail(entry.path, cache)
    return Recollection(
        prompts=tuple(dict.fromkeys(e.prompt for e in entries if e.prompt)),
        negative_prompts=tuple(
            dict.fromkeys(e.negative_prompt for e in entries if e.negative_prompt)
        ),
        pictures=pictures,
    )

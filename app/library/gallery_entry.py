"""The values of the gallery: a kept picture, what is asked for, what a scan found.

Knows nothing of files or of the database.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.generation.request import GenerationRequest
from app.generation.request_json import read_request

MOST_STARS = 5


class GalleryError(Exception):
    """Something that the gallery could not do; its text is one sentence."""


class Flag(StrEnum):
    """What the user thinks of a picture at a glance."""

    NONE = "none"
    PICK = "pick"
    REJECT = "reject"


class Order(StrEnum):
    """Which pictures come first; equal ratings are shown newest first."""

    NEWEST = "newest"
    OLDEST = "oldest"
    RATING = "rating"


@dataclass(frozen=True, kw_only=True)
class GalleryEntry:
    """One kept picture.

    `created_at` is in seconds since 1970, `width` and `height` are the file's in pixels; `model`,
    `model_hash` (first ten digits of the SHA-256), `loras`, `sampler` and `program` are names,
    empty where unknown; `rating` is 0 to 5 stars. `request_json` is what the picture was made from,
    as far as it is known, with the picture's own seed.
    """

    id: int
    path: Path
    created_at: float
    width: int
    height: int
    prompt: str
    negative_prompt: str
    model: str
    model_hash: str
    loras: tuple[str, ...]
    seed: int | None
    steps: int | None
    cfg_scale: float | None
    sampler: str
    schedule: str
    program: str
    rating: int
    flag: Flag
    request_json: str

    def request(self) -> GenerationRequest:
        """The request that makes this picture again, as far as it is known."""
        return read_request(json.loads(self.request_json))[0]


@dataclass(frozen=True, kw_only=True)
class GalleryQuery:
    """Which pictures are wanted; every condition must hold, and an empty one holds for all.

    `text` is words that begin words of the prompt, the negative prompt, the model or the LoRAs; a
    phrase stands in quotes, and a word after "-" must not occur. `model` and `lora` are whole
    names. `since` (included) and `before` (excluded) are in seconds since 1970.
    """

    text: str = ""
    model: str = ""
    lora: str = ""
    since: float | None = None
    before: float | None = None
    least_rating: int = 0
    flag: Flag | None = None
    order: Order = Order.NEWEST


@dataclass(frozen=True, kw_only=True)
class NameCount:
    """A model or LoRA in use, and how many pictures were made with it."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class ScanReport:
    """What a scan changed; `unreadable` are files that claim to be pictures and are not."""

    added: int
    changed: int
    removed: int
    unreadable: tuple[Path, ...]

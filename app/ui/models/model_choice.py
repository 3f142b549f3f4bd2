"""What the model picker shows of one model: a plain value. Knows no widget."""

from dataclasses import dataclass
from pathlib import Path

from app.library.model_entry import ModelEntry, ModelKind
from app.ui.parts.engine_words import in_own_words


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """One row of the picker.

    `path` None is the mini model that ships with the app. `family` is a Family's word; `need_bytes`
    is the memory that a picture with this model takes, None while unknown; `picture` is a file that
    was made with it. `sentence` says why a refused file is refused, or notes.
    """

    path: Path | None
    title: str
    family: str
    dtype_label: str
    size_bytes: int
    need_bytes: int | None = None
    picture: Path | None = None
    sentence: str = ""
    is_refused: bool = False


def choice_of(entry: ModelEntry) -> ModelChoice:
    """The row of a library's entry; memory and picture are not known yet."""
    return ModelChoice(
        path=entry.path,
        title=entry.title,
        family=entry.family,
        dtype_label=entry.dtype_label,
        size_bytes=entry.size_bytes,
        sentence=in_own_words(entry.sentence),
        is_refused=entry.kind is ModelKind.REFUSED,
    )

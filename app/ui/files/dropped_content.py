"""What files from outside are, and what the window can do with them: in words, before it is done.

Owns the judgement and the words. Does nothing with a file but read its beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication

from app.library.model_entry import MODEL_ENDINGS, ModelEntry, ModelKind
from app.library.model_library import describe_model
from app.library.picture_file import is_picture
from app.ui.files.drop_overlay import DropAction, DropDescription
from app.ui.models.model_list import family_label
from app.ui.parts.byte_text import byte_text
from app.ui.parts.engine_words import in_own_words

translate = QCoreApplication.translate


class DropWord(StrEnum):
    """What can be done with what is dropped."""

    USE = "use"
    COPY = "copy"
    MOVE = "move"
    ADD_FOLDER = "add_folder"
    SETTINGS = "settings"
    IMPORT = "import"
    INIT_IMAGE = "init_image"


class Kind(StrEnum):
    """What files are."""

    MODEL = "model"
    PICTURES = "pictures"
    FOLDER = "folder"
    NOTHING = "nothing"


_ACTIONS: Mapping[Kind, tuple[tuple[DropWord, object, object], ...]] = {
    Kind.MODEL: (
        (
            DropWord.USE,
            QT_TRANSLATE_NOOP("Drop", "Use it where it is"),
            QT_TRANSLATE_NOOP("Drop", "Nothing is copied."),
        ),
        (
            DropWord.COPY,
            QT_TRANSLATE_NOOP("Drop", "Copy it"),
            QT_TRANSLATE_NOOP("Drop", "Into Aquatint's folder of models."),
        ),
        (
            DropWord.MOVE,
            QT_TRANSLATE_NOOP("Drop", "Move it"),
            QT_TRANSLATE_NOOP("Drop", "Into Aquatint's folder of models."),
        ),
    ),
    Kind.FOLDER: (
        (
            DropWord.ADD_FOLDER,
            QT_TRANSLATE_NOOP("Drop", "Use its models"),
            QT_TRANSLATE_NOOP("Drop", "Where they are; new ones are found by themselves."),
        ),
        (
            DropWord.IMPORT,
            QT_TRANSLATE_NOOP("Drop", "Add its pictures to the gallery"),
            QT_TRANSLATE_NOOP("Drop", "Where they are."),
        ),
    ),
    Kind.PICTURES: (
        (
            DropWord.SETTINGS,
            QT_TRANSLATE_NOOP("Drop", "Use its settings"),
            QT_TRANSLATE_NOOP("Drop", "Prompt, seed and all that the file tells."),
        ),
        (
            DropWord.INIT_IMAGE,
            QT_TRANSLATE_NOOP("Drop", "Begin from it"),
            QT_TRANSLATE_NOOP("Drop", "Image to image."),
        ),
        (
            DropWord.IMPORT,
            QT_TRANSLATE_NOOP("Drop", "Add to the gallery"),
            QT_TRANSLATE_NOOP("Drop", "Where it is."),
        ),
    ),
}
"""What can be done with files of a kind, its words and a few more; the most likely first."""


@dataclass(frozen=True, kw_only=True)
class DroppedContent:
    """Files of one kind; `model` is what a model file holds."""

    kind: Kind
    paths: tuple[Path, ...]
    model: ModelEntry | None = None


def understand(paths: Sequence[Path]) -> DroppedContent:
    """Looks at files and folders; what they are as a whole is what the first of them is."""
    first = paths[0]
    if first.suffix.lower() in MODEL_ENDINGS or (first / "model_index.json").is_file():
        entry = describe_model(first)
        return DroppedContent(kind=Kind.MODEL, paths=(first,), model=entry)
    if first.is_dir():
        return DroppedContent(kind=Kind.FOLDER, paths=tuple(paths))
    pictures = tuple(path for path in paths if path.is_dir() or is_picture(path))
    kind = Kind.PICTURES if pictures else Kind.NOTHING
    return DroppedContent(kind=kind, paths=pictures or tuple(paths))


def describe_drop(paths: Sequence[Path]) -> DropDescription:
    """What the overlay shows while files are held over the window."""
    content = understand(paths)
    title, detail, icon_name = _words(content)
    return DropDescription(
        title=title, detail=detail, icon_name=icon_name, actions=_actions(content)
    )


def default_word(content: DroppedContent) -> DropWord | None:
    """What is done where nobody chooses, such as for files opened from the Finder."""
    return next((DropWord(action.word) for action in _actions(content)), None)


def _words(content: DroppedContent) -> tuple[str, str, str]:
    """Title, detail and icon."""
    first, entry = content.paths[0], content.model
    match content.kind:
        case Kind.MODEL:
            assert entry
            sentence = in_own_words(entry.sentence)
            if entry.kind is ModelKind.REFUSED:
                return entry.title, sentence, "warning"
            family = family_label(entry.family)
            facts = (family, entry.dtype_label, byte_text(entry.size_bytes), sentence)
            return entry.title, " · ".join(filter(None, facts)), "model"
        case Kind.FOLDER:
            return first.name, translate("Drop", "A folder"), "reveal"
        case Kind.PICTURES:
            count = len(content.paths)
            many = translate("Drop", "{count} pictures").format(count=count)
            return many if count > 1 else first.name, "", "image"
    refusal = translate("Drop", "This is neither a model nor a picture that Aquatint can read.")
    return first.name, refusal, "warning"


def _actions(content: DroppedContent) -> tuple[DropAction, ...]:
    """What can be done, the most likely first."""
    rows = _ACTIONS.get(content.kind, ())
    if content.model is not None and content.model.kind is ModelKind.REFUSED:
        rows = ()
    elif content.kind is Kind.PICTURES and len(content.paths) > 1:
        rows = rows[-1:]  # the others are about one picture
    return tuple(
        DropAction(
            word=word, label=translate("Drop", str(label)), detail=translate("Drop", str(detail))
        )
        for word, label, detail in rows
    )

"""What files from outside are, and what the window can do with them: in words, before it is done.

Owns the judgement and the words. Does nothing with a file but read its beginning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from app.library.model_entry import MODEL_ENDINGS, ModelEntry, ModelKind
from app.library.model_library import describe_model
from app.library.picture_file import is_picture
from app.ui.byte_text import byte_text
from app.ui.drop_overlay import DropAction, DropDescription
from app.ui.engine_words import in_own_words

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
    match content.kind:
        case Kind.MODEL:
            assert content.model
            return _describe_model(content.model)
        case Kind.FOLDER:
            return _describe_folder(content.paths[0])
        case Kind.PICTURES:
            return _describe_pictures(content.paths)
    return DropDescription(
        title=paths[0].name,
        detail=translate("Drop", "This is neither a model nor a picture that Aquatint can read."),
        icon_name="warning",
        actions=(),
    )


def default_word(content: DroppedContent) -> DropWord | None:
    """What is done where nobody chooses, such as for files opened from the Finder."""
    is_refused = content.model is not None and content.model.kind is ModelKind.REFUSED
    if content.kind is Kind.NOTHING or is_refused:
        return None
    words = {
        Kind.MODEL: DropWord.USE,
        Kind.FOLDER: DropWord.ADD_FOLDER,
        Kind.PICTURES: DropWord.IMPORT if len(content.paths) > 1 else DropWord.SETTINGS,
    }
    return words[content.kind]


def _describe_model(entry: ModelEntry) -> DropDescription:
    facts = [entry.dtype_label, byte_text(entry.size_bytes), in_own_words(entry.sentence)]
    detail = " · ".join(filter(None, facts))
    if entry.kind is ModelKind.REFUSED:
        return DropDescription(
            title=entry.title, detail=in_own_words(entry.sentence), icon_name="warning", actions=()
        )
    actions = (
        DropAction(
            word=DropWord.USE,
            label=translate("Drop", "Use it where it is"),
            detail=translate("Drop", "Nothing is copied."),
        ),
        DropAction(
            word=DropWord.COPY,
            label=translate("Drop", "Copy it"),
            detail=translate("Drop", "Into Aquatint's folder of models."),
        ),
        DropAction(
            word=DropWord.MOVE,
            label=translate("Drop", "Move it"),
            detail=translate("Drop", "Into Aquatint's folder of models."),
        ),
    )
    return DropDescription(title=entry.title, detail=detail, icon_name="model", actions=actions)


def _describe_folder(folder: Path) -> DropDescription:
    actions = (
        DropAction(
            word=DropWord.ADD_FOLDER,
            label=translate("Drop", "Use its models"),
            detail=translate("Drop", "Where they are; new ones are found by themselves."),
        ),
        DropAction(
            word=DropWord.IMPORT,
            label=translate("Drop", "Add its pictures to the gallery"),
            detail=translate("Drop", "Where they are."),
        ),
    )
    detail = translate("Drop", "A folder")
    return DropDescription(title=folder.name, detail=detail, icon_name="reveal", actions=actions)


def _describe_pictures(paths: Sequence[Path]) -> DropDescription:
    add = DropAction(
        word=DropWord.IMPORT,
        label=translate("Drop", "Add to the gallery"),
        detail=translate("Drop", "Where it is."),
    )
    if len(paths) > 1:
        title = translate("Drop", "{count} pictures").format(count=len(paths))
        return DropDescription(title=title, detail="", icon_name="image", actions=(add,))
    actions = (
        DropAction(
            word=DropWord.SETTINGS,
            label=translate("Drop", "Use its settings"),
            detail=translate("Drop", "Prompt, seed and all that the file tells."),
        ),
        DropAction(
            word=DropWord.INIT_IMAGE,
            label=translate("Drop", "Begin from it"),
            detail=translate("Drop", "Image to image."),
        ),
        add,
    )
    return DropDescription(title=paths[0].name, detail="", icon_name="image", actions=actions)

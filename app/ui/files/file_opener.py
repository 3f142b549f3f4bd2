"""Does what was chosen for files from outside: dropped, opened from a menu or from the Finder.

Owns the reading, copying and moving in the background, and the account of it. Words and judgement
are dropped_content.py's.
"""

import dataclasses
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.generation.request import LoraUse
from app.library.foreign_metadata import read_any_metadata
from app.library.image_metadata import ModelFile, PictureMetadata
from app.library.model_entry import ModelEntry, ModelKind
from app.library.model_library import describe_model
from app.prompt.lora_tags import tag_names
from app.ui.draft.request_draft import RequestDraft
from app.ui.files.dropped_content import DropWord, default_word, describe_drop, understand
from app.ui.gallery.gallery_model import GalleryModel
from app.ui.gallery.picture_import import ImportReport
from app.ui.models.model_shelf import ModelShelf
from app.ui.parts.background_calls import BackgroundCalls


class FileOpener(QObject):
    """Takes files and the word for what is to be done with them."""

    picture_opened = Signal(object, object)
    """A QImage whose settings the draft has now, and an ImportReport with what it has not."""
    said = Signal(str)
    """A sentence on what was done."""
    failed = Signal(str)
    """A sentence on what could not be done."""

    def __init__(
        self,
        draft: RequestDraft,
        shelf: ModelShelf,
        gallery_model: GalleryModel,
        model_folder: Path,
    ) -> None:
        super().__init__(draft)
        self._draft, self._shelf, self._gallery_model = draft, shelf, gallery_model
        self._model_folder = model_folder
        self._calls = BackgroundCalls(1, self)

    def open(self, paths: Sequence[Path]) -> None:
        """Does what is most likely meant; what cannot be used says why."""
        if not paths:
            return
        word = default_word(understand(paths))
        if word is None:
            told = describe_drop(paths)
            self.failed.emit(f"{told.title}: {told.detail}")
        else:
            self.act(list(paths), word)

    def act(self, paths: list[Path], word: str) -> None:
        """Does what the DropWord says."""
        match DropWord(word):
            case DropWord.USE:
                self._use(describe_model(paths[0]))
            case DropWord.COPY:
                self._bring(paths[0], _copy)
            case DropWord.MOVE:
                self._bring(paths[0], _move)
            case DropWord.ADD_FOLDER:
                self._shelf.add_folder(paths[0])
                self.said.emit(self.tr("The folder is looked at; see Models."))
            case DropWord.SETTINGS:
                self._calls.call(lambda: _read(paths[0]), self._take_settings, self._fail)
            case DropWord.IMPORT:
                self._gallery_model.import_paths(paths)
            case DropWord.INIT_IMAGE:
                self._draft.set(init_image=paths[0])

    def close(self) -> None:
        """Waits for a copy that is under way."""
        self._calls.close()

    def _use(self, entry: ModelEntry) -> None:
        self._shelf.add_folder(entry.path)
        if entry.kind is ModelKind.CHECKPOINT:
            self._shelf.choose(entry.path)
            self.said.emit(self.tr("{name} is the model now.").format(name=entry.title))
        elif entry.kind is ModelKind.VAE:
            self._draft.set(vae=entry.path)
            self.said.emit(self.tr("{name} is the VAE now.").format(name=entry.title))
        elif entry.kind is ModelKind.TAESD:
            self._draft.set(taesd=entry.path)
            self.said.emit(self.tr("{name} draws the previews now.").format(name=entry.title))
        elif entry.kind is ModelKind.LORA:
            self._add_lora(entry)
        elif entry.kind is ModelKind.EMBEDDING:
            self.said.emit(self.tr("{name} is a word for prompts now.").format(name=entry.title))
        else:
            self.failed.emit(entry.sentence)

    def _add_lora(self, entry: ModelEntry) -> None:
        loras = self._draft.request.loras
        if all(use.path != entry.path for use in loras):
            self._draft.set(loras=(*loras, LoraUse(path=entry.path)))
        self.said.emit(self.tr("{name} is added to the model.").format(name=entry.title))

    def _bring(self, path: Path, carry: Callable[[Path, Path], None]) -> None:
        target = self._model_folder / path.name

        def work() -> ModelEntry:
            if target.exists():
                raise FileExistsError(
                    self.tr("There is a model {name} already.").format(name=path.name)
                )
            self._model_folder.mkdir(parents=True, exist_ok=True)
            carry(path, target)
            return describe_model(target)

        self.said.emit(self.tr("{name} is on its way.").format(name=path.name))
        self._calls.call(work, self._use, self._fail)

    def _take_settings(self, read: tuple[QImage, PictureMetadata, Path]) -> None:
        image, metadata, path = read
        request = metadata.request
        lost = list(metadata.not_restored)
        model = self._find(metadata.model, lost)
        names = tag_names(request.prompt)
        lost += [f"LoRA: {name}" for name in names if not self._shelf.has_lora(name)]
        self._draft.replace(
            dataclasses.replace(request, model=model, preview=self._draft.request.preview)
        )
        unrestored = ((path, tuple(lost)),) if lost else ()
        self.picture_opened.emit(image, ImportReport(added=0, refused=(), not_restored=unrestored))

    def _find(self, model: ModelFile | None, lost: list[str]) -> Path | None:
        """The model that the picture names, if it is here; else the one that is chosen stays."""
        chosen = self._draft.request.model
        if model is None:
            return chosen
        entry = self._shelf.find(model.name)
        if entry is None:
            lost.append(f"Model: {model.name}")
            return chosen
        return entry

    def _fail(self, error: Exception) -> None:
        self.failed.emit(str(error))


def _read(path: Path) -> tuple[QImage, PictureMetadata, Path]:
    return QImage(str(path)), read_any_metadata(path), path


def _copy(source: Path, target: Path) -> None:
    """Copies a file or folder; under its name it is whole or not there."""
    part = target.with_name(f".{target.name}.part")
    try:
        if source.is_dir():
            shutil.copytree(source, part)
        else:
            shutil.copyfile(source, part)
        part.rename(target)
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        else:
            part.unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    shutil.move(source, target)

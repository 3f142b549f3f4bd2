"""The models that can be chosen, and the choice: between the library's scan and the picker.

Owns the scanning in the background and what the picker is told. The chosen
model stands in the draft, the folders in the settings; both are changed through it only by wish.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QObject, Signal

from app.checkpoint.description import ModelDescription
from app.engine.types import ModelInfo
from app.generation.messages import Memory, Planned
from app.generation.request import GenerationRequest
from app.library.known_folders import known_folders
from app.library.model_entry import KnownFolder, ModelEntry, ModelKind, model_name
from app.library.model_library import ModelLibrary
from app.paths import MINI_MODEL, resource_path
from app.ui.draft.abilities import abilities_of
from app.ui.draft.forecast import free_bytes
from app.ui.draft.request_draft import RequestDraft
from app.ui.models.model_choice import ModelChoice, choice_of
from app.ui.models.model_list import family_label
from app.ui.models.model_picker import ModelPicker
from app.ui.parts.background_calls import BackgroundCalls
from app.ui.parts.byte_text import byte_text
from app.ui.parts.folder_watch import FolderWatch

MINI_TITLE, MINI_FAMILY, MINI_DTYPE = "Aquatint Mini", "sd1", "f16"


class ModelShelf(QObject):
    """Keeps picker and draft agreed on what there is and what is chosen."""

    model_shown = Signal(str, str, object)
    """Name of the chosen model, a few words on it, a picture made with it (Path or None)."""
    add_ons_changed = Signal(object)
    """The ModelEntries (list) of LoRAs and embeddings."""
    folders_changed = Signal(object)
    """The folders of models (tuple of Path) that the user wants."""
    failed = Signal(str)

    def __init__(
        self,
        draft: RequestDraft,
        picker: ModelPicker,
        folders: Sequence[Path],
        ask_plan: Callable[[GenerationRequest, Callable[[Planned], None]], None],
    ) -> None:
        super().__init__(picker)
        self._draft, self._picker, self._ask_plan = draft, picker, ask_plan
        self._folders = tuple(folders)
        self._library = ModelLibrary(self._folders)
        self._calls = BackgroundCalls(1, self)
        self._scanning: Future[tuple[KnownFolder, ...]] | None = None
        self._known: tuple[KnownFolder, ...] = ()
        self._is_closed = False
        self._pictures: Mapping[str, Path] = {}
        self._add_ons: list[ModelEntry] = []
        self._described: tuple[Path | None, str, str] | None = None
        self._watch = FolderWatch(self)
        self._watch.changed.connect(lambda _: self.scan())
        picker.model_chosen.connect(self.choose)
        picker.vae_chosen.connect(lambda vae: draft.set(vae=vae))
        picker.model_highlighted.connect(self._ask_need)
        picker.add_folder_requested.connect(self.add_folder)
        picker.remove_folder_requested.connect(self.remove_folder)
        draft.changed.connect(self._show_current)
        picker.set_folders(self._folders)
        picker.set_choices([mini_choice()])
        self._show_current(draft.request)

    @property
    def entries(self) -> tuple[ModelEntry, ...]:
        """What the last scan found."""
        return self._library.entries

    def find(self, name: str) -> Path | None:
        """The model that a picture's text names, the mini model as its file; None: not here."""
        mini = resource_path(MINI_MODEL)
        if name in (mini.stem, mini.name):
            return mini
        entry = self._library.find(name)
        return entry.path if entry else None

    def has_lora(self, name: str) -> bool:
        """Whether a LoRA that a picture's text names is here."""
        aliases = {entry.alias for entry in self._add_ons}
        return name in aliases or self._library.find(name, ModelKind.LORA) is not None

    def choose(self, model: Path | None) -> None:
        """Takes a model, None for the mini model; a VAE of another model goes."""
        if model != self._draft.request.model:
            self._draft.set(model=model, vae=None, taesd=None)

    def scan(self) -> None:
        """Looks at the folders again, in the background."""
        library = self._library
        self._picker.set_scanning(True)

        def look() -> tuple[KnownFolder, ...]:
            library.scan(stopped=lambda: self._is_closed)
            return known_folders()

        self._scanning = self._calls.call(look, self._take, self._fail)

    def set_folders(self, folders: Sequence[Path]) -> None:
        """Takes other folders and looks at them."""
        if tuple(folders) != self._folders:
            self._folders = tuple(folders)
            self._library = ModelLibrary(self._folders)
            self._picker.set_folders(self._folders, self._known)
            self.scan()

    def add_folder(self, folder: Path) -> None:
        """Also looks at this folder, or at this one file, from now on."""
        if folder not in self._folders:
            self.set_folders((*self._folders, folder))
            self.folders_changed.emit(self._folders)

    def remove_folder(self, folder: Path) -> None:
        """No longer looks there; no file is touched."""
        if folder in self._folders:
            self.set_folders(tuple(other for other in self._folders if other != folder))
            self.folders_changed.emit(self._folders)

    def take_pictures(self, pictures: Mapping[str, Path]) -> None:
        """A picture made with each model, by the model's name."""
        if pictures != self._pictures:
            self._pictures = pictures
            self._show_choices()
            self._show_current(self._draft.request)

    def take_memory(self, memory: Memory) -> None:
        """The figures of the moment."""
        self._picker.set_free(free_bytes(memory))

    def take_description(self, description: ModelDescription, model: ModelInfo) -> None:
        """What the engine read of the chosen model: its defaults and limits hold from now on."""
        self._draft.set_defaults(description.defaults)
        self._draft.set_abilities(abilities_of(model))
        path = self._draft.request.model
        self._described = (path, description.title, _detail(description))
        self._show_current(self._draft.request)

    def close(self) -> None:
        """Ends the scan."""
        self._is_closed = True
        self._watch.close()
        self._calls.close()

    def _take(self, known: tuple[KnownFolder, ...]) -> None:
        self._known = known
        self._picker.set_scanning(False)
        self._picker.set_folders(self._folders, known)
        self._show_choices()
        self._tell_add_ons()
        self._watch.watch(self._folders)
        self._show_current(self._draft.request)

    def _show_choices(self) -> None:
        shown = [
            dataclasses.replace(choice_of(entry), picture=self._picture(entry.path))
            for entry in self.entries
            if entry.kind in (ModelKind.CHECKPOINT, ModelKind.REFUSED)
        ]
        mini = dataclasses.replace(mini_choice(), picture=self._picture(None))
        self._picker.set_choices([mini, *shown])
        self._picker.set_vaes([entry for entry in self.entries if entry.kind is ModelKind.VAE])

    def _tell_add_ons(self) -> None:
        kinds = (ModelKind.LORA, ModelKind.EMBEDDING)
        add_ons = [entry for entry in self.entries if entry.kind in kinds]
        if add_ons != self._add_ons:
            self._add_ons = add_ons
            self.add_ons_changed.emit(add_ons)

    def _fail(self, error: Exception) -> None:
        self._picker.set_scanning(False)
        self.failed.emit(str(error))

    def _show_current(self, request: GenerationRequest) -> None:
        self._picker.set_current(request.model, request.vae)
        if self._described and self._described[0] == request.model:
            _, title, detail = self._described
            self.model_shown.emit(title, detail, self._picture(request.model))
            return
        if request.model in (None, resource_path(MINI_MODEL)):
            self.model_shown.emit(MINI_TITLE, _mini_detail(), self._picture(None))
            return
        assert request.model
        entry = next((e for e in self.entries if e.path == request.model), None)
        if entry is None:
            self.model_shown.emit(request.model.stem, "", self._picture(request.model))
        else:
            detail = " · ".join((family_label(entry.family), entry.dtype_label))
            detail = f"{detail} · {byte_text(entry.size_bytes)}"
            self.model_shown.emit(entry.title, detail, self._picture(entry.path))

    def _picture(self, model: Path | None) -> Path | None:
        return self._pictures.get(model_name((model or resource_path(MINI_MODEL)).name))

    def _ask_need(self, choice: ModelChoice) -> None:
        if not choice.is_refused:
            request = GenerationRequest(prompt="", model=choice.path)
            self._ask_plan(request, lambda planned: self._show_need(choice.path, planned))

    def _show_need(self, model: Path | None, planned: Planned) -> None:
        self._picker.set_need(model, planned.needs[0].figures.peak if planned.needs else None)


def mini_choice() -> ModelChoice:
    """The picker's row of the model that ships with the app."""
    path = resource_path(MINI_MODEL)
    return ModelChoice(
        path=None,
        title=MINI_TITLE,
        family=MINI_FAMILY,
        dtype_label=MINI_DTYPE,
        size_bytes=path.stat().st_size,
    )


def _mini_detail() -> str:
    return QCoreApplication.translate("ModelShelf", "Small model that comes with the app")


def _detail(description: ModelDescription) -> str:
    size = f"{description.defaults.width} x {description.defaults.height}"
    return " · ".join((family_label(description.family), description.dtype_label, size))

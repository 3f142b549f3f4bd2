"""The one path from a request to finished pictures, for the command line and the engine process.

Owns the open model and its files between requests, and closes them in order: model, then files.
The engine is the caller's. Knows nothing of windows, of PNG or of metadata grammar.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from app.checkpoint.description import ModelDescription
from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors, taesd_tensors, vae_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import Engine, Model, OutOfMemory, ProgressCallback
from app.engine.types import (
    GenerationInput,
    GenerationOutput,
    ModelInfo,
    PlanFigures,
    Preview,
)
from app.generation.add_ons import AddOns, EmbeddingReceipt, LoraReceipt
from app.generation.file_hash import FileHash
from app.generation.fitted_run import choose, run_fitted
from app.generation.init_image import Beginning, read_beginning
from app.generation.lora_shelf import AppliedLora, LoraShelf
from app.generation.memory_fit import Need, PlanOf, Way, refusal, smaller_requests, tile_of, ways
from app.generation.patch import Patch
from app.generation.precision import stored_as
from app.generation.prompt_reader import PromptReader, ReadPrompts
from app.generation.request import GenerationRequest, LoraUse, RequestError, ResolvedRequest
from app.machine_memory import MachineMemory, machine_memory
from app.paths import MINI_MODEL, cache_folder, resource_path
from app.prompt.lora_tags import TagError, split_tags

ADD_ON_DIGITS = 12  # of a LoRA's or embedding's hash, as A1111 writes it


@dataclass(frozen=True, kw_only=True)
class MadePictures:
    """What a request became.

    `request` has every value that was used; `output` the pixels, times and note; `size` is the
    pictures' width and height, the request's unless only a part was made; `model` is the file that
    was used, `model_sha256` and `vae_sha256` the files' hashes, empty where unknown; `loras` and
    `embeddings` say what became of those that the request names.
    """

    request: ResolvedRequest
    output: GenerationOutput
    size: tuple[int, int]
    model: Path
    model_sha256: str
    vae_sha256: str
    loras: tuple[LoraReceipt, ...]
    embeddings: tuple[EmbeddingReceipt, ...]


@dataclass(frozen=True, kw_only=True)
class _ModelFiles:
    """The files that make up an open model; equal files mean that it can stay open."""

    model: Path
    vae: Path | None
    taesd: Path | None


@dataclass(frozen=True, kw_only=True)
class _OpenModel:
    """A model in the engine, and the stack that closes it before the files under it."""

    files: _ModelFiles
    description: ModelDescription
    model: Model
    loras: LoraShelf
    closing: ExitStack


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    """A request as the engine takes it, and what of its add-ons there is to tell."""

    request: ResolvedRequest
    engine_input: GenerationInput
    patch: Patch | None
    loras: tuple[AppliedLora, ...]
    prompts: ReadPrompts


class PictureMaker:
    """Makes pictures with one engine, one request at a time; keeps the last model open.

    Every method raises RequestError or CheckpointError for what the user can change, and
    EngineError for what the engine met; each is one sentence. Close it before the engine.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        cache: Path | None = None,
        keeps_weights: bool = True,
        memory: Callable[[], MachineMemory] = machine_memory,
    ) -> None:
        """`cache` is where file hashes are remembered; None: the user's cache folder.

        `keeps_weights` False frees each network's weights as soon as its part of a picture is
        done: the least memory, for the price of packing them again for the next request. `memory`
        says what the machine has.
        """
        self._memory = memory
        self._keeps_weights = keeps_weights
        self._engine = engine
        self._cache = cache or cache_folder()
        self._reader = PromptReader()
        self._open: _OpenModel | None = None
        self.add_ons = AddOns()
        """The LoRAs and embeddings that prompts may name."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the model, then its files; may be called twice."""
        opened, self._open = self._open, None
        if opened:
            opened.closing.close()

    def describe(self, request: GenerationRequest) -> tuple[ModelDescription, ModelInfo]:
        """What a request's model is, as its file says and as the engine has it with its parts.

        Reads no weight.
        """
        opened = self._opened(request)
        return opened.description, opened.model.describe()

    def plan(self, request: GenerationRequest) -> tuple[ResolvedRequest, PlanFigures]:
        """The memory that a request will take, in bytes, before any weight is read."""
        opened = self._opened(request)
        prepared = self._prepare(opened, request)
        return prepared.request, _plan_of(opened, prepared)(prepared.engine_input)

    def needs(self, request: GenerationRequest) -> tuple[ResolvedRequest, tuple[Need, ...]]:
        """As `plan`, and then what it will take with more and more memory saved."""
        opened = self._opened(request)
        prepared = self._prepare(opened, request)
        return prepared.request, tuple(way.need for way in self._ways(opened, prepared))

    def generate(
        self,
        request: GenerationRequest,
        progress: ProgressCallback | None = None,
    ) -> MadePictures:
        """Makes the pictures; `progress` is called from this thread after each part and step.

        Where memory is short it saves what it must, which the output's note tells.
        """
        opened = self._opened(request)
        prepared = self._prepare(opened, request)
        found = self._ways(opened, prepared)
        way = self._choose(prepared.request, found)
        hashes = self._begin_hashes(opened.files, prepared)
        try:
            output = _made(opened.model, found, way, prepared, progress)
            digests = {path: file_hash.result() for path, file_hash in hashes.items()}
        finally:
            for file_hash in hashes.values():
                file_hash.stop()
        files, request = opened.files, prepared.request
        return MadePictures(
            request=request,
            output=output,
            size=prepared.patch.size if prepared.patch else (request.width, request.height),
            model=files.model,
            model_sha256=digests[files.model],
            vae_sha256=digests[files.vae] if files.vae else "",
            loras=tuple(
                replace(lora.receipt, hash=lora.receipt.hash or digests[lora.path][:ADD_ON_DIGITS])
                for lora in prepared.loras
            ),
            embeddings=tuple(
                replace(receipt, hash=digests[path][:ADD_ON_DIGITS])
                for path, receipt in zip(
                    prepared.prompts.files, prepared.prompts.receipts, strict=True
                )
            ),
        )

    def _begin_hashes(self, files: _ModelFiles, prepared: _Prepared) -> dict[Path, FileHash]:
        """The hashes of all files that made the picture, each in a thread of its own."""
        whole = (files.model, files.vae, *prepared.prompts.files)
        hashes = {path: FileHash(path, self._cache) for path in whole if path}
        for lora in prepared.loras:
            if not lora.receipt.hash:
                hashes[lora.path] = FileHash(lora.path, self._cache, data_only=True)
        return hashes

    def _ways(self, opened: _OpenModel, prepared: _Prepared) -> Iterator[Way]:
        tiling = prepared.request.vae_tiling
        return ways(prepared.engine_input, _plan_of(opened, prepared), tiling)

    def _choose(self, request: ResolvedRequest, found: Iterator[Way]) -> Way:
        """The way to take. OutOfMemory: not even the whole machine has room for any.

        What needs more than is free, but not more than there is, is tried: the system makes room.
        """
        memory = self._memory()
        held_bytes = self._engine.device().allocated_bytes
        way = choose(found, memory, held_bytes, self._engine.condition().working_set_bytes)
        need_bytes = way.need.figures.peak
        if need_bytes <= memory.total_bytes:
            return way
        would_fit = (
            smaller
            for smaller in smaller_requests(request)
            if self.needs(smaller)[1][-1].figures.peak <= memory.total_bytes
        )
        raise OutOfMemory(refusal(need_bytes, memory.total_bytes, next(would_fit, None)))

    def _opened(self, request: GenerationRequest) -> _OpenModel:
        files = _model_files(request)
        if self._open is None or self._open.files != files:
            self.close()
            self._open = _open_model(self._engine, files)
        return self._open

    def _prepare(self, opened: _OpenModel, request: GenerationRequest) -> _Prepared:
        """Reads the prompts and gives the model the LoRAs that they and the request name."""
        try:
            prompt, tags = split_tags(request.prompt)
        except TagError as error:
            raise RequestError(str(error)) from None
        tagged = [
            LoraUse(
                path=self.add_ons.lora(tag.name),
                weight=tag.unet_weight,
                text_weight=tag.text_weight,
            )
            for tag in tags
        ]
        texts = (prompt, request.negative_prompt)
        prompts = self._reader.read(texts, self.add_ons.embeddings, opened.model.describe())
        resolved = request.resolve(opened.description.defaults)
        beginning = read_beginning(resolved)
        return _Prepared(
            request=resolved,
            engine_input=self._input(opened, resolved, prompts, beginning),
            patch=beginning.patch,
            loras=opened.loras.apply((*request.loras, *tagged)),
            prompts=prompts,
        )

    def _input(
        self,
        opened: _OpenModel,
        request: ResolvedRequest,
        prompts: ReadPrompts,
        beginning: Beginning,
    ) -> GenerationInput:
        return GenerationInput(
            prompt=prompts.prompt,
            negative_prompt=prompts.negative_prompt,
            extra_rows=prompts.extra_rows,
            width=request.width,
            height=request.height,
            steps=request.steps,
            batch_count=request.batch_count,
            clip_skip=request.clip_skip,
            sampler=request.sampler,
            schedule=request.schedule,
            rng=request.rng,
            cfg_scale=request.cfg_scale,
            denoise_strength=request.denoise_strength,
            seed=request.seed,
            init_image=beginning.init_image,
            mask=beginning.mask,
            masked_content=request.masked_content,
            is_patch=beginning.patch is not None,
            preview=_possible_preview(opened, request.preview),
            precision=stored_as(request.precision, self._engine.device()),
            release_weights=not self._keeps_weights,
            vae_tile=tile_of(request.vae_tiling),
            preview_tile=tile_of(request.vae_tiling),
        )


def _plan_of(opened: _OpenModel, prepared: _Prepared) -> PlanOf:
    """The model's plans, with the whole pictures where only a part is made."""
    patch = prepared.patch
    if patch is None:
        return opened.model.plan
    return lambda source: patch.forecast(opened.model.plan(source), prepared.request.batch_count)


def _made(
    model: Model,
    found: Iterator[Way],
    way: Way,
    prepared: _Prepared,
    progress: ProgressCallback | None,
) -> GenerationOutput:
    """Makes the pictures; where only a part is made, they and the previews are whole again."""
    patch, total = prepared.patch, prepared.request.batch_count
    if patch is None:
        return run_fitted(model, found, way, total, progress)
    tell = progress and (lambda told: progress(patch.show(told)))
    output = run_fitted(model, found, way, total, tell)
    return replace(output, pictures=tuple(map(patch.put_back, output.pictures)))


def _model_files(request: GenerationRequest) -> _ModelFiles:
    """The files of a request: a preview decoder named `<model>-taesd` beside the model is used."""
    model = request.model or resource_path(MINI_MODEL)
    beside = model.with_name(f"{model.stem}-taesd.safetensors")
    taesd = request.taesd or (beside if beside.is_file() else None)
    return _ModelFiles(model=model, vae=request.vae, taesd=taesd)


def _open_model(engine: Engine, files: _ModelFiles) -> _OpenModel:
    with ExitStack() as closing:
        checkpoint = closing.enter_context(open_checkpoint(files.model))
        description = describe(checkpoint)
        tensors = engine_tensors(checkpoint, description)
        if files.vae:
            tensors = [tensor for tensor in tensors if not tensor.name.startswith("vae.")]
            tensors += vae_tensors(closing.enter_context(open_checkpoint(files.vae)))
        if files.taesd:
            tensors = [tensor for tensor in tensors if not tensor.name.startswith("taesd.")]
            tensors += taesd_tensors(closing.enter_context(open_checkpoint(files.taesd)))
        model = engine.open_model(tensors, description.config)
        loras = LoraShelf(model, tensors)
        closing.callback(loras.close)
        closing.callback(model.close)
        return _OpenModel(
            files=files,
            description=description,
            model=model,
            loras=loras,
            closing=closing.pop_all(),
        )


def _possible_preview(opened: _OpenModel, wished: Preview) -> Preview:
    """The best preview up to the wished one that the model has the means for."""
    if wished is Preview.TAESD and opened.files.taesd is None:
        wished = Preview.LATENT_RGB
    if wished is Preview.LATENT_RGB and opened.description.config.latent_rgb is None:
        return Preview.NONE
    return wished

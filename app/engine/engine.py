"""The engine behind a typed face: values in, values out, statuses become exceptions.

Owns the conversion to and from the C structs and the lifetimes Engine > Model. All arithmetic is
in C. One call at a time per engine, from any thread; only `Engine.cancel` and
`Engine.condition` may be called meanwhile.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from app.engine._engine import ffi, lib
from app.engine.c_enums import (
    ADAPTER_KINDS,
    BACKENDS,
    DTYPES,
    MASKED_CONTENTS,
    PHASES,
    PREDICTIONS,
    PREVIEWS,
    RNGS,
    SAMPLERS,
    SCHEDULES,
)
from app.engine.c_structs import metal_rows, rows, text, values
from app.engine.metal_sources import metal_sources
from app.engine.types import (
    AdapterFactor,
    BackendName,
    Condition,
    DeviceInfo,
    EngineAdapter,
    EngineReport,
    EngineTensor,
    FallbackReport,
    GenerationInput,
    GenerationOutput,
    LibraryReport,
    ModelConfig,
    ModelInfo,
    OpCheck,
    PipelineReport,
    PlanFigures,
    Pressure,
    Progress,
    PromptTokens,
    Thermal,
)

ProgressCallback = Callable[[Progress], bool | None]
"""Told of each phase and step; a true return value, or an exception, stops the generation."""

_OP_LIMIT = 64


class EngineError(Exception):
    """What the engine refused or could not do, as one sentence."""


class Cancelled(EngineError):
    """The generation was asked to stop, and did."""


class BadArgument(EngineError):
    """A value of the request cannot be used."""


class BadModel(EngineError):
    """The tensors are not a model that the engine knows."""


class OutOfMemory(EngineError):
    """The system refused memory."""


class NonFinite(EngineError):
    """Numbers ran out of range, so there is no picture."""


class BackendFailed(EngineError):
    """The device cannot be used."""


class BackendLost(BackendFailed):
    """The device takes no further work of this process, which must be started anew."""


_ERRORS: dict[int, type[EngineError]] = {
    lib.SD_CANCELLED: Cancelled,
    lib.SD_BAD_ARGUMENT: BadArgument,
    lib.SD_BAD_MODEL: BadModel,
    lib.SD_OUT_OF_MEMORY: OutOfMemory,
    lib.SD_NON_FINITE: NonFinite,
    lib.SD_BACKEND_FAILED: BackendFailed,
    lib.SD_BACKEND_LOST: BackendLost,
}


def _check(status: int, error: Any) -> None:
    if status != lib.SD_OK:
        raise _ERRORS[status](text(error.text))


def _array(kind: str, count: int) -> Any:
    """Room for a result. Raises OutOfMemory."""
    try:
        return ffi.new(f"{kind}[]", count)
    except MemoryError as error:
        megabytes = count * ffi.sizeof(kind) / 1e6
        sentence = f"no memory for a picture of this size ({megabytes:.1f} MB): make it smaller"
        raise OutOfMemory(sentence) from error


class _ProgressTarget:
    """What the C callback finds behind its handle; keeps an exception until C has returned."""

    def __init__(self, callback: ProgressCallback, batch_count: int) -> None:
        self.callback = callback
        self.batch_count = batch_count
        self.exception: BaseException | None = None

    def call(self, progress: Any) -> bool:
        size = self.batch_count * progress.preview_width * progress.preview_height * 3
        preview = bytes(ffi.buffer(progress.preview, size)) if progress.preview else None
        value = Progress(
            phase=PHASES[progress.phase],
            step=progress.step,
            steps=progress.steps,
            preview=preview,
            preview_width=progress.preview_width,
            preview_height=progress.preview_height,
        )
        return bool(self.callback(value))


@ffi.def_extern(error=1)  # type: ignore[untyped-decorator]
def engine_progress(progress: Any, user_data: Any) -> int:
    """Called by the engine in the thread of `Model.generate`; non-zero stops it."""
    target: _ProgressTarget = ffi.from_handle(user_data)
    try:
        return int(target.call(progress))
    except BaseException as exception:
        target.exception = exception
        return 1


class Engine:
    """A device that is ready to compute. Raises EngineError if it cannot be opened."""

    def __init__(
        self,
        *,
        backend: BackendName = BackendName.AUTO,
        threads: int = 0,
        isa: int = -1,
        plans_only: bool = False,
        tuning: str = "",
    ) -> None:
        """`threads` 0: one per processor; `isa`: a row of `instruction_sets`, -1 the best.

        With `plans_only` no device is opened: models can be planned, but not run. `tuning` is what
        an earlier report said (see kept_tuning.py); one that does not fit is done anew.
        """
        sources, alive = metal_rows([] if backend is BackendName.CPU else metal_sources())
        options = ffi.new("sd_engine_options *")
        options.backend, options.threads, options.isa = BACKENDS[backend], threads, isa
        options.metal_sources, options.metal_source_count = sources, len(sources)
        options.plans_only = plans_only
        options.metal_tuning = line = ffi.new("char[]", tuning.encode())
        out, error = ffi.new("sd_engine **"), ffi.new("sd_error *")
        _check(lib.sd_engine_open(out, options, error), error)
        del alive, line
        self._engine = out[0]

    def open_model(self, tensors: Sequence[EngineTensor], config: ModelConfig) -> "Model":
        """Checks every tensor and fixes all sizes; reads no weight. Raises BadModel."""
        return Model(self._engine, tensors, config)

    def cancel(self) -> None:
        """Asks the running generation to stop; from any thread."""
        lib.sd_cancel(self._engine)

    def device(self) -> DeviceInfo:
        """The backend that is in use, and the bytes that it holds now."""
        out = ffi.new("sd_device_info *")
        lib.sd_engine_device(out, self._engine)
        return DeviceInfo(**values(out, DeviceInfo))

    def report(self) -> EngineReport:
        """What opening found: libraries, pipelines, and what the CPU serves in their place."""
        out = ffi.new("sd_report *")
        lib.sd_engine_report(out, self._engine)
        return EngineReport(
            family=text(out.family),
            refusal=text(out.refusal),
            tuning=text(out.tuning),
            libraries=rows(out.libraries, out.library_count, LibraryReport),
            pipelines=rows(out.pipelines, out.pipeline_count, PipelineReport),
            fallbacks=rows(out.fallbacks, out.fallback_count, FallbackReport),
            checks=rows(out.checks, out.check_count, OpCheck),
        )

    def condition(self) -> Condition:
        """Memory, heat and power of now; from any thread, also while a generation runs."""
        out = ffi.new("sd_condition *")
        lib.sd_engine_condition(out, self._engine)
        return Condition(
            allocated_bytes=out.allocated_bytes,
            working_set_bytes=out.working_set_bytes,
            pressure=tuple(Pressure)[out.pressure],
            thermal=tuple(Thermal)[out.thermal],
            is_low_power=bool(out.is_low_power),
        )

    def self_test(self) -> list[OpCheck]:
        """The start-up check: each operator against a plain reference."""
        rows, count = ffi.new("sd_op_check[]", _OP_LIMIT), ffi.new("int32_t *")
        error = ffi.new("sd_error *")
        _check(lib.sd_engine_self_test(rows, count, self._engine, _OP_LIMIT, error), error)
        return [OpCheck(**values(rows[i], OpCheck)) for i in range(count[0])]

    def close(self) -> None:
        """Frees the device. Models must have been closed before; a second call does nothing."""
        lib.sd_engine_close(self._engine)
        self._engine = ffi.NULL

    def __enter__(self) -> Self:
        """The engine itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Closes."""
        self.close()


@dataclass(frozen=True, kw_only=True)
class InstructionSet:
    """A row of the CPU's instruction sets: `index` is what `Engine(isa=...)` takes."""

    index: int
    name: str
    is_usable: bool


def instruction_sets() -> Iterator[InstructionSet]:
    """What the CPU backend was built for, from worst to best."""
    usable = ffi.new("int32_t *")
    index = 0
    while (name := lib.sd_isa_name(usable, index)) != ffi.NULL:
        yield InstructionSet(index=index, name=text(name), is_usable=bool(usable[0]))
        index += 1


def _fill_tensors(tensors: Sequence[EngineTensor]) -> tuple[Any, list[Any]]:
    rows = ffi.new("sd_tensor[]", len(tensors))
    names = [ffi.new("char[]", tensor.name.encode()) for tensor in tensors]
    for row, name, tensor in zip(rows, names, tensors, strict=True):
        row.name = name
        row.data = ffi.cast("void *", tensor.address)
        row.rank = len(tensor.shape)
        if len(tensor.shape) > len(row.shape):
            raise BadModel(f"{tensor.name} has {len(tensor.shape)} dimensions; 1 to 4 are known")
        for axis, size in enumerate(tensor.shape):
            row.shape[axis] = size
        row.dtype = DTYPES[tensor.dtype]
        if tensor.mapping is not None:
            row.mapping = ffi.cast("void *", tensor.mapping.start)
            row.mapping_bytes = len(tensor.mapping)
    return rows, names


def _fill_adapters(adapters: Sequence[EngineAdapter]) -> tuple[Any, list[Any]]:
    rows = ffi.new("sd_adapter[]", len(adapters))
    names = [ffi.new("char[]", adapter.name.encode()) for adapter in adapters]
    for row, name, adapter in zip(rows, names, adapters, strict=True):
        row.name, row.kind, row.scale = name, ADAPTER_KINDS[adapter.kind], adapter.scale
        _fill_factor(row.first, adapter.first)
        if adapter.second:
            _fill_factor(row.second, adapter.second)
    return rows, names


def _fill_factor(out: Any, factor: AdapterFactor) -> None:
    for name in ("up", "mid", "down"):
        setattr(out, name, ffi.cast("void *", getattr(factor, name)))
    for name in ("rows", "columns", "taps", "rank", "up_is_transposed"):
        setattr(out, name, getattr(factor, name))
    out.dtype = DTYPES[factor.dtype]


def _fill_config(config: ModelConfig) -> Any:
    out = ffi.new("sd_model_config *")
    out.unet_heads = config.unet_heads
    out.unet_head_size = config.unet_head_size
    out.text_heads = config.text_heads
    out.text2_heads = config.text2_heads
    out.prediction = PREDICTIONS[config.prediction]
    out.latent_scale = config.latent_scale
    out.vae_is_wide = config.vae_is_wide
    out.beta_start = config.beta_start
    out.beta_end = config.beta_end
    if config.latent_rgb is not None:
        out.has_latent_rgb = 1
        out.latent_rgb = config.latent_rgb
    return out


class _Request:
    """The C struct of a request and the buffers that it points into."""

    def __init__(self, source: GenerationInput, text_width: int) -> None:
        self.struct = ffi.new("sd_request *")
        self._buffers: list[Any] = []
        self._fill_prompt(self.struct.prompt, source.prompt)
        self._fill_prompt(self.struct.negative_prompt, source.negative_prompt)
        for name in ("width", "height", "steps", "batch_count", "clip_skip"):
            setattr(self.struct, name, getattr(source, name))
        self.struct.sampler = SAMPLERS[source.sampler]
        self.struct.schedule = SCHEDULES[source.schedule]
        self.struct.rng = RNGS[source.rng]
        self.struct.cfg_scale = source.cfg_scale
        self.struct.denoise_strength = source.denoise_strength
        self.struct.seed = source.seed
        self.struct.preview = PREVIEWS[source.preview]
        self.struct.precision = DTYPES[source.precision]
        self.struct.release_weights = source.release_weights
        self.struct.vae_tile = source.vae_tile
        self.struct.preview_tile = source.preview_tile
        self.struct.masked_content = MASKED_CONTENTS[source.masked_content]
        self.struct.is_patch = source.is_patch
        size = source.width * source.height
        if source.init_image is not None:
            self.struct.init_image = self._pixels("init image", source.init_image, size * 3)
        if source.mask is not None:
            self.struct.mask = self._pixels("mask", source.mask, size)
        if source.extra_rows:
            self._fill_extra_rows(source.extra_rows, text_width)

    def _fill_prompt(self, out: Any, prompt: PromptTokens) -> None:
        tokens, tokens2 = (
            ffi.new("int32_t[]", [token for chunk in chunks for token in chunk])
            for chunks in (prompt.tokens, prompt.tokens2)
        )
        weights = ffi.new("float[]", [weight for chunk in prompt.weights for weight in chunk])
        if len(tokens) != 77 * len(prompt.tokens) or len(weights) != len(tokens):
            raise BadArgument("each chunk of a prompt needs 77 tokens and 77 weights")
        if prompt.tokens2:
            if len(tokens2) != len(tokens):
                raise BadArgument("each chunk of a prompt needs 77 tokens for each text encoder")
            out.tokens2 = tokens2
        out.tokens, out.weights, out.chunk_count = tokens, weights, len(prompt.tokens)
        self._buffers += [tokens, tokens2, weights]

    def _fill_extra_rows(self, rows: bytes, text_width: int) -> None:
        row_bytes = 4 * text_width
        if len(rows) % row_bytes:
            raise BadArgument(f"each extra row of a token needs {text_width} numbers")
        buffer = ffi.from_buffer("float[]", rows)
        self.struct.extra_rows, self.struct.extra_row_count = buffer, len(rows) // row_bytes
        self._buffers.append(buffer)

    def _pixels(self, name: str, pixels: bytes, size: int) -> Any:
        if len(pixels) != size:
            raise BadArgument(f"the {name} has another size than the picture")
        buffer = ffi.from_buffer("uint8_t[]", pixels)
        self._buffers.append(buffer)
        return buffer


class Model:
    """A checkpoint that is ready to be planned and run; made by `Engine.open_model`."""

    def __init__(self, engine: Any, tensors: Sequence[EngineTensor], config: ModelConfig) -> None:
        rows, self._names = _fill_tensors(tensors)
        out, error = ffi.new("sd_model **"), ffi.new("sd_error *")
        status = lib.sd_model_open(out, engine, rows, len(rows), _fill_config(config), error)
        _check(status, error)
        self._model = out[0]

    def plan(self, source: GenerationInput) -> PlanFigures:
        """Forecasts the memory of a request, in bytes; loads nothing. Raises EngineError."""
        request, error = self._request(source), ffi.new("sd_error *")
        out = ffi.new("sd_plan_figures *")
        _check(lib.sd_plan(out, self._model, request.struct, error), error)
        return PlanFigures(**values(out, PlanFigures))

    def generate(
        self, source: GenerationInput, progress: ProgressCallback | None = None
    ) -> GenerationOutput:
        """Makes the pictures; blocks, with the interpreter free for other threads.

        Raises Cancelled, another EngineError, or what `progress` raised.
        """
        request, error = self._request(source), ffi.new("sd_error *")
        picture_size = source.width * source.height * 3
        rgb = _array("uint8_t", source.batch_count * picture_size)
        latents = _array("float", source.batch_count * source.width * source.height // 16)
        result = ffi.new("sd_result *", {"rgb": rgb, "latents": latents})
        callbacks = ffi.new("sd_callbacks *")
        target = _ProgressTarget(progress, source.batch_count) if progress else None
        handle = ffi.new_handle(target)
        if target:
            callbacks.progress, callbacks.user_data = lib.engine_progress, handle
        status = lib.sd_generate(result, self._model, request.struct, callbacks, error)
        if target and target.exception:
            raise target.exception
        _check(status, error)
        view = memoryview(ffi.buffer(rgb))
        pictures = tuple(
            bytes(view[i * picture_size : (i + 1) * picture_size])
            for i in range(source.batch_count)
        )
        return GenerationOutput(
            pictures=pictures,
            latents=bytes(ffi.buffer(latents)),
            load_ms=result.timings.load_ms,
            text_ms=result.timings.text_ms,
            denoise_ms=result.timings.denoise_ms,
            decode_ms=result.timings.decode_ms,
            note=text(result.note),
        )

    def set_adapters(self, adapters: Sequence[EngineAdapter]) -> None:
        """Puts these in the place of the model's adapters; none give it as it was.

        Their addresses must stay readable until others are set. Raises BadArgument, with nothing
        changed, for a weight that is not there or has another shape.
        """
        (rows, _names), error = _fill_adapters(adapters), ffi.new("sd_error *")
        _check(lib.sd_model_set_adapters(self._model, rows, len(rows), error), error)

    def describe(self) -> ModelInfo:
        """Sizes that the engine read off the tensors."""
        out = ffi.new("sd_model_info *")
        lib.sd_model_describe(out, self._model)
        return ModelInfo(**values(out, ModelInfo))

    def _request(self, source: GenerationInput) -> _Request:
        return _Request(source, self.describe().text_width)

    def release_weights(self) -> None:
        """Frees packed weights and the arena; the next generation packs again."""
        lib.sd_model_release_weights(self._model)

    def close(self) -> None:
        """Frees the model; a second call does nothing."""
        lib.sd_model_close(self._model)
        self._model = ffi.NULL

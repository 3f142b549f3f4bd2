"""What the window's process and the engine's process say to each other: frozen values.

Knows nothing of how they travel (channel.py), of Qt or of the engine's code. Every message is a
plain value that can be pickled; times are milliseconds, sizes bytes, pixels RGB8 in sRGB.
"""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.checkpoint.description import ModelDescription
from app.engine.types import Condition, DeviceInfo, EngineReport, ModelInfo, OpCheck, Phase
from app.generation.add_ons import AddOns, EmbeddingReceipt, LoraReceipt
from app.generation.memory_fit import Need
from app.generation.request import GenerationRequest, ResolvedRequest


@dataclass(frozen=True, kw_only=True)
class Pixels:
    """Pictures of one size; each of `pictures` is height x width x 3 bytes, row after row."""

    width: int
    height: int
    pictures: tuple[bytes, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        """Offers the pixels as buffers, so that a channel can send them without a copy."""
        return _pixels, (self.width, self.height, tuple(map(pickle.PickleBuffer, self.pictures)))


def _pixels(width: int, height: int, pictures: tuple[bytes, ...]) -> Pixels:
    return Pixels(width=width, height=height, pictures=pictures)


# ---------------------------------------------------------------- to the engine's process


@dataclass(frozen=True, kw_only=True)
class Start:
    """Make the pictures of `request`. One job at a time: wait for Finished or Failed."""

    job_id: str
    request: GenerationRequest


@dataclass(frozen=True, kw_only=True)
class Cancel:
    """Stop this job; it is answered by Failed with `cancelled`. Nothing happens if it has ended."""

    job_id: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Forecast the memory of `request`, also while a job runs. Only the newest one is answered."""

    plan_id: int
    request: GenerationRequest


@dataclass(frozen=True, kw_only=True)
class SetAddOns:
    """From now on prompts may name these LoRAs and embeddings."""

    add_ons: AddOns


@dataclass(frozen=True, kw_only=True)
class Quit:
    """Stop what runs, close the engine, end the process. The end of the channel means the same."""


ToEngine = Start | Cancel | Plan | SetAddOns | Quit


# ---------------------------------------------------------------- from the engine's process


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The engine is open and checked; `elapsed_ms` is what that took."""

    device: DeviceInfo
    checks: tuple[OpCheck, ...]
    elapsed_ms: float
    report: EngineReport = field(default_factory=EngineReport)


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """The engine cannot be opened on this machine, and why; the process ends."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a job stands: `step` of `steps` are done, `preview` shows the latents, if it can.

    `it_per_second` is the rate of the last steps, `seconds_left` what that means for the whole job,
    decoding included; both None while nothing is known.
    """

    job_id: str
    phase: Phase
    step: int
    steps: int
    preview: Pixels | None
    it_per_second: float | None
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True)
class Timings:
    """What a job's parts took; `load_ms` (packing of weights) is part of the others."""

    load_ms: float
    text_ms: float
    denoise_ms: float
    decode_ms: float


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job's pictures, and all that a file's metadata needs.

    Picture i has the seed `request.seed` + i. Hashes are empty where unknown; `note` is a sentence
    where a part was computed again in f32, else empty. `loras` and `embeddings` say what became of
    those that the request names.
    """

    job_id: str
    pictures: Pixels
    request: ResolvedRequest
    model: Path
    model_sha256: str
    vae_sha256: str
    timings: Timings
    note: str
    loras: tuple[LoraReceipt, ...] = ()
    embeddings: tuple[EmbeddingReceipt, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A job ended without pictures: `sentence` says why and what to do.

    `needs_restart`: the GPU takes no more from this process, so another must take its place.
    """

    job_id: str
    sentence: str
    cancelled: bool
    needs_restart: bool = False


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The answer to Plan: what the request takes as it is, then with more and more memory saved.

    Where it cannot be done, `needs` is empty, `request` is None, and `sentence` says why; the model
    is still told, as its file says and as the engine has it, unless that is what cannot be opened.
    """

    plan_id: int
    needs: tuple[Need, ...]
    request: ResolvedRequest | None
    description: ModelDescription | None
    sentence: str
    model: ModelInfo | None = None


@dataclass(frozen=True, kw_only=True)
class Memory:
    """About once a second: what the engine holds, its whole process, and the machine.

    It is also the sign of life by which a hung process is known.
    """

    engine_bytes: int
    resident_bytes: int
    machine_total_bytes: int
    machine_available_bytes: int | None
    condition: Condition | None = None  # of the device; None before it is open


FromEngine = Ready | Unavailable | Progress | Finished | Failed | Planned | Memory

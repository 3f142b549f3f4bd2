"""The LoRA files of an open model: opened, added to it, kept open for as long as it has them.

Owns those files. An engine's adapters are addresses into them, so a file is closed only after the
model has been given others, or is closed itself. Knows nothing of names and prompts.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.checkpoint.lora import Lora, read_lora
from app.checkpoint.reader import open_checkpoint
from app.engine.engine import Model
from app.engine.types import EngineAdapter, EngineTensor
from app.generation.add_ons import LoraReceipt
from app.generation.request import LoraUse

MODEL_HASH_KEY = "sshs_model_hash"  # what kohya's trainer wrote, and A1111 believes
HASH_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class _OpenLora:
    """A file at one moment, and what it adds to the model."""

    stamp: tuple[int, int]
    lora: Lora
    model_hash: str
    closing: ExitStack


@dataclass(frozen=True, kw_only=True)
class AppliedLora:
    """A LoRA that the model has."""

    path: Path
    receipt: LoraReceipt


class LoraShelf:
    """The LoRAs of one open model."""

    def __init__(self, model: Model, tensors: Sequence[EngineTensor]) -> None:
        """`tensors` are those that the model was opened with."""
        self._model = model
        self._weights: Mapping[str, EngineTensor] = {tensor.name: tensor for tensor in tensors}
        self._open: dict[Path, _OpenLora] = {}

    def apply(self, uses: Sequence[LoraUse]) -> tuple[AppliedLora, ...]:
        """Gives the model these and no others; on CheckpointError it keeps those that it had."""
        wanted: dict[Path, _OpenLora] = {}
        with ExitStack() as on_error:
            for path in dict.fromkeys(use.path for use in uses):
                known = self._open.get(path)
                if known is None or known.stamp != _stamp(path):
                    known = self._opened(path)
                    on_error.callback(known.closing.close)
                wanted[path] = known
            made = [(use, _adapters(wanted[use.path].lora, use)) for use in uses]
            self._model.set_adapters([adapter for _, adapters in made for adapter in adapters])
            on_error.pop_all()
        before, self._open = self._open, wanted
        for path, opened in before.items():
            if wanted.get(path) is not opened:
                opened.closing.close()
        return tuple(_applied(use, wanted[use.path], adapters) for use, adapters in made)

    def close(self) -> None:
        """Closes the files; the model must have been closed before."""
        opened, self._open = self._open, {}
        for each in opened.values():
            each.closing.close()

    def _opened(self, path: Path) -> _OpenLora:
        with ExitStack() as closing:
            checkpoint = closing.enter_context(open_checkpoint(path))
            return _OpenLora(
                stamp=_stamp(path),
                lora=read_lora(checkpoint, self._weights),
                model_hash=checkpoint.metadata.get(MODEL_HASH_KEY, ""),
                closing=closing.pop_all(),
            )


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _adapters(lora: Lora, use: LoraUse) -> list[EngineAdapter]:
    text_weight = use.weight if use.text_weight is None else use.text_weight
    return lora.scaled(use.weight, text_weight)


def _applied(use: LoraUse, opened: _OpenLora, adapters: Sequence[EngineAdapter]) -> AppliedLora:
    layers = {adapter.name.rpartition(".")[0] for adapter in adapters}
    every = {adapter.name.rpartition(".")[0] for adapter in opened.lora.adapters}
    left_out = opened.lora.left_out
    if len(every) > len(layers):
        left_out += (f"{len(every) - len(layers)} layers at strength 0",)
    receipt = LoraReceipt(
        name=use.path.stem,
        applied=len(layers),
        layers=opened.lora.layers,
        left_out=left_out,
        hash=opened.model_hash[:HASH_DIGITS],
    )
    return AppliedLora(path=use.path, receipt=receipt)

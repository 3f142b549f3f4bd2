"""LoRA files: what they add to which weight of an open model, as factors where they lie.

Owns the kinds of adapters (LoRA and LoCon, LoHa, LoKr, whole differences), how a file spells their
parts, and the check that they fit the model. How layers are spelled is `lora_names`'s. Copies
nothing: the factors are addresses into the open file.

Sources: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models"; Yeh et al. 2023,
"Navigating Text-To-Image Customization: From LyCORIS Fine-Tuning to Model Evaluation" (LoCon with a
middle, LoHa, LoKr).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.checkpoint.key_names import FLOAT_DTYPES
from app.checkpoint.lora_names import BIAS, WEIGHT, LayerNames
from app.checkpoint.lora_scale import Scales
from app.checkpoint.reader import Checkpoint
from app.checkpoint.stored import CheckpointError, StoredTensor, shown
from app.engine.types import AdapterFactor, AdapterKind, EngineAdapter, EngineTensor

RANK_LIMIT = 1 << 14  # the engine's
# what follows a layer's name -> the part it is; None: of a kind that is not known
ENDINGS: tuple[tuple[re.Pattern[str], str | None], ...] = tuple(
    (re.compile(f"(?P<layer>.+?){ending}"), part)
    for ending, part in (
        (r"(?:\.lora_down|[._]lora\.down|\.lora_linear_layer\.down)\.weight", "down"),
        (r"(?:\.lora_up|[._]lora\.up|\.lora_linear_layer\.up)\.weight", "up"),
        (r"\.lora_A(?:\.(?!weight)\w+)?(?:\.weight)?", "down"),
        (r"\.lora_B(?:\.(?!weight)\w+)?(?:\.weight)?", "up"),
        (r"\.lora_mid\.weight", "mid"),
        (r"(?:[._]lora)?\.alpha", "alpha"),
        *((rf"\.(?:hada|lokr)_{part}", part) for part in ("w1", "w1_a", "w1_b", "t1")),
        *((rf"\.(?:hada|lokr)_{part}", part) for part in ("w2", "w2_a", "w2_b", "t2")),
        (r"\.(?:diff|w_norm)", "diff"),
        (r"\.(?:diff_b|b_norm)", "diff_b"),
        (r"\.(?:dora_scale|lora_magnitude_vector(?:\.\w+)*)", "magnitude"),
        (r"\.(?:oft_\w+|a1|a2|b1|b2|on_input|set_weight|lora_(?:up|down)\.bias)(?:\.\w+)*", None),
    )
)
CROSS_ATTENTION = re.compile(r"attn2[._](?:processor[._])?to_[kv]$")
SDXL = "Stable Diffusion XL"
OTHER_FAMILIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"^lora_te2_|^text_encoder_2\.|transformer_blocks_1_attn1", SDXL),
        (r"double_blocks|single_(?:transformer_)?blocks", "FLUX"),
        (r"joint_(?:transformer_)?blocks|^(?:lora_)?transformer[._]", "Stable Diffusion 3"),
    )
)


@dataclass(frozen=True, kw_only=True)
class Lora:
    """What a LoRA file adds to a model at strength 1.

    `layers` counts the file's layers, `left_out` has a sentence for each reason for which some of
    them add nothing. The adapters' addresses last until the file is closed.
    """

    adapters: tuple[EngineAdapter, ...]
    layers: int
    left_out: tuple[str, ...]

    def scaled(self, unet_weight: float, text_weight: float) -> list[EngineAdapter]:
        """The adapters at these strengths; those of strength 0 are left out."""
        weights = {"unet": unet_weight, "text": text_weight, "text2": text_weight}
        scaled = (
            replace(adapter, scale=adapter.scale * weights[adapter.name.partition(".")[0]])
            for adapter in self.adapters
        )
        return [adapter for adapter in scaled if adapter.scale != 0]


_Parts = dict[str, StoredTensor]


def read_lora(checkpoint: Checkpoint, weights: Mapping[str, EngineTensor]) -> Lora:
    """What the file adds to the model whose weights, by the engine's names, are given.

    Raises CheckpointError for a file that is no LoRA, is made for a model of other sizes, or whose
    kind is not known.
    """
    layers, unknown = _layers(checkpoint)
    _check_family(checkpoint, weights)
    names = LayerNames(weights)
    scales = Scales(checkpoint)
    adapters: list[EngineAdapter] = []
    missing: list[str] = []
    for spelling, parts in layers.items():
        layer = names.find(spelling)
        if layer is None:
            missing.append(spelling)
        else:
            made = _Layer(checkpoint, weights, layer, spelling, parts)
            adapters += made.adapters(scales)
    if not adapters:
        raise _other_model(checkpoint, "none of its layers is one of this model's")
    reasons = ((missing, "which this model does not have"), (unknown, "of a kind not known"))
    left_out = tuple(_left_out(found, reason) for found, reason in reasons if found)
    return Lora(adapters=tuple(adapters), layers=len(layers) + len(unknown), left_out=left_out)


def lora_text_width(checkpoint: Checkpoint) -> int:
    """Channels of the text that the file's cross attention takes in; 0 if it adds nothing there."""
    for name, tensor in checkpoint.tensors.items():
        layer, part = _parted(name)
        if part == "down" and CROSS_ATTENTION.search(layer) and len(tensor.shape) > 1:
            return tensor.shape[1]
    return 0


def _left_out(layers: list[str], reason: str) -> str:
    """Such as "2 layers, which this model does not have (first, second)"."""
    names = ", ".join(map(shown, layers[:2])) + (", ..." if len(layers) > 2 else "")
    return f"{len(layers)} {'layer' if len(layers) == 1 else 'layers'} {reason} ({names})"


def _layers(checkpoint: Checkpoint) -> tuple[dict[str, _Parts], list[str]]:
    """The parts of each layer, and the layers of a kind that is not known."""
    layers: dict[str, _Parts] = {}
    unknown: dict[str, None] = {}
    for name, tensor in checkpoint.tensors.items():
        layer, part = _parted(name)
        if part is None:
            unknown[layer] = None
        else:
            layers.setdefault(layer, {})[part] = tensor
    file_name = shown(checkpoint.path.name)
    if any("magnitude" in parts for parts in layers.values()):
        raise CheckpointError(
            f"{file_name} is a DoRA, which Aquatint does not apply yet: choose a plain LoRA."
        )
    layers = {name: parts for name, parts in layers.items() if parts.keys() != {"alpha"}}
    if not layers:
        raise CheckpointError(
            f"{file_name} holds no LoRA of a kind that Aquatint knows: choose a LoRA, LoHa or LoKr."
        )
    return layers, [name for name in unknown if name not in layers]


def _parted(name: str) -> tuple[str, str | None]:
    """A tensor's layer, as the file spells it, and which part of its adapter it is."""
    for pattern, part in ENDINGS:
        if match := pattern.fullmatch(name):
            return match["layer"], part
    return name, None


def _check_family(checkpoint: Checkpoint, weights: Mapping[str, EngineTensor]) -> None:
    own = SDXL if any(name.startswith("text2.") for name in weights) else "Stable Diffusion 1.x"
    for pattern, family in OTHER_FAMILIES:
        if family != own and any(map(pattern.search, checkpoint.tensors)):
            raise CheckpointError(
                f"{shown(checkpoint.path.name)} is a LoRA for {family}, and this model is {own}: "
                "choose a LoRA that was made for it."
            )


def _other_model(checkpoint: Checkpoint, why: str) -> CheckpointError:
    return CheckpointError(
        f"{shown(checkpoint.path.name)} is a LoRA for another model ({why}): choose one that was "
        "made for this model."
    )


class _Layer:
    """One layer of a LoRA file beside the model's weight that it is for."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        weights: Mapping[str, EngineTensor],
        layer: str,
        spelling: str,
        parts: _Parts,
    ) -> None:
        self._checkpoint = checkpoint
        self._weights = weights
        self._layer = layer
        self._spelling = spelling
        self._parts = parts
        self._sizes = self._sizes_of(f"{layer}{WEIGHT}")

    def adapters(self, scales: Scales) -> list[EngineAdapter]:
        """What is added to the layer's weight and to its bias."""
        found = self._parts.keys() - {"alpha"}
        made = []
        if "diff" in found:
            made.append(self._whole("diff", WEIGHT))
        if "diff_b" in found:
            made.append(self._whole("diff_b", BIAS))
        found -= {"diff", "diff_b"}
        if found and found <= {"up", "down", "mid"}:
            made.append(self._plain(scales))
        elif found:
            made.append(self._pair(scales))
        return made

    def _plain(self, scales: Scales) -> EngineAdapter:
        factor = self._product(("up", "mid", "down"), self._sizes)
        scale = scales.of(self._layer, self._spelling, self._parts.get("alpha"), factor.rank)
        return EngineAdapter(
            name=f"{self._layer}{WEIGHT}", kind=AdapterKind.PLAIN, scale=scale, first=factor
        )

    def _pair(self, scales: Scales) -> EngineAdapter:
        """LoHa, whose factors have the weight's sizes, or LoKr, whose sizes multiply to them."""
        is_loha = not any(".lokr_" in tensor.name for tensor in self._parts.values())
        first, second = self._pair_sizes() if not is_loha else (self._sizes, self._sizes)
        factors = [
            self._product((f"{part}_a", tensor, f"{part}_b"), sizes, whole=part)
            for part, tensor, sizes in (("w1", "t1", first), ("w2", "t2", second))
        ]
        rank = factors[1].rank or factors[0].rank
        alpha = self._parts.get("alpha")
        scale = scales.of(self._layer, self._spelling, alpha, rank) if rank else 1.0
        return EngineAdapter(
            name=f"{self._layer}{WEIGHT}",
            kind=AdapterKind.HADAMARD if is_loha else AdapterKind.KRONECKER,
            scale=scale,
            first=factors[0],
            second=factors[1],
        )

    def _pair_sizes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Rows, columns and taps of LoKr's two factors; the second has what the first leaves."""
        rows, columns, taps = self._sizes
        if whole := self._parts.get("w1"):
            first_rows, first_columns = (*whole.shape, 1, 1)[:2]
        else:
            up, down = self._part("w1_a").shape, self._part("w1_b").shape
            first_rows, first_columns = (*up, 1)[0], (*down, 1, 1)[1]
        if not first_rows or not first_columns or rows % first_rows or columns % first_columns:
            raise self._misfit()
        second = (rows // first_rows, columns // first_columns, taps)
        return (first_rows, first_columns, 1), second

    def _product(
        self, names: tuple[str, str, str], sizes: tuple[int, int, int], whole: str = ""
    ) -> AdapterFactor:
        """The factor of the parts up, mid and down, or of the one part `whole` if it is there."""
        rows, columns, taps = sizes
        if whole in self._parts:
            return self._factor((self._parts[whole], rows * columns * taps), sizes=sizes)
        up, mid, down = self._part(names[0]), self._parts.get(names[1]), self._part(names[2])
        rank = down.shape[0] if down.shape else 0
        if not 1 <= rank <= RANK_LIMIT:
            raise self._misfit()
        # LyCORIS keeps up the other way round where there is a middle; LoCon does not
        turned = mid is not None and names[0] != "up"
        if not up.shape or up.shape[0] != (rank if turned else rows):
            raise self._misfit()
        factor = self._factor(
            (up, rows * rank),
            (down, rank * columns * (1 if mid else taps)),
            *([(mid, rank * rank * taps)] if mid else []),
            sizes=sizes,
        )
        return replace(factor, rank=rank, up_is_transposed=turned)

    def _whole(self, part: str, suffix: str) -> EngineAdapter:
        """A difference for the weight or the bias as it is."""
        name = f"{self._layer}{suffix}"
        sizes = self._sizes_of(name)
        factor = self._factor((self._parts[part], math.prod(sizes)), sizes=sizes)
        return EngineAdapter(name=name, kind=AdapterKind.PLAIN, scale=1.0, first=factor)

    def _factor(
        self, *counted: tuple[StoredTensor, int], sizes: tuple[int, int, int]
    ) -> AdapterFactor:
        """up, down and mid, each with the numbers that it must have, as a factor of rank 0."""
        dtypes = {tensor.dtype for tensor, _ in counted}
        dtype = FLOAT_DTYPES.get(dtypes.pop())
        if dtypes or dtype is None:
            raise CheckpointError(
                f"{shown(self._checkpoint.path.name)} stores the layer {shown(self._spelling)} in "
                "a number format that Aquatint does not compute with: use an f16 version."
            )
        if any(math.prod(tensor.shape) != count for tensor, count in counted):
            raise self._misfit()
        up, down, mid = (*(tensor.address for tensor, _ in counted), 0, 0)[:3]
        rows, columns, taps = sizes
        return AdapterFactor(
            dtype=dtype,
            rows=rows,
            columns=columns,
            taps=taps,
            rank=0,
            up=up,
            mid=mid,
            down=down,
        )

    def _part(self, name: str) -> StoredTensor:
        if name not in self._parts:
            raise CheckpointError(
                f"{shown(self._checkpoint.path.name)} is incomplete (its layer "
                f"{shown(self._spelling)} lacks the part {name}): download it again."
            )
        return self._parts[name]

    def _sizes_of(self, weight: str) -> tuple[int, int, int]:
        """Rows, columns and taps of the model's weight."""
        if weight not in self._weights:
            raise _other_model(self._checkpoint, f"it changes {weight}, which is not there")
        shape = (*self._weights[weight].shape, 1)
        return shape[0], shape[1], math.prod(shape[2:])

    def _misfit(self) -> CheckpointError:
        parts = ", ".join(
            f"{name} {'x'.join(map(str, tensor.shape))}"
            for name, tensor in self._parts.items()
            if name != "alpha"
        )
        size = "x".join(map(str, self._weights[f"{self._layer}{WEIGHT}"].shape))
        why = f"its layer {shown(self._spelling)} has {shown(parts)}, this model's is {size}"
        return _other_model(self._checkpoint, why)

"""Small checkpoints for the tests of this room, in both dialects, written by safetensors.

Owns the key sets (from tests/random_weights.py and the golden of diffusers' names) and a writer of
raw safetensors bytes for files that the library would refuse to write.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tests.random_weights import TEXT, TINY, UNET, VAE, Architecture, checkpoint_specs

ROOT = Path(__file__).resolve().parents[2]
MINI = ROOT / "resources" / "models" / "aquatint-mini.safetensors"
MINI_TAESD = ROOT / "resources" / "models" / "aquatint-mini-taesd.safetensors"
# as deep as SD 1.5, and with its shortcuts, so that its names are SD 1.5's
NARROW = replace(TINY, vae_channels=(32, 64, 96, 96), vocabulary=64, text_layers=2)
SMALLEST = Architecture(
    unet_channels=(32, 32),
    unet_depths=(1, 0),
    unet_blocks=1,
    text_width=64,
    text_layers=1,
    text_mlp=64,
    vocabulary=8,
    vae_channels=(32, 32),
    vae_blocks=1,
)
HEADS = {"aquatint.unet_heads": "8", "aquatint.text_heads": "2"}

Arrays = dict[str, NDArray[np.generic]]


def golden_names() -> dict[str, list[list[object]]]:
    """tests/golden/key_names.json, see make_key_names.py."""
    path = ROOT / "tests" / "golden" / "key_names.json"
    loaded: dict[str, list[list[object]]] = json.loads(path.read_text())
    return loaded


def ldm_arrays(architecture: Architecture = NARROW) -> Arrays:
    """A whole model's tensors under the original names; no two are alike."""
    numbers = np.random.default_rng(1)
    return {
        spec.name: numbers.standard_normal(spec.shape, np.float32).astype(np.float16)
        for spec in checkpoint_specs(architecture)
    }


def diffusers_parts(arrays: Arrays) -> dict[str, Arrays]:
    """The same tensors as the files of a diffusers folder; only for SD 1.5's depths."""
    golden = golden_names()
    parts: dict[str, Arrays] = {"unet": {}, "vae": {}, "text_encoder": {}}
    for part, prefix in (("unet", UNET), ("vae", VAE)):
        for name, original, shape in golden[part]:
            array = arrays[f"{prefix}{original}"]
            assert isinstance(shape, list)
            parts[part][str(name)] = array.reshape(array.shape[: len(shape)])
    for name, array in arrays.items():
        if name.startswith(TEXT):
            parts["text_encoder"]["text_model." + name.removeprefix(TEXT)] = array
    return parts


def write_folder(folder: Path, parts: dict[str, Arrays]) -> Path:
    """A diffusers folder with the configs that SD 1.5's has, as far as they are read."""
    stems = {"text_encoder": "model"}
    for part, arrays in parts.items():
        (folder / part).mkdir(parents=True)
        stem = stems.get(part, "diffusion_pytorch_model")
        save_file(arrays, folder / part / f"{stem}.safetensors")
    write_json(folder / "model_index.json", {"_class_name": "StableDiffusionPipeline"})
    write_json(folder / "unet/config.json", {"attention_head_dim": 8})
    write_json(folder / "vae/config.json", {"scaling_factor": 0.18215})
    write_json(
        folder / "text_encoder/config.json",
        {"num_attention_heads": 2, "hidden_act": "quick_gelu"},
    )
    write_json(
        folder / "scheduler/scheduler_config.json",
        {
            "beta_start": 0.00085,
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "num_train_timesteps": 1000,
        },
    )
    return folder


def write_json(path: Path, value: object) -> None:
    """A JSON file, its folder made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_raw(path: Path, header: object, data: bytes = b"") -> Path:
    """A file of safetensors' form with any header, be it JSON or bytes that are none."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(dtype: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    """One header entry."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

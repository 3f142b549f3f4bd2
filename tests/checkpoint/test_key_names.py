"""Names for the engine, held against diffusers' own converter and against safetensors' reader."""

import ctypes
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.checkpoint.description import KeyDialect
from app.checkpoint.diffusers_names import unet_names, vae_names
from app.checkpoint.family import describe
from app.checkpoint.key_names import dialect_tensors, engine_tensors, taesd_tensors, vae_tensors
from app.checkpoint.reader import CheckpointError, open_checkpoint
from app.engine.types import Dtype, EngineTensor
from tests.checkpoint.model_files import (
    MINI,
    MINI_TAESD,
    Arrays,
    diffusers_parts,
    entry,
    golden_names,
    write_raw,
)
from tests.random_weights import TEXT, UNET, VAE

ENGINE_PREFIXES = {UNET: "unet.", VAE: "vae.", TEXT: "text."}
OLD_ATTENTION = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def contents(tensor: EngineTensor, size_bytes: int) -> bytes:
    """The bytes that the engine would read."""
    return ctypes.string_at(tensor.address, size_bytes)


def assert_holds(tensors: list[EngineTensor], arrays: Arrays) -> None:
    """Every array stands among the tensors under its engine name, with its shape and bytes."""
    by_name = {tensor.name: tensor for tensor in tensors}
    for name, array in arrays.items():
        prefix = next(prefix for prefix in ENGINE_PREFIXES if name.startswith(prefix))
        tensor = by_name.pop(ENGINE_PREFIXES[prefix] + name.removeprefix(prefix))
        assert (tensor.shape, tensor.dtype) == (array.shape, Dtype.F16)
        assert contents(tensor, array.nbytes) == array.tobytes()
    assert not by_name


@pytest.mark.parametrize(
    ("key", "rename"),
    [
        ("unet", unet_names),
        ("unet_one_block", unet_names),
        ("unet_three_levels", unet_names),
        ("unet_xl", unet_names),
        ("vae", vae_names),
    ],
)
def test_diffusers_names_are_those_of_its_own_converter(
    key: str, rename: Callable[[Collection[str]], dict[str, str]]
) -> None:
    """All names of SD 1.5's UNet and VAE, and of UNets of other depths."""
    expected = {str(row[0]): row[1] for row in golden_names()[key]}
    assert len(expected) > 200
    assert rename(expected.keys()) == expected


def test_strange_names_are_left_out() -> None:
    """A level without residual blocks, and parts that no UNet or VAE has."""
    assert unet_names(["down_blocks.999.attentions.0.norm.weight", "foo.bar"]) == {}
    assert unet_names(["up_blocks.7.upsamplers.0.conv.weight"]) == {}
    assert vae_names(["foo.bar", "encoder.foo.weight", "encoder"]) == {}


def test_mini_model_is_read_whole() -> None:
    """All but its one table of alphas, byte for byte as the safetensors library reads it."""
    expected = load_file(MINI)
    del expected["alphas_cumprod"]
    with open_checkpoint(MINI) as checkpoint:
        assert_holds(engine_tensors(checkpoint, describe(checkpoint)), expected)


def test_single_file_and_folder_are_the_same_model(
    arrays: Arrays, ldm_file: Path, diffusers_folder: Path
) -> None:
    """Names, shapes and bytes agree, the VAE's linear attention layers included."""
    for path in (ldm_file, diffusers_folder):
        with open_checkpoint(path) as checkpoint:
            assert_holds(engine_tensors(checkpoint, describe(checkpoint)), arrays)


def test_old_text_names_and_training_leftovers(arrays: Arrays, tmp_path: Path) -> None:
    """Keys without `text_model.`; EMA copies, schedules and position ids are no weights."""
    old = {name.replace(".text_model.", "."): array for name, array in arrays.items()}
    leftovers: Arrays = {
        "model_ema.decay": np.zeros(1, np.float32),
        "model_ema.diffusion_modelinput_blocks00weight": np.zeros(4, np.float32),
        "alphas_cumprod": np.zeros(1000, np.float64),
        "cond_stage_model.transformer.embeddings.position_ids": np.zeros((1, 77), np.int64),
        "first_stage_model.loss.logvar": np.zeros((), np.float32),
    }
    save_file(old | leftovers, tmp_path / "old.safetensors")
    with open_checkpoint(tmp_path / "old.safetensors") as checkpoint:
        assert_holds(dialect_tensors(checkpoint, KeyDialect.LDM), arrays)


def test_new_text_encoder_names(arrays: Arrays, tmp_path: Path) -> None:
    """transformers 5 writes no `text_model.`; one file may hold what a folder does."""
    golden_text = [str(name) for name in golden_names()["text"]]
    joined: Arrays = {}
    for part, tensors in diffusers_parts(arrays).items():
        for name, array in tensors.items():
            short = name.removeprefix("text_model.")
            assert part != "text_encoder" or short in golden_text
            joined[f"{part}.{short}"] = array
    save_file(joined, tmp_path / "joined.safetensors")
    with open_checkpoint(tmp_path / "joined.safetensors") as checkpoint:
        assert_holds(dialect_tensors(checkpoint, KeyDialect.DIFFUSERS), arrays)


@pytest.mark.parametrize("form", ["ldm", "bare", "diffusers", "old_diffusers"])
def test_vae_file(form: str, arrays: Arrays, tmp_path: Path) -> None:
    """An external VAE under every name that such files use."""
    expected = {name: array for name, array in arrays.items() if name.startswith(VAE)}
    files: Arrays = expected
    if form == "bare":
        files = {name.removeprefix(VAE): array for name, array in expected.items()}
    if form in ("diffusers", "old_diffusers"):
        files = diffusers_parts(arrays)["vae"]
    if form == "old_diffusers":
        for new, old in OLD_ATTENTION.items():
            files = {name.replace(f".0.{new}.", f".0.{old}."): a for name, a in files.items()}
    save_file(files, tmp_path / "vae.safetensors")
    with open_checkpoint(tmp_path / "vae.safetensors") as checkpoint:
        assert_holds(vae_tensors(checkpoint), expected)


def test_vae_of_a_whole_folder(arrays: Arrays, diffusers_folder: Path, ldm_file: Path) -> None:
    """A whole model may lend its VAE."""
    expected = {name: array for name, array in arrays.items() if name.startswith(VAE)}
    for path in (diffusers_folder, ldm_file):
        with open_checkpoint(path) as checkpoint:
            assert_holds(vae_tensors(checkpoint), expected)


@pytest.mark.parametrize(
    ("prefix", "shift"), [("", 0), ("", -1), ("decoder.layers.", -1), ("taesd_decoder.", 0)]
)
def test_taesd_decoder(prefix: str, shift: int, tmp_path: Path) -> None:
    """With and without the clamp counted, the first convolution is taesd.decoder.1."""
    expected = load_file(MINI_TAESD)
    renamed: Arrays = {}
    for name, array in expected.items():
        index, _, rest = name.partition(".")
        renamed[f"{prefix}{int(index) + shift}.{rest}"] = array
    save_file(renamed, tmp_path / "taesd.safetensors")
    with open_checkpoint(tmp_path / "taesd.safetensors") as checkpoint:
        tensors = taesd_tensors(checkpoint)
        assert [t.name for t in tensors] == sorted(f"taesd.decoder.{name}" for name in expected)
        for tensor in tensors:
            array = expected[tensor.name.removeprefix("taesd.decoder.")]
            assert contents(tensor, array.nbytes) == array.tobytes()


def test_taesd_of_diffusers(tmp_path: Path) -> None:
    """AutoencoderTiny's own names: the decoder is shifted by the clamp, the encoder is not."""
    arrays: Arrays = {}
    for name, shape in golden_names()["taesd"]:
        assert isinstance(shape, list)
        arrays[str(name)] = np.zeros(shape, np.float16)
    save_file(arrays, tmp_path / "tiny.safetensors")
    with open_checkpoint(tmp_path / "tiny.safetensors") as checkpoint:
        names = {tensor.name for tensor in taesd_tensors(checkpoint)}
    decoder = {name.removeprefix("taesd.decoder.") for name in names if ".decoder." in name}
    assert decoder == load_file(MINI_TAESD).keys()
    encoder = {f"encoder.layers.{name[14:]}" for name in names if ".encoder." in name}
    assert encoder == {name for name in arrays if name.startswith("encoder.")}


def test_taesd_encoder_alone(tmp_path: Path) -> None:
    """Bare keys whose first convolution takes RGB are an encoder's."""
    arrays: Arrays = {
        "0.weight": np.zeros((64, 3, 3, 3), np.float16),
        "1.conv.0.weight": np.zeros((64, 64, 3, 3), np.float16),
    }
    save_file(arrays, tmp_path / "encoder.safetensors")
    with open_checkpoint(tmp_path / "encoder.safetensors") as checkpoint:
        names = [tensor.name for tensor in taesd_tensors(checkpoint)]
    assert names == ["taesd.encoder.0.weight", "taesd.encoder.1.conv.0.weight"]


@pytest.mark.parametrize(
    ("stored", "expected", "size"),
    [
        ("F32", Dtype.F32, 4),
        ("F16", Dtype.F16, 2),
        ("BF16", Dtype.BF16, 2),
        ("F8_E4M3", Dtype.F8_E4M3, 1),
        ("F8_E5M2", Dtype.F8_E5M2, 1),
    ],
)
def test_dtypes_are_taken_as_they_are(
    stored: str, expected: Dtype, size: int, tmp_path: Path
) -> None:
    """The address is that of the stored bytes, whatever their type."""
    header = {"decoder.conv_in.weight": entry(stored, [2, 4, 1, 1], 0, 8 * size)}
    path = write_raw(tmp_path / "vae.safetensors", header, bytes(range(8 * size)))
    with open_checkpoint(path) as checkpoint:
        (tensor,) = vae_tensors(checkpoint)
        assert tensor.dtype == expected and tensor.address in (tensor.mapping or ())
        assert contents(tensor, 8 * size) == bytes(range(8 * size))


@pytest.mark.parametrize(
    ("stored", "shape", "size", "sentence"),
    [
        ("F64", [2], 16, "as F64, which Aquatint does not compute with"),
        ("I64", [2], 16, "as I64, which Aquatint does not compute with"),
        ("F16", [0], 0, r"the shape \[0\], which no weight has"),
        ("F16", [], 2, r"the shape \[\], which no weight has"),
        ("F16", [1, 1, 1, 1, 1], 2, r"the shape \[1, 1, 1, 1, 1\], which no weight has"),
    ],
)
def test_unfit_weights_are_named(
    stored: str, shape: list[int], size: int, sentence: str, tmp_path: Path
) -> None:
    """A weight of a type or rank that the engine has not is one sentence."""
    header = {"decoder.conv_in.weight": entry(stored, shape, 0, size)}
    path = write_raw(tmp_path / "vae.safetensors", header, bytes(size))
    with open_checkpoint(path) as checkpoint, pytest.raises(CheckpointError, match=sentence):
        vae_tensors(checkpoint)


def test_one_weight_under_two_names(tmp_path: Path) -> None:
    """Old and new text names in one file: neither can be believed."""
    stem = "cond_stage_model.transformer."
    header = {
        f"{stem}final_layer_norm.bias": entry("F16", [1], 0, 2),
        f"{stem}text_model.final_layer_norm.bias": entry("F16", [1], 2, 4),
    }
    path = write_raw(tmp_path / "twice.safetensors", header, bytes(4))
    with open_checkpoint(path) as checkpoint, pytest.raises(CheckpointError, match="twice"):
        dialect_tensors(checkpoint, KeyDialect.LDM)


def test_files_without_the_wanted_part(ldm_file: Path) -> None:
    """A TAESD is no VAE and a model is no TAESD."""
    with open_checkpoint(MINI_TAESD) as taesd, pytest.raises(CheckpointError, match="no VAE"):
        vae_tensors(taesd)
    with open_checkpoint(ldm_file) as model, pytest.raises(CheckpointError, match="not a TAESD"):
        taesd_tensors(model)


def test_decoders_of_other_latents(tmp_path: Path) -> None:
    """The VAE and the TAESD of FLUX have the names of SD 1.x's and sixteen latent channels."""
    first = np.zeros((8, 16, 3, 3), np.float16)
    save_file(
        {"decoder.conv_in.weight": first, "decoder.1.weight": first}, tmp_path / "ae.safetensors"
    )
    with open_checkpoint(tmp_path / "ae.safetensors") as checkpoint:
        for read in (vae_tensors, taesd_tensors):
            with pytest.raises(CheckpointError, match="the 4 latent channels"):
                read(checkpoint)

"""Each network of the engine against diffusers' outputs, f32, on the machine's best CPU code."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import engine_probe
from tests.networks import cases
from tests.random_weights import (
    WeightDtype,
    taesd_encoder_specs,
    write_checkpoint,
    write_tensors,
)

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "resources" / "models"
GOLDEN = ROOT / "tests" / "golden" / "networks"
# The engine stays within 7e-6, with SDXL's deep transformers within 1.4e-5; a tanh in place of the
# exact GELU is 2e-5 to 3e-4 off. The case "quiet" has activations so small that a norm with the
# wrong epsilon is off by parts of a hundred.
TOLERANCE = 2e-5


def relative_error(actual: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Size of the difference over the size of what is expected; both as Euclidean norms."""
    assert actual.shape == expected.shape
    difference = actual.astype(np.float64) - expected
    return float(np.linalg.norm(difference) / np.linalg.norm(expected.astype(np.float64)))


def golden_keys(kind: str) -> Iterator[tuple[cases.Case, str]]:
    """Every stored output of one kind: the case and the key in its file."""
    for case in cases.CASES:
        with np.load(GOLDEN / f"{case.name}.npz") as golden:
            for key in golden.files:
                if key.startswith(f"{kind}/"):
                    yield case, key


def golden(case: cases.Case, key: str) -> NDArray[np.float32]:
    """One stored output."""
    with np.load(GOLDEN / f"{case.name}.npz") as file:
        return np.asarray(file[key], np.float32)


def parametrize(kind: str) -> pytest.MarkDecorator:
    """A test run for every stored output of one kind."""
    pairs = list(golden_keys(kind))
    names = [f"{case.name}-{key}" for case, key in pairs]
    return pytest.mark.parametrize(("case", "key"), pairs, ids=names)


def latent_size(key: str) -> tuple[int, int]:
    """The height and width written in a key's second part."""
    height, width = key.split("/")[1].split("x")
    return int(height), int(width)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each case's checkpoint lies."""
    folder = tmp_path_factory.mktemp("checkpoints")
    paths = {}
    for case in cases.CASES:
        paths[case.name] = MODELS / "aquatint-mini.safetensors"
        if case.architecture is not None:
            paths[case.name] = folder / f"{case.name}.safetensors"
            write_checkpoint(paths[case.name], case.architecture, case.dtype)
    return paths


@pytest.fixture(scope="session")
def taesd_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A preview encoder with random weights."""
    path = tmp_path_factory.mktemp("taesd") / "taesd_encoder.safetensors"
    write_tensors(path, list(taesd_encoder_specs()), WeightDtype.F16, {})
    return path


@parametrize("text")
def test_text_encoder(case: cases.Case, key: str, checkpoints: dict[str, Path]) -> None:
    _, index, clip_skip = key.split("/")
    tokens = cases.tokens(case.sequences[int(index)])
    encoded = engine_probe.text_encode(checkpoints[case.name], tokens, clip_skip=int(clip_skip))
    assert encoded.shape == (77, case.text_width)
    assert relative_error(encoded[list(cases.STORED_ROWS)], golden(case, key)) <= TOLERANCE


@parametrize("text_plain")
def test_text_encoder_without_norm(
    case: cases.Case, key: str, checkpoints: dict[str, Path]
) -> None:
    _, index, clip_skip = key.split("/")
    tokens = cases.tokens(case.sequences[int(index)])
    encoded = engine_probe.text_encode(
        checkpoints[case.name], tokens, clip_skip=int(clip_skip), is_normed=False
    )
    assert relative_error(encoded[list(cases.STORED_ROWS)], golden(case, key)) <= TOLERANCE


@parametrize("text2")
def test_second_text_encoder(case: cases.Case, key: str, checkpoints: dict[str, Path]) -> None:
    _, index, clip_skip = key.split("/")
    encoded = engine_probe.text_encode(
        checkpoints[case.name],
        cases.tokens(case.sequences[int(index)], padding=0),
        clip_skip=int(clip_skip),
        encoder="text2",
        is_normed=False,
    )
    assert relative_error(encoded[list(cases.STORED_ROWS)], golden(case, key)) <= TOLERANCE


@parametrize("pooled")
def test_pooled_text(case: cases.Case, key: str, checkpoints: dict[str, Path]) -> None:
    tokens = cases.tokens(case.sequences[int(key.split("/")[1])], padding=0)
    projected = engine_probe.text2_projected(checkpoints[case.name], tokens)
    end = int(np.argmax(tokens == cases.END))
    assert relative_error(projected[end], golden(case, key)) <= TOLERANCE


@parametrize("unet")
def test_unet(case: cases.Case, key: str, checkpoints: dict[str, Path]) -> None:
    predicted = engine_probe.unet(
        checkpoints[case.name],
        cases.unet_latents(case, latent_size(key)),
        float(key.split("/")[2]),
        cases.unet_context(case),
        cases.unet_vector(case),
    )
    assert relative_error(predicted, golden(case, key)) <= TOLERANCE


@parametrize("vae_decode")
def test_vae_decoder(case: cases.Case, key: str, checkpoints: dict[str, Path]) -> None:
    picture = engine_probe.vae_decode(checkpoints[case.name], cases.vae_latents(latent_size(key)))
    assert relative_error(picture, golden(case, key)) <= TOLERANCE


@parametrize("vae_encode")
def test_vae_encoder(case: cases.Case, key: str, checkpoints: dict[str, Path]) -> None:
    latents = engine_probe.vae_encode(checkpoints[case.name], cases.vae_picture(latent_size(key)))
    assert relative_error(latents, golden(case, key)) <= TOLERANCE


@parametrize("taesd_decode")
def test_taesd_decoder(case: cases.Case, key: str) -> None:
    picture = engine_probe.taesd_decode(
        MODELS / "aquatint-mini-taesd.safetensors", cases.vae_latents(latent_size(key))
    )
    assert relative_error(picture, golden(case, key)) <= TOLERANCE


@parametrize("taesd_encode")
def test_taesd_encoder(case: cases.Case, key: str, taesd_encoder: Path) -> None:
    picture = cases.vae_picture(latent_size(key)) / 2 + np.float32(0.5)
    latents = engine_probe.taesd_encode(taesd_encoder, picture)
    assert relative_error(latents, golden(case, key)) <= TOLERANCE

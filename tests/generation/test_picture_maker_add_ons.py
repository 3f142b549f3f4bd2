"""LoRAs and embeddings from file to picture, with the real engine and the mini model."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.checkpoint.reader import CheckpointError
from app.engine.engine import Engine
from app.engine.types import BackendName, Preview
from app.generation.add_ons import AddOns, LoraReceipt
from app.generation.picture_maker import MadePictures, PictureMaker
from app.generation.request import GenerationRequest, LoraUse, RequestError
from app.paths import resource_path
from tests.random_loras import TEXT_LAYERS, Dialect, layer_shapes, lora_arrays, write_lora
from tests.random_weights import UNET, normal

SHAPES = layer_shapes(resource_path("models/aquatint-mini.safetensors"))
UNET_LAYERS = tuple(
    f"{UNET}middle_block.1.transformer_blocks.0.attn2.{part}" for part in ("to_q", "to_k", "to_v")
)
LAYERS = UNET_LAYERS + TEXT_LAYERS
SMALL = GenerationRequest(
    prompt="red apple", width=64, height=64, steps=1, seed=7, preview=Preview.NONE
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all tests."""
    with Engine(backend=BackendName.CPU, threads=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two LoRAs and an embedding of three rows."""
    folder = tmp_path_factory.mktemp("add-ons")
    for name, rank in (("ink", 8), ("wash", 4)):
        arrays = lora_arrays(SHAPES, LAYERS, Dialect.KOHYA, rank=rank, alpha=rank)
        write_lora(folder / f"{name}.safetensors", arrays)
    save_file({"emb_params": normal("dream", (3, 192))}, folder / "bad-dream.safetensors")
    return folder


@pytest.fixture
def maker(engine: Engine, files: Path, tmp_path: Path) -> Iterator[PictureMaker]:
    """A maker that knows the files by name."""
    with PictureMaker(engine, cache=tmp_path / "cache") as maker:
        loras = (files / "ink.safetensors", files / "wash.safetensors")
        maker.add_ons = AddOns.of(loras, [files / "bad-dream.safetensors"])
        yield maker


def picture(made: MadePictures) -> bytes:
    """The one picture."""
    return made.output.pictures[0]


def draw(maker: PictureMaker, **changes: object) -> bytes:
    """The small request with other values."""
    return picture(maker.generate(dataclasses.replace(SMALL, **changes)))


def test_a_tag_is_the_list(maker: PictureMaker, files: Path) -> None:
    """By name in the prompt or by file beside it; both networks or each its own."""
    ink, wash = files / "ink.safetensors", files / "wash.safetensors"
    plain = draw(maker)
    both = draw(maker, prompt="red apple<lora:ink:0.5>")
    assert both == draw(maker, loras=(LoraUse(path=ink, weight=0.5),)) != plain
    apart = draw(maker, prompt="<lora:ink:-0.25:0.5>red apple")
    assert apart == draw(maker, loras=(LoraUse(path=ink, weight=0.5, text_weight=-0.25),)) != both
    two = draw(maker, prompt="red <lora:ink:0.5><lora:folder/WASH.safetensors:1>apple")
    uses = (LoraUse(path=ink, weight=0.5), LoraUse(path=wash))
    assert two == draw(maker, prompt="red apple", loras=uses)
    assert two not in (both, plain)


@pytest.mark.parametrize("keeps_weights", [True, False])
def test_without_loras_the_model_is_what_it_was(
    engine: Engine, files: Path, tmp_path: Path, keeps_weights: bool
) -> None:
    """Bit for bit, after one was in use, at strength 0, and in another order of requests."""
    use = LoraUse(path=files / "ink.safetensors")
    with PictureMaker(engine, cache=tmp_path, keeps_weights=keeps_weights) as maker:
        plain = draw(maker)
        changed = draw(maker, loras=(use,))
        assert draw(maker, loras=(dataclasses.replace(use, weight=0.0),)) == plain
        assert draw(maker, loras=(use,)) == changed != plain
        assert draw(maker) == plain


def test_receipts_and_hashes(maker: PictureMaker, files: Path) -> None:
    """What was applied, and the hashes that A1111 writes: of a LoRA without its header."""
    prompt = "red bad-dream <lora:ink><lora:wash:te=0:unet=1>"
    made = maker.generate(dataclasses.replace(SMALL, prompt=prompt))
    data = (files / "ink.safetensors").read_bytes()
    body = data[8 + int.from_bytes(data[:8], "little") :]
    ink, wash = made.loras
    digest = hashlib.sha256(body).hexdigest()[:12]
    assert ink == LoraReceipt(name="ink", applied=9, layers=9, left_out=(), hash=digest)
    assert (wash.applied, wash.layers, wash.left_out) == (3, 9, ("6 layers at strength 0",))
    (dream,) = made.embeddings
    whole = hashlib.sha256((files / "bad-dream.safetensors").read_bytes()).hexdigest()
    assert (dream.name, dream.count, dream.sentence, dream.hash) == ("bad-dream", 3, "", whole[:12])


def test_a_hash_that_the_file_says_itself(maker: PictureMaker, tmp_path: Path) -> None:
    """kohya's trainer wrote it, and A1111 believes it."""
    arrays = lora_arrays(SHAPES, UNET_LAYERS, Dialect.KOHYA, rank=2, alpha=None)
    metadata = {"sshs_model_hash": "0123456789abcdef" * 4}
    path = write_lora(tmp_path / "said.safetensors", arrays, metadata)
    made = maker.generate(dataclasses.replace(SMALL, loras=(LoraUse(path=path),)))
    assert made.loras[0].hash == "0123456789ab"


def test_an_unknown_name_is_refused_with_near_ones(maker: PictureMaker) -> None:
    """Before anything is computed; and so is a strength that is none."""
    for prompt, words in (
        ("<lora:inc>", "no LoRA named inc: did you mean ink"),
        ("<lora:zzzzzz>", "no LoRA named zzzzzz: add its file or its folder"),
        ("<lora:ink:x>", "no number"),
    ):
        with pytest.raises(RequestError, match=words):
            maker.plan(dataclasses.replace(SMALL, prompt=prompt))


def test_a_lora_that_does_not_fit_leaves_the_others(
    maker: PictureMaker, files: Path, tmp_path: Path
) -> None:
    """One sentence, and the next request is served."""
    use = LoraUse(path=files / "ink.safetensors")
    wanted = draw(maker, loras=(use,))
    foreign = {"lora_te2_x.lora_up.weight": np.zeros((2, 2), np.float16)}
    path = write_lora(tmp_path / "xl.safetensors", foreign)
    with pytest.raises(CheckpointError, match="Stable Diffusion XL"):
        draw(maker, loras=(use, LoraUse(path=path)))
    with pytest.raises(CheckpointError, match=r"gone\.safetensors"):
        draw(maker, loras=(use, LoraUse(path=tmp_path / "gone.safetensors")))
    assert draw(maker, loras=(use,)) == wanted


def test_a_file_that_changes_is_read_again(maker: PictureMaker, tmp_path: Path) -> None:
    """Under its old name, replaced as a download or a training run replaces it."""
    path, fresh = tmp_path / "x.safetensors", tmp_path / "new"
    pictures = []
    for rank in (2, 3):
        arrays = lora_arrays(SHAPES, UNET_LAYERS, Dialect.KOHYA, rank=rank, alpha=None)
        write_lora(fresh, arrays)
        fresh.replace(path)
        pictures.append(draw(maker, loras=(LoraUse(path=path),)))
    assert pictures[0] != pictures[1]


def test_embeddings_are_words(maker: PictureMaker, tmp_path: Path) -> None:
    """In either prompt, weighted, in another order; another file under the name is another word."""
    first = draw(maker, prompt="red bad-dream")
    assert draw(maker, prompt="red Bad-Dream") == first
    maker.add_ons = AddOns()
    plain = draw(maker, prompt="red bad-dream")
    assert plain != first
    other = tmp_path / "bad-dream.safetensors"
    save_file({"x": normal("other", (1, 192))}, other)
    maker.add_ons = AddOns.of([], [other])
    assert draw(maker, prompt="red bad-dream") not in (plain, first)
    assert draw(maker, negative_prompt="bad-dream") != draw(maker)


def test_an_embedding_of_another_model_is_plain_words(maker: PictureMaker, tmp_path: Path) -> None:
    """As in A1111; the receipt says why."""
    other = tmp_path / "apple.safetensors"
    save_file({"x": normal("other", (1, 1024))}, other)
    plain = draw(maker)
    maker.add_ons = AddOns.of([], [other])
    made = maker.generate(SMALL)
    assert picture(made) == plain
    assert made.embeddings[0].count == 0
    assert "width 1024, and this model's is 192" in made.embeddings[0].sentence


def test_the_plan_counts_what_loras_take(maker: PictureMaker, files: Path) -> None:
    """Before a weight is read."""
    _, without = maker.plan(SMALL)
    _, figures = maker.plan(dataclasses.replace(SMALL, prompt="<lora:ink>"))
    assert figures.merging > without.merging == 0
    assert figures.unet_weights == without.unet_weights

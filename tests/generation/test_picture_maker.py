"""The one path from a request to pictures, with the real engine and the mini model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from app.checkpoint.reader import CheckpointError
from app.engine.engine import Cancelled, Engine
from app.engine.types import BackendName, Phase, Preview, Progress, Rng
from app.generation.picture_maker import PictureMaker
from app.generation.request import GenerationRequest, InpaintArea, RequestError, VaeTiling
from app.paths import resource_path

SMALL = GenerationRequest(
    prompt="red apple", width=64, height=64, steps=2, seed=7, preview=Preview.NONE
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(backend=BackendName.CPU, threads=1) as engine:
        yield engine


@pytest.fixture
def maker(engine: Engine, tmp_path: Path) -> Iterator[PictureMaker]:
    with PictureMaker(engine, cache=tmp_path / "cache") as maker:
        yield maker


def changed(**values: object) -> GenerationRequest:
    """The small request with other values."""
    fields = {name: getattr(SMALL, name) for name in SMALL.__dataclass_fields__}
    return GenerationRequest(**{**fields, **values})


def test_request_alone_decides_the_picture(maker: PictureMaker) -> None:
    first = maker.generate(SMALL)
    assert [len(rgb) for rgb in first.output.pictures] == [64 * 64 * 3]
    maker.close()
    assert maker.generate(SMALL).output.pictures == first.output.pictures
    for other in (changed(seed=8), changed(prompt="blue car"), changed(rng=Rng.NV)):
        assert maker.generate(other).output.pictures != first.output.pictures


def test_defaults_are_the_model_s(maker: PictureMaker) -> None:
    resolved, figures = maker.plan(GenerationRequest(prompt="x"))
    assert (resolved.width, resolved.height, resolved.cfg_scale) == (256, 256, 5.0)
    assert figures.peak >= figures.decode_activations > 0


def test_previews_come_from_the_decoder_beside_the_model(maker: PictureMaker) -> None:
    seen: list[Progress] = []
    maker.generate(changed(preview=Preview.TAESD), seen.append)
    steps = [progress for progress in seen if progress.phase is Phase.DENOISE and progress.preview]
    assert [progress.step for progress in steps] == [1, 2]
    assert {(p.preview_width, p.preview_height) for p in steps} == {(64, 64)}


def test_model_elsewhere_has_no_preview_decoder_but_factors(
    maker: PictureMaker, tmp_path: Path
) -> None:
    model = tmp_path / "renamed.safetensors"
    model.symlink_to(resource_path("models/aquatint-mini.safetensors"))
    seen: list[Progress] = []
    made = maker.generate(changed(model=model, preview=Preview.TAESD), seen.append)
    assert {p.preview_width for p in seen if p.preview} == {8}
    assert made.output.pictures == maker.generate(SMALL).output.pictures


def test_hashes_are_the_files(maker: PictureMaker) -> None:
    mini = resource_path("models/aquatint-mini.safetensors")
    made = maker.generate(changed(vae=mini))
    assert made.model == mini
    assert made.model_sha256 == made.vae_sha256
    assert len(made.model_sha256) == 64
    assert made.output.pictures == maker.generate(SMALL).output.pictures


def test_first_picture_is_followed_by_strength(maker: PictureMaker, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (64, 64), (200, 30, 30)).save(path)

    def distance(strength: float) -> float:
        request = changed(init_image=path, denoise_strength=strength, steps=4)
        rgb = maker.generate(request).output.pictures[0]
        pixels = zip(rgb[0::3], rgb[1::3], rgb[2::3], strict=True)
        return sum(abs(r - 200) + abs(g - 30) + abs(b - 30) for r, g, b in pixels)

    assert distance(0.25) < distance(1.0)


def test_mask_keeps_pixels_and_is_softened_and_inverted(
    maker: PictureMaker, tmp_path: Path
) -> None:
    first, mask = Image.new("RGB", (64, 64), (200, 30, 30)), Image.new("L", (64, 64))
    mask.paste(255, (32, 0, 64, 64))
    first.save(tmp_path / "first.png")
    mask.save(tmp_path / "mask.png")
    fields = {"init_image": tmp_path / "first.png", "mask_image": tmp_path / "mask.png"}

    def kept(**values: object) -> list[bool]:
        rgb = maker.generate(changed(**fields, **values)).output.pictures[0]
        row = [rgb[3 * x : 3 * x + 3] for x in range(32 * 64, 33 * 64)]
        return [pixel == bytes((200, 30, 30)) for pixel in row]

    sharp, inverted, soft = (
        kept(mask_blur=0),
        kept(mask_blur=0, mask_invert=True),
        kept(mask_blur=4),
    )
    assert all(sharp[:32])
    assert sum(sharp[32:]) < 8
    assert all(inverted[32:])
    assert sum(inverted[:32]) < 8
    assert all(soft[:16])
    assert sum(soft[:32]) < sum(sharp[:32])


def test_only_the_masked_part_is_made_and_put_back(maker: PictureMaker, tmp_path: Path) -> None:
    width, height = 203, 117  # no multiples of 8
    first = Image.effect_noise((width, height), 90).convert("RGB")
    mask = Image.new("L", (width, height))
    mask.paste(255, (150, 60, 203, 117))
    first.save(tmp_path / "first.png")
    mask.save(tmp_path / "mask.png")
    fields = {
        "init_image": tmp_path / "first.png",
        "mask_image": tmp_path / "mask.png",
        "mask_blur": 3,
        "inpaint_area": InpaintArea.ONLY_MASKED,
        "masked_area_padding": 5,
        "denoise_strength": 1.0,
        "batch_count": 2,
        "preview": Preview.TAESD,
    }
    seen: list[Progress] = []
    request = changed(**fields)
    _, figures = maker.plan(request)
    made = maker.generate(request, seen.append)
    assert made.size == (width, height)
    pictures = [Image.frombytes("RGB", made.size, rgb) for rgb in made.output.pictures]
    for picture in pictures:
        unlike = ImageChops.difference(picture, first).getbbox()
        assert unlike
        assert unlike[0] >= 150 - 12
        assert unlike[1] >= 60 - 12
        assert unlike[2:] == (width, height)
    assert pictures[0] != pictures[1]
    previews = [progress for progress in seen if progress.preview]
    assert {(p.preview_width, p.preview_height) for p in previews} == {(width, height)}
    assert {len(p.preview or b"") for p in previews} == {2 * width * height * 3}
    fields["inpaint_area"] = InpaintArea.WHOLE_PICTURE
    _, without = maker.plan(changed(**fields))
    assert figures.peak - without.peak == width * height * (3 * 4 + 1)


def test_tiles_are_used_where_they_are_asked_for(maker: PictureMaker) -> None:
    large = {"width": 768, "height": 640}
    _, whole = maker.plan(changed(**large, vae_tiling=VaeTiling.OFF))
    _, tiled = maker.plan(changed(**large, vae_tiling=VaeTiling.ON))
    assert tiled.decode_activations < whole.decode_activations * 0.6


def test_cancel_leaves_the_maker_usable(maker: PictureMaker, engine: Engine) -> None:
    def stop(progress: Progress) -> None:
        if progress.phase is Phase.DENOISE:
            engine.cancel()

    with pytest.raises(Cancelled):
        maker.generate(changed(steps=50), stop)
    assert maker.generate(SMALL).output.pictures


def test_bad_files_are_sentences(maker: PictureMaker, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="none"):
        maker.generate(changed(model=tmp_path / "none.safetensors"))
    with pytest.raises(CheckpointError, match="VAE"):
        maker.generate(changed(vae=resource_path("models/aquatint-mini-taesd.safetensors")))
    with pytest.raises(RequestError, match="begin from"):
        maker.generate(changed(init_image=tmp_path / "none.png"))
    with pytest.raises(RequestError, match="mask needs a picture"):
        maker.generate(changed(mask_image=tmp_path / "none.png"))
    assert maker.generate(SMALL).output.pictures

"""The `parameters` text: written by A1111's grammar, read back, and read from other programs."""

import dataclasses
import random
from pathlib import Path
from typing import Any

import pytest

from app.engine.types import MaskedContent, Rng, Sampler, Schedule
from app.generation.add_ons import EmbeddingReceipt, LoraReceipt
from app.generation.request import GenerationRequest, InpaintArea, LoraUse, ResolvedRequest
from app.library.image_metadata import (
    INIT_IMAGE,
    MASK,
    SAMPLER_LABELS,
    SCHEDULE_LABELS,
    AddOnHashes,
    ModelFile,
    add_on_hashes,
    parameters_text,
    read_parameters,
)

MODEL = ModelFile(name="v1-5-pruned-emaonly", sha256="6ce0161689b3853acaa03779ec93eafe75a02f4ced")


def resolved(**values: Any) -> ResolvedRequest:
    """A complete request, with `values` in it."""
    base: dict[str, Any] = {
        "prompt": "a fox",
        "width": 512,
        "height": 768,
        "steps": 20,
        "sampler": Sampler.DPMPP_2M,
        "schedule": Schedule.KARRAS,
        "cfg_scale": 7.0,
        "seed": 42,
    }
    return ResolvedRequest(**{**base, **values})


def test_text_is_the_grammar_s() -> None:
    request = resolved(
        prompt="masterpiece, (red fox:1.2), [snow:rain:0.5] <lora:ink:0.8>",
        negative_prompt="blurry, bad",
        init_image=Path("sketch.png"),
        denoise_strength=0.5,
        clip_skip=2,
    )
    vae = ModelFile(name="anime, soft.safetensors", sha256="0123456789abcdef")
    assert parameters_text(request, 1, MODEL, vae) == (
        "masterpiece, (red fox:1.2), [snow:rain:0.5] <lora:ink:0.8>\n"
        "Negative prompt: blurry, bad\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 43, "
        "Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, "
        'VAE hash: 0123456789, VAE: "anime, soft.safetensors", Denoising strength: 0.5, '
        "Clip skip: 2, RNG: CPU, Version: Aquatint 0.1.0"
    )


def test_what_is_not_used_is_not_written() -> None:
    text = parameters_text(resolved(rng=Rng.NV, cfg_scale=7.5), 0, ModelFile(name="mini"))
    assert text == (
        "a fox\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 42, "
        "Size: 512x768, Model: mini, RNG: NV, Version: Aquatint 0.1.0"
    )


@pytest.mark.parametrize(("blur", "invert"), [(0, False), (4, True), (12, False)])
def test_a_mask_s_settings_come_back_and_the_mask_is_missed(blur: int, invert: bool) -> None:
    files = {"init_image": Path("a.png"), "mask_image": Path("b.png")}
    request = resolved(mask_blur=blur, mask_invert=invert, **files)
    text = parameters_text(request, 0, MODEL)
    assert text.endswith(
        f"RNG: CPU, Mask blur: {blur}, "
        + ("Mask mode: Inpaint not masked, " if invert else "")
        + "Version: Aquatint 0.1.0"
    )
    read = read_parameters(text)
    same_generation(request, read.request)
    assert read.not_restored == (INIT_IMAGE, MASK)


def test_content_area_and_padding_have_a1111_s_names_and_come_back() -> None:
    request = resolved(
        init_image=Path("a.png"),
        mask_image=Path("b.png"),
        masked_content=MaskedContent.LATENT_NOISE,
        inpaint_area=InpaintArea.ONLY_MASKED,
        masked_area_padding=48,
    )
    text = parameters_text(request, 0, MODEL)
    assert text.endswith(
        "RNG: CPU, Mask blur: 4, Inpaint area: Only masked, Masked area padding: 48, "
        "Masked content: latent noise, Version: Aquatint 0.1.0"
    )
    same_generation(request, read_parameters(text).request)


@pytest.mark.parametrize("content", MaskedContent)
@pytest.mark.parametrize("area", InpaintArea)
def test_every_masked_content_and_area_comes_back(
    content: MaskedContent, area: InpaintArea
) -> None:
    files = {"init_image": Path("a.png"), "mask_image": Path("b.png")}
    request = resolved(masked_content=content, inpaint_area=area, **files)
    same_generation(request, read_parameters(parameters_text(request, 0, MODEL)).request)


def test_another_program_s_words_for_a_mask_are_listed() -> None:
    read = read_parameters(
        "a fox\nSteps: 20, Seed: 1, Mask blur: 4, Inpaint area: Somewhere, Masked content: soup, "
        "Masked area padding: 9000"
    )
    assert read.request.inpaint_area is InpaintArea.WHOLE_PICTURE
    assert read.request.masked_content is MaskedContent.ORIGINAL
    assert read.request.masked_area_padding == 32
    assert {"Inpaint area: Somewhere", "Masked content: soup", "Masked area padding: 9000"} < set(
        read.not_restored
    )


def test_a_mask_without_a_first_picture_is_not_written() -> None:
    assert "Mask" not in parameters_text(resolved(mask_image=Path("b.png")), 0, MODEL)


def test_value_that_equals_its_key_is_the_key_alone() -> None:
    assert ", Model, RNG: CPU" in parameters_text(resolved(), 0, ModelFile(name="Model"))


NASTY_PROMPTS = [
    "",
    "red, green: blue",
    'she said "no", and left',
    "\\(escaped\\) \\\\ back",
    "first line\nsecond line\n\nfourth",
    "a text about Negative prompt: inside a line",
    "one\nSteps: 5, Sampler: Euler, CFG scale: 1, Seed: 2, Size: 8x8\ntwo",
    "Steps: 5, Sampler: Euler, CFG scale: 1, Seed: 2",
    "été à Zürich",
    "赤いリンゴ, 🍎👩‍🚀",
    "[a|b] (c:1.3) {d} <lora:x:1>",
    "tab\there, no-break\u00a0space, line\u2028separator",
    'ends with "quotes"',
    "=" * 5000,
]


def same_generation(request: GenerationRequest, back: GenerationRequest) -> None:
    """Asserts that `back` would make the same picture, files aside."""
    for field in dataclasses.fields(GenerationRequest):
        if field.name not in (
            "model",
            "vae",
            "taesd",
            "init_image",
            "mask_image",
            "vae_tiling",
            "preview",
            "batch_count",
        ):
            assert getattr(back, field.name) == getattr(request, field.name), field.name


@pytest.mark.parametrize("prompt", NASTY_PROMPTS)
@pytest.mark.parametrize("negative", ["", "blurry, bad: worse", "\n".join(NASTY_PROMPTS[1:4])])
def test_nasty_prompts_come_back(prompt: str, negative: str) -> None:
    request = resolved(prompt=prompt, negative_prompt=negative)
    read = read_parameters(parameters_text(request, 0, MODEL))
    same_generation(request, read.request)
    assert read.not_restored == ()


def test_random_requests_come_back() -> None:
    draw = random.Random(20)
    letters = 'ab ,:"\\\n()[]<>|{}=é🍎\tSN'
    for _ in range(500):
        lines = "".join(draw.choices(letters, k=draw.randrange(40))).strip().split("\n")
        negative = "".join(draw.choices(letters, k=draw.randrange(20))).strip().split("\n")
        request = resolved(
            prompt="\n".join(line.strip() for line in lines),
            negative_prompt="\n".join(line.strip() for line in negative),
            width=8 * draw.randrange(8, 512),
            height=8 * draw.randrange(8, 512),
            steps=draw.randrange(1, 1000),
            sampler=draw.choice(list(Sampler)),
            schedule=draw.choice(list(Schedule)),
            cfg_scale=draw.choice([0.0, 1.0, 7.5, 1 / 3, 1e-7, draw.uniform(0, 100)]),
            seed=draw.choice([0, 2**32 - 1, 2**64 - 1, draw.randrange(2**63)]),
            clip_skip=draw.randrange(1, 13),
            rng=draw.choice(list(Rng)),
        )
        read = read_parameters(parameters_text(request, 0, MODEL))
        same_generation(request, read.request)
        assert read.model == ModelFile(name=MODEL.name, sha256=MODEL.sha256[:10])
        assert read.not_restored == ()


@pytest.mark.parametrize(
    "name",
    [
        "a, b",
        "a: b",
        'say "hi", twice',
        "back\\slash, x",
        "日本, 語",
        "line\nbreak",
        "v1.5",
    ],
)
def test_model_names_come_back(name: str) -> None:
    text = parameters_text(resolved(), 0, ModelFile(name=name), ModelFile(name=f"{name}.pt"))
    read = read_parameters(text)
    assert read.model == ModelFile(name=name)
    assert read.vae == ModelFile(name=f"{name}.pt")


@pytest.mark.parametrize(
    ("prompt", "negative", "read_prompt", "read_negative"),
    [
        (" a \n  b", "", "a\nb", ""),
        ("\n\na", "", "a", ""),
        ("a\nNegative prompt: b", "c", "a", "b\nc"),
        ("a", "b\nNegative prompt: c", "a", "b\nc"),
    ],
)
def test_where_the_grammar_is_ambiguous(
    prompt: str, negative: str, read_prompt: str, read_negative: str
) -> None:
    request = resolved(prompt=prompt, negative_prompt=negative)
    read = read_parameters(parameters_text(request, 0, MODEL)).request
    assert (read.prompt, read.negative_prompt) == (read_prompt, read_negative)


@pytest.mark.parametrize(
    ("items", "sampler", "schedule"),
    [
        (
            "Sampler: Euler a, Schedule type: Automatic",
            Sampler.EULER_A,
            Schedule.NORMAL,
        ),
        (
            "Sampler: DPM++ 2M, Schedule type: Automatic",
            Sampler.DPMPP_2M,
            Schedule.KARRAS,
        ),
        ("Sampler: DPM++ 2M SDE", Sampler.DPMPP_2M_SDE, Schedule.EXPONENTIAL),
        ("Sampler: DPM++ 2M Karras", Sampler.DPMPP_2M, Schedule.KARRAS),
        ("Sampler: DPM++ 2M SDE Karras", Sampler.DPMPP_2M_SDE, Schedule.KARRAS),
        (
            "Sampler: DPM++ 2M SDE Exponential",
            Sampler.DPMPP_2M_SDE,
            Schedule.EXPONENTIAL,
        ),
        ("Sampler: euler_a karras", Sampler.EULER_A, Schedule.KARRAS),
        ("Sampler: dpm++2m sgm_uniform", Sampler.DPMPP_2M, Schedule.SGM_UNIFORM),
        (
            "Sampler: Heun, Schedule type: SGM Uniform",
            Sampler.HEUN,
            Schedule.SGM_UNIFORM,
        ),
        ("Sampler: DDIM, Schedule type: Uniform", Sampler.DDIM, Schedule.NORMAL),
        ("Sampler: DPM++ 2M, Schedule type: simple", Sampler.DPMPP_2M, Schedule.SIMPLE),
    ],
)
def test_samplers_of_other_programs(items: str, sampler: Sampler, schedule: Schedule) -> None:
    read = read_parameters(f"x\nSteps: 20, {items}, Seed: 1")
    assert (read.request.sampler, read.request.schedule) == (sampler, schedule)
    assert read.not_restored == ()


def test_what_cannot_be_followed_is_listed() -> None:
    read = read_parameters(
        "x\nSteps: many, Sampler: UniPC, Schedule type: Beta, CFG scale: 1e9, Seed: 5.5, "
        "Size: 500x513, Clip skip: 40, RNG: XPU, Hires upscale: 2, Denoising strength: 0.3, "
        'Lora hashes: "ink: 0123456789ab", Version: v1.10.1'
    )
    assert sorted(read.not_restored) == sorted(
        [
            "Steps: many",
            "Sampler: UniPC",
            "Schedule type: Beta",
            "CFG scale: 1000000000.0",
            "Seed: 5.5",
            "Size: 500x513",
            "Clip skip: 40",
            "RNG: XPU",
            "Hires upscale: 2",
            "Lora hashes: ink: 0123456789ab",
        ]
    )
    assert read.request == GenerationRequest(prompt="x", denoise_strength=0.3)


@pytest.mark.parametrize("bad", ["9" * 5000, "1" + "0" * 400, "nan", "-inf", "0x10", "--", '""'])
def test_absurd_numbers_are_no_error(bad: str) -> None:
    text = f"x\nSteps: {bad}, CFG scale: {bad}, Seed: {bad}, Size: {bad}x{bad}, Clip skip: {bad}"
    read = read_parameters(text)
    assert read.request == GenerationRequest(prompt="x", rng=Rng.NV)


def test_first_picture_is_named_as_missing() -> None:
    text = parameters_text(resolved(init_image=Path("a.png"), denoise_strength=0.4), 0, MODEL)
    read = read_parameters(text)
    assert read.not_restored == (INIT_IMAGE,)
    assert read.request.denoise_strength == 0.4


def test_without_rng_noise_is_a_gpu_s() -> None:
    assert read_parameters("x\nSteps: 1, Seed: 2, Size: 64x64").request.rng is Rng.NV
    assert read_parameters("x\nSteps: 1, Seed: 2, Size: 64x64, RNG: GPU").request.rng is Rng.NV


def test_text_without_items_is_a_prompt() -> None:
    read = read_parameters("a fox\nNegative prompt: dogs\nSteps: 3, Seed: 4")
    assert read.request.prompt == "a fox"
    assert read.request.negative_prompt == "dogs\nSteps: 3, Seed: 4"
    assert read.request.steps is None


def test_json_of_another_program_is_not_taken_for_a_prompt() -> None:
    read = read_parameters('{"sui_image_params": {"prompt": "x"}}')
    assert read.request.prompt == ""
    assert len(read.not_restored) == 1


def test_every_word_has_a_label() -> None:
    assert set(SAMPLER_LABELS) == set(Sampler)
    assert set(SCHEDULE_LABELS) == set(Schedule)


def test_loras_become_tags_and_hashes() -> None:
    """Those beside the prompt follow it as tags; names lose what the grammar cannot carry."""
    request = resolved(
        prompt="a bad-dream <lora:wash:0.3>",
        loras=(
            LoraUse(path=Path("/loras/ink: old.safetensors"), weight=0.8),
            LoraUse(path=Path("/loras/thin.safetensors"), weight=1, text_weight=-0.5),
        ),
    )
    hashes = AddOnHashes(
        loras=(("wash", "0123456789ab"), ("ink: old", "ba9876543210"), ("thin", "")),
        embeddings=(("bad-dream", "001122334455"),),
    )
    text = parameters_text(request, 0, MODEL, None, hashes)
    tags = "<lora:wash:0.3> <lora:ink old:0.8> <lora:thin:-0.5:1>"
    assert text.startswith(f"a bad-dream {tags}\n")
    assert ', Lora hashes: "wash: 0123456789ab, ink old: ba9876543210"' in text
    assert ', TI hashes: "bad-dream: 001122334455", Version: ' in text
    read = read_parameters(text)
    assert (read.request.prompt, read.not_restored) == (f"a bad-dream {tags}", ())
    assert read.loras == ("wash", "ink old", "thin")


def test_receipts_as_hashes() -> None:
    """An embedding that was read as plain words took no part."""
    loras = (LoraReceipt(name="ink", applied=1, layers=2, left_out=(), hash="01"),)
    embeddings = (
        EmbeddingReceipt(name="dream", count=2, hash="23"),
        EmbeddingReceipt(name="apple", count=0, sentence="It is of another model.", hash="45"),
    )
    assert add_on_hashes(loras, embeddings) == AddOnHashes(
        loras=(("ink", "01"),), embeddings=(("dream", "23"),)
    )

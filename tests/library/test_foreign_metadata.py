"""Pictures of any program: settings are restored, the rest is listed, hostile files do no harm."""

import json
import random
from pathlib import Path

import pytest
from PIL import Image

from app.library.foreign_metadata import (
    NO_TEXT,
    UNREADABLE,
    WRITERS,
    read_any_metadata,
    understand,
)
from app.library.picture_file import PictureError, PictureTexts
from tests.library.foreign_pictures import (
    CASES,
    COMFY_GRAPH,
    DRAW_THINGS,
    MOCHI,
    NOVEL_AI,
    SIZE,
    Case,
    write_hidden,
    write_png,
    xmp,
)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_settings_are_restored_and_the_rest_is_listed(tmp_path: Path, case: Case) -> None:
    read = read_any_metadata(write_png(tmp_path / "a.png", case.texts))
    assert read.program == case.program
    assert {name: getattr(read.request, name) for name in case.fields} == case.fields
    assert (read.model.name if read.model else None) == case.model
    assert read.loras == case.loras
    assert read.not_restored == case.lost


def test_every_writer_has_a_case() -> None:
    assert {case.program for case in CASES.values()} == {program for program, _ in WRITERS}


@pytest.mark.parametrize("is_packed", [True, False])
def test_text_hidden_in_the_transparency(tmp_path: Path, is_packed: bool) -> None:
    hidden = {"Description": "a red fox", "Comment": json.dumps(NOVEL_AI), "Software": "NovelAI"}
    read = read_any_metadata(write_hidden(tmp_path / "a.png", json.dumps(hidden), is_packed))
    assert read.program == "NovelAI"
    assert (read.request.prompt, read.request.seed) == ("a red fox", 42)


def test_hidden_text_that_is_damaged_is_no_text(tmp_path: Path) -> None:
    path = write_hidden(tmp_path / "a.png", "x" * 50)
    with Image.open(path) as image:
        image.putpixel((2, 20), (9, 9, 9, 255))
        image.putpixel((2, 19), (9, 9, 9, 254))
        image.putpixel((2, 21), (9, 9, 9, 255))
        image.save(path)
    assert read_any_metadata(path).not_restored == (NO_TEXT,)


def test_jpeg_of_mochi_has_the_text_as_its_description(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = MOCHI
    Image.new("RGB", SIZE).save(tmp_path / "a.jpg", exif=exif)
    read = read_any_metadata(tmp_path / "a.jpg")
    assert (read.program, read.request.seed) == ("Mochi Diffusion", 42)


@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_draw_things_in_other_formats(tmp_path: Path, ending: str) -> None:
    packet = xmp(json.dumps(DRAW_THINGS)).encode()
    Image.new("RGB", SIZE).save(tmp_path / f"a.{ending}", xmp=packet)
    assert read_any_metadata(tmp_path / f"a.{ending}").program == "Draw Things"


def test_easy_diffusion_and_fooocus_as_json_in_a_jpeg(tmp_path: Path) -> None:
    exif = Image.Exif()
    comment = {"prompt": "a fox", "seed": 7, "num_inference_steps": 9, "guidance_scale": 2}
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + json.dumps(comment).encode()
    Image.new("RGB", SIZE).save(tmp_path / "a.jpg", exif=exif)
    read = read_any_metadata(tmp_path / "a.jpg")
    assert (read.program, read.request.seed, read.request.steps) == ("Easy Diffusion", 7, 9)
    Image.new("RGB", SIZE).save(
        tmp_path / "b.jpg", comment=CASES["fooocus"].texts["parameters"].encode()
    )
    assert read_any_metadata(tmp_path / "b.jpg").program == "Fooocus"


def test_text_file_beside_the_picture(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", {})
    assert read_any_metadata(path).not_restored == (NO_TEXT,)
    (tmp_path / "a.txt").write_text(CASES["a1111"].texts["parameters"])
    assert read_any_metadata(path).request.seed == 42


def test_photograph_with_a_comment_has_no_prompt(tmp_path: Path) -> None:
    Image.new("RGB", SIZE).save(tmp_path / "a.jpg", comment=b"Summer by the lake")
    read = read_any_metadata(tmp_path / "a.jpg")
    assert (read.request.prompt, read.program) == ("", "")
    assert read.not_restored == (UNREADABLE,)
    assert (read.request.width, read.request.height) == SIZE


def test_seed_of_nought_and_the_largest_one() -> None:
    for seed in (0, 2**64 - 1):
        graph = json.loads(json.dumps(COMFY_GRAPH))
        graph["8"]["inputs"]["seed"] = seed
        picture = PictureTexts(size=SIZE, texts={"prompt": json.dumps(graph)})
        assert understand(picture).request.seed == seed


def test_graph_from_a_picture_and_its_further_pass() -> None:
    graph = json.loads(json.dumps(COMFY_GRAPH))
    graph["11"] = {"class_type": "LatentUpscale", "inputs": {"samples": ["8", 0]}}
    graph["12"] = json.loads(json.dumps(graph["8"]))
    graph["12"]["inputs"] |= {"latent_image": ["11", 0], "steps": 9, "denoise": 0.5}
    read = understand(PictureTexts(size=SIZE, texts={"prompt": json.dumps(graph)}))
    assert read.request.steps == 20
    assert "A further pass (KSampler): 9" in read.not_restored
    del graph["12"]
    graph["7"] = {"class_type": "VAEEncode", "inputs": {}}
    graph["8"]["inputs"]["denoise"] = 0.4
    read = understand(PictureTexts(size=SIZE, texts={"prompt": json.dumps(graph)}))
    assert read.request.denoise_strength == 0.4
    assert any("began from" in item for item in read.not_restored)


def test_graph_that_bites_its_tail_ends() -> None:
    graph = json.loads(json.dumps(COMFY_GRAPH))
    graph["4"]["inputs"]["text"] = ["4", 0]
    graph["1"]["inputs"]["model"] = ["2", 0]
    read = understand(PictureTexts(size=SIZE, texts={"prompt": json.dumps(graph)}))
    assert (read.request.prompt, read.request.seed) == ("<lora:wash:0.8>", 42)


HOSTILE = [
    "[" * 100_000,
    '{"a":' * 100_000,
    "{" + "1" * 5000 + "}",
    '{"sui_image_params": 7}',
    '{"sui_image_params": {"seed": ' + "9" * 4000 + "}}",
    '{"sui_image_params": {"prompt": "\\ud800\\u0000", "steps": NaN, "width": [], "height": {}}}',
    '{"base_model": 1, "loras": [1, [], [[]]], "resolution": {"a": 1}}',
    '{"c": {}, "size": [], "lora": {"a": 1}}',
    '{"image": [], "loras": 5}',
    '{"1": {"class_type": "KSampler", "inputs": {"positive": ["1", 0], "seed": ["1"]}}}',
    '{"1": {"class_type": [], "inputs": []}, "2": 5}',
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "<x:xmpmeta",
    "Steps: , Seed: -5, Size: 9x9, CFG scale: nan, Clip skip: 1e999, Model: \0\ud800",
    "Include in Image: " * 2000,
    '"' * 50_000 + " -s",
    "\\" * 50_000,
]
KEYS = [
    *("parameters", "prompt", "invokeai_metadata", "sd-metadata", "Dream", "Comment", "comment"),
    *("XML:com.adobe.xmp", "xmp", "exif:comment", "exif:description", "hidden", "Description"),
]


@pytest.mark.parametrize("key", KEYS)
def test_hostile_texts_do_no_harm(key: str) -> None:
    for text in HOSTILE:
        read = understand(PictureTexts(size=SIZE, texts={key: text, "uc": text}))
        assert read.request.steps is None
        str(read.loras).encode()
        read.request.prompt.encode()


def test_bent_texts_do_no_harm() -> None:
    """Each program's text with letters changed, lost and doubled: something is always read."""
    numbers = random.Random(1)
    for case in CASES.values():
        for _ in range(60):
            texts = {}
            for key, text in case.texts.items():
                letters = list(text)
                for _ in range(numbers.randrange(1, 6)):
                    place = numbers.randrange(len(letters))
                    letters[place : place + numbers.randrange(3)] = numbers.choice('{}[]",:0\\<a')
                texts[key] = "".join(letters)
            understand(PictureTexts(size=SIZE, texts=texts)).request.prompt.encode()


def test_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png", CASES["comfy"].texts)
    data = path.read_bytes()
    numbers = random.Random(2)
    for _ in range(200):
        bent = bytearray(data)
        for _ in range(3):
            bent[numbers.randrange(len(bent))] = numbers.randrange(256)
        path.write_bytes(bent[: numbers.randrange(len(bent))])
        try:
            read_any_metadata(path)
        except PictureError as error:
            assert str(error).endswith(".")


def test_text_as_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("not a picture")
    with pytest.raises(PictureError, match="damaged or none"):
        read_any_metadata(tmp_path / "a.png")

"""The command line, run as a user runs it: the mini model, few steps, small pictures."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from app.cli import main
from app.engine.engine import BackendFailed, Engine, OutOfMemory
from app.engine.types import OpCheck
from app.paths import resource_path
from app.version import VERSION
from tests.checkpoint.torch_files import write_checkpoint
from tests.random_loras import Dialect, layer_shapes, lora_arrays, write_lora
from tests.random_weights import UNET, normal

ROOT = Path(__file__).resolve().parent.parent
SMALL = ("--width", "64", "--height", "64", "--steps", "2", "--threads", "1")


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own, with a home of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Runs a command that must succeed and reads what it prints."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def command(*arguments: str) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "app", *arguments]


def environment() -> dict[str, str]:
    """The environment in which a process of its own finds the app."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_picture_reads_back_into_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    wished: dict[str, Any] = {
        "prompt": 'a "red", (apple:1.2): 🍎\nSteps: 3, Sampler: Euler, Seed: 9',
        "negative_prompt": "blurry, Negative prompt: bad",
        "sampler": "dpmpp_2m_sde",
        "schedule": "exponential",
        "cfg_scale": 4.5,
        "seed": 2**64 - 1,
        "clip_skip": 2,
        "rng": "nv",
        "width": 64,
        "height": 72,
        "steps": 2,
    }
    arguments = [wished["prompt"], "--negative", wished["negative_prompt"], "--output", "a.png"]
    for name in list(wished)[2:]:
        arguments += [f"--{name.replace('_', '-')}", str(wished[name])]
    made = run_json(capsys, "generate", *arguments, "--threads", "1")
    found = run_json(capsys, "inspect", "a.png")
    assert {name: found["request"][name] for name in wished} == wished
    assert found["request"]["model"]["name"] == "aquatint-mini"
    assert found["not_restored"] == []
    assert (found["width"], found["height"]) == (64, 72)
    assert made["pictures"] == [
        {"path": "a.png", "seed": 2**64 - 1, "parameters": found["parameters"]}
    ]


def test_same_request_makes_the_same_picture(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.png", "b.png"):
        assert main(["generate", "apple", *SMALL, "--seed", "3", "--output", name]) == 0
        assert capsys.readouterr().out == f"{name}\n"
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


def test_default_name_never_overwrites(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        assert main(["generate", "apple", *SMALL, "--seed", "3"]) == 0
    assert capsys.readouterr().out.split() == [
        "aquatint-3.png",
        "aquatint-3-1.png",
        "aquatint-3-2.png",
    ]


def test_batch_is_numbered_and_each_picture_has_its_seed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = (*SMALL, "--seed", "3", "--preview-dir", "new/previews")
    made = run_json(
        capsys, "generate", "apple", *options, "--batch-count", "2", "--output", "name.png"
    )
    assert [(p["path"], p["seed"]) for p in made["pictures"]] == [
        ("name-1.png", 3),
        ("name-2.png", 4),
    ]
    assert run_json(capsys, "inspect", "name-2.png")["request"]["seed"] == 4
    assert sorted(file.name for file in Path("new/previews").iterdir()) == [
        "step-01-1.png",
        "step-01-2.png",
        "step-02-1.png",
        "step-02-2.png",
    ]
    main(["generate", "apple", *SMALL, "--seed", "4", "--output", "alone.png"])
    with Image.open("name-2.png") as second, Image.open("alone.png") as alone:
        pixels = zip(second.tobytes(), alone.tobytes(), strict=True)
        assert max(abs(one - other) for one, other in pixels) <= 1


def test_a_part_of_a_picture_is_made_anew(own_folder: Path) -> None:
    Image.new("RGB", (101, 75), "green").save("first.png")
    mask = Image.new("L", (101, 75))
    mask.paste(255, (10, 10, 30, 30))
    mask.save("mask.png")
    files = ["--init-image", "first.png", "--mask", "mask.png", "--mask-blur", "2"]
    area = ["--inpaint-area", "only_masked", "--masked-area-padding", "8"]
    options = [*files, *area, "--masked-content", "latent_noise", "--output", "a.png"]
    assert main(["generate", "apple", *SMALL, *options]) == 0
    with Image.open("a.png") as picture:
        assert picture.size == (101, 75)
        assert picture.getpixel((60, 40)) == (0, 128, 0)
        assert picture.getpixel((20, 20)) != (0, 128, 0)
        assert "Inpaint area: Only masked, Masked area padding: 8, " in picture.text["parameters"]
        assert "Masked content: latent noise" in picture.text["parameters"]


def test_progress_is_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    main(["generate", "apple", *SMALL, "--steps", "10"])
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines] == [["step", f"{n}/10"] for n in (2, 4, 6, 8, 10)]
    assert all("it/s" in line and line.endswith(" left") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate"], "PROMPT"),
        (["paint"], "invalid choice: 'paint'"),
        (["generate", "x", "--steps", "many"], "--steps: invalid int value: 'many'"),
        (["generate", "x", "--sampler", "magic"], "--sampler: invalid choice: 'magic'"),
        (["generate", "x", "--threads", "-1"], "--threads: must be from 0 to 1024, not -1"),
        (["generate", "x", "--width", "100"], "The width must be a multiple of 8: try 96"),
        (["generate", "x", "--seed", "-7"], "The seed must be from 0"),
        (["generate", "x", "--cfg-scale", "nan"], "The CFG scale must be from 0 to 100"),
        (["generate", "x\udc80"], "The prompt is not valid Unicode text"),
        (["generate", "x", "--model", "none.safetensors"], "none.safetensors cannot be opened"),
        (["generate", "x", "--model", "x.png"], "x.png is a PNG picture"),
        (["generate", "x", "--vae", "x.png"], "x.png is a PNG picture"),
        (["generate", "x", "--taesd", "."], "."),
        (["generate", "x", "--init-image", "none.png"], "There is no file none.png to begin"),
        (["generate", "x", "--mask", "x.png"], "A mask needs a picture to begin from"),
        (["generate", "x", "--init-image", "x.png", "--mask", "none.png"], "with the mask"),
        (["generate", "x", "--mask-blur", "99"], "The mask blur must be from 0 to 64"),
        (["generate", "x", "--init-image", "x.png", "--mask", "x.png"], "The mask keeps all of"),
        (["generate", "x", "--masked-area-padding", "999"], "must be from 0 to 256, not 999"),
        (["generate", "x", "--output", "none/a.png"], "There is no folder none: make it first."),
        (["generate", "x", "--output", "a.jpg"], "name that ends in .png, not a.jpg"),
        (["generate", "x", "--output", "."], ".png"),
        (["generate", "x", "--preview-dir", "x.png"], "x.png: File exists."),
        (["generate", "x", "--clip-skip", "9"], ""),
        (["inspect", "none.png"], "There is no file none.png."),
        (["inspect", "cut.png"], "Could not read cut.png as a picture"),
        (["inspect", "text.txt"], "text.txt"),
        (["plan", "x", "--height", "63"], "The height must be from 64"),
        (["bench", "--steps", "0"], "The steps must be from 1"),
    ],
)
def test_bad_input_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    Image.new("RGB", (64, 64)).save("x.png")
    Path("cut.png").write_bytes(Path("x.png").read_bytes()[:50])
    Path("text.txt").write_text("hello, this is no model")
    before = sorted(Path().iterdir())
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("aquatint: ")
    assert shown.err.count("\n") == 1
    assert words in shown.err
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("error", [BackendFailed("no device"), OutOfMemory("no room")])
def test_engine_s_failure_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Engine, "open_model", fail)
    assert main(["generate", "x"]) == 1
    assert capsys.readouterr().err == f"aquatint: {error}\n"


def test_ctrl_c_stops_at_once_and_leaves_no_file(own_folder: Path) -> None:
    # A shell's background job ignores Ctrl-C and hands that down; a handler is not handed down.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    arguments = ("generate", "apple", "--steps", "1000", "--threads", "1", "--preview-dir", "p")
    with subprocess.Popen(
        command(*arguments), env=environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not Path("p/step-0001.png").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert time.monotonic() - begin < 2
        assert process.stderr is not None
        assert process.stderr.read().endswith("aquatint: cancelled.\n")
    assert not list(own_folder.glob("*.png"))
    assert not list(own_folder.rglob("*.part"))


def test_plan_forecasts_by_phase(capsys: pytest.CaptureFixture[str]) -> None:
    small = run_json(capsys, "plan", "x", "--width", "64", "--height", "64")
    large = run_json(capsys, "plan", "x")
    assert (large["width"], large["height"], large["batch_count"]) == (256, 256, 1)
    assert large["peak"] > small["peak"] > 0
    assert large["machine"]["total_bytes"] > 0
    assert main(["plan", "x"]) == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines()[1:5]] == [
        *("phase", "text", "denoise", "decode")
    ]


def test_precision_is_what_numbers_take(capsys: pytest.CaptureFixture[str]) -> None:
    plans = {
        wish: run_json(capsys, "plan", "x", "--backend", "cpu", "--precision", wish)
        for wish in ("f32", "f16", "bf16")
    }
    wide = plans["f32"]["decode_activations"]
    for wish in ("f16", "bf16"):
        assert plans[wish]["decode_activations"] == pytest.approx(wide / 2, rel=0.2)


def test_inspect_tells_what_a_model_is(capsys: pytest.CaptureFixture[str]) -> None:
    mini = str(resource_path("models/aquatint-mini.safetensors"))
    found = run_json(capsys, "inspect", mini)
    assert (found["kind"], found["family"], found["title"]) == ("model", "sd1", "Aquatint Mini")
    assert found["config"]["unet_heads"] == 4
    assert found["defaults"]["sampler"] == "euler_a"
    assert found["networks"]["unet"]["dtypes"] == ["f16"]
    assert main(["inspect", mini]) == 0
    assert "unet 4, text 3" in capsys.readouterr().out


def test_gguf_file(capsys: pytest.CaptureFixture[str], mini_gguf: Path) -> None:
    """Inspected, planned with and drawn with as any other; its hash is the whole file's."""
    found = run_json(capsys, "inspect", str(mini_gguf))
    assert (found["family"], found["title"]) == ("sd1", "Aquatint Mini")
    assert found["networks"]["text"]["dtypes"] == ["Q8_0", "f16"]
    own, mini = (
        run_json(capsys, "plan", "x", *SMALL, "--model", str(path))
        for path in (mini_gguf, resource_path("models/aquatint-mini.safetensors"))
    )
    assert own["unet_weights"] == mini["unet_weights"]  # packed as f16
    made = run_json(capsys, "generate", "x", "--seed", "1", *SMALL, "--model", str(mini_gguf))
    digest = hashlib.sha256(mini_gguf.read_bytes()).hexdigest()
    text = made["pictures"][0]["parameters"]
    assert f"Model hash: {digest[:10]}, Model: mini-Q8_0," in text


def test_ckpt_file_draws_the_same_picture(capsys: pytest.CaptureFixture[str]) -> None:
    """As a safetensors file of the same tensors."""
    arrays = load_file(resource_path("models/aquatint-mini.safetensors"))
    save_file(arrays, "same.safetensors")
    write_checkpoint(Path("same.ckpt"), arrays)
    pictures = []
    for ending in ("safetensors", "ckpt"):
        model = ("--model", f"same.{ending}", "--output", f"{ending}.png")
        assert main(["generate", "x", "--seed", "1", *SMALL, *model]) == 0
        with Image.open(f"{ending}.png") as picture:
            pictures.append(picture.tobytes())
    assert pictures[0] == pictures[1]
    capsys.readouterr()


def test_inspect_shows_strangers_text_without_control_characters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    from app.library.picture_file import save_png

    save_png(Path("a.png"), bytes(3), (1, 1), "\x1b[31mred\nSteps: 1, Seed: 2, Hires steps: 3")
    assert main(["inspect", "a.png"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "?[31mred" in shown
    assert "Could not be restored:\n  Hires steps: 3\n" in shown


def test_inspect_picture_that_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Image.new("RGB", (8, 4)).save("a.png")
    assert run_json(capsys, "inspect", "a.png") == {
        **{"kind": "picture", "path": "a.png", "width": 8, "height": 4, "parameters": None}
    }


def test_diagnose_fails_if_an_operation_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def checks(_: Engine) -> list[OpCheck]:
        row = {"served_by": "cpu", "elapsed_ms": 1.0}
        return [
            OpCheck(op="add", error_ratio=0.5, passed=True, **row),  # type: ignore[arg-type]
            OpCheck(op="silu", error_ratio=3.0, passed=False, **row),  # type: ignore[arg-type]
        ]

    assert main(["diagnose", "--threads", "1"]) == 0
    assert capsys.readouterr().out.startswith("cpu: ")
    monkeypatch.setattr(Engine, "self_test", checks)
    assert main(["diagnose"]) == 1
    assert capsys.readouterr().out.endswith("FAILED\n1 of 2 failed.\n")


def test_bench_measures(capsys: pytest.CaptureFixture[str]) -> None:
    found = run_json(capsys, "bench", *SMALL)
    assert found["steps"] == 2
    assert all(found[name] > 0 for name in ("load_s", "text_s", "step_s", "decode_s"))


def test_help_is_quick_and_nothing_needs_qt() -> None:
    probe = (
        "import sys\n"
        "from app.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'numpy', 'PIL', 'tokenizers'} & set(sys.modules), sys.modules\n"
        "main(['plan', 'x'])\n"
        "assert not [name for name in sys.modules if 'PySide' in name or 'PyQt' in name]\n"
    )
    subprocess.run([sys.executable, "-c", probe], env=environment(), check=True)


def test_reader_that_goes_away_is_no_error() -> None:
    mini = str(resource_path("models/aquatint-mini.safetensors"))
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command("inspect", mini),
        env=environment(),
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_version_is_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def test_loras_and_embeddings(capsys: pytest.CaptureFixture[str], own_folder: Path) -> None:
    """By file, by name in a folder, by tag; the text that is written is what makes it again."""
    model = resource_path("models/aquatint-mini.safetensors")
    layers = (f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_q",)
    arrays = lora_arrays(layer_shapes(model), layers, Dialect.KOHYA, rank=2, alpha=None)
    (own_folder / "loras/styles").mkdir(parents=True)
    path = write_lora(own_folder / "loras/styles/ink.safetensors", arrays)
    (own_folder / "words").mkdir()
    save_file({"x": normal("dream", (2, 192))}, own_folder / "words/dream.safetensors")
    folders = ("--lora-dir", "loras", "--embedding-dir", "words")

    def run(prompt: str, *more: str) -> Any:
        made = run_json(capsys, "generate", prompt, "--seed", "1", *SMALL, *more)
        return made, Path(made["pictures"][0]["path"]).read_bytes()

    by_file, picture = run("a dream", "--lora", f"{path}:0.5", "--embedding-dir", "words")
    assert (by_file["loras"][0]["name"], by_file["loras"][0]["applied"]) == ("ink", 1)
    assert by_file["embeddings"][0]["count"] == 2
    assert picture == run("a dream", "--lora", "ink:0.5", *folders)[1]
    text = by_file["pictures"][0]["parameters"]
    prompt = text.partition("\n")[0]
    assert prompt == "a dream <lora:ink:0.5>"
    assert "Lora hashes" in text and "TI hashes" in text
    assert run(prompt, *folders)[0]["pictures"][0]["parameters"] == text
    assert main(["generate", "a <lora:inc>", *SMALL, *folders]) == 2
    assert "did you mean ink" in capsys.readouterr().err
    assert main(["plan", "a", "--lora", "nothing", *SMALL[:4]]) == 2
    assert main(["generate", "a dream", "--lora", "ink", "--seed", "2", *SMALL, *folders]) == 0
    told = capsys.readouterr().err
    assert "LoRA ink: 1 of 1 layers." in told and "Embedding dream: 2 tokens." in told


def test_inspect_tells_loras_and_embeddings(
    capsys: pytest.CaptureFixture[str], own_folder: Path
) -> None:
    """What they are and how they are used."""
    model = resource_path("models/aquatint-mini.safetensors")
    layers = (f"{UNET}middle_block.1.transformer_blocks.0.attn2.to_q",)
    arrays = lora_arrays(layer_shapes(model), layers, Dialect.KOHYA, rank=2, alpha=None)
    metadata = {"modelspec.trigger_phrase": "ink style", "ss_output_name": "old"}
    write_lora(own_folder / "ink.safetensors", arrays, metadata)
    save_file({"x": normal("dream", (2, 192))}, own_folder / "dream.safetensors")
    assert run_json(capsys, "inspect", "ink.safetensors")["words"] == ["ink style"]
    assert run_json(capsys, "inspect", "dream.safetensors")["tokens"] == 2
    assert main(["inspect", "ink.safetensors"]) == 0
    told = capsys.readouterr().out
    assert "lora" in told and "ink style" in told and "old" in told

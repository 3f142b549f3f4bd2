"""Models are found, described from their headers, remembered, and refused with a sentence."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from app.library import model_library
from app.library.known_folders import LAYOUTS, known_folders
from app.library.model_entry import ModelEntry, ModelKind
from app.library.model_library import (
    CACHE_FILE,
    CACHE_VERSION,
    ModelLibrary,
    describe_model,
)
from app.version import VERSION
from tests.checkpoint.model_files import (
    HEADS,
    MINI,
    MINI_TAESD,
    NARROW,
    diffusers_parts,
    ldm_arrays,
    write_folder,
)
from tests.gguf_files import write_gguf

HALF = np.zeros((4, 4), np.float16)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with one model of each kind."""
    folder = tmp_path / "models"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(MINI, folder / "Mini.safetensors")
    shutil.copy(MINI_TAESD, folder / "Mini-taesd.safetensors")
    arrays = ldm_arrays(NARROW)
    save_file(arrays, folder / "deep" / "narrow.safetensors", HEADS)
    vae = {
        name.removeprefix("first_stage_model."): array
        for name, array in arrays.items()
        if name.startswith("first_stage_model.")
    }
    save_file(vae, folder / "soft.safetensors")
    lora = {
        "lora_unet_mid_block_attn.lora_down.weight": HALF,
        "lora_unet_mid_block_attn.lora_up.weight": HALF,
    }
    save_file(lora, folder / "wash.safetensors")
    save_file({"emb_params": HALF}, folder / "bad-hands.safetensors")
    save_file({"double_blocks.0.img_attn.qkv.weight": HALF}, folder / "flux.safetensors")
    (folder / "torn.safetensors").write_bytes(MINI.read_bytes()[:5000])
    (folder / "notes.txt").write_text("not a model")
    (folder / ".hidden.safetensors").write_bytes(b"x")
    return folder


def kinds(entries: tuple[ModelEntry, ...]) -> dict[str, ModelKind]:
    return {entry.path.name: entry.kind for entry in entries}


def test_every_kind_is_told(models: Path, tmp_path: Path) -> None:
    entries = ModelLibrary([models], tmp_path / "cache").scan()
    assert kinds(entries) == {
        "Mini.safetensors": ModelKind.CHECKPOINT,
        "narrow.safetensors": ModelKind.CHECKPOINT,
        "soft.safetensors": ModelKind.VAE,
        "Mini-taesd.safetensors": ModelKind.TAESD,
        "wash.safetensors": ModelKind.LORA,
        "bad-hands.safetensors": ModelKind.EMBEDDING,
        "flux.safetensors": ModelKind.REFUSED,
        "torn.safetensors": ModelKind.REFUSED,
    }
    by_name = {entry.path.name: entry for entry in entries}
    mini = by_name["Mini.safetensors"]
    assert (mini.family, mini.size_bytes) == ("sd1", MINI.stat().st_size)
    assert mini.dtype_label.startswith("f16")
    assert by_name["wash.safetensors"].dtype_label == "f16"
    assert "FLUX" in by_name["flux.safetensors"].sentence
    assert "truncated" in by_name["torn.safetensors"].sentence
    assert list(kinds(entries).values()) == sorted(
        kinds(entries).values(), key=list(ModelKind).index
    )


def test_gguf_files_say_how_they_are_quantised(tmp_path: Path) -> None:
    """A model, its VAE alone, and one that lies; names that pictures give find it."""
    arrays = ldm_arrays(NARROW)
    write_gguf(tmp_path / "small.gguf", arrays, HEADS, "Q4_0")
    vae = {f"decoder.{name}.weight": np.ones((4, 64), np.float16) for name in ("conv_in", "x")}
    write_gguf(tmp_path / "vae.gguf", vae, {})
    (tmp_path / "torn.gguf").write_bytes((tmp_path / "small.gguf").read_bytes()[:9000])
    library = ModelLibrary([tmp_path], tmp_path / "cache")
    by_name = {entry.path.name: entry for entry in library.scan()}
    assert set(by_name["small.gguf"].dtype_label.split(", ")) == {"Q4_0", "f16"}
    assert by_name["small.gguf"].kind is ModelKind.CHECKPOINT
    assert (by_name["vae.gguf"].kind, by_name["vae.gguf"].dtype_label) == (ModelKind.VAE, "Q8_0")
    assert by_name["torn.gguf"].kind is ModelKind.REFUSED
    assert library.find("small") == by_name["small.gguf"]


def test_diffusers_folder_is_one_model(tmp_path: Path) -> None:
    write_folder(tmp_path / "models" / "painted", diffusers_parts(ldm_arrays()))
    [entry] = ModelLibrary([tmp_path / "models"], tmp_path / "cache").scan()
    assert (entry.title, entry.kind) == ("painted", ModelKind.CHECKPOINT)
    assert entry.size_bytes > 100_000


def test_unchanged_files_are_not_opened_again(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ModelLibrary([models], tmp_path / "cache").scan()
    opened: list[Path] = []

    def note(path: Path) -> ModelEntry:
        opened.append(path)
        return describe_model(path)

    monkeypatch.setattr(model_library, "describe_model", note)
    again = ModelLibrary([models], tmp_path / "cache")
    assert again.scan() == first
    assert opened == []
    os.utime(models / "wash.safetensors", (1, 1))
    again.scan()
    assert opened == [models / "wash.safetensors"]


def test_change_of_one_place_is_enough(models: Path, tmp_path: Path) -> None:
    library = ModelLibrary([models], tmp_path / "cache")
    library.scan()
    (models / "deep" / "narrow.safetensors").rename(models / "deep" / "b.safetensors")
    (models / "wash.safetensors").unlink()
    names = kinds(library.scan(models / "deep"))
    assert "b.safetensors" in names
    assert "narrow.safetensors" not in names
    assert "wash.safetensors" in names
    assert "wash.safetensors" not in kinds(library.scan(models / "wash.safetensors"))
    shutil.copy(MINI, tmp_path / "outside.safetensors")
    assert "outside.safetensors" not in kinds(library.scan(tmp_path / "outside.safetensors"))
    assert library.scan() == library.entries


def test_stopped_scan_changes_nothing(models: Path, tmp_path: Path) -> None:
    library = ModelLibrary([models], tmp_path / "cache")
    before = library.scan()
    (models / "wash.safetensors").unlink()
    assert library.scan(stopped=lambda: True) == before
    assert len(library.scan()) == len(before) - 1


def test_what_an_older_app_refused_is_looked_at_again(models: Path, tmp_path: Path) -> None:
    """Files are as they were, but more of them are understood."""
    first = ModelLibrary([models], tmp_path / "cache").scan()
    cache = tmp_path / "cache" / CACHE_FILE
    values = json.loads(cache.read_text())
    for model in values["models"]:
        model["kind"] = ModelKind.REFUSED.value
    cache.write_text(json.dumps(values))
    assert set(kinds(ModelLibrary([models], tmp_path / "cache").scan()).values()) == {
        ModelKind.REFUSED
    }
    cache.write_text(json.dumps(values | {"version": VERSION}))
    assert ModelLibrary([models], tmp_path / "cache").scan() == first


ODD = json.dumps({"version": CACHE_VERSION, "models": [{}]}).encode()


@pytest.mark.parametrize("text", [b"", b"{", ODD, b"[1]"])
def test_damaged_cache_is_made_again(models: Path, tmp_path: Path, text: bytes) -> None:
    first = ModelLibrary([models], tmp_path / "cache").scan()
    (tmp_path / "cache" / "models.json").write_bytes(text)
    assert ModelLibrary([models], tmp_path / "cache").scan() == first


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    shutil.copy(MINI, tmp_path / "real" / "a.safetensors")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(tmp_path / "models")
    (tmp_path / "models" / "dead.safetensors").symlink_to(tmp_path / "none")
    [entry] = ModelLibrary([tmp_path / "models"], tmp_path / "cache").scan()
    assert entry.path == tmp_path / "models" / "link" / "a.safetensors"


def test_model_is_found_by_the_name_in_a_picture(models: Path, tmp_path: Path) -> None:
    library = ModelLibrary([models], tmp_path / "cache")
    library.scan()
    for name in ("mini", "Mini.safetensors", "sd15\\Mini.safetensors"):
        entry = library.find(name)
        assert entry is not None
        assert entry.path == models / "Mini.safetensors"
    assert library.find("wash") is None
    assert library.find("wash", ModelKind.LORA) is not None
    assert library.find("flux") is None


def test_absent_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    entry = describe_model(tmp_path / "none.safetensors")
    assert entry.kind is ModelKind.REFUSED
    assert entry.sentence.startswith("none.safetensors cannot be")


def test_known_folders_are_those_that_exist(tmp_path: Path) -> None:
    assert known_folders(tmp_path) == ()
    for program, names, folders in LAYOUTS:
        (tmp_path / "Documents" / names[0] / folders[0]).mkdir(parents=True)
        assert known_folders(tmp_path)[-1].program == program
    (tmp_path / ".cache/huggingface/hub").mkdir(parents=True)
    found = known_folders(tmp_path)
    assert len(found) == len(LAYOUTS) + 1
    assert all(each.path.is_dir() for each in found)

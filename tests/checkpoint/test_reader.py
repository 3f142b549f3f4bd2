"""Opening files and folders: what is read, how fast, and what each other kind of file is called."""

import ctypes
import mmap
import os
import shutil
import time
from math import prod
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.reader import CheckpointError, open_checkpoint
from tests.checkpoint.model_files import MINI, Arrays, entry, write_json, write_raw
from tests.random_weights import SD15, checkpoint_specs


def sentence_of(path: Path) -> str:
    """What opening `path` says; it must fail with one sentence."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(path)
    text = str(caught.value)
    assert text.endswith(".") and text.isprintable() and path.name[:20] in text
    return text


def test_tensors_are_those_of_the_safetensors_library() -> None:
    """Names, shapes and bytes of the mini model, from addresses inside a mapping."""
    expected = load_file(MINI)
    with open_checkpoint(MINI) as checkpoint:
        assert checkpoint.tensors.keys() == expected.keys()
        for name, tensor in checkpoint.tensors.items():
            assert tensor.shape == expected[name].shape
            assert tensor.address in tensor.mapping
            assert ctypes.string_at(tensor.address, tensor.size_bytes) == expected[name].tobytes()
        assert checkpoint.metadata["modelspec.title"] == "Aquatint Mini"


@pytest.fixture
def mappings(monkeypatch: pytest.MonkeyPatch) -> list[mmap.mmap]:
    """Every mapping that is made during the test."""
    made: list[mmap.mmap] = []
    plain = mmap.mmap

    def noted(*arguments: int, **options: int) -> mmap.mmap:
        made.append(plain(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(mmap, "mmap", noted)
    return made


def test_nothing_is_readable_after_close(mappings: list[mmap.mmap]) -> None:
    """Closing twice is allowed, unmaps the file and leaves no address behind."""
    checkpoint = open_checkpoint(MINI)
    assert not mappings[0].closed
    checkpoint.close()
    checkpoint.close()
    assert mappings[0].closed and not checkpoint.tensors


def test_a_refused_file_is_unmapped(mappings: list[mmap.mmap], tmp_path: Path) -> None:
    """An error half way through leaves nothing open."""
    assert "no tensors" in sentence_of(write_raw(tmp_path / "none.safetensors", {}))
    assert mappings[0].closed


def test_close_survives_views(mappings: list[mmap.mmap]) -> None:
    """A view that somebody holds keeps the pages, and close does not fail."""
    checkpoint = open_checkpoint(MINI)
    view = memoryview(mappings[0])
    checkpoint.close()
    assert bytes(view[8:9]) == b"{"


def test_two_gigabytes_open_in_well_under_a_second(tmp_path: Path) -> None:
    """A file of SD 1.5's tensors in f16: time does not grow with the weights."""
    header, position = {}, 0
    for spec in checkpoint_specs(SD15):
        end = position + 2 * prod(spec.shape)
        header[spec.name] = entry("F16", list(spec.shape), position, end)
        position = end
    path = write_raw(tmp_path / "sd15.safetensors", header)
    os.truncate(path, path.stat().st_size + position)
    assert path.stat().st_size > 2e9
    start = time.process_time()  # others may use the machine
    with open_checkpoint(path) as checkpoint:
        description = describe(checkpoint)
        tensors = engine_tensors(checkpoint, description)
    assert time.process_time() - start < 0.5
    assert len(tensors) == 686 + 248 + 196
    assert description.networks["unet"].parameters == 859_520_964
    assert description.networks["vae"].parameters == 83_653_863
    assert description.networks["text"].parameters == 123_060_480
    assert (description.config.unet_heads, description.config.text_heads) == (8, 12)


@pytest.mark.parametrize(
    ("name", "start", "what", "act"),
    [
        ("a.ckpt", b"PK\x03\x04" + bytes(40), "no file of torch 1.6", "the .safetensors version"),
        ("a.zip", b"PK\x03\x04archive/data.pkl", "no file of torch", "the .safetensors version"),
        ("b.zip", b"PK\x03\x04" + bytes(40), "a zip archive", "unpack it"),
        ("b.ckpt", b"\x80\x02}q\x00" + bytes(40), "a pickle of torch before", ".safetensors"),
        ("c.gguf", b"GGUF\x03" + bytes(40), "holds no tensors", "choose another file"),
        ("d.safetensors", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS", "again"),
        ("e.safetensors", b"\n<!DOCTYPE html><html>", "a web page", "download it again"),
        ("f.safetensors", b"<?xml version='1.0'?>", "a web page", "download it again"),
        ("g.png", b"\x89PNG\r\n\x1a\n" + bytes(40), "a PNG picture", "choose"),
        ("h.jpg", b"\xff\xd8\xff\xe0" + bytes(40), "a JPEG picture", "choose"),
        ("i.webp", b"RIFF\x00\x00\x00\x00WEBP", "a WebP picture", "choose"),
        ("j.safetensors", b'{"error": "not found"}', "a JSON text", "choose"),
        ("k.safetensors", bytes(4096), "full of zeros", "download it again"),
        ("l.gz", b"\x1f\x8b\x08" + bytes(40), "a gzip archive", "unpack it"),
        ("m.safetensors", b"", "is empty", "download it again"),
        ("n.safetensors", b"\x07\x00", "only 2 bytes long", "download it again"),
        ("o.txt", b"once upon a time there was a model", "not a safetensors file", "choose"),
    ],
)
def test_other_files_are_named(
    name: str, start: bytes, what: str, act: str, tmp_path: Path
) -> None:
    """One sentence says what the file is and what to do."""
    path = tmp_path / name
    path.write_bytes(start)
    text = sentence_of(path)
    assert what in text and act in text


def test_missing_pipe_and_plain_folder(tmp_path: Path) -> None:
    """Paths that hold no file at all; a pipe must not make the reader wait."""
    assert "cannot be opened" in sentence_of(tmp_path / "gone.safetensors")
    os.mkfifo(tmp_path / "pipe.safetensors")
    assert "not a regular file" in sentence_of(tmp_path / "pipe.safetensors")
    (tmp_path / "folder").mkdir()
    assert "without model_index.json" in sentence_of(tmp_path / "folder")


@pytest.fixture
def folder(diffusers_folder: Path, tmp_path: Path) -> Path:
    """A copy of the narrow model's folder that a test may change."""
    return Path(shutil.copytree(diffusers_folder, tmp_path / "model"))


def test_folder_is_joined_under_prefixes(folder: Path) -> None:
    """All three networks and five configs."""
    with open_checkpoint(folder) as checkpoint:
        parts = {name.partition(".")[0] for name in checkpoint.tensors}
        assert parts == {"unet", "vae", "text_encoder"}
        assert checkpoint.configs["unet/config.json"] == {"attention_head_dim": 8}
        assert len(checkpoint.configs) == 5


def test_fp16_variant_is_taken_if_it_is_alone(folder: Path) -> None:
    """The file's variant word stands in its name."""
    plain = folder / "unet/diffusion_pytorch_model.safetensors"
    with open_checkpoint(folder) as checkpoint:
        expected = set(checkpoint.tensors)
    plain.rename(plain.with_name("diffusion_pytorch_model.fp16.safetensors"))
    with open_checkpoint(folder) as checkpoint:
        assert set(checkpoint.tensors) == expected


@pytest.mark.parametrize(
    "index_name",
    [
        "diffusion_pytorch_model.safetensors.index.json",
        "diffusion_pytorch_model.safetensors.index.fp16.json",
    ],
)
def test_shards_are_one_network(index_name: str, folder: Path) -> None:
    """Two shards and their index are the same tensors as the whole file."""
    with open_checkpoint(folder) as checkpoint:
        expected = {name: tensor.shape for name, tensor in checkpoint.tensors.items()}
    split_unet(folder, index_name)
    with open_checkpoint(folder) as checkpoint:
        assert {name: tensor.shape for name, tensor in checkpoint.tensors.items()} == expected


def split_unet(folder: Path, index_name: str) -> None:
    """Replaces the UNet's file by two shards and an index."""
    whole = folder / "unet/diffusion_pytorch_model.safetensors"
    arrays = load_file(whole)
    whole.unlink()
    shards: list[Arrays] = [{}, {}]
    for place, (name, array) in enumerate(arrays.items()):
        shards[place % 2][name] = array
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards):
        name = f"part-{number}.safetensors"
        save_file(shard, whole.with_name(name))
        weight_map |= dict.fromkeys(shard, name)
    write_json(whole.with_name(index_name), {"weight_map": weight_map})


@pytest.mark.parametrize(
    ("weight_map", "sentence"),
    [
        ({"a": "../../../etc/passwd"}, "not a file beside it"),
        ({"a": "../vae/diffusion_pytorch_model.safetensors"}, "not a file beside it"),
        ({"a": "passwd"}, "not a file beside it"),
        ({"a": 7}, "not a file beside it"),
        ({"a": "gone.safetensors"}, "gone.safetensors is missing"),
        ({}, "lists no weight files"),
        ("x", "lists no weight files"),
        ({str(i): f"{i}.safetensors" for i in range(2000)}, "lists 2000 files"),
        ({"a": "x.safetensors", "b": "y.safetensors"}, "repeats tensor"),
    ],
)
def test_lying_index(weight_map: object, sentence: str, folder: Path) -> None:
    """An index leads nowhere but to safetensors files beside it."""
    unet = folder / "unet"
    (unet / "diffusion_pytorch_model.safetensors").unlink()
    for name in ("x.safetensors", "y.safetensors"):
        save_file({"same": np.zeros(1, np.float16)}, unet / name)
    index = unet / "diffusion_pytorch_model.safetensors.index.json"
    write_json(index, {"weight_map": weight_map})
    with pytest.raises(CheckpointError, match=sentence):
        open_checkpoint(folder)


def test_folder_without_readable_weights(folder: Path) -> None:
    """Shards of pickles only, nothing at all, no network at all."""
    weights = folder / "unet/diffusion_pytorch_model.safetensors"
    shard = weights.with_name("diffusion_pytorch_model-00001-of-00002.bin")
    weights.rename(shard)
    assert "only pickle weights" in sentence_of_folder(folder)
    shard.unlink()
    assert "holds no .safetensors weights" in sentence_of_folder(folder)
    for part in ("unet", "vae", "text_encoder"):
        shutil.rmtree(folder / part)
    assert "without unet, vae and text_encoder" in sentence_of_folder(folder)


def sentence_of_folder(folder: Path) -> str:
    """As `sentence_of`, where the sentence may name a file inside."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(folder)
    return str(caught.value)


@pytest.mark.parametrize("text", ["[1]", "{", "\xff", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"])
def test_broken_config(text: str, folder: Path) -> None:
    """A config that is no JSON object is one sentence."""
    (folder / "unet/config.json").write_text(text, encoding="latin-1")
    assert "unet/config.json is not" in sentence_of_folder(folder)

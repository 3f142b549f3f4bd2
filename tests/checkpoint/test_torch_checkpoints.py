"""Whole models that torch saved (.ckpt): read where they lie, and never run."""

import ctypes
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from app.checkpoint.description import Family
from app.checkpoint.family import describe, detect_family
from app.checkpoint.key_names import engine_tensors, vae_tensors
from app.checkpoint.reader import CheckpointError, open_checkpoint
from tests.checkpoint.model_files import Arrays
from tests.checkpoint.test_hostile_files import (
    SMALLEST,
    check_cuts,
    ldm_arrays,
    outcome,
    survivors,
)
from tests.checkpoint.torch_files import (
    MARK_FILE,
    assert_refused,
    called,
    dictionary,
    number,
    tensor,
    text,
    write_archive,
    write_checkpoint,
    write_weights,
)

VAE = "first_stage_model."
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)
# what PyTorch Lightning writes beside the weights, as torch 2 with NumPy pickles it
MONITOR = b"cpytorch_lightning.callbacks.model_checkpoint\nModelCheckpoint\n"
DTYPE = called("numpy", "dtype", text("f8"), b"\x89", b"\x88")
SCORE = called(
    *("numpy.core.multiarray", "scalar"),
    DTYPE + b"(" + number(3) + text("<") + b"NNNtb",
    called("_codecs", "encode", text("x" * 8), text("latin1")),
)
BESIDE = {
    "epoch": number(3),
    "callbacks": b"}(" + MONITOR + dictionary({"best_model_score": SCORE}) + b"u",
    "optimizer_states": b"]",
}


def test_tensors_are_the_model_s(arrays: Arrays, tmp_path: Path) -> None:
    """Every byte, from addresses inside the mapping; what a trainer left beside is passed over."""
    path = write_checkpoint(tmp_path / "narrow.ckpt", arrays, BESIDE)
    with open_checkpoint(path) as checkpoint:
        assert checkpoint.tensors.keys() == arrays.keys()
        for name, stored in checkpoint.tensors.items():
            assert (stored.dtype, stored.shape) == ("F16", arrays[name].shape)
            assert stored.address in stored.mapping
            data = ctypes.string_at(stored.address, stored.size_bytes)
            assert data == arrays[name].tobytes()
        description = describe(checkpoint)
        assert (description.family, description.title) == (Family.SD1, "narrow")
        assert len(engine_tensors(checkpoint, description)) > 100


def test_parts_of_a_storage(tmp_path: Path) -> None:
    """Two tensors of one storage, one of them not at its beginning."""
    opcodes = dictionary({"a": tensor(ROWS, "0"), "b": tensor(ROWS[1:], "0", 4)})
    with open_checkpoint(
        write_archive(tmp_path / "x.pth", opcodes, {"0": ROWS.tobytes()})
    ) as checkpoint:
        a, b = (checkpoint.tensors[name] for name in "ab")
        assert (b.address - a.address, a.size_bytes, b.size_bytes) == (16, 48, 32)


def test_other_files_of_torch(arrays: Arrays, tmp_path: Path) -> None:
    """A VAE to be added to a model, and an upscaler, whose tensors lie a dict deeper."""
    own = {name.removeprefix(VAE): a for name, a in arrays.items() if name.startswith(VAE)}
    with open_checkpoint(write_checkpoint(tmp_path / "vae.pt", own)) as checkpoint:
        assert detect_family(checkpoint) is Family.VAE
        assert len(vae_tensors(checkpoint)) == len(own)
    deep = dictionary({"params_ema": dictionary({"conv_first.weight": tensor(ROWS, "0")})})
    path = write_archive(tmp_path / "up.pth", deep, {"0": ROWS.tobytes()})
    with open_checkpoint(path) as checkpoint:
        assert list(checkpoint.tensors) == ["params_ema.conv_first.weight"]
        assert detect_family(checkpoint) is Family.UPSCALER


def test_diffusers_folder_of_pickles(diffusers_folder: Path, tmp_path: Path) -> None:
    """As older ones are: the same tensors, and safetensors before them where both lie there."""
    folder = Path(shutil.copytree(diffusers_folder, tmp_path / "model"))
    wanted = {}
    for path in sorted(folder.rglob("*.safetensors")):
        arrays = load_file(path)
        part = path.parent.name
        wanted |= {f"{part}.{name}": array.tobytes() for name, array in arrays.items()}
        stem = "pytorch_model" if part == "text_encoder" else path.stem
        write_weights(path.with_name(f"{stem}.bin"), arrays)
        if part != "vae":
            path.unlink()
        else:
            path.with_name(f"{stem}.bin").write_bytes(b"not looked at")
    with open_checkpoint(folder) as checkpoint:
        assert describe(checkpoint).family is Family.SD1
        found = checkpoint.tensors.items()
        assert {n: ctypes.string_at(t.address, t.size_bytes) for n, t in found} == wanted


def _dictionary_of(*items: bytes) -> bytes:
    return dictionary({"state_dict": dictionary({str(i): item for i, item in enumerate(items)})})


@pytest.mark.parametrize(
    ("opcodes", "words"),
    [
        (_dictionary_of(called("os", "system", text(f"touch {MARK_FILE}"))), "run code .os.system"),
        (_dictionary_of(called("numpy", "load", text("x"))), "wants to run code .numpy.load"),
        (MONITOR + b")R" + b"(" + text("x") + b"u", "damaged"),
        (_dictionary_of(tensor(ROWS, "0", 1)), "damaged"),
        (_dictionary_of(tensor(ROWS, "0", strides=(1, 3))), "damaged"),
        (_dictionary_of(tensor(ROWS, "other")), "damaged"),
        (_dictionary_of(tensor(np.zeros((0, 4), np.int64), "0", 2**30)), "damaged"),
        (_dictionary_of(number(1), text("x")), "holds no tensors"),
        (number(1), "holds no tensors"),
    ],
)
def test_hostile_pickles(
    opcodes: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing runs; each is refused with one printable sentence."""
    monkeypatch.chdir(tmp_path)
    path = write_archive(tmp_path / "x.ckpt", opcodes, {"0": ROWS.tobytes()})
    assert_refused(open_checkpoint, path, words)


def test_hostile_archives(tmp_path: Path) -> None:
    """Compressed, encrypted, of the other byte order, with an entry that lies elsewhere."""
    opcodes, rows = dictionary({"a": tensor(ROWS, "0")}), ROWS.tobytes()
    good = write_archive(tmp_path / "good.ckpt", opcodes, {"0": rows}).read_bytes()
    write_archive(tmp_path / "packed.ckpt", opcodes, {"0": rows}, zipfile.ZIP_DEFLATED)
    archive = write_archive(tmp_path / "big.ckpt", opcodes, {"0": rows})
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("big/byteorder", "big")
    directory = good.index(b"PK\x01\x02", good.index(b"PK\x01\x02") + 1)  # the second entry's
    for name, place, byte in (("locked", 8, 1), ("far", 45, 0x7F), ("lost", 42, 1)):
        lie = bytearray(good)
        lie[directory + place] = byte
        (tmp_path / f"{name}.ckpt").write_bytes(lie)
    for name, words in (
        ("packed", "packed in a way that torch does not use"),
        ("locked", "packed in a way that torch does not use"),
        ("big", "another kind of processor"),
        ("far", "damaged"),
        ("lost", "damaged"),
    ):
        with pytest.raises(CheckpointError, match=words):
            open_checkpoint(tmp_path / f"{name}.ckpt")


def test_a_directory_that_claims_gigabytes(tmp_path: Path) -> None:
    """It is not read."""
    path = tmp_path / "long.ckpt"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(3_000_000_000)
        file.seek(0, 2)
        file.write(b"PK\x05\x06" + bytes(8) + (2_900_000_000).to_bytes(4, "little") + bytes(6))
    with pytest.raises(CheckpointError, match="no file of torch"):
        open_checkpoint(path)


def test_damaged_bytes_and_cuts_never_crash(tmp_path: Path) -> None:
    """Seeded flips in the pickle and in the archive's directory; a cut file never opens."""
    path = write_checkpoint(tmp_path / "model.ckpt", ldm_arrays(SMALLEST), BESIDE)
    good = path.read_bytes()
    assert outcome(path)
    pickle_end = good.index(b"PK\x03\x04", 4)
    directory = good.index(b"PK\x01\x02")
    choose = random.Random(7)

    def place() -> int:
        of_directory = choose.random() < 0.7
        return choose.randrange(*((directory, len(good)) if of_directory else (0, pickle_end)))

    opened = survivors(path, 300, place, (0, 255), choose)
    assert 0 < opened < 300
    anywhere = (choose.randrange(len(good)) for _ in range(20))
    check_cuts(path, [4, 100, directory, len(good) - 1, *anywhere])

"""A checkpoint of torch's (.ckpt, .pt, .pth, .bin) as a header: what tensors lie where.

Owns which of the saved values are the model's: those of `state_dict` where there is one, else all.
Knows nothing of how the archive is made, nor of models; nothing in the file is run or converted.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from app.checkpoint.stored import Header, HeaderEntry, is_plain_text, shown, without_tensors
from app.checkpoint.torch_archive import TorchArchive
from app.checkpoint.torch_pickle import TorchTensor

STATE = "state_dict"


def read_torch_header(path: Path, mapping: mmap.mmap) -> Header:
    """The tensors of the file at `path`, whose mapping this is; CheckpointError if it holds none.

    Several may share their bytes, as torch's do.
    """
    with TorchArchive(path) as archive:
        entries = []
        for name, tensor in _tensors(archive.value):
            begin, end = archive.place(tensor, mapping)
            entries.append(
                HeaderEntry(name=name, dtype=tensor.dtype, shape=tensor.shape, begin=begin, end=end)
            )
    if not entries:
        raise without_tensors(shown(path.name))
    return Header(metadata={}, entries=tuple(entries))


def _tensors(value: object) -> Iterator[tuple[str, TorchTensor]]:
    """Names and tensors; those of a dict in the dict have its name before theirs."""
    saved = value if isinstance(value, dict) else {}
    state = saved.get(STATE)
    for name, item in (state if isinstance(state, dict) else saved).items():
        inner = item if isinstance(item, dict) else {"": item}
        for inner_name, tensor in inner.items():
            full_name = f"{name}.{inner_name}".removesuffix(".")
            if isinstance(tensor, TorchTensor) and is_plain_text(full_name):
                yield full_name, tensor

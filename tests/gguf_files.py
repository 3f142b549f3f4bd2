"""GGUF files written by the gguf package, as stable-diffusion.cpp lays them out: names of LDM."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from tests.checkpoint.model_files import MINI


def write_gguf(
    path: Path,
    arrays: Mapping[str, NDArray[Any]],
    metadata: Mapping[str, str],
    kind: str = "Q8_0",
) -> Path:
    """Matrices whose rows are whole blocks in the format `kind`, all else as it is."""
    writer = gguf.GGUFWriter(path, "sd1")
    for key, text in metadata.items():
        writer.add_string(key, text)
    block_type = gguf.GGMLQuantizationType[kind]
    numbers, _ = gguf.GGML_QUANT_SIZES[block_type]
    for name, array in arrays.items():
        if array.ndim == 2 and array.shape[1] % numbers == 0:
            blocks = gguf.quantize(array.astype(np.float32), block_type)
            writer.add_tensor(name, blocks, raw_dtype=block_type)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_mini_gguf(path: Path) -> Path:
    """The mini model in Q8_0."""
    with safe_open(MINI, "numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return write_gguf(path, arrays, file.metadata())

"""What Stable Diffusion 1.5 at 512x512 asks of a Mac's GPU: a model, not a measurement.

    python -m benchmarks.metal_model

The real engine records and encodes the real graphs on the Metal backend; the dispatches are written
down and not computed (metal_recorder.c), so no Mac is needed, and a picture takes a minute. Printed
are, for each part, dispatches, barriers, command buffers, FLOPs and device bytes by kernel, beside
what the layers need, and the time that each chip would take if every dispatch ran at a share of the
chip's peak: the larger of its arithmetic and its memory traffic, and nothing for launches. FLOPs of
products count what tiles do past the ends of a matrix; bytes are each operand once a dispatch.
"""

import argparse
import mmap
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from app.engine.metal_sources import metal_sources
from tests.engine_library import ENGINE_FOLDER, FLAGS, INCLUDES
from tests.metal_sim import simulator
from tests.random_weights import TEXT, UNET, VAE, Architecture, checkpoint_specs

HERE = Path(__file__).resolve().parent
KERNELS = ENGINE_FOLDER / "backend" / "metal" / "metal_kernels.def"
BARRIER, COMMIT = -1, -2
METAL, F16, DECODE = 2, 1, 2  # sd_backend, sd_dtype, sd_phase
ROW = np.dtype([("kernel", "i4"), ("flops", "f8"), ("bytes", "f8")], align=True)  # `recorded`
SIDE, STEPS, TOKENS = 512, 2, 77
PREFIXES = {TEXT: "text.", UNET: "unet.", VAE: "vae."}
# Multiply-adds x 2 of the layers, convolutions done directly, prompt and negative prompt; and the
# weights in f16, read once.
DIRECT_TFLOP = {"text": 0.027, "step": 2 * 0.8033, "decode": 2.515}
WEIGHTS_GB = {"text": 0.17, "step": 1.72, "decode": 0.10}
SHARE = 0.75  # of a peak that good kernels reach


@dataclass(frozen=True, kw_only=True)
class Chip:
    """Peak f16 and f32 rate of the ALUs, and memory bandwidth, as published."""

    name: str
    tflops: float
    gigabytes: float


CHIPS = (
    Chip(name="M1 8 cores", tflops=2.6, gigabytes=68),
    Chip(name="M1 Pro 16", tflops=5.3, gigabytes=200),
    Chip(name="M1 Max 32", tflops=10.6, gigabytes=400),
    Chip(name="M2 10", tflops=3.58, gigabytes=102),
    Chip(name="M3 10", tflops=3.6, gigabytes=102),
    Chip(name="M3 Max 40", tflops=14.3, gigabytes=400),
    Chip(name="M4 10", tflops=4.0, gigabytes=120),
    Chip(name="M4 Max 40", tflops=16.5, gigabytes=546),
)


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows that were written down between two calls of progress."""

    name: str
    rows: np.ndarray

    def of(self, kernel: int) -> np.ndarray:
        """The rows of one kernel."""
        return np.extract(self.rows["kernel"] == kernel, self.rows)

    def seconds(self, chip: Chip, share: float) -> float:
        """Modelled: each dispatch is bound by arithmetic or by memory."""
        compute = self.rows["flops"] / (chip.tflops * 1e12 * share)
        moved = self.rows["bytes"] / (chip.gigabytes * 1e9 * share)
        return float(np.maximum(compute, moved).sum())


def build(folder: Path) -> tuple[Any, Any]:
    """The engine with the recorder in the place of its Metal device."""
    simulated = simulator.build()
    device, library = folder / "device.o", folder / "engine.so"
    clang = [simulator.find_tools().clang, f"@{simulated / 'compile.rsp'}", *INCLUDES, "-fPIC"]
    clang += ["-std=gnu17", "-O2", "-Dmetal_device_here=metal_device_simulated", "-c"]
    metal = ENGINE_FOLDER / "backend" / "metal"
    subprocess.run([*clang, str(metal / "metal_device.m"), "-o", str(device)], check=True)
    absent = metal / "metal_device_absent.c"
    sources = [path for path in sorted(ENGINE_FOLDER.rglob("*.c")) if path != absent]
    sources = [path for path in sources if not path.name.startswith("_")]
    command = ["cc", *FLAGS, *INCLUDES, *map(str, sources), str(HERE / "metal_recorder.c")]
    command += [str(device), f"@{simulated / 'link.rsp'}", "-lm", "-lpthread", "-o", str(library)]
    subprocess.run(command, check=True)
    ffi: Any = cffi.FFI()
    for path in (ENGINE_FOLDER / "engine.h", HERE / "metal_recorder.c"):
        ffi.cdef(path.read_text().split("/* binding begins */")[1].split("/* binding ends */")[0])
    return ffi, ffi.dlopen(str(library))


def checkpoint(ffi: Any, folder: Path, alive: list[Any]) -> tuple[Any, int]:
    """SD 1.5's tensors, f16, all zeros: pages of a file that takes no room on disk."""
    specs = list(checkpoint_specs(Architecture()))
    sizes = [-(-2 * prod(spec.shape) // 64) * 64 for spec in specs]
    with (folder / "zeros").open("wb+") as file:
        file.truncate(sum(sizes))
        pages = mmap.mmap(file.fileno(), sum(sizes), access=mmap.ACCESS_READ)
    base = ffi.from_buffer(pages)
    tensors = ffi.new("sd_tensor[]", len(specs))
    alive += [pages, base, tensors]
    at = 0
    for tensor, spec, size in zip(tensors, specs, sizes, strict=True):
        prefix = next(prefix for prefix in PREFIXES if spec.name.startswith(prefix))
        name = PREFIXES[prefix] + spec.name.removeprefix(prefix)
        alive.append(ffi.new("char[]", name.encode()))
        tensor.name, tensor.data, tensor.dtype = alive[-1], base + at, F16
        tensor.rank, tensor.mapping, tensor.mapping_bytes = len(spec.shape), base, len(pages)
        tensor.shape[0 : len(spec.shape)] = spec.shape
        at += size
    return tensors, len(specs)


class Run:
    """One generation on the recording engine."""

    def __init__(self, folder: Path) -> None:
        """Open the engine, whose start-up check is computed."""
        self.ffi, self.library = build(folder)
        self.alive: list[Any] = []
        self.marks: list[int] = []  # rows written down when each part begins
        self.error = self.ffi.new("sd_error *")
        options = self.ffi.new("sd_engine_options *", {"backend": METAL, "threads": 1, "isa": -1})
        sources = metal_sources()
        rows = self.ffi.new("sd_metal_source[]", len(sources))
        for row, source in zip(rows, sources, strict=True):
            self.alive += [self._text(source.library), self._text(source.text)]
            row.library, row.text, row.language = *self.alive[-2:], source.language
        options.metal_sources, options.metal_source_count = rows, len(sources)
        self.engine = self._opened("sd_engine", options)
        self._check_report()
        tensors, count = checkpoint(self.ffi, folder, self.alive)
        config = {"unet_heads": 8, "text_heads": 12, "latent_scale": 0.18215}
        config |= {"beta_start": 0.00085, "beta_end": 0.012}
        self.library.recorder_start()
        self.model = self._opened(
            "sd_model", self.engine, tensors, count, self.ffi.new("sd_model_config *", config)
        )

    def parts(self) -> list[Part]:
        """Generate, and cut what was written down into parts."""
        ffi = self.ffi
        tokens = ffi.new("int32_t[]", [49406] + [49407] * (TOKENS - 1))
        weights = ffi.new("float[]", [1.0] * TOKENS)
        prompt = {"tokens": tokens, "weights": weights, "chunk_count": 1}
        request = ffi.new("sd_request *", {"prompt": prompt, "negative_prompt": prompt})
        request.width = request.height = SIDE
        request.steps, request.batch_count, request.clip_skip = STEPS, 1, 1
        request.cfg_scale, request.precision = 7, F16
        progress = ffi.callback("sd_progress_fn", self._mark)
        result = ffi.new("sd_result *")
        self.alive.append(ffi.new("uint8_t[]", SIDE * SIDE * 3))
        result.rgb = self.alive[-1]
        callbacks = ffi.new("sd_callbacks *", {"progress": progress})
        status = self.library.sd_generate(result, self.model, request, callbacks, self.error)
        self._check(status)
        rows, count = self._rows()
        bounds = [*self.marks, count]
        names = ["text", *(f"step {i + 1}" for i in range(STEPS)), "decode"]
        return [
            Part(name=name, rows=rows[start:end])
            for name, start, end in zip(names, bounds[:-1], bounds[1:], strict=True)
        ]

    def _mark(self, progress: Any, _: Any) -> int:
        """Text begins, denoising begins, each step is done; what follows the last is decoding."""
        if progress.phase != DECODE:
            self.marks.append(self._rows()[1])
        return 0

    def _rows(self) -> tuple[np.ndarray, int]:
        count = self.ffi.new("int64_t *")
        rows = self.library.recorder_rows(count)
        data = bytes(self.ffi.buffer(rows, ROW.itemsize * count[0])) if count[0] else b""
        return np.frombuffer(data, ROW), count[0]

    def _check_report(self) -> None:
        report = self.ffi.new("sd_report *")
        self.library.sd_engine_report(report, self.engine)
        if report.fallback_count:
            raise SystemExit("The CPU serves an operator in Metal's place: there is no such model.")

    def _opened(self, kind: str, *arguments: Any) -> Any:
        out = self.ffi.new(f"{kind} **")
        self._check(getattr(self.library, f"{kind}_open")(out, *arguments, self.error))
        return out[0]

    def _check(self, status: int) -> None:
        if status:
            raise SystemExit(self.ffi.string(self.error.text).decode())

    def _text(self, text: str) -> Any:
        return self.ffi.new("char[]", text.encode())


def print_part(part: Part, kernels: Sequence[str]) -> None:
    """Its totals, and a line for each kernel."""
    dispatches = part.rows[part.rows["kernel"] >= 0]
    kind = part.name.split()[0]
    print(
        f"\n{part.name}: {len(dispatches)} dispatches, {len(part.of(BARRIER))} barriers, "
        f"{len(part.of(COMMIT))} command buffers\n"
        f"  {dispatches['flops'].sum() / 1e12:.3f} TFLOP (direct: {DIRECT_TFLOP[kind]:.3f}), "
        f"{dispatches['bytes'].sum() / 1e9:.2f} GB (weights: {WEIGHTS_GB[kind]:.2f})"
    )
    by_kernel = defaultdict(list)
    for row in dispatches:
        by_kernel[kernels[row["kernel"]]].append(row)
    for name, rows in sorted(by_kernel.items(), key=lambda item: -sum(r["flops"] for r in item[1])):
        flops, moved = sum(row["flops"] for row in rows), sum(row["bytes"] for row in rows)
        print(f"  {name:26s} {len(rows):5d} x {flops / 1e9:9.2f} GFLOP {moved / 1e6:9.1f} MB")


def print_chips(parts: Sequence[Part]) -> None:
    """Modelled seconds of a step and of decoding."""
    step, decode = parts[-2], parts[-1]
    print(f"\nModelled, at the peak and at {SHARE:.0%} of it: one step, decoding, 20 steps")
    for chip in CHIPS:
        peak, real = (step.seconds(chip, share) for share in (1.0, SHARE))
        decoded = [decode.seconds(chip, share) for share in (1.0, SHARE)]
        whole = 20 * real + decoded[1]
        print(
            f"  {chip.name:12s} step {peak * 1e3:6.0f} {real * 1e3:6.0f} ms   "
            f"decode {decoded[0]:5.2f} {decoded[1]:5.2f} s   picture {whole:6.1f} s"
        )


def main() -> int:
    """Print the report."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    text = re.sub(r"/\*.*?\*/", "", KERNELS.read_text(), flags=re.DOTALL)
    kernels = re.findall(r"^KERNEL\((\w+),", text, re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        parts = Run(Path(folder)).parts()
        for part in parts:
            print_part(part, kernels)
        print_chips(parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())

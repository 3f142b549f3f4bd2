"""What a picture asks of a Mac's GPU, kernel by kernel: a model, not a measurement.

    python -m benchmarks.metal_model [sd15 | sdxl]

The real engine records and encodes the real graphs on the Metal backend; the dispatches are written
down and not computed (metal_recorder.c), so no Mac is needed, and both take some minutes.

For each part and kernel are printed dispatches, those behind a barrier, FLOPs, device bytes read
and written, and behind each figure the least that the layers need: products and attention without
what tiles do past the ends of a matrix, each operand read once a layer, each result written once,
nothing for what a kernel keeps in the scratch for the next (partial sums, sums of weights). Bytes
are the encoders' (tests/metal/test_traffic.py holds them against the simulator's count): what
should lie in the GPU's cache is read once a dispatch.

A chip's time is that of every dispatch at a share of the chip's peak: the larger of its arithmetic
and its memory traffic, and nothing for launches. On an M5 the f16 products go by the rate of the
tensor units, in the tiles of the other chips.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cffi
import numpy as np

from app.checkpoint.family import describe
from app.checkpoint.key_names import engine_tensors
from app.checkpoint.reader import open_checkpoint
from app.engine.metal_sources import metal_sources
from tests.engine_library import ENGINE_FOLDER, FLAGS, INCLUDES
from tests.engine_probe import tensor_rows
from tests.metal_sim import simulator
from tests.random_weights import SD15, SDXL, Architecture, write_empty_checkpoint

HERE = Path(__file__).resolve().parent
KERNELS = ENGINE_FOLDER / "backend" / "metal" / "metal_kernels.def"
COMMIT = -1
METAL, F16, DECODE = 2, 1, 2  # sd_backend, sd_dtype, sd_phase
WORK = np.dtype([("flops", "f8"), ("read", "f8"), ("written", "f8")])  # `recorded_work`
ROW = np.dtype(
    [("kernel", "i4"), ("barrier", "i4"), ("done", WORK), ("least", WORK)], align=True
)  # `recorded`
STEPS, TOKENS = 2, 77
SHARE = 0.75  # of a peak that good kernels reach
TENSOR_PRODUCTS = "matrix_f16_"  # kernels in whose place an M5 has tensor units


@dataclass(frozen=True, kw_only=True)
class Chip:
    """Peak f16 and f32 rate of the ALUs and of tensor units, and bandwidth, as published."""

    name: str
    tflops: float
    gigabytes: float
    tensor_tflops: float = 0.0  # as measured by others; 0: it has none


CHIPS = (
    Chip(name="M1 8 cores", tflops=2.6, gigabytes=68),
    Chip(name="M1 Pro 16", tflops=5.3, gigabytes=200),
    Chip(name="M1 Max 32", tflops=10.6, gigabytes=400),
    Chip(name="M2 10", tflops=3.58, gigabytes=102),
    Chip(name="M3 10", tflops=3.6, gigabytes=102),
    Chip(name="M3 Max 40", tflops=14.3, gigabytes=400),
    Chip(name="M4 10", tflops=4.0, gigabytes=120),
    Chip(name="M4 Max 40", tflops=16.5, gigabytes=546),
    Chip(name="M5 10", tflops=4.0, gigabytes=153, tensor_tflops=12),
    Chip(name="M5 Max 40", tflops=16.5, gigabytes=614, tensor_tflops=60),
)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A picture that is modelled, and the least that it takes.

    `direct_tflop`: multiply-adds x 2 of the layers, convolutions done directly, prompt and negative
    prompt (torch's FlopCounterMode on diffusers' networks). `weights_gb`: in f16, read once.
    """

    title: str
    architecture: Architecture
    side: int
    direct_tflop: Mapping[str, float]
    weights_gb: Mapping[str, float]


SUBJECTS = {
    "sd15": Subject(
        title="Stable Diffusion 1.5, 512x512",
        architecture=SD15,
        side=512,
        direct_tflop={"text": 0.027, "step": 2 * 0.8033, "decode": 2.515},
        weights_gb={"text": 0.17, "step": 1.72, "decode": 0.10},
    ),
    "sdxl": Subject(
        title="Stable Diffusion XL, 1024x1024",
        architecture=SDXL,
        side=1024,
        direct_tflop={"text": 0.222, "step": 2 * 6.761, "decode": 10.470},
        weights_gb={"text": 1.43, "step": 5.13, "decode": 0.10},
    ),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows that were written down between two calls of progress."""

    name: str
    rows: np.ndarray
    kernels: Sequence[str]  # names, by number

    @property
    def kind(self) -> str:
        """Text, step or decode."""
        return self.name.split()[0]

    @property
    def dispatches(self) -> np.ndarray:
        """The rows that are not commits."""
        return self.rows[self.rows["kernel"] >= 0]

    def commits(self) -> int:
        """Command buffers."""
        return int((self.rows["kernel"] == COMMIT).sum())

    def of(self, kernel: int) -> "Part":
        """The rows of one kernel."""
        return replace(self, rows=np.extract(self.rows["kernel"] == kernel, self.rows))

    def total(self, work: str, figure: str) -> float:
        """A sum over the dispatches: `done` or `least`, and one of WORK."""
        return float(self.dispatches[work][figure].sum())

    def seconds(self, chip: Chip, share: float) -> float:
        """Modelled: each dispatch is bound by arithmetic or by memory."""
        rows = self.dispatches
        names = np.array(self.kernels)[rows["kernel"]]
        by_tensors = np.char.startswith(names, TENSOR_PRODUCTS) & bool(chip.tensor_tflops)
        rate = np.where(by_tensors, chip.tensor_tflops, chip.tflops)
        compute = rows["done"]["flops"] / (rate * 1e12 * share)
        moved = (rows["done"]["read"] + rows["done"]["written"]) / (chip.gigabytes * 1e9 * share)
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


class Run:
    """One generation on the recording engine."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        """Open the engine, whose start-up check is computed, and the model."""
        self.ffi, self.library = build(folder)
        self.subject = subject
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
        self.library.recorder_start()
        self.model = self._opened_model(folder / "zeros.safetensors")

    def parts(self) -> list[Part]:
        """Generate, and cut what was written down into parts."""
        ffi = self.ffi
        tokens = ffi.new("int32_t[]", [49406] + [49407] * (TOKENS - 1))
        weights = ffi.new("float[]", [1.0] * TOKENS)
        prompt = {"tokens": tokens, "tokens2": tokens, "weights": weights, "chunk_count": 1}
        request = ffi.new("sd_request *", {"prompt": prompt, "negative_prompt": prompt})
        side = self.subject.side
        request.width = request.height = side
        request.steps, request.batch_count, request.clip_skip = STEPS, 1, 1
        request.cfg_scale, request.precision, request.release_weights = 7, F16, 1
        progress = ffi.callback("sd_progress_fn", self._mark)
        result = ffi.new("sd_result *")
        self.alive.append(ffi.new("uint8_t[]", side * side * 3))
        result.rgb = self.alive[-1]
        callbacks = ffi.new("sd_callbacks *", {"progress": progress})
        status = self.library.sd_generate(result, self.model, request, callbacks, self.error)
        self._check(status)
        rows, count = self._rows()
        bounds = [*self.marks, count]
        names = ["text", *(f"step {i + 1}" for i in range(STEPS)), "decode"]
        return [
            Part(name=name, rows=rows[start:end], kernels=kernel_names())
            for name, start, end in zip(names, bounds[:-1], bounds[1:], strict=True)
        ]

    def _opened_model(self, path: Path) -> Any:
        """The subject's tensors, f16, all zeros: pages of a file that takes no room on disk."""
        write_empty_checkpoint(path, self.subject.architecture)
        checkpoint = open_checkpoint(path)
        self.alive.append(checkpoint)
        description = describe(checkpoint)
        tensors = engine_tensors(checkpoint, description)
        fields = ("unet_heads", "unet_head_size", "text_heads", "text2_heads")
        fields += ("latent_scale", "vae_is_wide", "beta_start", "beta_end")
        config = {field: getattr(description.config, field) for field in fields}
        rows, alive = tensor_rows(self.ffi, tensors)
        self.alive += [rows, alive]
        struct = self.ffi.new("sd_model_config *", config)
        return self._opened("sd_model", self.engine, rows, len(tensors), struct)

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


def kernel_names() -> list[str]:
    """The rows of the table of kernels."""
    text = re.sub(r"/\*.*?\*/", "", KERNELS.read_text(), flags=re.DOTALL)
    return re.findall(r"^KERNEL\((\w+),", text, re.MULTILINE)


def print_part(part: Part, subject: Subject) -> None:
    """Its totals, and a line for each kernel: what is done, and behind it the least."""
    print(
        f"\n{part.name}: {len(part.dispatches)} dispatches, "
        f"{part.dispatches['barrier'].sum()} barriers, {part.commits()} command buffers\n"
        f"  layers done directly {subject.direct_tflop[part.kind]:.3f} TFLOP, "
        f"weights read once {subject.weights_gb[part.kind]:.2f} GB\n"
        f"  {'':26s} {'x':>5s} {'barrier':>7s} {'GFLOP':>9s} {'least':>9s} {'MB read':>9s} "
        f"{'least':>8s} {'written':>8s} {'least':>8s} {'ms, M1':>8s}"
    )
    by_kernel = [(name, part.of(number)) for number, name in enumerate(part.kernels)]
    rows = [(name, kernel) for name, kernel in by_kernel if len(kernel.rows)]
    rows.sort(key=lambda row: -row[1].seconds(CHIPS[0], SHARE))
    for name, kernel in [*rows, ("all", part)]:
        figures = [
            kernel.total(work, figure)
            for figure in ("flops", "read", "written")
            for work in ("done", "least")
        ]
        print(
            f"  {name:26s} {len(kernel.dispatches):5d} {kernel.dispatches['barrier'].sum():7d} "
            f"{figures[0] / 1e9:9.2f} {figures[1] / 1e9:9.2f} {figures[2] / 1e6:9.1f} "
            f"{figures[3] / 1e6:8.1f} {figures[4] / 1e6:8.1f} {figures[5] / 1e6:8.1f} "
            f"{kernel.seconds(CHIPS[0], SHARE) * 1e3:8.2f}"
        )


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
    """Print the report of each subject, or of the one that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", nargs="?", choices=[*SUBJECTS])
    asked = parser.parse_args().subject
    for subject in [SUBJECTS[asked]] if asked else SUBJECTS.values():
        print(f"\n{subject.title}")
        with tempfile.TemporaryDirectory() as folder:
            parts = Run(Path(folder), subject).parts()
            for part in parts:
                print_part(part, subject)
            print_chips(parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())

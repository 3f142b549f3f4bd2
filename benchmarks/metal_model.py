"""What SD 1.5 at 512x512 and SDXL at 1024x1024 ask of a Mac's GPU: a model, not a measurement.

    python -m benchmarks.metal_model [sd15 | sdxl]

The real engine records and encodes the real graphs on the Metal backend; the dispatches are written
down and not computed (metal_recorder.c), so no Mac is needed, and both take some minutes. Printed
are, for each part, dispatches, barriers, command buffers, FLOPs and device bytes by kernel, beside
what the layers need, and the time that each chip would take if every dispatch ran at a share of the
chip's peak: the larger of its arithmetic and its memory traffic, and nothing for launches. FLOPs of
products count what tiles do past the ends of a matrix; bytes are each operand once a dispatch.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
BARRIER, COMMIT = -1, -2
METAL, F16, DECODE = 2, 1, 2  # sd_backend, sd_dtype, sd_phase
ROW = np.dtype([("kernel", "i4"), ("flops", "f8"), ("bytes", "f8")], align=True)  # `recorded`
STEPS, TOKENS = 2, 77
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
            Part(name=name, rows=rows[start:end])
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


def print_part(part: Part, subject: Subject, kernels: Sequence[str]) -> None:
    """Its totals, and a line for each kernel."""
    dispatches = part.rows[part.rows["kernel"] >= 0]
    kind = part.name.split()[0]
    direct, weights = subject.direct_tflop[kind], subject.weights_gb[kind]
    print(
        f"\n{part.name}: {len(dispatches)} dispatches, {len(part.of(BARRIER))} barriers, "
        f"{len(part.of(COMMIT))} command buffers\n"
        f"  {dispatches['flops'].sum() / 1e12:.3f} TFLOP (direct: {direct:.3f}), "
        f"{dispatches['bytes'].sum() / 1e9:.2f} GB (weights: {weights:.2f})"
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
    """Print the report of each subject, or of the one that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", nargs="?", choices=[*SUBJECTS])
    asked = parser.parse_args().subject
    text = re.sub(r"/\*.*?\*/", "", KERNELS.read_text(), flags=re.DOTALL)
    kernels = re.findall(r"^KERNEL\((\w+),", text, re.MULTILINE)
    for subject in [SUBJECTS[asked]] if asked else SUBJECTS.values():
        print(f"\n{subject.title}")
        with tempfile.TemporaryDirectory() as folder:
            parts = Run(Path(folder), subject).parts()
            for part in parts:
                print_part(part, subject, kernels)
            print_chips(parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs kernels of a Metal source on NumPy arrays, for tests: a face for host.m.

    host = KernelHost()                                # skips the test where there is no simulator
    host.set_mode(check=True, seed=2)                  # checked, or plain
    library = host.compile(source)                     # MetalError with the compiler's words
    kernel = library.kernel("silu_f16", {0: True})     # function constants by index
    out, = kernel.run([args_bytes, out, x], grid=(n, 1, 1), group=(256, 1, 1))

An argument's place in the list is its index: a NumPy array is a buffer (copied in, and back out),
bytes go by setBytes, None leaves the index unset. `threadgroup={0: 4096}` sets bytes of threadgroup
memory. The grid is in threads. A mistake that the simulator finds raises MetalError.
"""

import ctypes
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.metal_sim import simulator

HERE = Path(__file__).resolve().parent
TEXT_BYTES = 65536
Size = tuple[int, int, int]
Argument = np.ndarray | bytes | None
Constant = bool | int | float | np.uint32


class MetalError(Exception):
    """The compiler, the pipeline or the command buffer refused; the message is its own."""


class _Constant(ctypes.Structure):
    _fields_ = (("index", ctypes.c_int32), ("type", ctypes.c_char), ("bits", ctypes.c_uint32))


class _Argument(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_int32),
        ("buffer", ctypes.c_void_p),
        ("bytes", ctypes.c_char_p),
        ("length", ctypes.c_size_t),
        ("offset", ctypes.c_size_t),
    )


def _load(folder: Path) -> ctypes.CDLL:
    """host.m, built beside the simulator."""
    library = folder / "libmetal_host.so"
    sources = [HERE / "host.m", HERE / "host.h"]
    newest = max(path.stat().st_mtime for path in sources)
    if not library.exists() or library.stat().st_mtime < newest:
        clang = simulator.find_tools().clang
        command = [clang, f"@{folder / 'compile.rsp'}", "-g1", "-O1", "-Wall", "-Wextra", "-fPIC"]
        command += ["-shared", str(sources[0]), f"@{folder / 'link.rsp'}", "-o", str(library)]
        subprocess.run(command, check=True)
    host = ctypes.CDLL(str(library))
    for name in ("open", "compile", "kernel", "buffer_new", "buffer_contents"):
        getattr(host, f"host_{name}").restype = ctypes.c_void_p
    for name in ("kernel_threads", "kernel_static_bytes"):
        getattr(host, f"host_{name}").restype = ctypes.c_size_t
    host.host_end.restype = ctypes.c_double
    return host


class KernelHost:
    """The simulated device; one for a process is enough."""

    def __init__(self) -> None:
        folder = simulator.require()
        self.functions = _load(folder)
        self.control = simulator.Control(folder)
        self.handle = ctypes.c_void_p(self.functions.host_open())
        self.set_mode(check=False)

    def set_mode(self, *, check: bool, seed: int = 1, workers: int = 2) -> None:
        """Checked or plain, for libraries compiled and buffers made from now on."""
        self.control.set_mode(check=check, seed=seed, workers=workers)

    def compile(self, source: str, version: int = 310) -> "Library":
        """A library; MetalError holds the compiler's words."""
        text = ctypes.create_string_buffer(TEXT_BYTES)
        library = self.functions.host_compile(
            self.handle, source.encode(), version, text, ctypes.c_size_t(TEXT_BYTES)
        )
        if not library:
            raise MetalError(text.value.decode())
        return Library(self, library, text.value.decode())

    def begin(self, *, concurrent: bool) -> None:
        """Opens a command buffer for Kernel.encode."""
        self.functions.host_begin(self.handle, int(concurrent))

    def barrier(self) -> None:
        """memoryBarrierWithScope: buffers."""
        self.functions.host_barrier(self.handle)

    def end(self) -> float:
        """Runs what was encoded; seconds. MetalError holds the command buffer's error."""
        text = ctypes.create_string_buffer(TEXT_BYTES)
        seconds = self.functions.host_end(self.handle, text, ctypes.c_size_t(TEXT_BYTES))
        if seconds < 0:
            raise MetalError(text.value.decode())
        return float(seconds)

    def next_encoder(self, *, concurrent: bool) -> None:
        """Another encoder in the open command buffer."""
        self.functions.host_next_encoder(self.handle, int(concurrent))

    def buffer(self, contents: np.ndarray, *, tracked: bool = True) -> "Buffer":
        """A buffer with a copy of an array; encoders order what they do with a tracked one."""
        return Buffer(self, contents, tracked)


class Buffer:
    """A buffer that starts as a copy of an array; `read` gives what is in it now."""

    def __init__(self, host: KernelHost, contents: np.ndarray, tracked: bool) -> None:
        self._host, self._like = host, contents
        size = ctypes.c_size_t(contents.nbytes)
        self.handle = ctypes.c_void_p(
            host.functions.host_buffer_new(host.handle, size, int(tracked))
        )
        if not self.handle:
            raise MetalError("no memory for a buffer")
        self._memory = ctypes.c_void_p(host.functions.host_buffer_contents(self.handle))
        ctypes.memmove(self._memory, np.ascontiguousarray(contents).ctypes.data, contents.nbytes)

    def read(self) -> np.ndarray:
        """A copy of the contents, of the first array's shape and type."""
        data = ctypes.string_at(self._memory.value or 0, self._like.nbytes)
        return np.frombuffer(data, self._like.dtype).reshape(self._like.shape).copy()

    def __del__(self) -> None:
        self._host.functions.host_release(self.handle)


class Library:
    """A compiled library; `warnings` is what the compiler said."""

    def __init__(self, host: KernelHost, handle: int, warnings: str) -> None:
        self._host, self._handle, self.warnings = host, ctypes.c_void_p(handle), warnings

    def kernel(self, name: str, constants: Mapping[int, Constant] | None = None) -> "Kernel":
        """A kernel with its function constants: bool, int (for uint, np.uint32) or float."""
        values = [_constant(index, value) for index, value in (constants or {}).items()]
        text = ctypes.create_string_buffer(TEXT_BYTES)
        kernel = self._host.functions.host_kernel(
            self._host.handle,
            self._handle,
            name.encode(),
            (_Constant * len(values))(*values),
            len(values),
            text,
            ctypes.c_size_t(TEXT_BYTES),
        )
        if not kernel:
            raise MetalError(text.value.decode())
        return Kernel(self._host, kernel)

    def __del__(self) -> None:
        self._host.functions.host_release(self._handle)


def _constant(index: int, value: Constant) -> _Constant:
    if isinstance(value, bool):
        return _Constant(index, b"b", int(value))
    if isinstance(value, float):
        return _Constant(index, b"f", struct.unpack("I", struct.pack("f", value))[0])
    if isinstance(value, np.uint32):
        return _Constant(index, b"u", int(value))
    return _Constant(index, b"i", value & 0xFFFFFFFF)


class Kernel:
    """A pipeline."""

    def __init__(self, host: KernelHost, handle: int) -> None:
        self._host, self._handle = host, ctypes.c_void_p(handle)

    @property
    def max_threads(self) -> int:
        """maxTotalThreadsPerThreadgroup."""
        return int(self._host.functions.host_kernel_threads(self._handle))

    @property
    def static_bytes(self) -> int:
        """staticThreadgroupMemoryLength."""
        return int(self._host.functions.host_kernel_static_bytes(self._handle))

    def encode(
        self,
        arguments: Sequence["Buffer | bytes | None"],
        *,
        grid: Size,
        group: Size,
        threadgroup: Mapping[int, int] | None = None,
    ) -> None:
        """One dispatch, into the open command buffer."""
        encoded = []
        for index, argument in enumerate(arguments):
            if isinstance(argument, Buffer):
                encoded.append(_Argument(index, argument.handle, None, 0, 0))
            elif argument is not None:
                encoded.append(_Argument(index, None, argument, len(argument), 0))
        for index, size in (threadgroup or {}).items():
            encoded.append(_Argument(index, None, None, size, 0))
        self._host.functions.host_dispatch(
            self._host.handle,
            self._handle,
            (_Argument * len(encoded))(*encoded),
            len(encoded),
            (ctypes.c_uint32 * 3)(*grid),
            (ctypes.c_uint32 * 3)(*group),
        )

    def run(
        self,
        arguments: Sequence[Argument],
        *,
        grid: Size,
        group: Size,
        threadgroup: Mapping[int, int] | None = None,
    ) -> list[np.ndarray]:
        """Runs once; gives the arrays among the arguments as they are afterwards."""
        bound: list[Buffer | bytes | None] = [
            self._host.buffer(argument) if isinstance(argument, np.ndarray) else argument
            for argument in arguments
        ]
        self._host.begin(concurrent=False)
        self.encode(bound, grid=grid, group=group, threadgroup=threadgroup)
        self._host.end()
        return [argument.read() for argument in bound if isinstance(argument, Buffer)]

    def __del__(self) -> None:
        self._host.functions.host_release(self._handle)

"""C structs to values and back: what the typed face needs of cffi. Knows no engine."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

from app.engine._engine import ffi
from app.engine.types import MetalSource

_Row = TypeVar("_Row")


def text(chars: Any) -> str:
    """A C string; empty where there is none."""
    return str(ffi.string(chars), "utf-8", "replace") if chars else ""


def values(struct: Any, kind: type) -> dict[str, Any]:
    """The fields of a C struct that bear the names of the dataclass `kind`."""
    found = {}
    for field in fields(kind):
        value = getattr(struct, field.name)
        if isinstance(value, ffi.CData):
            value = text(value)
        found[field.name] = bool(value) if field.type is bool else value
    return found


def rows(structs: Any, count: int, kind: type[_Row]) -> tuple[_Row, ...]:
    """An array of C structs as dataclasses."""
    return tuple(kind(**values(structs[i], kind)) for i in range(count))


def metal_rows(sources: Sequence[MetalSource]) -> tuple[Any, list[Any]]:
    """The sources as C structs, and what they point to: it must live as long."""
    structs = ffi.new("sd_metal_source[]", len(sources))
    alive: list[Any] = []
    for struct, source in zip(structs, sources, strict=True):
        alive += [ffi.new("char[]", word.encode()) for word in (source.library, source.text)]
        struct.library, struct.text = alive[-2:]
        struct.language = source.language
    return structs, alive

"""A request as JSON: how it is kept on disk, in the queue, the gallery and the settings.

Owns the spelling of a request's fields as JSON values. Knows nothing of the files they stand in.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.generation.request import GenerationRequest, RequestError

JsonObject = dict[str, object]


def request_json(request: GenerationRequest) -> JsonObject:
    """The fields of a request as JSON values; what is None is left out."""
    values = {f.name: getattr(request, f.name) for f in dataclasses.fields(GenerationRequest)}
    return {name: _as_json(value) for name, value in values.items() if value not in (None, ())}


def _as_json(value: object) -> object:
    if isinstance(value, tuple):
        return [_as_json(dataclasses.asdict(each)) for each in value]
    if isinstance(value, dict):
        return {name: _as_json(each) for name, each in value.items() if each is not None}
    return str(value) if isinstance(value, Path) else value


def read_request(value: object) -> tuple[GenerationRequest, tuple[str, ...]]:
    """A request from JSON that may be old, foreign or damaged, and the fields that were refused.

    A refused field has its default. Never fails.
    """
    given: Mapping[Any, object] = value if isinstance(value, dict) else {}
    hints = typing.get_type_hints(GenerationRequest)
    request = GenerationRequest(prompt="")
    refused = []
    # the seed's limit depends on the batch count, so that comes first
    for name in sorted(given, key=lambda key: key != "batch_count"):
        try:
            if name not in hints:
                raise ValueError
            changes: dict[str, Any] = {name: _typed(given[name], hints[name])}
            request = dataclasses.replace(request, **changes)
        except (RequestError, ValueError):
            refused.append(str(name))
    return request, tuple(refused)


def _typed(value: object, hint: object) -> object:
    """`value` as the field's type wants it; ValueError if it cannot be."""
    if typing.get_origin(hint) is tuple:
        return _typed_list(value, typing.get_args(hint)[0])
    union = isinstance(hint, types.UnionType)
    for kind in typing.get_args(hint) if union else (hint,):
        if kind is types.NoneType and value is None:
            return None
        if kind is float and type(value) in (int, float) and math.isfinite(float(str(value))):
            return float(str(value))
        if isinstance(kind, type) and issubclass(kind, StrEnum | Path) and isinstance(value, str):
            return kind(value)
        if type(value) is kind:
            return value
    raise ValueError


def _typed_list(value: object, kind: Any) -> tuple[object, ...]:
    """Objects of the dataclass `kind`."""
    hints = typing.get_type_hints(kind)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError
    try:
        return tuple(
            kind(**{name: _typed(field, hints[name]) for name, field in each.items()})
            for each in value
        )
    except (KeyError, TypeError):
        raise ValueError from None

"""A pickle that torch.save wrote, followed opcode by opcode and never run.

A pickle may name any function of Python to be called. Here it can name only those of a short list,
and they are not called either: each stands for a plain value that is made here. Owns the opcodes
and that list; knows nothing of files and of what the values mean.

Source: the pickle protocol as Python's pickletools documents it, whose reader of opcodes is used.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

OPCODE_LIMIT = 2_000_000
RANK_LIMIT = 8
DIMENSION_LIMIT = 2**48
# torch's storage classes -> safetensors' words for the numbers that they hold
STORAGES: Mapping[str, str] = MappingProxyType(
    {
        "FloatStorage": "F32",
        "HalfStorage": "F16",
        "BFloat16Storage": "BF16",
        "DoubleStorage": "F64",
        "LongStorage": "I64",
        "IntStorage": "I32",
        "ShortStorage": "I16",
        "CharStorage": "I8",
        "ByteStorage": "U8",
        "BoolStorage": "BOOL",
    }
)
# what trainers leave beside the tensors of a checkpoint; no value is made of it
LEFT_ASIDE = frozenset(
    (
        "_codecs.encode",
        "numpy.dtype",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "pytorch_lightning.utilities.parsing.AttributeDict",
    )
)


class PickleError(Exception):
    """A pickle that is not followed; the text is the middle of a sentence, such as "is damaged"."""


@dataclass(frozen=True, kw_only=True)
class TorchTensor:
    """A tensor: `offset` and `strides` count elements of the storage named `storage`."""

    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: str
    offset: int

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie in order without gaps."""
        step = 1
        for size, stride in zip(reversed(self.shape), reversed(self.strides), strict=True):
            if size != 1 and stride != step:
                return False
            step *= size
        return True


def read_pickle(data: bytes) -> object:
    """What was saved: dicts, lists, tuples, texts, numbers and TorchTensors; else PickleError."""
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > OPCODE_LIMIT:
                raise PickleError("is far too large")
            machine.step(opcode.name, argument)
        return machine.result()
    except (ValueError, IndexError, TypeError, KeyError, OverflowError, RecursionError):
        raise PickleError("is damaged") from None


@dataclass(frozen=True)
class _Global:
    """A name that the pickle gives; it is only ever compared."""

    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: str


class _Mark:
    """Where an opcode's items on the stack begin."""


class _LeftAside:
    """What stands in the place of a value that is not made."""


class _Module(dict[str, Any]):
    """A torch module that holds tensors, by the attributes of its state."""


class _Machine:
    """The stack and the memo of one pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _PUSHES:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _TUPLES:
            items = [self._stack.pop() for _ in range(_TUPLES[name])]
            self._stack.append(tuple(reversed(items)))
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in _NOTHING:
            raise PickleError(f"holds more than tensors (the pickle opcode {name})")

    def result(self) -> object:
        (value,) = self._stack
        return value

    def marked(self) -> list[Any]:
        """Takes the items down to the last mark, and the mark."""
        for place in range(len(self._stack) - 1, -1, -1):
            if isinstance(self._stack[place], _Mark):
                items = self._stack[place + 1 :]
                del self._stack[place:]
                return items
        raise ValueError

    def put_tuple(self, _: Any) -> None:
        self._stack.append(tuple(self.marked()))

    def remember(self, argument: Any) -> None:
        self._memo[len(self._memo) if argument is None else argument] = self._stack[-1]

    def recall(self, argument: Any) -> None:
        self._stack.append(self._memo[argument])

    def set_items(self, _: Any) -> None:
        items = self.marked()
        _set_items(self._stack[-1], items)

    def set_item(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        _set_items(self._stack[-1], [key, value])

    def append_items(self, _: Any) -> None:
        items = self.marked()
        _list(self._stack[-1]).extend(items)

    def append_item(self, _: Any) -> None:
        item = self._stack.pop()
        _list(self._stack[-1]).append(item)

    def name(self, argument: Any) -> None:
        self._stack.append(_Global(str(argument).replace(" ", ".")))

    def stack_name(self, _: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(_Global(f"{module}.{name}"))

    def persistent(self, _: Any) -> None:
        """A storage: ("storage", class, key, device, count)."""
        word, kind, key, *_rest = self._stack.pop()
        dtype = STORAGES.get(kind.name.removeprefix("torch."))
        if word != "storage" or dtype is None or not isinstance(key, str):
            raise PickleError(f"holds numbers of the kind {kind.name}")
        self._stack.append(_Storage(key, dtype))

    def call(self, _: Any) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        make = _CALLS.get(function.name) if isinstance(function, _Global) else None
        if isinstance(function, _Global) and function.name in LEFT_ASIDE:
            self._stack.append(_LeftAside())
            return
        if make is None:
            raise PickleError(f"wants to run code ({getattr(function, 'name', 'unnamed')})")
        self._stack.append(make(*arguments))

    def build(self, _: Any) -> None:
        """The state of a module; that of a plain dict says nothing about its items."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, _Module) and isinstance(state, dict):
            target.update(state.get("_parameters") or state)
        elif not isinstance(target, dict | _LeftAside):
            raise ValueError


def _set_items(target: Any, items: list[Any]) -> None:
    """Keys are texts, numbers, names: the hash of a tuple in a tuple ... would end the process."""
    keys = (str, int, _Global)
    if not isinstance(target, dict) or not all(type(key) in keys for key in items[::2]):
        raise ValueError
    target.update(zip(items[::2], items[1::2], strict=True))


def _list(target: Any) -> list[Any]:
    if not isinstance(target, list):
        raise ValueError
    return target


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> TorchTensor:
    """What torch._utils._rebuild_tensor_v2 makes."""
    if not isinstance(storage, _Storage):
        raise ValueError
    if not _are_counts((offset,)) or not _are_counts(shape) or not _are_counts(strides):
        raise ValueError
    if len(shape) != len(strides) or len(shape) > RANK_LIMIT:
        raise ValueError
    return TorchTensor(
        dtype=storage.dtype, shape=shape, strides=strides, storage=storage.key, offset=offset
    )


def _are_counts(values: Any) -> bool:
    return isinstance(values, tuple) and all(
        type(value) is int and 0 <= value < DIMENSION_LIMIT for value in values
    )


def _parameter(tensor: Any, *_: Any) -> TorchTensor:
    """What torch._utils._rebuild_parameter makes: the tensor."""
    if not isinstance(tensor, TorchTensor):
        raise ValueError
    return tensor


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    """An OrderedDict, empty or of pairs."""
    made: dict[Any, Any] = {}
    for key, value in pairs:
        _set_items(made, [key, value])
    return made


_PUSHES = frozenset(
    (
        *("BININT", "BININT1", "BININT2", "LONG1", "INT", "LONG", "BINFLOAT", "FLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE"),
        *("SHORT_BINSTRING", "BINSTRING", "STRING", "SHORT_BINBYTES", "BINBYTES"),
    )
)
_CONSTANTS: Mapping[str, Callable[[], Any]] = MappingProxyType(
    {
        "NONE": lambda: None,
        "NEWTRUE": lambda: True,
        "NEWFALSE": lambda: False,
        "EMPTY_TUPLE": tuple,
        "EMPTY_LIST": list,
        "EMPTY_DICT": dict,
        "MARK": _Mark,
    }
)
_TUPLES: Mapping[str, int] = MappingProxyType({"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3})
_NOTHING = frozenset(("PROTO", "FRAME", "STOP"))
_ACTIONS: Mapping[str, Callable[[_Machine, Any], None]] = MappingProxyType(
    {
        "TUPLE": _Machine.put_tuple,
        **dict.fromkeys(("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"), _Machine.remember),
        **dict.fromkeys(("BINGET", "LONG_BINGET", "GET"), _Machine.recall),
        "SETITEMS": _Machine.set_items,
        "SETITEM": _Machine.set_item,
        "APPENDS": _Machine.append_items,
        "APPEND": _Machine.append_item,
        "GLOBAL": _Machine.name,
        "STACK_GLOBAL": _Machine.stack_name,
        "BINPERSID": _Machine.persistent,
        "REDUCE": _Machine.call,
        "NEWOBJ": _Machine.call,
        "BUILD": _Machine.build,
    }
)
_CALLS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "collections.OrderedDict": _dictionary,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch._utils._rebuild_parameter": _parameter,
        "torch.nn.modules.container.ParameterDict": lambda *_: _Module(),
        "torch.Size": tuple,
        **dict.fromkeys(("__builtin__.set", "builtins.set"), list),
    }
)

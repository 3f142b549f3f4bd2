"""Turns a .metal source into C++ that clang compiles with shim.h.

Little is rewritten, and lines keep their numbers: attributes are read and taken out, vector
constructors, literals, threadgroup variables and function constants become what C++ can say, and a
line for each kernel is added at the end, from which C++ deduces the types of its arguments.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from rules import VECTORS, check_tokens, error, known_names
from tokens import Token, Tokens

THREE = {
    "thread_position_in_grid",
    "thread_position_in_threadgroup",
    "threadgroup_position_in_grid",
    "threads_per_grid",
    "threads_per_threadgroup",
    "dispatch_threads_per_threadgroup",
    "threadgroups_per_grid",
}
ONE = {
    "thread_index_in_threadgroup",
    "thread_index_in_simdgroup",
    "simdgroup_index_in_threadgroup",
    "simdgroups_per_threadgroup",
    "threads_per_simdgroup",
    "thread_execution_width",
}
LAST_BUFFER = 30
_FLOAT = re.compile(r"(\d[\d']*\.\d*|\.\d+|\d[\d']*(?=[eE]))([eE][+-]?\d+)?")
_HEX_FLOAT = re.compile(r"0[xX].*[pP][+-]?\d+")
_HALF = re.compile(r"([\d.]+(?:[eE][+-]?\d+)?)[hH]")
_BFLOAT = re.compile(r"([\d.]+(?:[eE][+-]?\d+)?)[bB][fF]")
_LONG_DOUBLE = re.compile(r"\d*\.\d*[lL]")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A kernel's parameter: its name, the class of arguments.h that makes it, its template's."""

    name: str
    source: str
    optional: bool


@dataclass(slots=True)
class Kernel:
    """A kernel function or template, as it was declared."""

    name: str
    host_name: str
    parameters: list[Parameter]
    is_template: bool
    max_threads: str
    token: Token


@dataclass(slots=True)
class Pending:
    """Attributes that were read before the declaration they belong to."""

    host_name: str = ""
    max_threads: str = "0"
    is_kernel: bool = False
    instantiation: int = -1


@dataclass(slots=True)
class Constant:
    """A function constant; `queried`: is_function_constant_defined asks for it."""

    name: str
    index: int
    type: str
    queried: bool = False


@dataclass
class Prepass:
    """One source. `errors` holds sentences; where there are none, `text()` is the C++."""

    tokens: Tokens
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        types, self._vectors = known_names(self.tokens)
        self.errors += check_tokens(self.tokens, types)
        self._pending = Pending()
        self._kernels: dict[str, Kernel] = {}
        self._instances: list[tuple[str, str, str, Token]] = []
        self._constants: dict[str, Constant] = {}
        self._derived: set[str] = set()
        self._variables = 0
        self._body = range(0)
        self._out: list[tuple[str, Token | None, str]] = []
        self._handlers: dict[str, Callable[[int], int | None]] = {
            "[[": self._attribute,
            "kernel": self._kernel_word,
            "template": self._template,
            ";": self._end,
            "(": self._parameters,
            "constant": self._constant,
            "threadgroup": self._threadgroup,
            "is_function_constant_defined": self._defined,
            "vec": self._vec,
            "static_cast": self._static_cast,
        }
        if not self.errors:
            self._rewrite(0, len(self.tokens))

    def _rewrite(self, at: int, end: int) -> None:
        """Each handler gives the next token to look at, or None to leave its token as it is."""
        while at < end:
            token = self.tokens[at]
            handler = self._handlers.get(token.text, self._other)
            following = handler(at)
            if following is None:
                self._emit(token.text, token)
                following = at + 1
            at = following

    def _emit(self, text: str, token: Token | None = None) -> None:
        same = token is not None and text == token.text
        self._out.append((text, token, token.space if token and same else " "))

    def _error(self, token: Token, sentence: str) -> None:
        self.errors.append(error(token, sentence))

    def _attribute(self, at: int) -> int:
        end = self.tokens.closing(at)
        words = self.tokens.texts(at + 1, end)
        match words[:1]:
            case ["host_name"]:
                self._pending.host_name = words[2].strip('"')
            case ["kernel"]:
                self._pending.is_kernel = True
            case ["max_total_threads_per_threadgroup"]:
                self._pending.max_threads = "".join(words[2:-1])
            case ["unroll"]:
                pass
            case _:
                self._error(self.tokens[at], f"unknown attribute '{''.join(words)}' ignored")
        return end + 1

    def _kernel_word(self, at: int) -> int:
        self._pending.is_kernel = True
        return at + 1

    def _template(self, at: int) -> None:
        if self.tokens.text(at + 1) != "<":
            self._pending.instantiation = at

    def _end(self, at: int) -> None:
        """The end of an explicit instantiation: its name and template arguments are read."""
        start, host_name = self._pending.instantiation, self._pending.host_name
        if start < 0:
            return
        last = at - 1
        if self.tokens.text(last) == ")":
            last = next(i for i in range(start, at) if self.tokens.closing(i) == last) - 1
        first = self.tokens.opening_angle(last) - 1
        if host_name and self.tokens.text(last) == ">" and first > start:
            function = " ".join(self.tokens.texts(first, last + 1))
            name = self.tokens.text(first)
            self._instances.append((host_name, name, function, self.tokens[at]))
        elif host_name:
            self._error(self.tokens[at], "this explicit instantiation cannot be read")
        self._pending = Pending()

    def _parameters(self, at: int) -> int | None:
        """A kernel's parameters: attributes are read, and left out."""
        tokens, pending = self.tokens, self._pending
        declared = pending.is_kernel and pending.instantiation < 0 and not tokens.in_function(at)
        if not declared or tokens[at - 1].kind != "name" or tokens.text(at - 1) == "decltype":
            return None
        name, end = tokens.text(at - 1), tokens.closing(at)
        if name == "main":
            self._error(tokens[at], "a kernel cannot be named 'main'")
        if tokens.text(at - 2) != "void":
            self._error(tokens[at], "a kernel must return void")
        self._kernels[name] = Kernel(
            name=name,
            host_name=pending.host_name or name,
            parameters=self._read_parameters(at, end),
            is_template=self._is_template(at),
            max_threads=pending.max_threads,
            token=tokens[at],
        )
        self._pending = Pending()
        i = at
        while i <= end:
            if tokens[i].text == "[[":
                i = tokens.closing(i)
            else:
                self._emit(tokens[i].text, tokens[i])
            i += 1
        if tokens.text(end + 1) == "{":
            self._body = range(end + 1, tokens.closing(end + 1))
        return end + 1

    def _is_template(self, at: int) -> bool:
        i = at - 1
        while i >= 0 and self.tokens[i].text not in (";", "}", "{", "template"):
            i -= 1
        return self.tokens.text(i) == "template"

    def _read_parameters(self, start: int, end: int) -> list[Parameter]:
        found: list[Parameter] = []
        counts: set[str] = set()
        for first, last in self._split(start + 1, end):
            attribute = next((i for i in range(first, last) if self.tokens[i].text == "[["), -1)
            if attribute < 0:
                name = self.tokens.text(last - 1)
                self._error(self.tokens[first], f"kernel parameter '{name}' has no attribute")
                continue
            words = self.tokens.texts(attribute + 1, self.tokens.closing(attribute))
            name = self.tokens.text(attribute - 1)
            source = self._source(self.tokens[first], words)
            if source and source in {other.source for other in found}:
                self._error(self.tokens[first], f"'{words[0]}' is the attribute of two parameters")
            found.append(Parameter(name, source, "function_constant" in words))
            last_letter = self.tokens.text(attribute - 2)[-1]
            if words[0] in THREE and last_letter in "23":
                counts.add(last_letter)
        if len(counts) > 1:
            sentence = "grid position parameters must have the same number of components"
            self._error(self.tokens[start], sentence)
        return found

    def _split(self, start: int, end: int) -> list[tuple[int, int]]:
        """The ranges between commas."""
        ranges, first, i = [], start, start
        while i < end:
            text = self.tokens[i].text
            if text in ("(", "[[", "{"):
                i = self.tokens.closing(i)
            elif text == "<":
                i = max(i, self.tokens.closing_angle(i))
            elif text == ",":
                ranges.append((first, i))
                first = i + 1
            i += 1
        return [*ranges, (first, end)] if end > start else []

    def _source(self, token: Token, words: list[str]) -> str:
        """The class of arguments.h that makes a parameter with this attribute."""
        name = words[0]
        if name in ("buffer", "threadgroup") and len(words) > 3 and words[2].isdigit():
            if int(words[2]) > LAST_BUFFER:
                self._error(token, f"'{name}' attribute parameter is out of bounds: {words[2]}")
            return f"{'buffer' if name == 'buffer' else 'threadgroup_memory'}<{words[2]}>"
        if name not in THREE | ONE:
            self._error(token, f"unknown kernel parameter attribute '{name}'")
        return name

    def _constant(self, at: int) -> int | None:
        """A function constant, or a constant that is derived from one."""
        tokens = self.tokens
        if tokens.in_function(at) or tokens.text(at - 1) not in (";", "}", ">", ""):
            return None
        end = tokens.end_of_statement(at)
        attribute = next((i for i in range(at, end) if tokens[i].text == "[["), -1)
        if attribute >= 0:
            return self._function_constant(at, attribute, end)
        equals = next((i for i in range(at, end) if tokens[i].text == "="), -1)
        known = self._constants.keys() | self._derived
        if equals < 0 or not known & set(tokens.texts(equals, end)):
            return None
        name, kind = tokens.text(equals - 1), " ".join(tokens.texts(at + 1, equals - 1))
        self._derived.add(name)
        self._emit(f"static inline {kind} msl_derived_{name}() {{ return", tokens[at])
        self._rewrite(equals + 1, end)
        self._emit("; }")
        return end + 1

    def _function_constant(self, at: int, attribute: int, end: int) -> int:
        words = self.tokens.texts(attribute + 1, self.tokens.closing(attribute))
        name, kind = self.tokens.text(attribute - 1), self.tokens.texts(at + 1, attribute - 1)
        if words[0] != "function_constant" or not words[2].isdigit():
            self._error(self.tokens[at], f"unknown attribute '{''.join(words)}' ignored")
            return end + 1
        self._constants[name] = Constant(name, int(words[2]), " ".join(kind))
        storage, kind_text = "MSL_CONSTANT_STORAGE", " ".join(kind)
        self._emit(
            f"{storage} {kind_text} msl_value_{name}; {storage} unsigned char msl_defined_{name};"
            f" static constexpr const {kind_text} &{name} = msl_value_{name};",
            self.tokens[at],
        )
        return end + 1

    def _threadgroup(self, at: int) -> int | None:
        """A threadgroup variable becomes a reference into the memory that the runtime gives."""
        tokens = self.tokens
        if tokens.text(at - 1) not in (";", "{", "}", ")") or not tokens.in_function(at):
            return None
        end = tokens.end_of_statement(at)
        head = tokens.texts(at, end)
        before_size = head[: head.index("[")] if "[" in head else head
        if {"*", "&", "("} & set(before_size):
            return None
        if at not in self._body:
            sentence = "variables in the threadgroup address space can only be declared in a kernel"
            self._error(tokens[at], sentence)
        if "=" in head:
            self._error(tokens[at], "variables in threadgroup memory cannot be initialized")
            return end + 1
        ranges = self._split(at + 1, end)
        first = next((i for i in range(*ranges[0]) if tokens[i].text == "["), ranges[0][1]) - 1
        kind = " ".join(tokens.texts(at + 1, first))
        self._threadgroup_variable(kind, first, ranges[0][1])
        for name, last in ranges[1:]:
            self._threadgroup_variable(kind, name, last)
        return end + 1

    def _threadgroup_variable(self, kind: str, at: int, end: int) -> None:
        name, size = self.tokens.text(at), " ".join(self.tokens.texts(at + 1, end))
        self._variables += 1
        reference = f"(&{name}){size}" if size else f"&{name}"
        pointer = f"(threadgroup {kind} (*){size})" if size else f"(threadgroup {kind} *)"
        self._emit(
            f"threadgroup {kind} {reference} = *{pointer}(unsigned long)msl_threadgroup_variable("
            f"(const void *){self._variables}ul, (unsigned)sizeof({kind}{size}), "
            f"(unsigned)alignof({kind}));",
            self.tokens[at],
        )

    def _defined(self, at: int) -> int:
        name = self.tokens.text(at + 2)
        if name in self._constants:
            self._constants[name].queried = True
        self._emit(f"((bool)msl_defined_{name})", self.tokens[at])
        return at + 4

    def _vec(self, at: int) -> int | None:
        """`vec<T, N>(...)`; all else about vec is a type."""
        end = self.tokens.closing_angle(at + 1) if self.tokens.text(at + 1) == "<" else -1
        if end < 0 or self.tokens.text(end + 1) != "(":
            return None
        kind = " ".join(self.tokens.texts(at, end + 1))
        self._emit(f"{self._qualifier(at)}msl::make< {kind}>", self.tokens[at])
        return end + 1

    def _static_cast(self, at: int) -> int | None:
        name, after = self.tokens.text(at + 2), self.tokens.text(at + 3)
        if name not in self._vectors or after != ">":
            return None
        self._emit(f"::metal::msl::make< {name}>", self.tokens[at])
        return at + 4

    def _qualifier(self, at: int) -> str:
        return "" if self.tokens.text(at - 1) == "::" else "::metal::"

    def _other(self, at: int) -> int | None:
        token = self.tokens[at]
        if token.kind == "number":
            self._emit(self._number(token), token)
        elif token.kind == "pragma":
            # Unrolling is for registers of a GPU; on a CPU it only costs minutes.
            text = (
                f"#ifdef MSL_NVIDIA\n{token.text}\n#endif" if "unroll" in token.text else token.text
            )
            self._emit(f"\n{text}\n")
        elif token.text in self._derived:
            self._emit(f"msl_derived_{token.text}()", token)
        elif (
            token.text in self._vectors
            and self.tokens.text(at + 1) == "("
            and self.tokens.text(at - 1) not in (".", "->")
        ):
            name = f"::metal::{token.text}" if token.text in VECTORS else token.text
            self._emit(f"{self._qualifier(at)}msl::make< {name}>", token)
        else:
            return None
        return at + 1

    def _number(self, token: Token) -> str:
        """Metal's literals: 1.0 is a float, 1.0h a half, 1.0bf a bfloat."""
        text = token.text
        if _FLOAT.fullmatch(text) or _HEX_FLOAT.fullmatch(text):
            return text + "f"
        if half := _HALF.fullmatch(text):
            number = half[1] if "." in half[1] or "e" in half[1].lower() else half[1] + ".0"
            return number + "f16"
        if bfloat := _BFLOAT.fullmatch(text):
            number = bfloat[1] if "." in bfloat[1] or "e" in bfloat[1].lower() else bfloat[1] + ".0"
            return f"((bfloat){number}f)"
        if _LONG_DOUBLE.fullmatch(text):
            self._error(token, "'long double' is not supported in Metal")
        return text

    def text(self) -> str:
        """The C++ source: the shim, the rewritten lines, and the library's tables."""
        lines, line = ['#include "shim.h"'], []
        place: tuple[str, int] | None = None
        for text, token, space in self._out:
            if text.startswith("\n"):
                lines += ["".join(line), text.strip()]
                line, place = [], None
                continue
            here = (token.file, token.line) if token else place
            if here != place and here is not None:
                lines.append("".join(line))
                lines.append(f'#line {here[1]} "{here[0]}"')
                line, place = [], here
            line.append((space if line else "") + text)
        return "\n".join([*lines, "".join(line), *self._tables()]) + "\n"

    def _tables(self) -> list[str]:
        lines, numbers = [], []
        entries = [
            (kernel.host_name, kernel.name, kernel.name, kernel.token)
            for kernel in self._kernels.values()
            if not kernel.is_template
        ]
        for host_name, name, function, token in entries + self._instances:
            kernel = self._kernels.get(name)
            if kernel is None:
                self._error(token, f"host_name on '{name}', which is not a kernel")
                continue
            names = [f'"{"?" * p.optional}{p.name}"' for p in kernel.parameters]
            sources = [f"metal::msl::{p.source}" for p in kernel.parameters]
            number = len(numbers)
            numbers.append(number)
            lines.append(f'#line {token.line} "{token.file}"')
            lines.append(
                f'MSL_KERNEL({number}, "{host_name}", (&{function}), {kernel.max_threads}, '
                f"({', '.join([f'(&{function})', *names])}), {', '.join(sources)})"
            )
        return [*lines, "#ifndef MSL_NVIDIA", *self._library(numbers), "#endif"]

    def _library(self, numbers: list[int]) -> list[str]:
        kernels = ", ".join(f"&msl_kernel_{n}" for n in numbers) or "nullptr"
        constants = "".join(
            f'{{"{"?" * c.queried}{c.name}", {c.index}, "{c.type}", sizeof({c.type}), '
            f"&msl_value_{c.name}, &msl_defined_{c.name}}}, "
            for c in self._constants.values()
        )
        return [
            'extern "C" const uint32_t msl_static_bytes[];',
            f"static const msl_kernel *const msl_kernels[] = {{{kernels}}};",
            f"static const msl_constant msl_constants[] = {{{constants}{{}}}};",
            'extern "C" __attribute__((visibility("default"))) const msl_library msl_library = '
            f"{{MSL_ABI, {len(numbers)}, msl_kernels, {len(self._constants)}, msl_constants, "
            "msl_static_bytes};",
        ]

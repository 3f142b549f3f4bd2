"""Rules of the Metal Shading Language, and of this project's dialect, that C++ does not have.

Those that tokens show, and those that are easiest to see in LLVM's unoptimised code. Each gives
sentences in the form of Apple's compiler: `program_source:LINE: error: SENTENCE`.
"""

import re
from collections.abc import Iterator

from tokens import Token, Tokens

INTEGERS = ("char", "uchar", "short", "ushort", "int", "uint", "long", "ulong")
SCALARS = (*INTEGERS, "half", "float", "bfloat", "bool")
VECTORS = {scalar + count for scalar in SCALARS for count in "234"}
SPACES = {"device", "constant", "threadgroup", "thread"}
TEMPLATES = {"vec", "atomic", "simdgroup_matrix", "array", "tensor"}
TYPES = {
    *SCALARS,
    *VECTORS,
    *("void", "auto", "size_t", "ptrdiff_t", "unsigned", "signed"),
    *("atomic_int", "atomic_uint", "atomic_float", "atomic_bool"),
    *("simdgroup_float8x8", "simdgroup_half8x8", "simdgroup_bfloat8x8"),
    *(f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *(f"packed_{scalar}{count}" for scalar in SCALARS for count in "234"),
}
NOT_IN_METAL = (
    *("double", "goto", "new", "delete", "virtual", "dynamic_cast", "typeid", "try", "catch"),
    *("throw", "thread_local", "wchar_t", "noexcept"),
)
BANNED = {
    **{word: f"'{word}' is not supported in Metal" for word in NOT_IN_METAL},
    "std": "the C++ standard library is not available in Metal",
    "asm": "assembly is not supported in Metal",
    "__asm__": "assembly is not supported in Metal",
    "__attribute__": "__attribute__ is not of this project's dialect",
    "msl": "'msl' is a reserved name",
}
MEMORY_LIMIT = 32768


def error(token: Token, sentence: str) -> str:
    """A sentence with its place."""
    return f"{token.file}:{token.line}: error: {sentence}"


def known_names(tokens: Tokens) -> tuple[set[str], set[str]]:
    """Names that stand for types in this source, and those of them that stand for vectors."""
    types, vectors = set(TYPES), set(VECTORS)
    for i, token in enumerate(tokens):
        if token.text in ("struct", "class", "union", "enum") and tokens[i + 1].kind == "name":
            types.add(tokens[i + 1].text)
        elif token.text == "typename" and tokens.text(i - 1) in ("<", ","):
            types.add(tokens.text(i + 1))
        elif token.text == "using" and tokens.text(i + 2) == "=":
            types.add(tokens.text(i + 1))
            first = i + 5 if tokens.text(i + 3) == "metal" else i + 3
            if tokens.text(first) == "vec" or tokens.text(first) in vectors:
                vectors.add(tokens.text(i + 1))
        elif token.text == "typedef":
            name = tokens.text(tokens.end_of_statement(i) - 1)
            types.add(name)
            if tokens.text(i + 1) == "vec" or tokens.text(i + 1) in vectors:
                vectors.add(name)
    return types, vectors


def check_tokens(tokens: Tokens, types: set[str]) -> list[str]:
    """All that tokens show."""
    found: list[str] = []
    for i, token in enumerate(tokens):
        if token.kind == "name":
            found += _check_name(tokens, i)
        elif token.kind == "operator":
            found += _check_operator(tokens, i, types)
    return [*found, *_check_globals(tokens)]


def _check_name(tokens: Tokens, i: int) -> Iterator[str]:
    token, before, after = tokens[i], tokens.text(i - 1), tokens.text(i + 1)
    if token.text in BANNED and not (token.text == "delete" and before == "="):
        yield error(token, BANNED[token.text])
    elif token.text in ("struct", "class") and tokens.text(i + 2) == ":":
        yield error(token, "derived classes are not of this project's dialect")
    elif (
        token.text == "static" and tokens.in_function(i) and after not in ("constant", "constexpr")
    ):
        yield error(token, "static local variables are not supported in Metal")


def _check_operator(tokens: Tokens, i: int, types: set[str]) -> Iterator[str]:
    token, before, after = tokens[i], tokens.text(i - 1), tokens.text(i + 1)
    if token.text == "[" and before in {"=", "(", ",", "return", "{", ";", "&&", "||", "?", ":"}:
        yield error(token, "lambda expressions are not supported in Metal")
    elif token.text == "(" and after == "*" and tokens.texts(i + 3, i + 5) == [")", "("]:
        yield error(token, "function pointers are not supported in Metal")
    elif token.text == "(" and after in VECTORS and tokens.text(i + 2) == ")":
        operand = tokens[i + 3].kind in ("name", "number") or tokens.text(i + 3) == "("
        if operand and tokens[i - 1].kind != "name":
            yield error(token, f"vector C-style cast: write {after}(...)")
    elif token.text in ("*", "&", "&&") and _is_type(tokens, i - 1, types):
        product = (token.text == "&&" and tokens[i + 1].kind != "name") or (
            tokens[i + 1].kind == "number"
        )
        if not product and not _has_space(tokens, i - 1):
            kind = "pointer" if token.text == "*" else "reference"
            yield error(token, f"{kind} type must have explicit address space qualifier")


def _is_type(tokens: Tokens, i: int, types: set[str]) -> bool:
    """Whether a type ends at this token."""
    text = tokens.text(i)
    if text == "const":
        return _is_type(tokens, i - 1, types)
    if text == ">":
        name = tokens.text(tokens.opening_angle(i) - 1)
        return name in TEMPLATES or name in types
    return text in SPACES or (text in types and tokens.text(i - 1) not in (".", "->"))


def _has_space(tokens: Tokens, i: int) -> bool:
    """Whether an address space stands in the declaration before this token."""
    while i >= 0 and tokens[i].text not in {";", "{", "}", "(", ")", ",", "=", "return", "<"}:
        if tokens[i].text in SPACES:
            return True
        i = (tokens.opening_angle(i) if tokens[i].text == ">" else i) - 1
    return False


def _check_globals(tokens: Tokens) -> Iterator[str]:
    """Variables at namespace scope must be constant."""
    types = {"template", "using", "typedef", "struct", "class", "union", "enum", "static_assert"}
    i = 0
    while i < len(tokens):
        if tokens[i].text == "namespace":
            while tokens.text(i) not in ("{", ";", ""):
                i += 1
        elif tokens[i].kind != "pragma" and tokens[i].text not in (";", "}"):
            end, has_body = _end_of_declaration(tokens, i)
            head = tokens.texts(i, end)
            variable = not has_body and "(" not in head and head[0] not in types
            if variable and "constant" not in head:
                place = "program scope variable must reside in constant address space"
                yield error(tokens[i], place)
            i = end
        i += 1


def _end_of_declaration(tokens: Tokens, i: int) -> tuple[int, bool]:
    """Where a declaration at namespace scope ends, and whether that is a function's body."""
    has_types = tokens.text(i) in {"struct", "class", "union", "enum", "typedef"}
    while i < len(tokens) and tokens[i].text != ";":
        if tokens[i].text == "{" and not has_types and tokens.text(i - 1) in (")", "const"):
            return tokens.closing(i), True
        i = (tokens.closing(i) if tokens[i].text in ("(", "{", "[", "[[") else i) + 1
    return i, False


_DEFINITION = re.compile(r'define .*?@([\w.$]+|"[^"]*")\(')
_CALLED = re.compile(r"@([\w.$]+)")
_VARIABLE = re.compile(
    r"@msl_threadgroup_variable\(.*?\(i64 (\d+) to ptr\), i32 [\w ]*?(\d+), i32 [\w ]*?(\d+)\)"
)
_DOUBLE = re.compile(r"= f(add|sub|mul|div|neg|cmp) .*\bdouble\b|(fpext|[su]itofp) .* to double")
_ENTRY = re.compile(r"msl_entry_(\d+)")


class Code:
    """LLVM's unoptimised code of a library: who calls whom, and what the rules want to know."""

    def __init__(self, text: str) -> None:
        self.calls: dict[str, set[str]] = {}
        self.variables: dict[str, dict[str, int]] = {}
        self.suspects: list[tuple[str, str]] = []
        function = ""
        for line in text.splitlines():
            head = _DEFINITION.match(line)
            if head:
                function = head[1]
                self.calls[function], self.variables[function] = set(), {}
            elif function:
                self._read(function, line)

    def _read(self, function: str, line: str) -> None:
        if "call " in line:
            self.calls[function].update(_CALLED.findall(line))
            variable = _VARIABLE.search(line)
            if variable:
                alignment = max(16, int(variable[3]))
                self.variables[function][variable[1]] = (
                    -(-int(variable[2]) // alignment) * alignment
                )
        if _is_shim(function):
            return
        if "addrspacecast" in line:
            self.suspects.append((function, "cast between address spaces"))
        if "double" in line and _DOUBLE.search(line):
            self.suspects.append((function, "'double' is not supported in Metal"))

    def reachable(self, start: str) -> set[str]:
        """Functions of the library that `start` calls, itself only if it recurs."""
        seen: set[str] = set()
        todo = list(self.calls.get(start, ()))
        while todo:
            function = todo.pop()
            if function in self.calls and function not in seen:
                seen.add(function)
                todo += self.calls[function]
        return seen

    def static_bytes(self) -> dict[int, int]:
        """Bytes of threadgroup variables of each kernel, by its number."""
        found: dict[int, int] = {}
        for function in self.calls:
            entry = _ENTRY.search(function)
            if entry:
                used: dict[str, int] = {}
                for called in self.reachable(function):
                    used |= self.variables[called]
                found[int(entry[1])] = sum(used.values())
        return found


def check_code(code: Code) -> Iterator[tuple[str, str]]:
    """Function (mangled) and sentence: recursion, casts between address spaces, doubles, size."""
    yield from code.suspects
    for function in code.calls:
        if not _is_shim(function) and function in code.reachable(function):
            yield function, "recursion is not supported in Metal"
    for number, size in code.static_bytes().items():
        if size > MEMORY_LIMIT:
            sentence = (
                f"threadgroup memory ({size} bytes) exceeds the limit of {MEMORY_LIMIT} bytes"
            )
            yield f"kernel {number}", sentence


def _is_shim(function: str) -> bool:
    return re.match("_ZZ?NK?5metal", function) is not None

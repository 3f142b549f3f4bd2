"""How long, how wide, how named: files, functions, lines, and words that say that work is left."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.rooms.tree import PYTHON, C, source_files, without_comments

FILE_LINES = 500
FUNCTION_LINES = 70
COLUMNS = 100
NAMELESS = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
LEFT_OVER = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")


def check(root: Path) -> list[str]:
    """A sentence for each file, function, line or name that breaks a measure."""
    found = []
    for path in source_files(root, PYTHON + C):
        place, text = path.relative_to(root), path.read_text(encoding="utf-8")
        functions = _python_functions if path.suffix in PYTHON else _c_functions
        sentences = [*_name(place), *_lines(text), *_functions(functions(text))]
        if path.suffix in C:  # ruff measures Python
            sentences += _columns(text)
        found += [f"{place}: {sentence}" for sentence in sentences]
    return found


def _name(place: Path) -> Iterator[str]:
    for part in place.with_suffix("").parts:
        if NAMELESS & set(part.lower().split("_")):
            yield f"'{part}' says nothing; name the one thing that it holds."


def _lines(text: str) -> Iterator[str]:
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        yield f"{len(lines)} lines, more than {FILE_LINES}; it holds two topics."
    for number, line in enumerate(lines, 1):
        if LEFT_OVER.search(line):
            yield f"line {number} says that something is left to do; do it or open an issue."


def _columns(text: str) -> Iterator[str]:
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > COLUMNS:
            yield f"line {number} has {len(line)} columns, more than {COLUMNS}."


def _functions(functions: Iterator[tuple[str, int]]) -> Iterator[str]:
    for name, lines in functions:
        if lines > FUNCTION_LINES:
            yield f"{name} has {lines} lines, more than {FUNCTION_LINES}."
        if lines < 0:
            yield f"the braces from {name} on do not pair, so functions cannot be measured."


def _python_functions(text: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def _c_functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and lines of each function; lines are -1 where a brace has no partner."""
    code = without_comments(text)
    head = depth = opened = 0
    for found in re.finditer(r"[{};]", code):
        at = found.start()
        if found[0] == "{":
            if depth == 0:
                opened = at
            depth += 1
        elif found[0] == "}":
            depth -= 1
            name = _function_name(code[head:opened])
            if depth == 0 and name:
                yield name, code[head : at + 1].strip().count("\n") + 1
        if depth == 0:
            head = at + 1
    if depth != 0:
        yield code[head:opened].strip()[:40], -1


def _function_name(declaration: str) -> str | None:
    """The name before the first parenthesis; None: a type or a table."""
    if "=" in declaration or declaration.lstrip().startswith("typedef"):
        return None
    found = re.search(r"(\w+)\s*\(", declaration.replace("__attribute__", ""))
    return found[1] if found else None

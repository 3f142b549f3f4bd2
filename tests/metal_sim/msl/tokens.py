"""A preprocessed .metal source as tokens that remember file and line.

Knows the shape of the language (what closes what, what stands in a function), no rule of it.
"""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<space>[ \t]+) | (?P<newline>\n) | (?P<mark>^\#[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*") | (?P<character>'(?:\\.|[^'\\])*')
  | (?P<number>(?:0[xX][0-9a-fA-F']+(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?\d+)?
      |(?:\d[\d']*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[A-Za-z]*)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<operator>\[\[|::|->|\+\+|--|<<=|>>=|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|<<|\.\.\.|.)""",
    re.VERBOSE | re.MULTILINE,
)
_LINE_MARK = re.compile(r'#\s+(\d+)\s+"([^"]*)"([ \d]*)')
_CLOSES = {")": "(", "]": "[", "}": "{", "]]": "[["}
SYSTEM_HEADER = "3"


@dataclass(slots=True)
class Token:
    """One token; `space` is what stood before it on its line."""

    kind: str
    text: str
    file: str
    line: int
    space: str


class Tokens(list[Token]):
    """The tokens of a source, with two questions about its shape answered in advance."""

    def __init__(self, preprocessed: str) -> None:
        super().__init__(_join_attributes(_lex(preprocessed)))
        self.partner: dict[int, int] = {}
        self._in_function = [False] * len(self)
        self._read_shape()

    def text(self, at: int) -> str:
        """The text of a token, empty beyond either end."""
        return self[at].text if 0 <= at < len(self) else ""

    def texts(self, start: int, end: int) -> list[str]:
        """The texts of a range."""
        return [token.text for token in self[start:end]]

    def closing(self, at: int) -> int:
        """Where the bracket at `at` is closed; the last token where it is not."""
        return self.partner.get(at, len(self) - 1)

    def closing_angle(self, at: int) -> int:
        """Where the `<` of a template's arguments at `at` is closed; -1: it is no such thing."""
        depth = 0
        while at < len(self):
            text = self[at].text
            if text in ("(", "["):
                at = self.closing(at)
            elif text == "<":
                depth += 1
            elif text == ">":
                depth -= 1
                if depth == 0:
                    return at
            elif text in (";", "{", "}"):
                return -1
            at += 1
        return -1

    def opening_angle(self, at: int) -> int:
        """Where the `>` at `at` was opened; -1: nowhere near."""
        depth = 0
        for i in range(at, max(-1, at - 60), -1):
            depth += {">": 1, "<": -1}.get(self[i].text, 0)
            if depth == 0:
                return i
        return -1

    def in_function(self, at: int) -> bool:
        """Whether a token stands in a function's body."""
        return self._in_function[at]

    def end_of_statement(self, at: int) -> int:
        """The next semicolon outside of brackets."""
        while at < len(self) and self[at].text != ";":
            at = (self.closing(at) if self[at].text in ("(", "[", "{", "[[") else at) + 1
        return at

    def _read_shape(self) -> None:
        opened: list[int] = []
        functions: list[bool] = []
        for i, token in enumerate(self):
            if token.text in ("(", "[", "{", "[["):
                opened.append(i)
            elif opened and self[opened[-1]].text == _CLOSES.get(token.text):
                self.partner[opened.pop()] = i
            if token.text == "{":
                body = self.text(i - 1) in (")", "const")
                functions.append(body or (bool(functions) and functions[-1]))
            self._in_function[i] = bool(functions) and functions[-1]
            if token.text == "}" and functions:
                functions.pop()


def _lex(preprocessed: str) -> list[Token]:
    """All tokens outside of system headers; line marks say where each one comes from."""
    found: list[Token] = []
    file, line, space, skipped = "program_source", 1, " ", False
    for match in _TOKEN.finditer(preprocessed):
        kind, text = match.lastgroup or "", match[0]
        if kind == "newline":
            line += 1
        if kind in ("space", "newline"):
            space = " "
            continue
        if kind == "mark":
            mark = _LINE_MARK.match(text)
            if mark:
                line, file = int(mark[1]) - 1, mark[2].replace("<stdin>", "program_source")
                skipped = SYSTEM_HEADER in mark[3].split()
                continue
            kind = "pragma"
        if not skipped and (kind != "pragma" or "pragma" in text):
            found.append(Token(kind, text, file, line, space))
        space = ""
    return found


def _join_attributes(tokens: list[Token]) -> list[Token]:
    """`]]` closes an attribute only where `[[` opened one; elsewhere `]` comes twice."""
    joined: list[Token] = []
    opened: list[str] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.text in ("[", "[["):
            opened.append(token.text)
        elif token.text == "]" and opened and opened.pop() == "[[":
            token.text = "]]"
            i += 1
        joined.append(token)
        i += 1
    return joined

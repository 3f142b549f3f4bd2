r"""The attention grammar of prompts, as users of AUTOMATIC1111's web UI know it.

Owns brackets, weights, escapes and BREAK. Knows nothing of tokens.

    (a)       times 1.1             [a]        divided by 1.1
    (a:1.3)   times 1.3             \( \) \[ \] \\   the character itself
    BREAK     the rest begins a new chunk

Weights of nested brackets multiply, and a bracket that is never closed closes at the end. A
closing bracket that nothing opened is text; a lone backslash vanishes. Two things differ, where
the original fails: BREAK inside brackets is still BREAK (there it becomes the word "break"), and
`(a:1.2.3)`, whose weight is no number, is text in plain brackets (there it is an error).
"""

import re
from itertools import groupby

Segment = tuple[str, float]
"""Text and its attention weight."""

BREAK: Segment = ("BREAK", -1.0)
"""The segment that stands for BREAK."""

MAX_NESTING = 64
"""Brackets of one kind inside more than this many weigh nothing: any text parses in linear time."""

MAX_WEIGHT = 1e4
"""Weights stay within +- this, so that they stay numbers; no picture is left long before."""

_FACTORS = {"(": 1.1, "[": 1 / 1.1}
_OPENERS = {")": "(", "]": "["}
_BREAK_WORD = re.compile(r"\bBREAK\b")
_LEXEME = re.compile(
    r"""
      \\ (?P<escaped> [\\()\[\]]? )
    | : \s* (?P<weight> [+-]? [.\d]+ ) \s* \)
    | (?P<opening> [(\[] )
    | (?P<closing> [)\]] )
    | (?P<plain> : | [^\\()\[\]:]+ )
    """,
    re.VERBOSE,
)


def parse_attention(text: str) -> list[Segment]:
    """Segments of a prompt in order, neighbours of equal weight joined; never empty.

    `BREAK` stands where the prompt says so, always between two texts, which may be empty.
    Any text parses.
    """
    pieces = _Pieces()
    for lexeme in _LEXEME.finditer(text):
        word = lexeme.group()
        match lexeme.lastgroup:
            case "escaped":
                pieces.add(lexeme["escaped"])
            case "opening":
                pieces.open(word)
            case "closing" if pieces.is_open(_OPENERS[word]):
                pieces.close(_OPENERS[word])
            case "weight" if pieces.is_open("("):
                weight = _number(lexeme["weight"])
                if weight is None:
                    pieces.add(word[:-1])
                pieces.close("(", weight)
            case _:
                pieces.add_with_breaks(word)
    return pieces.segments()


class _Pieces:
    """Pieces of text with a weight each (None: BREAK), and where the open brackets began."""

    def __init__(self) -> None:
        self._texts: list[str | None] = []
        self._weights: list[float] = []
        self._starts: dict[str, list[int]] = {opener: [] for opener in _FACTORS}

    def add(self, text: str | None) -> None:
        self._texts.append(text)
        self._weights.append(1.0)

    def add_with_breaks(self, text: str) -> None:
        parts = _BREAK_WORD.split(text)
        last = len(parts) - 1
        for place, part in enumerate(parts):
            if place > 0:
                self.add(None)
            begun = part.lstrip() if place > 0 else part
            self.add(begun.rstrip() if place < last else begun)

    def open(self, opener: str) -> None:
        self._starts[opener].append(len(self._texts))

    def is_open(self, opener: str) -> bool:
        return bool(self._starts[opener])

    def close(self, opener: str, weight: float | None = None) -> None:
        start = self._starts[opener].pop()
        if len(self._starts[opener]) < MAX_NESTING:
            self._scale(start, _FACTORS[opener] if weight is None else weight)

    def segments(self) -> list[Segment]:
        for opener, starts in self._starts.items():
            for start in starts[:MAX_NESTING]:
                self._scale(start, _FACTORS[opener])
        if not self._texts:
            return [("", 1.0)]
        weighted = zip(self._texts, self._weights, strict=True)
        groups = groupby(weighted, key=lambda piece: (piece[0] is None, piece[1]))
        return [
            BREAK if is_break else ("".join(text for text, _ in group if text), weight)
            for (is_break, weight), group in groups
        ]

    def _scale(self, start: int, factor: float) -> None:
        self._weights[start:] = [_bounded(w * factor) for w in self._weights[start:]]


def _bounded(weight: float) -> float:
    return max(-MAX_WEIGHT, min(MAX_WEIGHT, weight))


def _number(text: str) -> float | None:
    try:
        return _bounded(float(text))
    except ValueError:
        return None

r"""What each part of a prompt means, shown in colour while one types.

Owns the spans of a prompt (`prompt_spans`, plain text in and spans out) and their looks. Knows no
tokens, and nothing of what the engine makes of a prompt.

    (a) (a:1.2) [a]     weights         <lora:x:0.8>   a LoRA
    [a:b:0.5] [a|b]     schedules       __file__ {a|b} wildcards
    BREAK   \( \) \[ \] \\              and brackets that nothing opens or closes
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from PySide6.QtCore import QObject
from PySide6.QtGui import QColor, QFont, QTextCharFormat, QTextDocument, QTextLayout

from app.ui.parts import theme

LONGEST_TEXT = 10_000
"""Characters; a longer text stays plain, so that typing in it stays quick."""
_FACTORS = {"(": 1.1, "[": 1 / 1.1, "{": 1.0}
_OPENERS = {")": "(", "]": "[", "}": "{"}
_LARGEST_WEIGHT = 1e4

_LEXEME = re.compile(
    r"""
      (?P<escape> \\ [\\()\[\]] )
    | (?P<lora> <\w+:[^>\n]+> )
    | (?P<wildcard> __[^\s_,()\[\]{}|:<>](?:[^\s,()\[\]{}|:<>]*?[^\s_,()\[\]{}|:<>])?__ )
    | (?P<number> : \s* [+-]? (?:\d+\.?\d*|\.\d+) \s* (?=[)\]]) )
    | (?P<opener> [(\[{] )
    | (?P<closer> [)\]}] )
    | (?P<bar> \| )
    | (?P<colon> : )
    | (?P<break> \bBREAK\b )
    | (?P<text> \w+ | [^\\<_()\[\]{}|:\w]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class SpanKind(StrEnum):
    """What a stretch of a prompt is."""

    STRONGER = "stronger"
    WEAKER = "weaker"
    SCHEDULE = "schedule"
    CHOICE = "choice"
    SIGN = "sign"
    NUMBER = "number"
    LORA = "lora"
    WILDCARD = "wildcard"
    BREAK = "break"
    ESCAPE = "escape"
    UNBALANCED = "unbalanced"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Characters `start` up to `end` of a prompt are of one kind; plain words have no span."""

    start: int
    end: int
    kind: SpanKind


@dataclass
class _Group:
    """A pair of brackets: what they mean is known once they close."""

    opener: str
    close: int = -1
    bars: list[int] = field(default_factory=list)
    colons: list[int] = field(default_factory=list)
    number: int = -1

    @property
    def kind(self) -> SpanKind | None:
        """What the words inside are, where that is no matter of weights."""
        if self.opener == "{" or (self.opener == "[" and self.bars):
            return SpanKind.CHOICE
        if self.opener == "[" and self.number >= 0:
            return SpanKind.SCHEDULE
        return None


def prompt_spans(text: str) -> list[Span]:
    """The spans of a prompt in order, none overlapping another; any text has them."""
    lexemes = list(_LEXEME.finditer(text))
    kinds = _lexeme_kinds(lexemes, _groups(lexemes))
    spans: list[Span] = []
    for lexeme, kind in zip(lexemes, kinds, strict=True):
        if kind is None:
            continue
        if spans and spans[-1].end == lexeme.start() and spans[-1].kind is kind:
            spans[-1] = Span(start=spans[-1].start, end=lexeme.end(), kind=kind)
        else:
            spans.append(Span(start=lexeme.start(), end=lexeme.end(), kind=kind))
    return spans


def _groups(lexemes: list[re.Match[str]]) -> dict[int, _Group]:
    """The bracket pairs by the lexeme that opens them; `close` is -1 where nothing closes one."""
    groups: dict[int, _Group] = {}
    path: list[int] = []
    for place, lexeme in enumerate(lexemes):
        match lexeme.lastgroup:
            case "opener":
                groups[place] = _Group(lexeme.group())
                path.append(place)
            case "closer":
                opener = _OPENERS[lexeme.group()]
                if any(groups[i].opener == opener for i in path[-64:]):
                    while groups[path[-1]].opener != opener:
                        path.pop()
                    groups[path.pop()].close = place
            case "bar" if path:
                groups[path[-1]].bars.append(place)
            case "colon" if path:
                groups[path[-1]].colons.append(place)
            case "number" if path:
                groups[path[-1]].number = place
    return groups


def _lexeme_kinds(
    lexemes: list[re.Match[str]], groups: dict[int, _Group]
) -> Iterator[SpanKind | None]:
    closers = {group.close for group in groups.values()}
    signs = {place for place, group in groups.items() if group.close >= 0} | closers
    for group in groups.values():
        signs |= set(group.bars) if group.kind is SpanKind.CHOICE else set()
        signs |= set(group.colons) if group.kind is SpanKind.SCHEDULE else set()
    numbers = {group.number for group in groups.values() if group.close >= 0}
    path: list[tuple[SpanKind | None, float]] = [(None, 1.0)]
    for place, lexeme in enumerate(lexemes):
        name = str(lexeme.lastgroup)
        if place in groups and groups[place].close >= 0:
            path.append(_inside(groups[place], lexemes, path[-1][1]))
        elif place in closers:
            path.pop()
        if place in signs:
            yield SpanKind.SIGN
        elif name in {"opener", "closer"}:
            yield SpanKind.UNBALANCED
        elif place in numbers:
            yield SpanKind.NUMBER
        elif name in {"escape", "lora", "wildcard", "break"}:
            yield SpanKind(name)
        else:
            yield _word_kind(*path[-1])


def _inside(
    group: _Group, lexemes: list[re.Match[str]], weight: float
) -> tuple[SpanKind | None, float]:
    """What words in a group are, and their weight."""
    if group.kind is not None:
        return group.kind, weight
    factor = _FACTORS[group.opener]
    if group.opener == "(" and group.number >= 0:
        factor = float(lexemes[group.number].group().strip(": \t\n"))
    return None, max(-_LARGEST_WEIGHT, min(_LARGEST_WEIGHT, weight * factor))


def _word_kind(kind: SpanKind | None, weight: float) -> SpanKind | None:
    if kind is not None or abs(weight - 1) < 1e-3:
        return kind
    return SpanKind.STRONGER if weight > 1 else SpanKind.WEAKER


class PromptHighlighter(QObject):
    """Colours a document as it changes.

    It looks at the document whole, for a bracket may close lines below; so it lays formats over
    the lines itself. Neither undo nor the text knows of them.
    """

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._document = document
        self._formats = span_formats()
        document.contentsChange.connect(self._highlight)

    def wear_colors(self) -> None:
        """The app wears others now."""
        self._formats = span_formats()
        self._highlight()

    def _highlight(self) -> None:
        # Qt counts UTF-16 units, and so do formats; Python counts characters.
        text = self._document.toRawText()
        spans = prompt_spans(_without_breaks(text)) if len(text) <= LONGEST_TEXT else []
        units = _unit_places(text)
        self._lay([(units[s.start], units[s.end], self._formats[s.kind]) for s in spans])

    def _lay(self, ranges: list[tuple[int, int, QTextCharFormat]]) -> None:
        """Give each line the ranges that touch it, and mark it dirty if they are others now."""
        first = 0
        block = self._document.begin()
        while block.isValid():
            start, end = block.position(), block.position() + block.length() - 1
            while first < len(ranges) and ranges[first][1] <= start:
                first += 1
            formats = []
            for range_start, range_end, look in itertools.islice(ranges, first, None):
                if range_start >= end:
                    break
                left, right = max(range_start, start), min(range_end, end)
                formats.append(_format_range(left - start, right - left, look))
            if formats != block.layout().formats():
                block.layout().setFormats(formats)
                self._document.markContentsDirty(start, block.length())
            block = block.next()


def _without_breaks(text: str) -> str:
    return text.replace("\u2029", "\n").replace("\u2028", "\n")


def _unit_places(text: str) -> list[int]:
    """The UTF-16 place of each character, and of the end."""
    places = [0]
    for character in text:
        places.append(places[-1] + (2 if ord(character) > 0xFFFF else 1))
    return places


def _format_range(start: int, length: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length = start, length
    made.format = look
    return made


def span_formats() -> dict[SpanKind, QTextCharFormat]:
    """The looks, in the colours that the app wears."""
    worn = theme.colors()
    formats = {
        SpanKind.STRONGER: _look(worn.accent),
        SpanKind.WEAKER: _look(worn.muted),
        SpanKind.SCHEDULE: _look(worn.good),
        SpanKind.CHOICE: _look(worn.good),
        SpanKind.SIGN: _look(worn.muted),
        SpanKind.NUMBER: _look(worn.muted),
        SpanKind.LORA: _look(worn.text, worn.selection),
        SpanKind.WILDCARD: _look(worn.warning),
        SpanKind.BREAK: _look(worn.muted, worn.hover),
        SpanKind.ESCAPE: _look(worn.muted),
        SpanKind.UNBALANCED: _look(worn.danger),
    }
    formats[SpanKind.BREAK].setFontWeight(QFont.Weight.DemiBold)
    formats[SpanKind.UNBALANCED].setUnderlineStyle(
        QTextCharFormat.UnderlineStyle.SpellCheckUnderline
    )
    formats[SpanKind.UNBALANCED].setUnderlineColor(QColor(worn.danger))
    return formats


def _look(color: str, ground: str | None = None) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(QColor(color))
    if ground is not None:
        made.setBackground(QColor(ground))
    return made

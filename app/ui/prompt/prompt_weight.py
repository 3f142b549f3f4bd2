"""How the weight of words in a prompt goes up and down, as in AUTOMATIC1111's web UI.

Owns the change of text: plain text in, one edit out. Knows no widget.
"""

import re
from dataclasses import dataclass

WEIGHT_STEP = 0.05
LARGEST_WEIGHT = 10.0
_BRACKET_FACTOR = 1.1
_WORD_ENDS = (
    ' \t\r\n.,/!?%^*;:{}=`~()[]<>|"' + "\uff0c\u3002\u3001\uff1b\uff1a\uff1f\uff01\uff08\uff09"
)
_TAG = re.compile(r"<\w+:[^:>\n]+(?P<weight>:[+-]?[\d.]+)?[^>\n]*>")
_WEIGHT = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$")


@dataclass(frozen=True, kw_only=True)
class WeightEdit:
    """Characters `start` up to `end` become `text`; then the selection is as given.

    The selection is where the words themselves now are; without one before, its two ends are equal.
    """

    start: int
    end: int
    text: str
    selection_start: int
    selection_end: int


@dataclass(frozen=True)
class _Words:
    """Words and the brackets about them: `start`..`end` holds all, `first`..`last` the words."""

    start: int
    end: int
    first: int
    last: int
    weight: float


def weight_edit(text: str, start: int, end: int, step: float) -> WeightEdit | None:
    """The edit that adds `step` to the weight of the selection, or of the word at the cursor.

    A cursor in a LoRA's tag means the LoRA; in round brackets, all that they hold. Brackets of
    weight 1 go. None where there is nothing to weigh.
    """
    tag = _tag_edit(text, start, end, step)
    if tag is not None:
        return tag
    words = _selected(text, start, end) if start < end else _at_cursor(text, start)
    if words is None:
        return None
    weight = _moved(words.weight, step)
    kept = text[words.first : words.last]
    written = kept if weight == 1 else f"({kept}:{weight:g})"
    first = words.start + (0 if weight == 1 else 1)
    last = first + len(kept)
    if start == end:
        first = last = min(max(first + start - words.first, first), last)
    return WeightEdit(
        start=words.start, end=words.end, text=written, selection_start=first, selection_end=last
    )


def _tag_edit(text: str, start: int, end: int, step: float) -> WeightEdit | None:
    for tag in _TAG.finditer(text):
        if not (tag.start() < start and end < tag.end()):
            continue
        if tag["weight"] is None:
            place, weight = (tag.end() - 1,) * 2, 1.0
        else:
            place, weight = tag.span("weight"), _number(tag["weight"][1:])
        written = f":{_moved(weight, step):g}"
        moved = [p if p <= place[0] else min(p, place[0] + len(written)) for p in (start, end)]
        return WeightEdit(
            start=place[0],
            end=place[1],
            text=written,
            selection_start=moved[0],
            selection_end=moved[1],
        )
    return None


def _selected(text: str, start: int, end: int) -> _Words | None:
    chosen = text[start:end]
    start += len(chosen) - len(chosen.lstrip())
    end -= len(chosen) - len(chosen.rstrip())
    if start >= end:
        return None
    pairs = _pairs(text)
    for opening, closing in pairs:
        first, last = opening + 1, closing - len(_weight_text(text[opening + 1 : closing]))
        if (start, end) in {(first, last), (first, closing), (opening, closing + 1)}:
            return _in_brackets(text, pairs, opening, closing)
    cuts = any((start <= o < end) != (start <= c < end) for o, c in pairs)
    return None if cuts else _Words(start, end, start, end, 1.0)


def _at_cursor(text: str, cursor: int) -> _Words | None:
    pairs = _pairs(text)
    around = [pair for pair in pairs if pair[0] < cursor <= pair[1]]
    if around:
        opening, closing = max(around)
        return _in_brackets(text, pairs, opening, closing)
    first = last = cursor
    while first > 0 and text[first - 1] not in _WORD_ENDS:
        first -= 1
    while last < len(text) and text[last] not in _WORD_ENDS:
        last += 1
    is_word = first < last and text[first:last] != "BREAK"
    return _Words(first, last, first, last, 1.0) if is_word else None


def _in_brackets(
    text: str, pairs: set[tuple[int, int]], opening: int, closing: int
) -> _Words | None:
    """The words of a pair; ((words)) counts as one pair of weight 1.1 x 1.1."""
    written = _weight_text(text[opening + 1 : closing])
    first, last = opening + 1, closing - len(written)
    if first >= last:
        return None
    if written:
        return _Words(opening, closing + 1, first, last, _number(written[1:]))
    while (first, last - 1) in pairs:
        first, last = first + 1, last - 1
    start, end = first - 1, last + 1
    depth = 1
    while (start - 1, end) in pairs:
        start, end, depth = start - 1, end + 1, depth + 1
    return _Words(start, end, first, last, _BRACKET_FACTOR**depth)


def _pairs(text: str) -> set[tuple[int, int]]:
    """Where round brackets open and close, escaped ones left out."""
    found: set[tuple[int, int]] = set()
    path: list[int] = []
    for sign in re.finditer(r"\\.|[()]", text, re.DOTALL):
        if sign.group() == "(":
            path.append(sign.start())
        elif sign.group() == ")" and path:
            found.add((path.pop(), sign.start()))
    return found


def _weight_text(inside: str) -> str:
    match = _WEIGHT.search(inside)
    return match.group() if match else ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


def _moved(weight: float, step: float) -> float:
    return min(max(round(weight + step, 2), 0.0), LARGEST_WEIGHT)

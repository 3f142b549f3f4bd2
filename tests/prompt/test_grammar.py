r"""The attention grammar: expectations worked out by hand from its rules."""

import random
import time
from itertools import pairwise

import pytest

from app.prompt.grammar import BREAK, MAX_NESTING, MAX_WEIGHT, Segment, parse_attention

UP = 1.1
DOWN = 1 / 1.1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("", 1.0)]),
        ("normal text", [("normal text", 1.0)]),
        ("an (important) word", [("an ", 1.0), ("important", UP), (" word", 1.0)]),
        ("a [faint] word", [("a ", 1.0), ("faint", DOWN), (" word", 1.0)]),
        ("(cat:1.3)", [("cat", 1.3)]),
        ("(cat: 1.3 ) (dog:+.5)", [("cat", 1.3), (" ", 1.0), ("dog", 0.5)]),
        ("(cat:-1)", [("cat", -1.0)]),
        ("(cat:0)", [("cat", 0.0)]),
        ("((a))", [("a", UP * UP)]),
        ("((a:1.5):2)", [("a", 3.0)]),
        ("(a (b:1.5) c:2)", [("a ", 2.0), ("b", 3.0), (" c", 2.0)]),
        ("([a])", [("a", 1.0)]),
        ("[[a] b]", [("a", DOWN * DOWN), (" b", DOWN)]),
    ],
)
def test_weights(text: str, expected: list[Segment]) -> None:
    assert parse_attention(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\(literal\]", [("(literal]", 1.0)]),
        (r"\\\[a\)", [("\\[a)", 1.0)]),
        (r"(a \(b\):1.2)", [("a (b)", 1.2)]),
        ("back\\slash\\", [("backslash", 1.0)]),
        (r"(a\:1.2)", [("a", 1.2)]),
    ],
)
def test_escapes(text: str, expected: list[Segment]) -> None:
    assert parse_attention(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(unbalanced", [("unbalanced", UP)]),
        ("a ((b", [("a ", 1.0), ("b", UP * UP)]),
        ("[a (b", [("a ", DOWN), ("b", UP * DOWN)]),
        ("a) b] c", [("a) b] c", 1.0)]),
        ("a:1.2) b", [("a:1.2) b", 1.0)]),
        ("[a:1.2]", [("a:1.2", DOWN)]),
        ("[a:1.2)", [("a:1.2)", DOWN)]),
        ("(a [b) c]", [("a ", UP), ("b", UP * DOWN), (" c", DOWN)]),
        ("time 12:30", [("time 12:30", 1.0)]),
        ("(a:b)", [("a:b", UP)]),
        ("(a:1.2.3)", [("a:1.2.3", UP)]),
        ("(a:.)", [("a:.", UP)]),
        ("()", [("", 1.0)]),
    ],
)
def test_unbalanced_and_odd(text: str, expected: list[Segment]) -> None:
    assert parse_attention(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(unnecessary)(parens)", [("unnecessaryparens", UP)]),
        ("(a:1)b", [("ab", 1.0)]),
        ("(a:1.10)(b:1.1)[c]", [("ab", 1.1), ("c", DOWN)]),
    ],
)
def test_equal_neighbours_join(text: str, expected: list[Segment]) -> None:
    assert parse_attention(text) == expected


def test_the_long_example() -> None:
    segments = parse_attention("a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).")
    assert [text for text, _ in segments] == (
        ["a ", "house", " ", "on", " a ", "hill", ", sun, ", "sky", "."]
    )
    assert [weight for _, weight in segments] == pytest.approx(
        [1, 1.573, 1.1, 1, 1.1, 0.55, 1.1, 1.4641, 1.1], abs=1e-12
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a BREAK b", [("a", 1.0), BREAK, ("b", 1.0)]),
        ("a\n BREAK \n b", [("a", 1.0), BREAK, ("b", 1.0)]),
        ("a,BREAK,b", [("a,", 1.0), BREAK, (",b", 1.0)]),
        ("BREAK", [("", 1.0), BREAK, ("", 1.0)]),
        ("a BREAK BREAK b", [("a", 1.0), BREAK, ("", 1.0), BREAK, ("b", 1.0)]),
        ("(a BREAK b:1.5)", [("a", 1.5), BREAK, ("b", 1.5)]),
        ("((a) BREAK", [("a", UP * UP), ("", UP), BREAK, ("", UP)]),
        ("BREAKFAST, break, _BREAK", [("BREAKFAST, break, _BREAK", 1.0)]),
    ],
)
def test_break(text: str, expected: list[Segment]) -> None:
    assert parse_attention(text) == expected


def test_weights_stay_finite() -> None:
    nines = "9" * 400
    assert parse_attention(f"(a:{nines})") == [("a", MAX_WEIGHT)]
    assert parse_attention(f"(a:-{nines})") == [("a", -MAX_WEIGHT)]
    assert parse_attention(f"((a:0):{nines})") == [("a", 0.0)]
    assert parse_attention(f"((a:{nines}):{nines})") == [("a", MAX_WEIGHT)]


def test_brackets_below_the_nesting_limit_weigh_nothing() -> None:
    deepest = parse_attention("[" * MAX_NESTING + "a")
    assert deepest != parse_attention("[" * (MAX_NESTING - 1) + "a")
    assert parse_attention("[" * (MAX_NESTING + 9) + "a") == deepest
    assert parse_attention("[" * (MAX_NESTING + 9) + "a" + "]" * (MAX_NESTING + 9)) == deepest


@pytest.mark.parametrize("unit", ["(", "(a", "a)", "(a:1.1)", " ", "BREAK ", "\\", ":", ": ", "1"])
def test_time_is_linear(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    start = time.process_time()
    parse_attention(text)
    parse_attention("(a:" + text)
    assert time.process_time() - start < 10


def test_random_text_never_fails() -> None:
    generator = random.Random(11)
    words = [
        *"()[]\\:., 1a\n\u00e9\u4e00\ud800",
        ":1.2)",
        ": -.5 )",
        "BREAK",
        "(" * 70,
        "::",
        ":.)",
    ]
    for _ in range(5000):
        text = "".join(generator.choices(words, k=generator.randint(0, 30)))
        segments = parse_attention(text)
        assert segments
        assert all(abs(weight) <= MAX_WEIGHT for _, weight in segments)
        pairs = pairwise(segments)
        assert all(one[1] != two[1] or BREAK in (one, two) for one, two in pairs)

"""What the parts of a prompt are taken for, and that the document shows it."""

import time

import pytest
from PySide6.QtGui import QTextDocument
from PySide6.QtWidgets import QPlainTextDocumentLayout

from app.ui.prompt.prompt_highlighter import PromptHighlighter, SpanKind, prompt_spans, span_formats


def found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind.value) for span in prompt_spans(text)]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a red fox", []),
        ("(a:1.2)", [("(", "sign"), ("a", "stronger"), (":1.2", "number"), (")", "sign")]),
        ("(a:0.8)", [("(", "sign"), ("a", "weaker"), (":0.8", "number"), (")", "sign")]),
        ("(a b)", [("(", "sign"), ("a b", "stronger"), (")", "sign")]),
        ("((a))", [("((", "sign"), ("a", "stronger"), ("))", "sign")]),
        ("(a:1)", [("(", "sign"), (":1", "number"), (")", "sign")]),
        ("[a]", [("[", "sign"), ("a", "weaker"), ("]", "sign")]),
        ("([a])", [("([", "sign"), ("])", "sign")]),
        (
            "[a:b:0.5]",
            [
                ("[", "sign"),
                ("a", "schedule"),
                (":", "sign"),
                ("b", "schedule"),
                (":0.5", "number"),
                ("]", "sign"),
            ],
        ),
        (
            "[a|b]",
            [("[", "sign"), ("a", "choice"), ("|", "sign"), ("b", "choice"), ("]", "sign")],
        ),
        (
            "{a|b}",
            [("{", "sign"), ("a", "choice"), ("|", "sign"), ("b", "choice"), ("}", "sign")],
        ),
        ("x <lora:ink:0.8> y", [("<lora:ink:0.8>", "lora")]),
        ("a __light/soft__ b", [("__light/soft__", "wildcard")]),
        ("snake_case __init", []),
        ("a BREAK b BREAKS", [("BREAK", "break")]),
        (
            r"\(a\) \[ \\",
            [(r"\(", "escape"), (r"\)", "escape"), (r"\[", "escape"), (r"\\", "escape")],
        ),
        ("(a", [("(", "unbalanced")]),
        ("a)", [(")", "unbalanced")]),
        ("(a]", [("(", "unbalanced"), ("]", "unbalanced")]),
        ("([a)", [("(", "sign"), ("[", "unbalanced"), ("a", "stronger"), (")", "sign")]),
        ("a | b: c", []),
        ("", []),
    ],
)
def test_spans(text: str, spans: list[tuple[str, str]]) -> None:
    assert found(text) == spans


def test_weights_multiply() -> None:
    assert ("b", "weaker") in found("(a (b:0.5):1.2)")
    assert ("a ", "stronger") in found("(a (b:0.5):1.2)")


def test_nested_in_a_schedule() -> None:
    assert ("b", "stronger") in found("[a:(b:1.3):0.5]")
    assert ("a", "schedule") in found("[a:(b:1.3):0.5]")


def test_hostile_text_is_quick() -> None:
    began = time.process_time()  # others may use the machine
    for text in (
        "(" * 20_000,
        "()" * 10_000,
        "([{" * 6_000,
        "_" * 20_000,
        "<a:" * 6_000,
        ":" * 9999,
    ):
        prompt_spans(text)
    assert time.process_time() - began < 5


def formats(document: QTextDocument, line: int) -> list[tuple[int, int]]:
    layout = document.findBlockByNumber(line).layout()
    return [(found.start, found.length) for found in layout.formats()]


def color(document: QTextDocument, place: int) -> str:
    spans = document.firstBlock().layout().formats()
    return spans[place].format.foreground().color().name()


def looks(kind: SpanKind) -> str:
    return span_formats()[kind].foreground().color().name()


@pytest.fixture
def document(qapp) -> QTextDocument:
    made = QTextDocument()
    made.setDocumentLayout(QPlainTextDocumentLayout(made))
    PromptHighlighter(made)
    return made


def test_document_wears_spans(document: QTextDocument) -> None:
    document.setPlainText("a (b:1.2)")
    assert formats(document, 0) == [(2, 1), (3, 1), (4, 4), (8, 1)]
    assert color(document, 1) == looks(SpanKind.STRONGER)


def test_a_bracket_may_close_lines_below(document: QTextDocument) -> None:
    document.setPlainText("(a\nb")
    assert color(document, 0) == looks(SpanKind.UNBALANCED)
    document.setPlainText("(a\nb)")
    assert color(document, 0) == looks(SpanKind.SIGN)
    assert formats(document, 1) == [(0, 1), (1, 1)]


def test_places_after_an_emoji(document: QTextDocument) -> None:
    document.setPlainText("\U0001f98a (b)")
    assert formats(document, 0)[0] == (3, 1)


def test_colours_are_no_step_of_undo(document: QTextDocument) -> None:
    document.setPlainText("(b)")
    assert not document.isUndoAvailable()

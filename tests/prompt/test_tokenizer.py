"""The tokenizer against ids that transformers' CLIPTokenizer gave (tests/golden)."""

import json
import random
import time
from pathlib import Path

import pytest

from app.prompt.tokenizer import (
    COMMA_TOKEN,
    END_TOKEN,
    START_TOKEN,
    VOCABULARY_SIZE,
    Tokenizer,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "tokenizer.json"


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


def test_ids_equal_the_reference(tokenizer: Tokenizer) -> None:
    cases = json.loads(GOLDEN.read_text())["cases"]
    assert len(cases) > 500
    wrong = [case["text"] for case in cases if tokenizer.encode(case["text"]) != case["ids"]]
    assert wrong == []


def test_known_ids(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("a photo of a cat") == [320, 1125, 539, 320, 2368]
    assert tokenizer.encode(",") == [COMMA_TOKEN]
    assert tokenizer.encode("<|startoftext|><|endoftext|>") == [START_TOKEN, END_TOKEN]
    assert tokenizer.encode(" \n\t") == []


def test_upper_case_markers_are_words(tokenizer: Tokenizer) -> None:
    assert END_TOKEN not in tokenizer.encode("<|ENDOFTEXT|>")


def test_surrogates(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("\ud83d\ude00") == tokenizer.encode("\U0001f600")
    assert tokenizer.encode("a \ud83d b") == tokenizer.encode("a \ufffd b")
    assert tokenizer.encode("\udc00\ud800") == tokenizer.encode("\ufffd\ufffd")


def test_every_character_has_tokens_of_the_vocabulary(tokenizer: Tokenizer) -> None:
    ids: set[int] = set()
    for start in range(0, 0x110000, 0x1000):
        ids.update(tokenizer.encode(" ".join(map(chr, range(start, start + 0x1000)))))
    assert ids <= set(range(VOCABULARY_SIZE))
    assert END_TOKEN not in ids, "the unknown token"


@pytest.mark.parametrize("unit", ["abcdefghij", "a red fox, ", "\u0301\u0316", " ", "\U0001f600"])
def test_long_text_is_quick(tokenizer: Tokenizer, unit: str) -> None:
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    tokenizer.encode(text)
    assert time.process_time() - start < 5


def test_random_text_never_fails(tokenizer: Tokenizer) -> None:
    generator = random.Random(7)
    for _ in range(2000):
        length = generator.randint(0, 40)
        text = "".join(chr(generator.randrange(0x110000)) for _ in range(length))
        assert all(0 <= token < VOCABULARY_SIZE for token in tokenizer.encode(text))

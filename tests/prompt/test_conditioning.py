"""How prompts become chunks of 77 ids and weights."""

import random

import pytest

from app.engine.types import PromptTokens
from app.prompt.conditioning import CHUNK_CAPACITY, TokenCount, prompt_tokens, token_count
from app.prompt.tokenizer import COMMA_TOKEN, END_TOKEN, START_TOKEN, VOCABULARY_SIZE, Tokenizer

CAT = 2368
DOG = 1929


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer()


def chunk(*ids: int, padding: int = END_TOKEN) -> tuple[int, ...]:
    return (START_TOKEN, *ids, END_TOKEN, *[padding] * (CHUNK_CAPACITY - len(ids)))


def words(cats: int, then: str = "") -> str:
    return "cat " * cats + then


def test_empty_prompt_is_one_chunk_of_padding(tokenizer: Tokenizer) -> None:
    for text in ("", "  ", "()", "\n"):
        empty = prompt_tokens(text, tokenizer)
        assert empty == PromptTokens(tokens=(chunk(),), weights=((1.0,) * 77,))


def test_weights_follow_their_tokens(tokenizer: Tokenizer) -> None:
    prompt = prompt_tokens("cat (dog:1.5) [cat]", tokenizer)
    assert prompt.tokens == (chunk(CAT, DOG, CAT),)
    assert prompt.weights == ((1.0, 1.0, 1.5, 1 / 1.1) + (1.0,) * 73,)


def test_padding_token(tokenizer: Tokenizer) -> None:
    prompt = prompt_tokens("cat", tokenizer, padding_token=0)
    assert prompt.tokens == (chunk(CAT, padding=0),)


def test_a_chunk_holds_75_tokens(tokenizer: Tokenizer) -> None:
    assert prompt_tokens(words(75), tokenizer).tokens == (chunk(*[CAT] * 75),)
    assert prompt_tokens(words(76), tokenizer).tokens == (chunk(*[CAT] * 75), chunk(CAT))
    assert len(prompt_tokens(words(151), tokenizer).tokens) == 3


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        (50, 30, 75),  # the comma is the 51st token: too far back
        (54, 30, 75),  # the 55th: the last that is too far back
        (55, 30, 56),  # the 56th: among the last 20
        (70, 30, 71),
        (74, 30, 75),  # the comma fills the chunk
        (75, 30, 75),  # the comma itself is the first over
        (60, 14, 75),  # all fits: nothing moves
    ],
)
def test_chunks_end_after_a_late_comma(
    tokenizer: Tokenizer, before: int, after: int, first: int
) -> None:
    ids = [CAT] * before + [COMMA_TOKEN] + [DOG] * after
    expected = [chunk(*ids[:first])] + ([chunk(*ids[first:])] if ids[first:] else [])
    text = "cat " * before + ", " + "dog " * after
    assert prompt_tokens(text, tokenizer).tokens == tuple(expected)


def test_moved_tokens_keep_their_weights(tokenizer: Tokenizer) -> None:
    prompt = prompt_tokens(words(70, ", dog (dog:1.5) dog dog dog dog"), tokenizer)
    assert prompt.tokens[1] == chunk(*[DOG] * 6)
    assert prompt.weights[1][:4] == (1.0, 1.0, 1.5, 1.0)
    assert set(prompt.weights[0]) == {1.0}


def test_break_ends_a_chunk(tokenizer: Tokenizer) -> None:
    assert prompt_tokens("cat BREAK dog", tokenizer).tokens == (chunk(CAT), chunk(DOG))
    assert prompt_tokens("(cat BREAK dog)", tokenizer).tokens == (chunk(CAT), chunk(DOG))
    assert prompt_tokens("BREAK dog", tokenizer).tokens == (chunk(), chunk(DOG))
    assert prompt_tokens("cat BREAK", tokenizer).tokens == (chunk(CAT),)
    assert prompt_tokens("cat BREAK BREAK dog", tokenizer).tokens == (
        (chunk(CAT), chunk(), chunk(DOG))
    )
    full = chunk(*[CAT] * 75)
    assert prompt_tokens(words(75, "BREAK dog"), tokenizer).tokens == (full, chunk(DOG))
    assert prompt_tokens(words(76, "BREAK dog"), tokenizer).tokens == (full, chunk(CAT), chunk(DOG))


def test_token_count(tokenizer: Tokenizer) -> None:
    def figures(text: str) -> tuple[int, int]:
        counted = token_count(text, tokenizer)
        assert isinstance(counted, TokenCount)
        return counted.count, counted.limit

    assert figures("") == (0, 75)
    assert figures("(cat:1.2), dog") == (3, 75)
    assert figures(words(75)) == (75, 75)
    assert figures(words(76)) == (76, 150)
    assert figures("cat BREAK dog") == (76, 150)
    assert figures(words(70, "," + " dog" * 6)) == (81, 150)


def test_any_text_makes_well_formed_chunks(tokenizer: Tokenizer) -> None:
    generator = random.Random(13)
    pieces = ["(", ")", "[", "]", "\\", ":1.3)", ",", "BREAK", "<|endoftext|>", "cat dog " * 20]
    for _ in range(600):
        characters = [chr(generator.randrange(0x110000)) for _ in range(10)]
        text = " ".join(generator.choices(pieces + characters, k=generator.randint(0, 40)))
        prompt = prompt_tokens(text, tokenizer)
        limit = token_count(text, tokenizer).limit
        assert len(prompt.tokens) == len(prompt.weights) == limit // 75 >= 1
        for ids, weights in zip(prompt.tokens, prompt.weights, strict=True):
            assert len(ids) == len(weights) == 77
            assert (ids[0], ids[-1], weights[0], weights[-1]) == (START_TOKEN, END_TOKEN, 1.0, 1.0)
            assert all(0 <= token < VOCABULARY_SIZE for token in ids)

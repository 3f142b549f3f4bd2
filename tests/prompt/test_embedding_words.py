"""Embeddings among tokens, and in chunks."""

import pytest

from app.prompt.conditioning import CHUNK_CAPACITY, prompt_tokens, token_count
from app.prompt.embedding_words import EmbeddingWords
from app.prompt.tokenizer import VOCABULARY_SIZE, Tokenizer

END = VOCABULARY_SIZE
CAT = 2368


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    """The real one."""
    return Tokenizer()


def ids(text: str, words: EmbeddingWords, tokenizer: Tokenizer) -> list[int]:
    """A prompt's ids without those of the vocabulary's special tokens and padding."""
    chunks = prompt_tokens(text, tokenizer, words).tokens
    return [token for chunk in chunks for token in chunk[1:] if token != 49407]


def test_a_name_is_its_tokens(tokenizer: Tokenizer) -> None:
    """Alone, with capitals, in brackets; not as a part of a word."""
    words = EmbeddingWords({"bad-dream": 3}, tokenizer)
    rows = [END, END + 1, END + 2]
    assert ids("bad-dream", words, tokenizer) == rows
    assert ids("a cat, (Bad-Dream:1.2)", words, tokenizer)[-3:] == rows
    assert END not in ids("bad-dreams", words, tokenizer)
    assert END not in ids("bad", words, tokenizer)


def test_the_longer_name_is_meant(tokenizer: Tokenizer) -> None:
    """Each name keeps its own rows, in the order that was given."""
    words = EmbeddingWords({"bad": 1, "bad hands": 2, "hands": 1}, tokenizer)
    assert ids("bad hands", words, tokenizer) == [END + 1, END + 2]
    assert ids("bad cat hands", words, tokenizer) == [END, CAT, END + 3]
    assert words.names_in("bad (hands:1.2) BREAK bad hands") == {"bad", "hands", "bad hands"}
    assert words.names_in("BREAK cat") == set()


def test_weights_are_those_of_the_word(tokenizer: Tokenizer) -> None:
    """Each row has the weight of its place."""
    words = EmbeddingWords({"style": 4}, tokenizer)
    prompt = prompt_tokens("cat (style:1.5)", tokenizer, words)
    assert prompt.weights[0][1:7] == (1.0, 1.5, 1.5, 1.5, 1.5, 1.0)


@pytest.mark.parametrize(("before", "count"), [(70, 5), (70, 6), (74, 75), (0, 75), (75, 1)])
def test_rows_stay_in_one_chunk(before: int, count: int, tokenizer: Tokenizer) -> None:
    """A word that does not fit begins the next chunk; as in A1111, without looking for a comma."""
    words = EmbeddingWords({"style": count}, tokenizer)
    text = "cat " * before + "style cat"
    chunks = prompt_tokens(text, tokenizer, words).tokens
    rows = tuple(range(END, END + count))
    fits = before + count <= CHUNK_CAPACITY
    place = 1 + before if fits else 1
    assert chunks[0 if fits else 1][place : place + count] == rows
    counted = token_count(text, tokenizer, words)
    ends_full = fits and before + count == CHUNK_CAPACITY
    full = CHUNK_CAPACITY if ends_full or not fits else 0
    more = before + count + 1 - full if fits else count + 1
    wanted = full + more if more <= CHUNK_CAPACITY else full + CHUNK_CAPACITY + 1
    assert counted.count == wanted


def test_a_name_of_nothing_is_no_word(tokenizer: Tokenizer) -> None:
    """Its file's name has no token."""
    words = EmbeddingWords({" ": 2, "cat": 1}, tokenizer)
    assert ids("cat", words, tokenizer) == [END + 2]

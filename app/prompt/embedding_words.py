"""Textual inversions in a prompt: names that are words of their own, each worth several tokens.

Owns how a name is found among tokens and which ids stand for its rows. Knows nothing of files.

The rule is AUTOMATIC1111's: a name is its tokens, so upper and lower case are one, and where two
names begin alike the longer one is meant.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.prompt.grammar import BREAK, parse_attention
from app.prompt.tokenizer import VOCABULARY_SIZE, Tokenizer


@dataclass(frozen=True, kw_only=True)
class _Word:
    name: str
    tokens: tuple[int, ...]
    ids: tuple[int, ...]


class EmbeddingWords:
    """The names that are words, with the ids of their rows."""

    def __init__(
        self, counts: Mapping[str, int], tokenizer: Tokenizer, first_id: int = VOCABULARY_SIZE
    ) -> None:
        """`counts`: each name's rows, which get ids from `first_id` on in this order."""
        self._tokenizer = tokenizer
        self._by_first: dict[int, list[_Word]] = {}
        next_id = first_id
        for name, count in counts.items():
            tokens = tuple(tokenizer.encode(name))
            word = _Word(name=name, tokens=tokens, ids=tuple(range(next_id, next_id + count)))
            next_id += count
            if tokens:
                self._by_first.setdefault(tokens[0], []).append(word)
        for words in self._by_first.values():
            words.sort(key=lambda word: -len(word.tokens))

    def encode(self, text: str) -> list[tuple[int, bool]]:
        """The text's tokens; each row of a word but the first is joined (True) to the one before.

        What is joined stays in one chunk.
        """
        tokens = self._tokenizer.encode(text)
        if not self._by_first:
            return [(token, False) for token in tokens]
        encoded: list[tuple[int, bool]] = []
        for found in self._walk(tokens):
            ids = found.ids if isinstance(found, _Word) else (found,)
            encoded += [(token, place > 0) for place, token in enumerate(ids)]
        return encoded

    def names_in(self, text: str) -> set[str]:
        """The names that are words of a prompt."""
        words = (words for words in parse_attention(text) if words != BREAK)
        walks = (self._walk(self._tokenizer.encode(text)) for text, _ in words)
        return {found.name for walk in walks for found in walk if isinstance(found, _Word)}

    def _walk(self, tokens: Sequence[int]) -> Iterable[int | _Word]:
        place = 0
        while place < len(tokens):
            word = self._at(tokens, place)
            yield word or tokens[place]
            place += len(word.tokens) if word else 1

    def _at(self, tokens: Sequence[int], place: int) -> _Word | None:
        for word in self._by_first.get(tokens[place], ()):
            if tuple(tokens[place : place + len(word.tokens)]) == word.tokens:
                return word
        return None

"""A prompt as chunks of 77 token ids with their weights, which is what the text encoder takes.

Owns how tokens are dealt out to chunks. Knows nothing of brackets or of what a token means.

The rules are those of AUTOMATIC1111's web UI: a chunk holds up to 75 tokens between start and
end; BREAK ends it; and where a chunk runs over, it ends after its last comma if that is among its
last 20 tokens, so that a phrase is not cut in two. The rows of an embedding stay together.
"""

from dataclasses import dataclass

from app.engine.types import TOKENS_PER_CHUNK, PromptTokens
from app.prompt.embedding_words import EmbeddingWords
from app.prompt.grammar import BREAK, parse_attention
from app.prompt.tokenizer import COMMA_TOKEN, END_TOKEN, START_TOKEN, Tokenizer

CHUNK_CAPACITY = TOKENS_PER_CHUNK - 2
"""A prompt's tokens in one chunk: all but start and end."""

COMMA_BACKTRACK = 20
"""How many tokens at most move to the next chunk with the end of their phrase, comma included."""

_WeightedToken = tuple[int, float, bool]  # True: it stays with the one before
_Chunk = list[_WeightedToken]


@dataclass(frozen=True, kw_only=True)
class TokenCount:
    """How full a prompt is: tokens up to its last one, and the places in its chunks."""

    count: int
    limit: int


def prompt_tokens(
    text: str,
    tokenizer: Tokenizer,
    words: EmbeddingWords | None = None,
    *,
    padding_token: int = END_TOKEN,
) -> PromptTokens:
    """Chunks of 77 ids: start, up to 75 tokens, end, padding; at least one chunk, for any text.

    `words` are the embeddings that the text may name. Start, end and padding weigh 1.
    `padding_token` is the end token for OpenAI's text encoder (SD 1, SDXL's first) and 0 for
    OpenCLIP's (SD 2, SDXL's second), which saw zeros there in training.
    """
    tokens = []
    weights = []
    for chunk in _chunks(text, words or EmbeddingWords({}, tokenizer)):
        padding = CHUNK_CAPACITY - len(chunk)
        ids = (token for token, _, _ in chunk)
        tokens.append((START_TOKEN, *ids, END_TOKEN, *(padding * [padding_token])))
        weights.append((1.0, *(weight for _, weight, _ in chunk), 1.0, *(padding * [1.0])))
    return PromptTokens(tokens=tuple(tokens), weights=tuple(weights))


def token_count(text: str, tokenizer: Tokenizer, words: EmbeddingWords | None = None) -> TokenCount:
    """How many of its places a prompt fills, places that BREAK or a comma left empty included."""
    chunks = _chunks(text, words or EmbeddingWords({}, tokenizer))
    full = CHUNK_CAPACITY * (len(chunks) - 1)
    return TokenCount(count=full + len(chunks[-1]), limit=full + CHUNK_CAPACITY)


def _chunks(text: str, words: EmbeddingWords) -> list[_Chunk]:
    """The chunks' tokens without start, end and padding; the list is never empty."""
    *closed, last = _sections(text, words)
    chunks = [chunk for section in closed for chunk in _cut(section) or [[]]]
    chunks += _cut(last)
    return chunks or [[]]


def _sections(text: str, words: EmbeddingWords) -> list[_Chunk]:
    """The prompt's tokens, divided where it says BREAK."""
    sections: list[_Chunk] = [[]]
    for segment in parse_attention(text):
        if segment == BREAK:
            sections.append([])
        else:
            part, weight = segment
            sections[-1] += [(token, weight, joined) for token, joined in words.encode(part)]
    return sections


def _cut(section: _Chunk) -> list[_Chunk]:
    chunks = []
    start = 0
    while start < len(section):
        end = _chunk_end(section, start)
        chunks.append(section[start:end])
        start = end
    return chunks


def _chunk_end(section: _Chunk, start: int) -> int:
    """Where the chunk that begins at `start` ends: full, or after a comma close to that."""
    end = start + CHUNK_CAPACITY
    if end >= len(section) or section[end][0] == COMMA_TOKEN:
        return min(end, len(section))
    if section[end][2]:  # in the middle of an embedding, which then begins the next chunk
        return next(place for place in range(end, start, -1) if not section[place][2])
    for place in range(end - 1, end - 1 - COMMA_BACKTRACK, -1):
        if section[place][0] == COMMA_TOKEN:
            return place + 1
    return end

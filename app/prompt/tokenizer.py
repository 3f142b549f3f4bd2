"""CLIP's byte-pair tokenizer: text to token ids.

Owns the vocabulary and how text is cut into tokens. Knows nothing of attention, chunks or
models.

The reference is `CLIPTokenizer` of transformers 5, as diffusers uses it: the same normalisation
(NFC, runs of white space to one space, lower case letter by letter), the same split into words
and the same merges, all by the same `tokenizers` library, so that ids are equal for any text.
`<|startoftext|>` and `<|endoftext|>` in a text stand for their tokens, in lower case only (the
settings beside some checkpoints' vocabularies make transformers take upper case too).

OpenAI's and open_clip's SimpleTokenizer has the same vocabulary but cleans text differently: it
repairs it with ftfy (curly quotes become straight ones, wide forms plain ones, control characters
go) and undoes HTML entities, lower-cases a final sigma as such, takes U+001C..U+001F for white
space, and open_clip's calls the two special tokens by other names. Where the two differ, we
follow transformers.

Sources: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
Supervision"; Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units".
"""

import gzip

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers

from app.paths import resource_path

VOCABULARY_SIZE = 49408
START_TOKEN = 49406
END_TOKEN = 49407
COMMA_TOKEN = 267

_START_TEXT = "<|startoftext|>"
_END_TEXT = "<|endoftext|>"
_WORD_END = "</w>"
_MERGES = "tokenizer/clip_merges.txt.gz"
_WORD = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


class Tokenizer:
    """Text to CLIP's token ids; about 50 ms to make, so make one and keep it."""

    def __init__(self) -> None:
        """Read the vocabulary; FileNotFoundError, with a sentence, if it is missing."""
        self._tokenizer = _build(_read_merges())

    def encode(self, text: str) -> list[int]:
        """Token ids (0 .. 49407) of any text, without start and end token or padding.

        A surrogate pair counts as its character; a lone surrogate, which is no character, as
        U+FFFD, the replacement character.
        """
        ids: list[int] = self._tokenizer.encode(_well_formed(text), add_special_tokens=False).ids
        return ids


def _well_formed(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _read_merges() -> list[tuple[str, str]]:
    with gzip.open(resource_path(_MERGES), "rt", encoding="utf-8") as file:
        pairs = (line.rstrip("\n").partition(" ") for line in file)
        return [(left, right) for left, _, right in pairs]


def _build(merges: list[tuple[str, str]]) -> tokenizers.Tokenizer:
    """A token's id is its place: bytes, bytes at a word's end, merges, start, end."""
    letters = _byte_letters()
    tokens = letters + [letter + _WORD_END for letter in letters]
    tokens += [left + right for left, right in merges]
    tokens += [_START_TEXT, _END_TEXT]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    tokenizer = tokenizers.Tokenizer(
        models.BPE(vocabulary, merges, end_of_word_suffix=_WORD_END, unk_token=_END_TEXT)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(tokenizers.Regex(r"\s+"), " "),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(_WORD), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens([_START_TEXT, _END_TEXT])
    return tokenizer


def _byte_letters() -> list[str]:
    """The 256 letters that stand for bytes, in the vocabulary's order.

    First the bytes that Latin-1 prints, as themselves; then the others, from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = range(0x100, 0x200 - len(printable))
    return [chr(code) for code in (*printable, *others)]

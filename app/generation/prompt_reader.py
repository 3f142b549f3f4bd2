"""The prompts of a request as tokens, with the rows of the embeddings that they name.

Owns the tokenizer and how embeddings' files become ids and rows for the engine. Knows nothing of
LoRA tags, which must be gone from the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.checkpoint.stored import CheckpointError
from app.checkpoint.textual_inversion import TextualInversion, read_textual_inversion
from app.engine.types import ModelInfo, PromptTokens
from app.generation.add_ons import EmbeddingReceipt
from app.prompt.conditioning import prompt_tokens
from app.prompt.embedding_words import EmbeddingWords
from app.prompt.tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class ReadPrompts:
    """Both prompts for the engine, what became of the embeddings in them, and their files."""

    prompt: PromptTokens
    negative_prompt: PromptTokens
    extra_rows: bytes
    receipts: tuple[EmbeddingReceipt, ...]
    files: tuple[Path, ...]


class PromptReader:
    """Reads prompts; about 50 ms to make, so make one and keep it."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer()
        self._names: tuple[str, ...] = ()
        self._known = EmbeddingWords({}, self._tokenizer)

    def read(
        self, prompts: tuple[str, str], embeddings: Mapping[str, Path], model: ModelInfo
    ) -> ReadPrompts:
        """The prompt and the negative prompt; `embeddings` are the files by their words.

        One that the model cannot use is read as plain words, as A1111 does, and its receipt says
        why: a word of a prompt may well be the name of a file that was made for another model.
        """
        if tuple(embeddings) != self._names:
            self._names = tuple(embeddings)
            self._known = EmbeddingWords(dict.fromkeys(self._names, 1), self._tokenizer)
        named = sorted(set().union(*map(self._known.names_in, prompts)))
        receipts, used = [], []
        for name in named:
            inversion, receipt = _read(embeddings[name], name, model.text_width)
            receipts.append(receipt)
            used += [(name, inversion)] if inversion else []
        counts = {name: inversion.count for name, inversion in used}
        words = EmbeddingWords(counts, self._tokenizer, model.text_vocabulary)
        prompt, negative_prompt = (prompt_tokens(each, self._tokenizer, words) for each in prompts)
        return ReadPrompts(
            prompt=prompt,
            negative_prompt=negative_prompt,
            extra_rows=b"".join(inversion.rows for _, inversion in used),
            receipts=tuple(receipts),
            files=tuple(embeddings[name] for name in named),
        )


def _read(path: Path, name: str, width: int) -> tuple[TextualInversion | None, EmbeddingReceipt]:
    try:
        inversion = read_textual_inversion(path)
    except CheckpointError as error:
        return None, EmbeddingReceipt(name=name, count=0, sentence=str(error))
    if inversion.width != width:
        sentence = (
            f"{name} was made for a text encoder of width {inversion.width}, and this model's is "
            f"{width}, so it was read as plain words."
        )
        return None, EmbeddingReceipt(name=name, count=0, sentence=sentence)
    return inversion, EmbeddingReceipt(name=name, count=inversion.count)

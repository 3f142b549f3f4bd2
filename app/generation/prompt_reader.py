"""The prompts of a request as tokens, with the rows of the embeddings that they name.

Owns the tokenizer and how embeddings' files become ids and rows for the engine. Knows nothing of
LoRA tags, which must be gone from the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.checkpoint.stored import CheckpointError
from app.checkpoint.textual_inversion import TextualInversion, read_textual_inversion
from app.engine.types import ModelInfo, PromptTokens
from app.generation.add_ons import EmbeddingReceipt
from app.prompt.conditioning import prompt_tokens
from app.prompt.embedding_words import EmbeddingWords
from app.prompt.tokenizer import Tokenizer

OPEN_CLIP_PADDING = 0


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
            inversion, receipt = _read(embeddings[name], name, model)
            receipts.append(receipt)
            used += [(name, inversion)] if inversion else []
        counts = {name: inversion.count for name, inversion in used}
        words = EmbeddingWords(counts, self._tokenizer, model.text_vocabulary)
        return ReadPrompts(
            prompt=self._tokens(prompts[0], words, model),
            negative_prompt=self._negative_tokens(prompts[1], words, model),
            extra_rows=b"".join(inversion.rows for _, inversion in used),
            receipts=tuple(receipts),
            files=tuple(embeddings[name] for name in named),
        )

    def _tokens(self, text: str, words: EmbeddingWords, model: ModelInfo) -> PromptTokens:
        found = prompt_tokens(text, self._tokenizer, words)
        if not model.text2_width:
            return found
        second = prompt_tokens(text, self._tokenizer, words, padding_token=OPEN_CLIP_PADDING)
        return replace(found, tokens2=second.tokens)

    def _negative_tokens(self, text: str, words: EmbeddingWords, model: ModelInfo) -> PromptTokens:
        """SDXL was trained with zeros in the place of an empty prompt, so that is what it gets."""
        if model.text2_width and not text.strip():
            return PromptTokens(tokens=(), weights=())
        return self._tokens(text, words, model)


def _read(
    path: Path, name: str, model: ModelInfo
) -> tuple[TextualInversion | None, EmbeddingReceipt]:
    try:
        inversion = read_textual_inversion(path)
    except CheckpointError as error:
        return None, EmbeddingReceipt(name=name, count=0, sentence=str(error))
    sentence = ""
    if model.text2_width:
        sentence = (
            f"{name} was made for one text encoder, and this model has two, so it was read as "
            "plain words."
        )
    elif inversion.width != model.text_width:
        sentence = (
            f"{name} was made for a text encoder of width {inversion.width}, and this model's is "
            f"{model.text_width}, so it was read as plain words."
        )
    if sentence:
        return None, EmbeddingReceipt(name=name, count=0, sentence=sentence)
    return inversion, EmbeddingReceipt(name=name, count=inversion.count)

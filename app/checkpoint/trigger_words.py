"""The words that a LoRA was trained with, as far as its file tells them.

Owns the metadata keys: the phrase of ModelSpec, and the tags that kohya's trainer counted. All of
it is a stranger's text: bounded, printable, or left out.
"""

import json
from collections import Counter
from collections.abc import Mapping

PHRASE_KEY, TAGS_KEY = "modelspec.trigger_phrase", "ss_tag_frequency"
MOST_WORDS = 8
LONGEST_WORD = 60


def trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """The phrase's words if there is one, else the most frequent tags; at most MOST_WORDS."""
    phrase = metadata.get(PHRASE_KEY, "").split(",")
    words = phrase if any(map(str.strip, phrase)) else _frequent(metadata.get(TAGS_KEY, ""))
    sound = (word.strip() for word in words)
    kept = dict.fromkeys(w for w in sound if w and w.isprintable() and len(w) <= LONGEST_WORD)
    return tuple(kept)[:MOST_WORDS]


def _frequent(text: str) -> list[str]:
    """The tags of {folder: {tag: count}}, the most frequent first."""
    try:
        folders = json.loads(text)
    except (ValueError, RecursionError):
        return []
    counts: Counter[str] = Counter()
    for tags in folders.values() if isinstance(folders, dict) else ():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if type(count) is int:
                counts[tag.strip()] += count
    return [tag for tag, _ in counts.most_common()]

"""The report of a problem, as text to copy: system, engine, and the newest lines of the logs.

Owns what goes in and what is left out: the user's words and their home folder's name stay out,
unless the words are asked for. English, whatever the window speaks.
"""

import platform
from collections.abc import Sequence
from pathlib import Path

from app.diagnostic_log import log_tail
from app.generation.request import GenerationRequest
from app.generation.request_json import request_json
from app.version import VERSION

TAIL_BYTES = 16_000
SHORTEST_WORDS = 3  # shorter ones would strike out letters everywhere
STRUCK_OUT = "[words]"


def problem_report(
    engine: str, requests: Sequence[GenerationRequest], logs: Path, *, with_words: bool
) -> str:
    """`engine` is its report, `requests` are those that may have left words, the current first."""
    system = f"Aquatint {VERSION}, {platform.platform()}, Python {platform.python_version()}"
    lines = log_tail(logs, TAIL_BYTES).replace(str(Path.home()), "~")
    parts = [system, engine or "The engine has not said what it runs on."]
    if with_words:
        request = request_json(requests[0])
        settings = "\n".join(f"{name}: {value}" for name, value in request.items())
        parts.append(f"--- request\n{settings}")
    else:
        lines = _without_words(lines, requests)
    return "\n\n".join(part.strip() for part in (*parts, lines) if part.strip()) + "\n"


def _without_words(text: str, requests: Sequence[GenerationRequest]) -> str:
    """The logs hold none by rule; an error's own sentence might."""
    words = {words.strip() for each in requests for words in (each.prompt, each.negative_prompt)}
    for each in sorted(words, key=len, reverse=True):
        if len(each) >= SHORTEST_WORDS:
            text = text.replace(each, STRUCK_OUT)
    return text

"""The gallery's tables, and the SQL that a query becomes.

Owns every word of SQL that shapes or searches. A database of an unknown version is not converted:
its rows are made again from the files. Knows nothing of files.

Seeds reach 2^64 - 1, more than SQLite's integers hold, so they are kept as text.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from app.library.gallery_entry import GalleryEntry, GalleryQuery, Order

VERSION = 2
LORA_PARTING = "\n"  # before, between and after the names: no name holds it

_PICTURES = """
CREATE TABLE pictures (
  id INTEGER PRIMARY KEY, folder TEXT NOT NULL, name TEXT NOT NULL,
  created_at REAL NOT NULL, modified_ns INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
  width INTEGER NOT NULL, height INTEGER NOT NULL,
  prompt TEXT NOT NULL, negative_prompt TEXT NOT NULL,
  model TEXT NOT NULL, model_hash TEXT NOT NULL, loras TEXT NOT NULL,
  seed TEXT NOT NULL, steps INTEGER, cfg_scale REAL,
  sampler TEXT NOT NULL, schedule TEXT NOT NULL, program TEXT NOT NULL,
  request_json TEXT NOT NULL,
  rating INTEGER NOT NULL DEFAULT 0, flag TEXT NOT NULL DEFAULT 'none',
  trashed_at REAL, trashed_path TEXT,
  UNIQUE (folder, name)
);
CREATE INDEX by_time ON pictures (created_at, id) WHERE trashed_at IS NULL;
CREATE INDEX by_rating ON pictures (rating, created_at, id) WHERE trashed_at IS NULL;
CREATE INDEX by_model ON pictures (model, created_at, id) WHERE trashed_at IS NULL;
"""
_SEARCHED = ("prompt", "negative_prompt", "model", "loras")
_NAMES = ", ".join(_SEARCHED)
_NEW, _OLD = (", ".join(f"spaced({row}.{name})" for name in _SEARCHED) for row in ("new", "old"))
_PUT = f"INSERT INTO words (rowid, {_NAMES}) VALUES (new.id, {_NEW});"
_TAKE = f"INSERT INTO words (words, rowid, {_NAMES}) VALUES ('delete', old.id, {_OLD});"
# Marks count as letters: Thai and its relatives write vowels with them.
_WORDS = f"""
CREATE VIRTUAL TABLE words USING fts5 (
  {_NAMES}, content='pictures', content_rowid='id',
  tokenize="unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'", prefix='1 2 3'
);
CREATE TRIGGER words_in AFTER INSERT ON pictures BEGIN {_PUT} END;
CREATE TRIGGER words_out AFTER DELETE ON pictures BEGIN {_TAKE} END;
CREATE TRIGGER words_new AFTER UPDATE OF {_NAMES} ON pictures BEGIN {_TAKE} {_PUT} END;
PRAGMA user_version = {VERSION};
"""

SCHEMA = _PICTURES + _WORDS
# From each earlier version to this one. In version 1 words without spaces were not taken apart.
MIGRATIONS: Mapping[int, str] = MappingProxyType(
    {
        1: f"""
DROP TRIGGER words_in; DROP TRIGGER words_out; DROP TRIGGER words_new; DROP TABLE words;
{_WORDS}
INSERT INTO words (rowid, {_NAMES})
SELECT id, {", ".join(f"spaced({name})" for name in _SEARCHED)} FROM pictures;
"""
    }
)

ORDERS: Mapping[Order, tuple[str, ...]] = MappingProxyType(
    {
        Order.NEWEST: ("created_at", "id"),
        Order.OLDEST: ("created_at", "id"),
        Order.RATING: ("rating", "created_at", "id"),
    }
)

_WORD = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
# Scripts without spaces between words: each letter counts as a word, so that any part is found.
_UNSPACED = re.compile("([\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])")

Values = list[str | float]


def where(query: GalleryQuery, after: GalleryEntry | None = None) -> tuple[str, Values]:
    """The condition of a query, and its values; with `after`, only of what follows that entry."""
    parts, values = ["trashed_at IS NULL"], Values()
    conditions: tuple[tuple[str, str | float | None], ...] = (
        ("model = ?", query.model or None),
        ("instr(loras, ?)", _one_lora(query.lora)),
        ("created_at >= ?", query.since),
        ("created_at < ?", query.before),
        ("rating >= ?", query.least_rating or None),
        ("flag = ?", query.flag),
    )
    for condition, value in conditions:
        if value is not None:
            parts.append(condition)
            values.append(value)
    for condition, value in _text_conditions(query.text):
        parts.append(condition)
        values.append(value)
    if after is not None:
        columns = ORDERS[query.order]
        sign = ">" if query.order is Order.OLDEST else "<"
        parts.append(f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})")
        values += [getattr(after, column) for column in columns]
    return " AND ".join(parts), values


def order_by(order: Order) -> str:
    """The columns of an order, such as "created_at DESC, id DESC"."""
    way = "ASC" if order is Order.OLDEST else "DESC"
    return ", ".join(f"{column} {way}" for column in ORDERS[order])


def joined_loras(names: tuple[str, ...]) -> str:
    """Names as they are kept in one column; `split_loras` undoes it."""
    return "".join(f"{LORA_PARTING}{name}" for name in names) + LORA_PARTING if names else ""


def split_loras(text: str) -> tuple[str, ...]:
    """The names in the column."""
    return tuple(name for name in text.split(LORA_PARTING) if name)


def _one_lora(name: str) -> str | None:
    return f"{LORA_PARTING}{name}{LORA_PARTING}" if name else None


def spaced(text: str) -> str:
    """The text with spaces around each letter of a script that has none between words.

    The SQL here calls it by this name.
    """
    return _UNSPACED.sub(r" \1 ", text)


def _text_conditions(text: str) -> list[tuple[str, str]]:
    """Wanted words in one full-text search, unwanted ones in another."""
    conditions = []
    matches: dict[str, list[str]] = {"": [], "-": []}
    for sign, phrase, word in _WORD.findall(text.replace("\0", " ")):
        searched = spaced(phrase or word.replace('"', " "))
        if re.search(r"\w", searched):  # FTS5 refuses a phrase without a letter
            matches[sign].append(f'"{searched}"' if phrase else f'"{searched}"*')
    found = "(SELECT rowid FROM words WHERE words MATCH ?)"
    if matches[""]:
        conditions.append((f"id IN {found}", " AND ".join(matches[""])))
    if matches["-"]:
        conditions.append((f"id NOT IN {found}", " OR ".join(matches["-"])))
    return conditions

"""SHA-256 of a model file, computed beside a generation and remembered.

Owns the background thread and the cache file of hashes. Knows nothing of what files hold.
"""

import hashlib
import json
import os
import threading
from contextlib import suppress
from pathlib import Path

BLOCK_BYTES = 1 << 22  # long enough to run without Python, short enough to stop at once
CACHE_FILE = "file_hashes.json"


class FileHash:
    """The SHA-256 of one file, begun at once in a thread of its own.

    The cache, a JSON file in `cache_folder`, is keyed by path and holds only while size and
    modification time stay the same. It is a convenience: where it cannot be read or written the
    file is hashed again.
    """

    def __init__(self, path: Path, cache_folder: Path, *, data_only: bool = False) -> None:
        """Begins; nothing is read before the thread runs, and nothing is raised.

        `data_only`: the header of a safetensors file does not count, as in the hashes of LoRAs;
        other files are hashed whole.
        """
        self._path = path
        self._data_only = data_only
        self._cache = cache_folder / CACHE_FILE
        self._digest = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file hash", daemon=True)
        self._thread.start()

    def result(self) -> str:
        """Waits for the hexadecimal digest; empty if stopped, or the file could not be read."""
        self._thread.join()
        return self._digest

    def stop(self) -> None:
        """Gives the file up; returns within one block's time."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):
            status = self._path.stat()
            stamp = [status.st_size, status.st_mtime_ns]
            key = f"{self._path.resolve()}{'#data' if self._data_only else ''}"
            known = self._read_cache().get(key)
            if isinstance(known, list) and len(known) == 3 and known[:2] == stamp:
                self._digest = str(known[2])
                return
            self._digest = self._compute()
            if self._digest:
                self._write_cache({**self._read_cache(), key: [*stamp, self._digest]})

    def _compute(self) -> str:
        digest = hashlib.sha256()
        with self._path.open("rb", buffering=0) as file:
            if self._data_only:
                start = file.read(9)
                is_safetensors = start[8:] == b"{"
                file.seek(8 + int.from_bytes(start[:8], "little") if is_safetensors else 0)
            while block := file.read(BLOCK_BYTES):
                if self._stopped.is_set():
                    return ""
                digest.update(block)
        return digest.hexdigest()

    def _read_cache(self) -> dict[str, object]:
        try:
            cache = json.loads(self._cache.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return cache if isinstance(cache, dict) else {}

    def _write_cache(self, cache: dict[str, object]) -> None:
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        part = self._cache.with_name(f".{CACHE_FILE}.{os.getpid()}.{threading.get_ident()}.part")
        part.write_text(json.dumps(cache, indent=1), encoding="utf-8")
        part.replace(self._cache)

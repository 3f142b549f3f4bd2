"""How much memory this machine has, and how much is free. Imports nothing of the app."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class MachineMemory:
    """Bytes of main memory; `available_bytes` (None: unknown) can be had without swapping."""

    total_bytes: int
    available_bytes: int | None


def machine_memory() -> MachineMemory:
    """Asks the system."""
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    total = page_bytes * os.sysconf("SC_PHYS_PAGES")
    available = _mac_available() if sys.platform == "darwin" else _linux_available()
    return MachineMemory(total_bytes=total, available_bytes=available)


def _linux_available() -> int | None:
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return None
    match = re.search(r"^MemAvailable:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _mac_available() -> int | None:
    """Pages that are free, or hold only what can be read again: `vm_stat` counts them."""
    try:
        done = subprocess.run(
            ["/usr/bin/vm_stat"], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_vm_stat(done.stdout)


def parse_vm_stat(text: str) -> int | None:
    """Available bytes by the text that `vm_stat` prints, or None where it is not understood."""
    page = re.search(r"page size of (\d+) bytes", text)
    pages = dict(
        re.findall(
            r"^Pages (free|inactive|speculative|purgeable):\s+(\d+)\.",
            text,
            re.MULTILINE,
        )
    )
    if page is None or "free" not in pages:
        return None
    return int(page[1]) * sum(map(int, pages.values()))

"""How many processors this process may use at once. Imports nothing of the app."""

import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

CONTROL_GROUPS = Path("sys/fs/cgroup")
OWN_GROUPS = Path("proc/self/cgroup")


def machine_processors() -> int:
    """Those that it may run on, or fewer where a container has a quota of their time; at least 1.

    Of a quota of one and a half processors two are used, each for part of the time.
    """
    if sys.platform != "linux":
        return os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0))
    quota = processor_quota()
    return allowed if quota is None else max(1, min(allowed, math.ceil(quota)))


def threads_for(wish: int) -> int:
    """At most `wish` threads, 0: no limit; more than processors would only wait for each other."""
    most = machine_processors()
    return min(wish or most, most)


def processor_quota(root: Path = Path("/")) -> float | None:
    """Processors' worth of time that Linux's control groups allow this process, or None: any.

    The least that its own groups and those above them say, of either version of the interface
    (cpu.max; cpu.cfs_quota_us). `root`: where /proc and /sys are.
    """
    try:
        lines = (root / OWN_GROUPS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    return min((quota for line in lines for quota in _quotas(root, line)), default=None)


def _quotas(root: Path, line: str) -> Iterator[float]:
    """Of one hierarchy: `number:controllers:/path`, without controllers in version 2.

    Within a container the path is often the host's; then only the mount itself is there.
    """
    _, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if controllers and "cpu" not in controllers.split(","):
        return
    mount = root / CONTROL_GROUPS / ("cpu" if controllers else "")
    own = PurePosixPath(path.lstrip("/"))
    for group in (own, *own.parents):
        quota = _quota_1(mount / group) if controllers else _quota_2(mount / group)
        if quota is not None:
            yield quota


def _quota_1(group: Path) -> float | None:
    try:
        quota, period = (
            int((group / f"cpu.cfs_{name}_us").read_text(encoding="ascii"))
            for name in ("quota", "period")
        )
    except (OSError, ValueError):
        return None
    return _processors(quota, period)


def _quota_2(group: Path) -> float | None:
    """`QUOTA PERIOD`, in microseconds, or `max PERIOD`."""
    try:
        quota, period = map(int, (group / "cpu.max").read_text(encoding="ascii").split())
    except (OSError, ValueError):
        return None
    return _processors(quota, period)


def _processors(quota: int, period: int) -> float | None:
    return quota / period if quota > 0 and period > 0 else None

"""The number of processors, and the quotas that a container's files say."""

import os
import sys
from pathlib import Path

import pytest

from app import machine_processors
from app.machine_processors import processor_quota

ALL = 8


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (  # the path is the host's: only the mount is seen
            {"proc/self/cgroup": "0::/docker/a1\n", "sys/fs/cgroup/cpu.max": "50000 100000\n"},
            0.5,
        ),
        (  # the group above is the narrower
            {
                "proc/self/cgroup": "0::/jobs/one\n",
                "sys/fs/cgroup/jobs/one/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/jobs/cpu.max": "300000 100000\n",
            },
            3.0,
        ),
        (
            {
                "proc/self/cgroup": "5:memory:/a\n4:cpu,cpuacct:/a\n0::/\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            2.0,
        ),
        (  # cpuset and cpuacct are other things
            {
                "proc/self/cgroup": "5:cpuset:/a\n4:cpuacct:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 0\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "many\n"}, None),
        ({"proc/self/cgroup": "no such line\n"}, None),
    ],
)
def test_quota(tmp_path: Path, files: dict[str, str], wanted: float | None) -> None:
    assert processor_quota(write(tmp_path, files)) == wanted


@pytest.mark.skipif(sys.platform != "linux", reason="quotas and affinity are Linux's")
@pytest.mark.parametrize(
    ("quota", "wanted"), [(None, ALL), (0.2, 1), (1.5, 2), (7.0, 7), (64.0, ALL)]
)
def test_quota_lowers_the_number(
    monkeypatch: pytest.MonkeyPatch, quota: float | None, wanted: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(ALL)))
    monkeypatch.setattr(machine_processors, "processor_quota", lambda: quota)
    assert machine_processors.machine_processors() == wanted


def test_here() -> None:
    assert 1 <= machine_processors.machine_processors() <= (os.cpu_count() or 1)

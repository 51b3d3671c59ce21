"""Where a run takes place, as the report states it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from vetgate.domain.report import Environment


def version() -> str:
    """Return the version of vetgate that is installed."""
    return metadata.version("vetgate")


def cores() -> int:
    """Return the cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Return the bytes of memory of this machine, or of the container around this process if that has fewer."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [physical]
    for place in ("memory.max", "memory/memory.limit_in_bytes"):  # version 2 and version 1
        with suppress(OSError):
            limit = Path("/sys/fs/cgroup", place).read_text(encoding="ascii").strip()
            limits += [int(limit)] if limit.isdigit() else []
    return min(limits)


def describe(packages: Mapping[str, str]) -> Environment:
    """Return the environment of this run.

    Args:
        packages: Versions of the distributions that take part.
    """
    return Environment(
        vetgate=version(),
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        processor=processor(),
        cores=cores(),
        memory=memory(),
        packages=dict(sorted(packages.items())),
    )


@cache
def processor() -> str:
    """Return the name of the processor; kernels that a runtime picks by it round differently."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

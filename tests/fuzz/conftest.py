"""The targets and seeds of benchmarks/fuzz, which are no package, by their places."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "benchmarks" / "fuzz" / "parts"


@pytest.fixture(autouse=True)
def fuzzing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let tests import what is fuzzed."""
    monkeypatch.syspath_prepend(str(PLACE))
    yield
    for name in [name for name in sys.modules if name.startswith("fuzz_")]:
        del sys.modules[name]

"""Live children that hold toy models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from vetgate.domain.artifact import Artifact, Member
from vetgate.domain.model import OpenOptions
from vetgate.hookspecs import ENTRY_POINT_GROUP
from vetgate.inference.child import Worker
from vetgate.inference.memory import SharedBuffer
from vetgate.inference.message import Start

MakeWorker: TypeAlias = Callable[..., Worker]


@pytest.fixture
def ring() -> Iterator[SharedBuffer]:
    with SharedBuffer(sole=True) as images:
        yield images


@pytest.fixture
def make_worker(tmp_path: Path, acme: Path, ring: SharedBuffer) -> Iterator[MakeWorker]:
    """Return a function that starts a child with a toy model of given weights, and ends all of them after the test."""
    from acme_vetgate.backend import write_toy

    with ExitStack() as stack:

        def make(
            weight: np.ndarray,
            size: int,
            *,
            patience: float = 20.0,
            value: str = "",
            memory: int | None = None,
            **more: Any,
        ) -> Worker:
            path = write_toy(tmp_path / f"{len(list(tmp_path.iterdir()))}.toy", weight, shape=(1, size, size), **more)
            start = Start(
                plugin="acme",
                value=value or "acme_vetgate.plugin",
                group=ENTRY_POINT_GROUP,
                backend="acme",
                artifact=Artifact(
                    path=str(path),
                    name=path.name,
                    format="acme",
                    backend="acme",
                    members=(Member(name=path.name, sha256="0" * 64, size=path.stat().st_size),),
                ),
                options=OpenOptions(threads=1, batch_size=64),
                memory=memory,
            )
            return stack.enter_context(Worker(f"model {path.name}", start, ring, patience))

        yield make

"""A small yardstick, made of numbers."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.yardstick import Distance, Peer
from vetgate.yardstick import Content, Header, Origin, dump

NOW = datetime.datetime(2026, 11, 21, 12, tzinfo=datetime.UTC)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (N, C)."""
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return probabilities


def make_peer(name: str, *, run: str | None = None, step: int = 1, final: bool = True) -> Peer:
    return Peer(name=name, sha256=f"{name:0>64}", card_sha256="c" * 64, run=run or name, step=step, final=final)


def make_content(
    matrices: Sequence[np.ndarray] | None = None,
    *,
    images: int = 60,
    classes: int = 3,
    peers: Sequence[Peer] | None = None,
    distance: Distance = Distance.JS_DIVERGENCE,
    labelled: bool = True,
    **changes: Any,
) -> Content:
    """Return a yardstick: the reference and two independents with a checkpoint of one, unless other matrices are given.

    Args:
        matrices: The reference's probabilities (N, C), then one for each peer.
        images: N, where no matrices are given.
        classes: C, likewise.
        peers: One for each matrix but the first.
        distance: Of the yardstick.
        labelled: Whether it has labels.
        changes: To the header.
    """
    rng = np.random.default_rng(7)
    if matrices is None:
        matrices = [softmax(2 * rng.normal(size=(images, classes))) for _ in range(4)]
    if peers is None:
        peers = (make_peer("u1-early", run="u1", final=False), make_peer("u1", step=2), make_peer("u2"))
    images, classes = matrices[0].shape
    header = Header(
        **{
            "vetgate": "0.1.0",
            "created": NOW,
            "reference": Origin(name="reference", sha256="a" * 64, card_sha256="b" * 64),
            "data": "data.npz",
            "data_sha256": "d" * 64,
            "images": images,
            "ids": tuple(f"image {row}" for row in range(images)),
            "classes": tuple(f"class {column}" for column in range(classes)),
            "labelled": labelled,
            "distance": distance,
            "peers": tuple(peers),
            **changes,
        }
    )
    return Content(
        header=header,
        digests=tuple(f"{row:064x}" for row in range(images)),
        labels=rng.integers(0, classes, images).astype(np.int32) if labelled else None,
        reference=matrices[0].astype(np.float32),
        peers=tuple(peers),
        matrices=tuple(matrix.astype(np.float32) for matrix in matrices[1:]),
    )


@pytest.fixture
def content() -> Callable[..., Content]:
    """Return what makes a yardstick in memory."""
    return make_content


@pytest.fixture(scope="session")
def whole() -> bytes:
    """Return the file of a yardstick."""
    return dump(make_content(images=40))


@pytest.fixture
def peer() -> Callable[..., Peer]:
    """Return what makes a peer."""
    return make_peer


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Content], str]:
    """Return what writes a yardstick and gives its path."""

    def save(content: Content) -> str:
        path = tmp_path / "some.yardstick"
        path.write_bytes(dump(content))
        return str(path)

    return save

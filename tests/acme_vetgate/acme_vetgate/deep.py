"""Opens toy models of one layer of maps, whose inner tensors can be read and which can be handed over."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from vetgate.api import (
    Artifact,
    Card,
    Execution,
    Inconclusive,
    Model,
    OpenOptions,
    Operator,
    Port,
    Structure,
    Tap,
    Tensor,
    UnreadableArtifact,
)

MAGIC = b"ACMD"


def write_deep(
    path: Path, scale: np.ndarray, weight: np.ndarray, *, shape: tuple[int, int, int] = (1, 4, 4), log: str = ""
) -> Path:
    """Write a toy: maps k are max(0, scale[k] * image), their means times `weight` are the logits.

    Args:
        path: Where.
        scale: (K,).
        weight: (K, C).
        shape: (channels, height, width) of the input; only the first channel is looked at.
        log: A file that is told how many images each call is for.
    """
    head = {"shape": shape, "maps": len(scale), "columns": weight.shape[1], "log": log}
    body = scale.astype("<f4").tobytes() + weight.astype("<f4").tobytes()
    path.write_bytes(MAGIC + json.dumps(head).encode() + b"\n" + body)
    return path


class DeepBackend:
    """Implements ModuleBackend."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Tell what the file holds."""
        model = _read(artifact.file)
        weight = model.weight
        tensor = Tensor(
            name="weight",
            shape=weight.shape,
            dtype="float32",
            kind="parameter",
            elements=weight.size,
            nonzero=int(np.count_nonzero(weight)),
            distinct=len(np.unique(weight)),
            bits=32,
        )
        return Structure(
            inputs=(Port(name="image", shape=(None, *model.shape), dtype="float32"),),
            outputs=(Port(name="logits", shape=(None, weight.shape[1]), dtype="float32"),),
            tensors=(tensor,),
            operators=(Operator(type="Linear", count=1, macs=weight.size),),
        )

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model."""
        yield _read(artifact.file)

    def load_module(self, artifact: Artifact, card: Card, options: OpenOptions) -> Any:
        """Return the model; this toy needs no torch."""
        return _read(artifact.file)


class DeepModel:
    """Implements TappedModel."""

    def __init__(self, shape: tuple[int, int, int], scale: np.ndarray, weight: np.ndarray, log: str) -> None:
        self.shape, self.scale, self.weight, self._log = shape, scale, weight, log

    @property
    def execution(self) -> Execution:
        """What runs."""
        return Execution(runtime="acme", version="0.1.0", provider="cpu", threads=1, precision="float32")

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Answer."""
        self._note("predict", len(images))
        return self.head(self.maps(images))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Answer as a module does."""
        return self.head(self.maps(images))

    def maps(self, images: np.ndarray) -> np.ndarray:
        """Return the maps (N, K, h, w)."""
        return np.asarray(np.maximum(images[:, :1] * self.scale[:, np.newaxis, np.newaxis], 0), dtype=np.float32)

    def head(self, maps: np.ndarray) -> np.ndarray:
        """Return the logits of maps."""
        return np.asarray(maps.mean(axis=(2, 3)) @ self.weight, dtype=np.float32)

    def taps(self) -> tuple[Tap, ...]:
        """Return the maps and the logits."""
        size = (len(self.scale), *self.shape[1:])
        return (
            Tap(name="maps", shape=size, layer=1, operator="Conv", weighted=True, spatial=True),
            Tap(name="logits", shape=(self.weight.shape[1],), layer=2, operator="Linear", weighted=True),
        )

    def tap_notes(self) -> tuple[str, ...]:
        """Return nothing."""
        return ()

    def capture(self, images: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the maps or the logits."""
        self._note("capture", len(images))
        maps = self.maps(images)
        found = {"maps": maps, "logits": self.head(maps)}
        unknown = [name for name in names if name not in found]
        if unknown:
            raise Inconclusive(f"acme has no tensor {unknown[0]!r}")
        return {name: found[name] for name in names}

    def _note(self, what: str, images: int) -> None:
        if self._log:
            with suppress(PermissionError), Path(self._log).open("a", encoding="ascii") as file:  # behind walls
                file.write(f"{what} {images}\n")


def _read(path: Path) -> DeepModel:
    line, _, body = path.read_bytes()[len(MAGIC) :].partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        raise UnreadableArtifact(f"{path.name} is truncated: its first line is no JSON") from None
    maps, columns = head["maps"], head["columns"]
    if len(body) != 4 * maps * (1 + columns):
        raise UnreadableArtifact(f"{path.name} is truncated: {len(body)} bytes of weights")
    values = np.frombuffer(body, dtype="<f4")
    return DeepModel(tuple(head["shape"]), values[:maps], values[maps:].reshape(maps, columns), head["log"])

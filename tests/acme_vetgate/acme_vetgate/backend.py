"""Opens toy models, also those that misbehave: the gate must survive every one of them."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from acme_vetgate.liar import LIES, lie
from acme_vetgate.rogue import act
from vetgate.api import (
    Artifact,
    Card,
    Execution,
    Model,
    OpenOptions,
    Operator,
    Port,
    Structure,
    Tensor,
    UnreadableArtifact,
)


def write_toy(
    path: Path,
    weight: np.ndarray,
    *,
    shape: tuple[int, int, int] = (1, 4, 4),
    misbehave: str = "",
    card: str = "",
    inputs: int = 1,
    when: int = 0,
    scan: str = "",
    rogue: str = "",
    step: str = "predict",
    given: dict[str, str] | None = None,
) -> Path:
    """Write a toy model.

    Args:
        path: Where.
        weight: (channels * height * width, C).
        shape: (channels, height, width) of the input.
        misbehave: crash, hang, memory, nan, lie, raise, slow or a key of LIES; empty behaves.
        card: YAML that goes into the file's metadata.
        inputs: How many inputs it says it has.
        when: Calls that behave before it misbehaves.
        scan: What its scanner finds or suffers: code, note, flood, crash, hang, memory, raise, lie, write or hide.
        rogue: What it does besides; a key of `rogue.LOUD`.
        step: When it does: describe, open or predict, then after `when` calls.
        given: What it is told for that.
    """
    head = {
        "shape": shape,
        "columns": weight.shape[1],
        "misbehave": misbehave,
        "card": card,
        "inputs": inputs,
        "when": when,
        "scan": scan,
        "rogue": {"act": rogue, "step": step, "given": given or {}} if rogue else None,
    }
    path.write_bytes(b"ACME" + json.dumps(head).encode() + b"\n" + weight.astype("<f4").tobytes())
    return path


def _read(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    line, _, body = path.read_bytes()[4:].partition(b"\n")
    try:
        head = json.loads(line)
    except ValueError:
        raise UnreadableArtifact(f"{path.name} is truncated: its first line is no JSON") from None
    rows = int(np.prod(head["shape"]))
    if len(body) != rows * head["columns"] * 4:
        raise UnreadableArtifact(f"{path.name} is truncated: {len(body)} bytes of weights")
    return head, np.frombuffer(body, dtype="<f4").reshape(rows, head["columns"])


def _go_rogue(head: dict[str, Any], step: str, artifact: Artifact) -> None:
    asked = head.get("rogue")
    if asked is not None and asked["step"] == step:
        act(asked["act"], {**asked["given"], "copy": str(artifact.file)})


class AcmeBackend:
    """Implements Backend."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Tell what the file holds."""
        head, weight = _read(artifact.file)
        _go_rogue(head, "describe", artifact)
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
            inputs=tuple(
                Port(name=f"image{i}", shape=(None, *head["shape"]), dtype="float32") for i in range(head["inputs"])
            ),
            outputs=(Port(name="logits", shape=(None, head["columns"]), dtype="float32"),),
            tensors=(tensor,),
            operators=(Operator(type="Linear", count=1, macs=weight.size),),
            metadata={"vetgate.card": head["card"]} if head["card"] else {},
        )

    @contextmanager
    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
        """Open the model."""
        head, weight = _read(artifact.file)
        if head["inputs"] != 1:
            raise UnreadableArtifact(
                f"the model has {head['inputs']} inputs; vetgate feeds models with one image input"
            )
        _go_rogue(head, "open", artifact)
        yield AcmeModel(head, weight, artifact)


class AcmeModel:
    """Implements Model."""

    def __init__(self, head: dict[str, Any], weight: np.ndarray, artifact: Artifact) -> None:
        self._head, self._artifact = head, artifact
        self._misbehave, self._left, self._weight = head["misbehave"], head["when"], weight

    @property
    def execution(self) -> Execution:
        """What runs."""
        return Execution(runtime="acme", version="0.1.0", provider="cpu", threads=1, precision="float32")

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Answer, or misbehave."""
        answers: np.ndarray = (images.reshape(len(images), -1) @ self._weight).astype(np.float32)
        self._left -= 1
        if self._left >= 0:
            return answers
        _go_rogue(self._head, "predict", self._artifact)
        return lie(self._misbehave, answers) if self._misbehave in LIES else self._act(answers)

    def _act(self, answers: np.ndarray) -> np.ndarray:
        match self._misbehave:
            case "crash":
                os.abort()
            case "hang":
                time.sleep(3600)
            case "slow":
                time.sleep(0.05)
            case "memory":
                hoard = [np.ones(1 << 27) for _ in range(1024)]
                raise AssertionError(len(hoard))
            case "nan":
                answers[-1, 0] = np.nan
            case "lie":
                return np.vstack([answers, answers])
            case "raise":
                raise ValueError("acme lost a screw")
        return answers

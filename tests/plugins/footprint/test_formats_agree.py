"""One network in every format, as the example of this project has it: the counts must be the same."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from vetgate_litert.backend import LitertBackend
from vetgate_onnx.backend import OnnxBackend
from vetgate_torch.backend import TorchBackend

from vetgate.api import Artifact, Backend, Card, Member, OpenOptions, Structure

FASHION = Path(__file__).parents[3] / "examples" / "fashion"
ARCHITECTURE = f"{FASHION / 'architecture.py'}:fashion_resnet"
CARD = Card.model_validate(yaml.safe_load((FASHION / "reference.pt.yaml").read_text()))
NORMS = 432
"""Channels of all batch normalisations: each has a scale and a shift, and once folded only a bias."""
WEIGHTS, BIASES = 146_192, 10
MACS = 9_345_920


def describe(backend: Backend, path: Path, kind: str) -> Structure:
    member = Member(name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest(), size=path.stat().st_size)
    artifact = Artifact(path=str(path), name=path.name, format=kind, backend="any", members=(member,))
    architecture = ARCHITECTURE if kind == "torch-weights" else None
    return backend.describe(artifact, CARD, OpenOptions(architecture=architecture))


def counts(structure: Structure) -> tuple[int, int, int | None]:
    learned = [tensor for tensor in structure.tensors if tensor.kind != "state"]
    return sum(tensor.elements for tensor in learned), sum(tensor.nonzero for tensor in learned), structure.macs


@pytest.fixture(scope="module")
def reference() -> torch.nn.Module:
    from vetgate_torch import architecture, checkpoint

    member = Member(name="reference.pt", sha256="0" * 64, size=1)
    path = str(FASHION / "reference.pt")
    artifact = Artifact(path=path, name=path, format="torch-weights", backend="torch", members=(member,))
    return architecture.fitted(artifact, checkpoint.read(artifact), ARCHITECTURE, CARD)


@pytest.mark.filterwarnings(r"ignore:.torch\.jit\.:DeprecationWarning")
@pytest.mark.parametrize("kind", ["torch-weights", "torchscript", "torch-export"])
def test_pytorch_counts_scale_and_shift_of_normalisation(tmp_path: Path, reference: torch.nn.Module, kind: str) -> None:
    path, image = FASHION / "reference.pt", torch.zeros(2, 1, 28, 28)
    if kind == "torchscript":
        path = tmp_path / "model.pt"
        jit: Any = torch.jit
        jit.script(reference).save(path)
    elif kind == "torch-export":
        path = tmp_path / "model.pt2"
        torch.export.save(torch.export.export(reference, (image,)), path)
    whole = WEIGHTS + BIASES + 2 * NORMS
    assert counts(describe(TorchBackend(), path, kind)) == (whole, whole, MACS)


@pytest.mark.parametrize("name", ["float16.onnx", "int8.onnx", "int8.tflite", "pruned50.onnx", "pruned95.onnx"])
def test_folded_exports_keep_one_bias_of_each_normalisation(name: str) -> None:
    lite = name.endswith(".tflite")
    structure = describe(LitertBackend() if lite else OnnxBackend(), FASHION / name, "tflite" if lite else "onnx")
    params, _, macs = counts(structure)
    assert (params, macs) == (WEIGHTS + BIASES + NORMS, MACS)


def test_both_int8_files_round_the_same_weights_to_zero() -> None:
    files = ((OnnxBackend(), "int8.onnx", "onnx"), (LitertBackend(), "int8.tflite", "tflite"))
    first, second = (counts(describe(backend, FASHION / name, kind))[1] for backend, name, kind in files)
    assert first == second < WEIGHTS


@pytest.mark.parametrize(("name", "share"), [("pruned50.onnx", 0.5), ("pruned95.onnx", 0.95)])
def test_pruning_leaves_the_share_of_weights_that_it_promised(name: str, share: float) -> None:
    params, nonzero, _ = counts(describe(OnnxBackend(), FASHION / name, "onnx"))
    assert (params - nonzero) / WEIGHTS == pytest.approx(share, abs=1 / WEIGHTS)

"""The footprint is counted from the file, and what cannot be told is left out."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any, Literal

import pytest
from vetgate_footprint.plugin import vetgate_checks

from vetgate.api import (
    Artifact,
    Ask,
    Card,
    CheckSpec,
    Input,
    Measurement,
    Member,
    Operator,
    Output,
    Structure,
    StructureContext,
    Subject,
    Tensor,
)
from vetgate.testing import CheckContract


def _tensor(
    name: str,
    shape: tuple[int, ...],
    nonzero: int,
    distinct: int,
    *,
    kind: Literal["parameter", "normalisation", "state"] = "parameter",
    dtype: str = "float32",
    bits: float = 32,
) -> Tensor:
    elements = 1
    for length in shape:
        elements *= length
    return Tensor(
        name=name, shape=shape, dtype=dtype, kind=kind, elements=elements, nonzero=nonzero, distinct=distinct, bits=bits
    )


def _subject(folder: Path, name: str, content: bytes, tensors: tuple[Tensor, ...], macs: int | None) -> Subject:
    file = folder / name
    file.write_bytes(content)
    member = Member(name=name, sha256="0" * 64, size=len(content))
    artifact = Artifact(path=str(file), name=name, format="toy", backend="toy", members=(member,))
    taken = Input(size=(2, 2), resize="none", colour="grey", scale=1, mean=(0,), std=(1,), layout="NCHW")
    structure = Structure(
        inputs=(), outputs=(), tensors=tensors, operators=(Operator(type="Conv", count=1, macs=macs),)
    )
    return Subject(artifact, Card(version=1, input=taken, output=Output(kind="logits")), structure, {name: file})


def _context(folder: Path, candidate_macs: int | None = 50) -> StructureContext:
    reference = (
        _tensor("conv", (4, 3), 12, 12),
        _tensor("norm", (4,), 4, 4, kind="normalisation"),
        _tensor("running", (4,), 4, 4, kind="state"),
    )
    candidate = (_tensor("conv", (4, 3), 6, 3, dtype="int8", bits=8), _tensor("norm", (4,), 4, 4, kind="normalisation"))
    return StructureContext(
        _subject(folder, "candidate", bytes(500), candidate, candidate_macs),
        _subject(folder, "reference", bytes(range(250)) * 4, reference, 100),
    )


def _measure(context: StructureContext) -> dict[tuple[str, str], Measurement]:
    (spec,) = vetgate_checks()
    results = spec.factory().measure(context, Ask(metrics=("footprint.params",)))
    return {(figure.metric.removeprefix("footprint."), figure.role.value): figure for figure in results.measurements}


class TestContractOfTheFootprintCheck(CheckContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def spec(self) -> CheckSpec[Any]:
        (spec,) = vetgate_checks()
        return spec

    def context(self) -> StructureContext:
        return _context(self.folder)


@pytest.mark.parametrize(
    ("what", "candidate", "reference"),
    [
        ("size_mb", 500e-6, 1000e-6),
        ("params", 16, 16),
        ("nonzero_params", 10, 16),
        ("sparsity", 6 / 16, 0),
        ("unique_weights", 3, 12),
        ("bits_per_weight", (12 * 8 + 4 * 32) / 16, 32),
        ("macs", 50, 100),
    ],
)
def test_each_figure_is_counted(tmp_path: Path, what: str, candidate: float, reference: float) -> None:
    found = _measure(_context(tmp_path))
    assert found[what, "candidate"].value == pytest.approx(candidate)
    assert found[what, "reference"].value == pytest.approx(reference)
    assert found[what, "delta"].value == pytest.approx(candidate - reference)
    assert all(figure.uncertainty.kind == "exact" for figure in found.values())


def test_ratios_are_of_candidate_to_reference(tmp_path: Path) -> None:
    assert _measure(_context(tmp_path))["size_mb", "ratio"].value == pytest.approx(0.5)


def test_compressed_size_is_that_of_gzip(tmp_path: Path) -> None:
    found = _measure(_context(tmp_path))["gzip_mb", "reference"].value
    assert found == pytest.approx(len(gzip.compress(bytes(range(250)) * 4, 6)) / 1e6, abs=2e-5)


def test_what_cannot_be_told_is_left_out_and_never_zero(tmp_path: Path) -> None:
    found = _measure(_context(tmp_path, candidate_macs=None))
    assert ("macs", "candidate") not in found
    assert ("macs", "ratio") not in found
    assert found["macs", "reference"].value == 100


def test_an_empty_reference_gives_no_ratio(tmp_path: Path) -> None:
    context = _context(tmp_path)
    empty = _subject(tmp_path, "empty", b"x", (), 0)
    found = _measure(StructureContext(context.candidate, empty))
    assert ("params", "reference") not in found
    assert ("macs", "ratio") not in found

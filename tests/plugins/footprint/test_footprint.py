"""The footprint of hand-made structures whose figures are known by counting."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from vetgate_footprint import count
from vetgate_footprint.metrics import METRICS
from vetgate_footprint.plugin import vetgate_checks

from vetgate.api import (
    Artifact,
    Ask,
    Card,
    CheckSpec,
    Exact,
    Member,
    Of,
    Operator,
    Question,
    Results,
    Structure,
    StructureContext,
    Subject,
    Table,
    Tensor,
    Unit,
)
from vetgate.testing import CheckContract

CARD = Card.model_validate(
    {
        "version": 1,
        "input": {
            "size": [8, 8],
            "resize": "none",
            "colour": "grey",
            "scale": 1,
            "mean": [0],
            "std": [1],
            "layout": "NCHW",
        },
        "output": {"kind": "logits"},
    }
)

MakeSubject = Callable[..., Subject]


def tensor(name: str, shape: tuple[int, ...], **figures: object) -> Tensor:
    elements = 1
    for length in shape:
        elements *= length
    usual = {"dtype": "float32", "kind": "parameter", "elements": elements, "nonzero": elements, "distinct": elements}
    return Tensor.model_validate({"name": name, "shape": shape, "bits": 32.0, **usual, **figures})


FLOAT = (
    tensor("conv.weight", (10, 10), nonzero=80, distinct=70),
    tensor("conv.bias", (10,)),
    tensor("norm.weight", (10,), kind="normalisation"),
    tensor("norm.running_mean", (10,), kind="state", nonzero=3),
)
PRUNED_INT8 = (
    tensor("conv.weight", (10, 10), nonzero=20, distinct=16, dtype="int8", bits=8.0),
    tensor("conv.bias", (10,), nonzero=10, distinct=10),
)
OPERATORS = (Operator(type="Conv", count=3, macs=5000), Operator(type="Relu", count=2, macs=0))


@pytest.fixture
def subject(tmp_path: Path) -> MakeSubject:
    def make(
        name: str,
        tensors: Sequence[Tensor] = FLOAT,
        operators: Sequence[Operator] = OPERATORS,
        contents: Sequence[bytes] = (b"0" * 3_000_000,),
    ) -> Subject:
        members, paths = [], {}
        for place, content in enumerate(contents):
            file = tmp_path / f"{name}.{place}"
            file.write_bytes(content)
            members.append(Member(name=file.name, sha256=hashlib.sha256(content).hexdigest(), size=len(content)))
            paths[file.name] = file
        artifact = Artifact(
            path=str(tmp_path / f"{name}.0"), name=name, format="toy", backend="toy", members=tuple(members)
        )
        structure = Structure(inputs=(), outputs=(), tensors=tuple(tensors), operators=tuple(operators))
        return Subject(artifact, CARD, structure, paths)

    return make


def measure(candidate: Subject, reference: Subject, *asked: str) -> Results:
    spec, _ = vetgate_checks()
    results: Results = spec.factory().measure(
        StructureContext(candidate, reference),
        Ask(questions=tuple(Question(metric=name, of=Of.CANDIDATE) for name in asked)),
    )
    return results


def values(results: Results) -> dict[tuple[str, str], float]:
    return {(m.metric.removeprefix("footprint."), m.role.value): m.value for m in results.measurements}


class TestContractOfTheFootprintCheck(CheckContract):
    @pytest.fixture(autouse=True)
    def _models(self, subject: MakeSubject) -> None:
        self.pair = StructureContext(subject("small", PRUNED_INT8), subject("large"))

    def spec(self) -> CheckSpec[Any]:
        spec, _ = vetgate_checks()
        return spec

    def context(self) -> StructureContext:
        return self.pair


def test_every_figure_is_counted_for_both_models(subject: MakeSubject) -> None:
    found = values(measure(subject("small", PRUNED_INT8, contents=(b"1" * 1_000_000,)), subject("large")))

    assert found["size_mb", "candidate"] == 1.0
    assert found["size_mb", "reference"] == 3.0
    assert found["size_mb", "delta"] == -2.0
    assert found["size_mb", "ratio"] == pytest.approx(1 / 3)
    assert found["params", "candidate"] == 110
    assert found["params", "reference"] == 120  # running statistics are not learned
    assert found["nonzero_params", "candidate"] == 30
    assert found["sparsity", "candidate"] == pytest.approx(80 / 110)
    assert found["sparsity", "delta"] == pytest.approx(80 / 110 - 20 / 120)
    assert found["unique_weights", "candidate"] == 16
    assert found["unique_weights", "ratio"] == pytest.approx(16 / 70)
    assert found["bits_per_weight", "candidate"] == pytest.approx((100 * 8 + 10 * 32) / 110)
    assert found["bits_per_weight", "reference"] == 32
    assert found["macs", "candidate"] == 5000
    assert found["macs", "ratio"] == 1


def test_figures_are_exact_declared_and_in_the_unit_that_rules_use(subject: MakeSubject) -> None:
    results = measure(subject("a"), subject("b"))
    declared = {spec.id: spec for spec in METRICS}

    assert {m.metric for m in results.measurements} == set(declared)
    for figure in results.measurements:
        spec = declared[figure.metric]
        assert figure.role in spec.roles
        assert figure.role in spec.bounded
        assert figure.uncertainty == Exact()
        assert figure.n == 1
        assert figure.unit is (Unit.RATIO if figure.role is Of.RATIO else spec.unit)
        assert figure.better is spec.better


def test_the_candidates_own_figure_is_what_a_rule_without_a_role_means() -> None:
    assert {spec.roles[0] for spec in METRICS} == {Of.CANDIDATE}


def test_gzip_takes_all_members_in_their_order_as_one_stream(subject: MakeSubject) -> None:
    contents = (bytes(range(256)) * 5000, b"external" * 100_000)
    found = values(measure(subject("two", contents=contents), subject("one")))

    expected = len(gzip.compress(b"".join(contents), 6, mtime=0))
    assert found["gzip_mb", "candidate"] == expected / 1e6


def test_zeros_show_in_the_gzipped_size_and_not_in_the_size(subject: MakeSubject) -> None:
    dense = b"".join(hashlib.sha256(bytes([place])).digest() for place in range(200)) * 10
    sparse = bytes(byte if place % 10 == 0 else 0 for place, byte in enumerate(dense))
    found = values(measure(subject("sparse", contents=(sparse,)), subject("dense", contents=(dense,))))

    assert found["size_mb", "ratio"] == 1
    assert found["gzip_mb", "ratio"] < 0.9


def test_a_large_file_is_gzipped_only_when_a_rule_asks(subject: MakeSubject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "GZIP_UNASKED", 1000)
    large, small = subject("large"), subject("small", contents=(b"x",))

    unasked = measure(large, small)
    assert ("gzip_mb", "candidate") not in values(unasked)
    assert ("gzip_mb", "reference") in values(unasked)
    assert ("gzip_mb", "ratio") not in values(unasked)
    assert ("gzip_mb", "candidate") in values(measure(large, small, "footprint.gzip_mb"))


def test_unknown_macs_are_left_out_and_the_report_says_why(subject: MakeSubject) -> None:
    strange = subject("strange", operators=(*OPERATORS, Operator(type="Mystery", count=1, macs=None)))
    results = measure(strange, subject("known"))
    found = values(results)

    assert ("macs", "candidate") not in found
    assert ("macs", "delta") not in found
    assert found["macs", "reference"] == 5000
    assert "candidate: no footprint.macs, for the multiply-accumulates of Mystery cannot be told" in captions(results)


def test_a_file_that_lists_no_weights_has_no_count_rather_than_zero(subject: MakeSubject) -> None:
    results = measure(subject("opaque", tensors=(), operators=()), subject("known"))
    metrics = {m.metric for m in results.measurements if m.role is Of.CANDIDATE}

    assert metrics == {"footprint.size_mb", "footprint.gzip_mb"}
    assert "candidate: no footprint.params, for the file lists no learned values" in captions(results)


def test_a_ratio_to_zero_is_left_out_and_the_difference_stays(subject: MakeSubject) -> None:
    nothing = (Operator(type="Relu", count=1, macs=0),)
    found = values(measure(subject("some"), subject("none", operators=nothing)))

    assert ("macs", "ratio") not in found
    assert found["macs", "delta"] == 5000


def test_one_axis_is_no_weight_tensor_for_the_codebook(subject: MakeSubject) -> None:
    only_bias = (tensor("bias", (1000,), distinct=1000), tensor("weight", (2, 2), distinct=3))
    assert values(measure(subject("a", only_bias), subject("b")))["unique_weights", "candidate"] == 3


def test_normalisation_values_are_shown_apart(subject: MakeSubject) -> None:
    rows = table(measure(subject("folded", PRUNED_INT8), subject("normed")), "Learned values").rows

    assert ("normalisation scale and shift", 0, 10) in rows
    assert ("weights and biases", 110, 110) in rows


def test_operators_are_listed_by_type_with_the_dearest_first(subject: MakeSubject) -> None:
    own = (Operator(type="QLinearConv", count=3, macs=9000),)
    rows = table(measure(subject("a", operators=own), subject("b")), "Operators").rows

    assert rows == (
        ("QLinearConv", 3, 0, 9000, None),
        ("Conv", 0, 3, None, 5000),
        ("Relu", 0, 2, None, 0),
    )


def test_layers_are_sorted_by_difference_and_cut_at_fifty(subject: MakeSubject) -> None:
    many = tuple(tensor(f"layer{place:02}", (10, 10)) for place in range(60))
    pruned = (*many[:30], tensor("layer30", (10, 10), nonzero=5), *many[31:])
    layers = table(measure(subject("a", pruned), subject("b", many)), "Layers")

    assert layers.rows[0] == ("layer30", 100, 100, 5, 100, 100, 100, 32.0, 32.0)
    assert len(layers.rows) == 50
    assert "first 50 of 60" in layers.caption


def test_clustering_that_keeps_every_value_still_leads_the_layers(subject: MakeSubject) -> None:
    plain = (tensor("first", (10, 10)), tensor("second", (10, 10)))
    clustered = (tensor("first", (10, 10)), tensor("second", (10, 10), distinct=16))
    layers = table(measure(subject("a", clustered), subject("b", plain)), "Layers")

    assert [row[0] for row in layers.rows] == ["second", "first"]


def test_a_layer_of_one_model_alone_has_no_figures_for_the_other(subject: MakeSubject) -> None:
    layers = table(measure(subject("a", (tensor("own", (2, 2)),)), subject("b", (tensor("other", (3, 3)),))), "Layers")

    assert ("own", 4, None, 4, None, 4, None, 32.0, None) in layers.rows


def captions(results: Results) -> str:
    return " ".join(exhibit.caption for exhibit in results.exhibits)


def table(results: Results, title: str) -> Table:
    (found,) = [exhibit for exhibit in results.exhibits if exhibit.title == title]
    assert isinstance(found, Table)
    assert all(len(row) == len(found.columns) for row in found.rows)
    return found


def test_normalisation_over_two_axes_is_no_codebook(subject: MakeSubject) -> None:
    norm = tensor("norm", (8, 8), kind="normalisation", distinct=64)
    found = values(measure(subject("a", (tensor("w", (2, 2)), norm)), subject("b")))
    assert found["unique_weights", "candidate"] == 4

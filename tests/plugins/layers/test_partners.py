"""Which layer of one model is which of the other's."""

from __future__ import annotations

import pytest
from vetgate_layers.layer import align, bare, layers_of

from vetgate.api import Inconclusive, Tap


def _taps(*layers: tuple[str, tuple[int, ...]], operator: str = "Conv") -> list[Tap]:
    taps = []
    for number, (name, shape) in enumerate(layers, 1):
        taps.append(Tap(name=name, shape=shape, layer=number, operator=operator, weighted=True))
        taps.append(Tap(name=f"{name}/relu", shape=shape, layer=number, operator="Relu"))
    return taps


STAGES = ((8, 4, 4), (8, 4, 4), (16, 2, 2), (16, 2, 2))


def _numbers(candidate: list[Tap], reference: list[Tap]) -> list[tuple[int, int, str]]:
    found = align(layers_of(candidate), layers_of(reference))
    return [(pair.candidate.number, pair.reference.number, pair.how) for pair in found]


def test_layers_of_one_name_are_partners_wherever_they_stand() -> None:
    names = [f"layer{number}" for number in range(4)]
    reference = _taps(*zip(names, STAGES, strict=True))
    shuffled = [(names[place], STAGES[place]) for place in (1, 0, 3, 2)]
    assert _numbers(_taps(*shuffled), reference) == [(1, 2, "name"), (2, 1, "name"), (3, 4, "name"), (4, 3, "name")]


def test_what_quantisers_append_is_no_part_of_a_name() -> None:
    assert bare("logits_QuantizeLinear_Input") == "logits"
    assert bare("relu_1_DequantizeLinear_Output") == "relu_1"
    assert bare("conv_quantized") == "conv"
    reference = _taps(*[(f"a{place}", shape) for place, shape in enumerate(STAGES)])
    candidate = _taps(*[(f"a{place}_quantized", shape) for place, shape in enumerate(STAGES)])
    assert [how for _, _, how in _numbers(candidate, reference)] == ["name"] * 4


def test_layers_without_common_names_are_partners_in_sequence_and_one_more_is_left_alone() -> None:
    reference = _taps(*[(f"a{place}", shape) for place, shape in enumerate(STAGES)])
    candidate = _taps(*[(f"b{place}", shape) for place, shape in enumerate((*STAGES[:2], (12, 2, 2), *STAGES[2:]))])
    assert _numbers(candidate, reference) == [(1, 1, "order"), (2, 2, "order"), (4, 3, "order"), (5, 4, "order")]


@pytest.mark.parametrize("operator", ["Gemm", "MatMul", "aten.addmm", "aten.mm", "FULLY_CONNECTED", "QLinearMatMul"])
def test_a_linear_layer_is_no_convolution(operator: str) -> None:
    linear, convolution = _taps(("a", (8,)), operator=operator), _taps(("b", (8,)))
    assert _numbers(linear, _taps(("c", (8,)), operator="quantized.linear")) == [(1, 1, "order")]
    with pytest.raises(Inconclusive, match="no matching inner tensors: 0 of 1 layers"):
        align(layers_of(linear), layers_of(convolution))


def test_a_few_names_that_agree_by_chance_make_no_partners() -> None:
    reference = _taps(*[(f"a{place}", shape) for place, shape in enumerate(STAGES)])
    candidate = _taps(("a3", STAGES[2]), *[(f"b{place}", shape) for place, shape in enumerate(STAGES[1:])])
    with pytest.raises(Inconclusive, match="different architectures"):
        align(layers_of(candidate), layers_of(_taps(*[(f"c{place}", (5,)) for place in range(9)])))
    assert all(how == "order" for _, _, how in _numbers(candidate, reference))

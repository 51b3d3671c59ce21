from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.ao.quantization import float_qparams_weight_only_qconfig, get_default_qconfig_mapping, quantize_dynamic
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
from vetgate_torch.backend import TorchBackend

from vetgate.api import Artifact, Card, OpenOptions, Structure

Identify = Callable[[Path], Artifact]
jit: Any = torch.jit
quantised_on_the_fly: Any = quantize_dynamic
MakeCard = Callable[..., Card]

CONVOLUTION = 8 * 6 * 6 * 3 * 3 * 3
LINEAR = 32 * 4


def counted(structure: Structure) -> dict[str, int]:
    result: dict[str, int] = {}
    for tensor in structure.tensors:
        result[tensor.kind] = result.get(tensor.kind, 0) + tensor.elements
    return result


def save(how: str, model: nn.Module, path: Path) -> None:
    image = torch.zeros(4, 3, 8, 8)
    if how == "weights":
        torch.save(model.state_dict(), path)
    elif how == "scripted":
        jit.script(model).save(path)
    elif how == "traced":
        jit.trace(model, image).save(path)
    else:
        torch.export.save(torch.export.export(model, (image,)), path)


FORMATS = ["weights", "scripted", "traced", "exported"]


@pytest.mark.parametrize("how", FORMATS)
def test_parameters_norms_and_state_are_told_apart(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, how: str
) -> None:
    path = tmp_path / "model.pt2"
    save(how, small, path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=f"{code}:small"))
    assert counted(structure) == {"parameter": 8 * 27 + 8 + LINEAR + 4, "normalisation": 16, "state": 17}


@pytest.mark.parametrize("how", FORMATS)
def test_multiply_accumulates_are_those_counted_by_hand_for_one_image(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, how: str
) -> None:
    path = tmp_path / "model.pt2"
    save(how, small, path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=f"{code}:small"))
    assert structure.macs == CONVOLUTION + LINEAR
    by_type = {operator.type: operator for operator in structure.operators if operator.macs}
    assert sorted(operator.macs for operator in by_type.values() if operator.macs) == [LINEAR, CONVOLUTION]
    assert by_type["aten.addmm"].macs == LINEAR


@pytest.mark.parametrize("how", FORMATS)
def test_ports_have_a_free_batch(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, how: str
) -> None:
    path = tmp_path / "model.pt2"
    save(how, small, path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=f"{code}:small"))
    assert [(port.shape, port.dtype) for port in structure.inputs] == [((None, 3, 8, 8), "float32")]
    assert [(port.shape, port.dtype) for port in structure.outputs] == [((None, 4), "float32")]


@pytest.mark.parametrize("architecture", [None, "small"])
def test_zeros_and_distinct_values_are_counted(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, architecture: str | None
) -> None:
    weight = torch.zeros(8, 3, 3, 3)
    weight[0, 0, 0, 0] = 1
    state = {**small.state_dict(), "0.weight": weight}
    path = tmp_path / "model.safetensors"
    save_file(state, path, {"author": "somebody"})
    named = f"{code}:{architecture}" if architecture else None
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=named))
    figures = next(tensor for tensor in structure.tensors if tensor.name == "0.weight")
    assert (figures.elements, figures.nonzero, figures.distinct, figures.bits) == (216, 1, 2, 32.0)
    assert structure.metadata == {"author": "somebody"}


def test_weights_without_architecture_still_show_their_tensors(
    tmp_path: Path, small: nn.Module, artifact: Identify
) -> None:
    path = tmp_path / "model.pt"
    torch.save(small.state_dict(), path)
    structure = TorchBackend().describe(artifact(path), None, OpenOptions())
    assert counted(structure) == {"parameter": 8 * 27 + 8 + LINEAR + 4, "normalisation": 16, "state": 17}
    assert structure.macs is None
    assert any("architecture" in note for note in structure.notes)


def test_torchscript_without_a_card_says_that_operators_are_unknown(
    tmp_path: Path, small: nn.Module, artifact: Identify
) -> None:
    path = tmp_path / "model.pt"
    jit.script(small).save(path)
    structure = TorchBackend().describe(artifact(path), None, OpenOptions())
    assert structure.macs is None
    assert any("card" in note for note in structure.notes)


def test_an_exported_program_needs_no_card_to_be_described(
    tmp_path: Path, small: nn.Module, artifact: Identify
) -> None:
    path = tmp_path / "model.pt2"
    save("exported", small, path)
    structure = TorchBackend().describe(artifact(path), None, OpenOptions())
    assert structure.macs == CONVOLUTION + LINEAR
    assert structure.inputs[0].shape == (None, 3, 8, 8)


def quantised(small: nn.Module, how: str) -> torch.jit.ScriptModule:
    image = torch.randn(4, 3, 8, 8)
    if how == "dynamic":
        model: Any = quantised_on_the_fly(small, {nn.Linear}, dtype=torch.qint8)
    elif how == "dynamic float16":
        model = quantised_on_the_fly(small, {nn.Linear}, dtype=torch.float16)
    else:
        engine = torch.backends.quantized.engine
        prepared = prepare_fx(small, get_default_qconfig_mapping(engine), (image,))
        prepared(image)
        model = convert_fx(prepared)
    traced: torch.jit.ScriptModule = jit.trace(model, image)
    if how == "static, frozen":
        traced = jit.freeze(traced.eval())
    return traced


@pytest.mark.parametrize("how", ["dynamic", "dynamic float16", "static", "static, frozen"])
def test_packed_weights_of_quantised_torchscript_are_counted(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, how: str
) -> None:
    path = tmp_path / "model.pt"
    quantised(small, how).save(path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    kinds = counted(structure)
    folded = how.startswith("static")
    assert kinds["parameter"] == 8 * 27 + 8 + LINEAR + 4
    assert kinds.get("normalisation", 0) == (0 if folded else 16)
    weights = [tensor for tensor in structure.tensors if tensor.elements == LINEAR]
    assert [tensor.dtype for tensor in weights] == (["float32"] if how == "dynamic float16" else ["int8"])


@pytest.mark.parametrize("how", ["dynamic", "static", "static, frozen"])
def test_a_quantised_program_is_given_no_values_so_its_arithmetic_is_unknown(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, how: str
) -> None:
    path = tmp_path / "model.pt"
    quantised(small, how).save(path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    assert (structure.macs, structure.outputs) == (None, ())
    assert any("given none" in note for note in structure.notes)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_users_own_quantised_architecture_is_counted(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard, code: str, wrapped: bool
) -> None:
    path, lines = tmp_path / "model.pt", "from torch.ao.quantization import quantize_dynamic\n"
    model: Any = quantised_on_the_fly(small, {nn.Linear}, dtype=torch.qint8)
    torch.save((nn.DataParallel(model) if wrapped else model).state_dict(), path)
    lines += "def quantised():\n    return quantize_dynamic(small().eval(), {nn.Linear})\n"
    Path(code).write_text(Path(code).read_text() + lines)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions(architecture=f"{code}:quantised"))
    assert structure.macs == CONVOLUTION + LINEAR


class Asks(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if bool(images.sum() == 0):
            raise RuntimeError("it saw an image of zeros")
        return images.flatten(1)


def test_describing_shows_no_image_to_the_code_of_a_file(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    jit.script(Asks()).save(path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    assert structure.macs is None
    assert not any("it saw" in note for note in structure.notes)


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(192, 4)
        self.rows = nn.EmbeddingBag(8, 4, mode="sum", include_last_offset=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        places = torch.zeros(1, dtype=torch.long)
        rows: torch.Tensor = self.rows(places, torch.tensor([0, 1]))
        scores: torch.Tensor = self.linear(images.flatten(1))
        return scores + rows


def test_where_some_packed_weights_cannot_be_read_none_are_counted(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    recipe = {nn.EmbeddingBag: float_qparams_weight_only_qconfig}
    model = quantised_on_the_fly(Bag().eval(), recipe, dtype=torch.quint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", jit.TracerWarning)
        jit.trace(model, torch.zeros(2, 3, 8, 8)).save(path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    assert structure.tensors == ()
    assert any("no learned values are counted" in note for note in structure.notes)


def test_a_quantised_state_dict_counts_its_packed_weights(
    tmp_path: Path, small: nn.Module, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    torch.save(quantised_on_the_fly(small, {nn.Linear}, dtype=torch.qint8).state_dict(), path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    (weight,) = [tensor for tensor in structure.tensors if tensor.dtype == "int8"]
    assert (weight.name, weight.elements, weight.bits, weight.kind) == ("5.weight", LINEAR, 8.0, "parameter")


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.second = nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight


def test_tied_weights_are_counted_once(tmp_path: Path, artifact: Identify) -> None:
    path = tmp_path / "model.pt"
    torch.save(Tied().state_dict(), path)
    structure = TorchBackend().describe(artifact(path), None, OpenOptions())
    assert counted(structure) == {"parameter": 16}


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(24, 2, batch_first=True)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows = images.flatten(2).permute(0, 2, 1).reshape(-1, 8, 24)
        mixed: torch.Tensor = self.attention(rows, rows, rows, need_weights=False)[0]
        return mixed.mean(1)


def test_attention_is_counted(tmp_path: Path, artifact: Identify, make_card: MakeCard) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Attention().eval(), (torch.zeros(1, 3, 8, 8),)), path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    projections, products = 8 * 24 * 24 * 4, 2 * 8 * 8 * 24
    assert structure.macs == projections + products


class Distances(nn.Module):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.cdist(images.flatten(2), images.flatten(2))
        return result.flatten(1)


def test_an_operator_without_a_formula_is_unknown_not_zero(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt"
    jit.script(Distances()).save(path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    assert structure.macs is None
    assert any("cdist" in note for note in structure.notes)


class Mapping(nn.Module):
    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": images.flatten(1), "features": images.mean(1)}


def test_outputs_of_an_exported_mapping_keep_their_keys(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(Mapping(), (torch.zeros(1, 3, 8, 8),)), path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    assert [port.name for port in structure.outputs] == ["logits", "features"]
    with TorchBackend().open(artifact(path), make_card(output_name="logits"), OpenOptions()) as model:
        assert model.predict(torch.zeros(1, 3, 8, 8).numpy()).shape == (1, 192)


class QuantisedLinear(nn.Module):
    """What converting a quantised export leaves: an int8 buffer and an operator that de-quantises it."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.arange(-96, 96, dtype=torch.int8).repeat(2, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        operator: Any = torch.ops.quantized_decomposed.dequantize_per_tensor
        weight: torch.Tensor = operator(self.weight, 0.5, 0, -128, 127, torch.int8)
        return nn.functional.linear(images.flatten(1), weight)


def test_int8_weights_of_an_exported_program_are_parameters(
    tmp_path: Path, artifact: Identify, make_card: MakeCard
) -> None:
    path = tmp_path / "model.pt2"
    importlib.import_module("torch.ao.quantization.fx._decomposed")
    torch.export.save(torch.export.export(QuantisedLinear(), (torch.zeros(1, 3, 8, 8),)), path)
    structure = TorchBackend().describe(artifact(path), make_card(), OpenOptions())
    (weight,) = structure.tensors
    assert (weight.kind, weight.dtype, weight.bits) == ("parameter", "int8", 8.0)
    assert (weight.elements, weight.nonzero, weight.distinct) == (384, 382, 192)
    assert structure.macs == 384
    with TorchBackend().open(artifact(path), make_card(), OpenOptions()) as model:
        assert model.execution.precision == "int8"
        assert model.predict(torch.ones(1, 3, 8, 8).numpy()).tolist() == [[-48.0, -48.0]]

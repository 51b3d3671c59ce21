from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from tests.plugins.compress.conftest import MakeBench, compress, tiny, tiny_card
from vetgate.api import Inconclusive, WorkerFailed


class Channels(nn.Module):
    """Takes channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.model = tiny()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.model(images.permute(0, 3, 1, 2))
        return torch.softmax(scores, 1)


class Branching(nn.Module):
    """Asks its images which way to go."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(192, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.linear(images.flatten(1))
        return scores if images.sum() > 0 else -scores


class Pairs(nn.Module):
    """Works on two images at a time only."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(192, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.linear(images.reshape(2, 192))
        return scores


class Two(Pairs):
    """Returns two things."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:  # type: ignore[override]
        scores = self.linear(images.flatten(1))
        return scores, scores


def test_the_file_answers_as_the_module_does_for_any_number_of_images(
    workbench: MakeBench, noise: NDArray[np.float32]
) -> None:
    variant = compress("float32", workbench())

    with torch.no_grad():
        wanted = tiny()(torch.from_numpy(noise)).numpy()
    np.testing.assert_allclose(variant.answer(noise), wanted, atol=1e-4)
    np.testing.assert_allclose(variant.answer(noise[:1]), wanted[:1], atol=1e-4)


def test_it_has_one_input_one_output_and_no_trace_of_the_machine(workbench: MakeBench) -> None:
    model = compress("float32", workbench()).model

    assert [port.name for port in model.graph.input] == ["image"]
    assert [port.name for port in model.graph.output] == ["logits"]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 20)]
    assert str(Path(__file__).parents[3]).encode() not in model.SerializeToString()
    assert not model.metadata_props
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_the_card_says_layout_and_output(workbench: MakeBench, noise: NDArray[np.float32]) -> None:
    bench = workbench(Channels, tiny_card(layout="NHWC", kind="probabilities", name="classes"))
    variant = compress("float32", bench)

    assert [port.name for port in variant.model.graph.output] == ["classes"]
    np.testing.assert_allclose(variant.answer(noise.transpose(0, 2, 3, 1)).sum(axis=1), 1, atol=1e-5)


def test_probabilities_are_called_so_where_the_card_names_no_output(workbench: MakeBench) -> None:
    model = compress("float32", workbench(Channels, tiny_card(layout="NHWC", kind="probabilities"))).model
    assert [port.name for port in model.graph.output] == ["probabilities"]


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (Branching, "PyTorch cannot export the module to ONNX: Could not guard on data-dependent"),
        (Pairs, r"the module fails on a batch of 3 x 3 x 8 x 8.*shape '\[2, 192\]' is invalid"),
        (Two, "the module returns a tuple"),
        (lambda: nn.Sequential(nn.Conv2d(1, 4, 3)), r"fails on a batch of 2 x 3 x 8 x 8.* to have 1 channels"),
        (lambda: tiny().half(), "fails on a batch"),
    ],
)
def test_a_module_that_cannot_be_exported_is_refused_in_one_sentence(
    workbench: MakeBench, module: type[nn.Module], sentence: str
) -> None:
    bench = workbench(module)
    with pytest.raises(Inconclusive, match=sentence) as caught:
        compress("float32", bench)
    assert isinstance(caught.value, WorkerFailed) == (module is not Two)  # that one is an answer on the model
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 400
    assert not bench.output.exists()


def test_a_network_without_weights_is_exported_all_the_same(workbench: MakeBench) -> None:
    onnx.checker.check_model(
        compress("float32", workbench(lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))).model
    )

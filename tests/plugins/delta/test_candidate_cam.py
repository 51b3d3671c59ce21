from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from vetgate_delta.cam import eigen_maps, full_size
from vetgate_delta.candidate_cam import find_layer, head_outputs, map_candidate

from vetgate.api import CandidateSeen, ImageSet, Inconclusive, Tap, TrainerContext, Tuning
from vetgate.testing import toy_card

pytest.importorskip("torch")
import torch

SIZE = 16
CLASSES = ("cat", "dog", "car")


class Small(torch.nn.Module):
    """A candidate with a functional activation before its head; the head is linear, or has one more layer."""

    def __init__(self, *, deep: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = torch.nn.Conv2d(1, 6, 3, stride=2, padding=1)
        self.block = Block()
        self.pool = torch.nn.AdaptiveAvgPool2d(1)
        hidden = [torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3)]
        self.head = torch.nn.Sequential(*hidden) if deep else torch.nn.Linear(8, 3)
        with torch.no_grad():
            for parameter in self.head.parameters():
                parameter.mul_(60.0 if deep else 6.0)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.head(self.pool(self.block(self.stem(images))).flatten(1))
        return outputs


class Block(torch.nn.Module):
    """Its output is that of no layer of its own: the activation is a function."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(6, 8, 3, padding=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.relu(self.conv(maps))


def _normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def _context(network: Small, images: int = 60, **changes: Any) -> TrainerContext:
    random = np.random.default_rng(0)
    # from dark to bright, so that a head that is not linear is seen not to be
    bright = random.uniform(0, 1, (images, 1, 1, 1))
    pixels = (random.integers(0, 255, (images, SIZE, SIZE, 1)) * bright).astype(np.uint8)
    with torch.no_grad():
        given = torch.from_numpy(_normalise(pixels))
        maps, logits = network.block(network.stem(given)), network(given)
    seen = CandidateSeen(
        probabilities=torch.softmax(logits.double(), dim=1).numpy(),
        logits=logits.numpy(),
        pooled=maps.mean(dim=(2, 3)).numpy(),
        maps=maps.numpy(),
    )
    ids = tuple(f"{index}.png" for index in range(images))
    vetted = ImageSet("vetted", ids, ids, pixels, None, replace(seen, **changes.pop("seen", {})))
    module: Callable[[], Any] = lambda: network  # noqa: E731
    context = TrainerContext(
        reference=lambda: None,
        reference_card=toy_card(SIZE, SIZE, CLASSES),
        candidate=module,
        candidate_card=toy_card(SIZE, SIZE, CLASSES),
        candidate_name="small",
        classes=CLASSES,
        feature_map=Tap(name="aten.relu", shape=maps.shape[1:], layer=2, operator="aten.relu", spatial=True),
        feature_note="",
        vetted=vetted,
        training=None,
        concepts={},
        normalise=_normalise,
        label=None,
        tuning=Tuning(),
        shelf=Path("unused"),
        reference_key="r",
        candidate_key="c",
        candidate_parameters=None,
        candidate_macs=None,
        seed=0,
        threads=1,
        tell=lambda _what, _done, _total: None,
    )
    return replace(context, **changes)


def _by_the_library(network: Small, context: TrainerContext, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    from vetgate_vision import torchvision

    torchvision("explain")
    library = pytest.importorskip("pytorch_grad_cam")
    with library.GradCAMPlusPlus(model=network, target_layers=[network.block]) as cam:
        return np.asarray(cam(input_tensor=torch.from_numpy(_normalise(context.vetted.pixels[rows])), targets=None))


ROWS = np.array([3, 4, 17, 50])


def test_a_linear_head_is_found_from_outputs_alone_and_its_maps_are_the_librarys() -> None:
    network = Small(deep=False).eval()
    context = _context(network, candidate=None)
    found = map_candidate(context, ROWS)
    assert found.method == "Grad-CAM++ in closed form on 'aten.relu' (linear head on logits, R2 1.0000)"
    assert found.note == ""
    assert np.abs(found.maps - _by_the_library(network, context, ROWS)).max() < 1e-4


def test_where_only_probabilities_come_out_the_head_is_found_in_their_logarithms() -> None:
    context = _context(Small(deep=False).eval(), candidate=None, seen={"logits": None})
    found = map_candidate(context, ROWS)
    assert "log-probabilities less their mean over classes" in found.method
    assert found.maps.shape == (4, SIZE, SIZE)
    assert found.maps.max() <= 1
    logits = np.array([[1.0, 2.0, 6.0]])
    shares = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(head_outputs(replace(context.vetted.candidate, probabilities=shares)), logits - 3)


def test_a_head_with_more_layers_goes_to_the_library_where_there_is_a_module() -> None:
    network = Small(deep=True).eval()
    context = _context(network)
    found = map_candidate(context, ROWS)
    assert found.method == "Grad-CAM++ on 'aten.relu' (pytorch-grad-cam)"
    assert "its head is not pool and linear (R2 0." in found.note
    np.testing.assert_allclose(found.maps, _by_the_library(network, context, ROWS), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"candidate": None}, "its format gives no gradients"),
        ({"candidate_card": toy_card(8, 8, CLASSES)}, "it is fed otherwise than the reference"),
        (
            {"candidate": lambda: Small(deep=False).eval().block.conv},
            "its module fails where gradients are taken (RuntimeError)",
        ),
        ({"candidate": torch.nn.Identity}, "no layer of its module puts out that map"),
    ],
)
def test_where_the_library_cannot_help_eigen_cam_does_and_the_report_says_why(
    changes: dict[str, Any], why: str
) -> None:
    context = _context(Small(deep=True).eval(), **changes)
    found = map_candidate(context, ROWS)
    assert found.method == "Eigen-CAM on 'aten.relu', which knows no classes"
    assert found.note.endswith(why)
    assert context.vetted.candidate.maps is not None
    np.testing.assert_array_equal(found.maps, full_size(eigen_maps(context.vetted.candidate.maps[ROWS]), (SIZE, SIZE)))


def test_the_layer_is_told_by_what_it_puts_out_and_one_that_runs_twice_is_none() -> None:
    network = Small(deep=True).eval()
    images = torch.rand(3, 1, SIZE, SIZE)
    with torch.no_grad():
        maps = network.block(network.stem(images)).numpy()
    assert find_layer(network, images, maps) is network.block
    activation = torch.nn.ReLU()
    twice = torch.nn.Sequential(network.stem, network.block, activation, activation, network.pool)
    assert find_layer(twice, images, maps) is network.block
    assert find_layer(network, images, maps + 1) is None


def test_cards_that_cut_images_differently_are_told() -> None:
    card = toy_card(SIZE, SIZE, CLASSES)
    cut = card.model_copy(update={"input": card.input.model_copy(update={"crop": "center"})})
    network = Small(deep=False).eval()
    assert "cut images differently" in map_candidate(_context(network, candidate_card=cut), ROWS).note
    assert map_candidate(_context(network, candidate_card=cut, reference_card=cut), ROWS).note == ""
    assert map_candidate(_context(network, candidate_card=toy_card(8, 8, CLASSES)), ROWS).note == ""
    crooked = map_candidate(_context(Small(deep=True).eval(), candidate_card=cut), ROWS).note
    assert "cut images differently" in crooked
    assert "its head is not pool and linear" in crooked


def test_no_rows_give_no_maps() -> None:
    assert map_candidate(_context(Small(deep=False).eval()), ROWS[:0]).maps.shape == (0, SIZE, SIZE)
    assert map_candidate(_context(Small(deep=True).eval()), ROWS[:0]).maps.shape == (0, SIZE, SIZE)


def test_no_feature_map_is_told_with_its_reason() -> None:
    context = _context(Small(deep=False).eval(), seen={"maps": None}, feature_note="the format hides its tensors")
    with pytest.raises(Inconclusive, match=r"no feature map to explain: the format hides its tensors"):
        map_candidate(context, ROWS)


def test_a_map_of_one_position_is_told() -> None:
    context = _context(Small(deep=False).eval(), seen={"maps": np.zeros((60, 8, 1, 1), dtype=np.float32)})
    with pytest.raises(Inconclusive, match="single position") as caught:
        map_candidate(context, ROWS)
    assert "--feature-map" in caught.value.hint

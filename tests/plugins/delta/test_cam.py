from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from vetgate_delta.cam import candidate_maps, delta_maps, eigen_maps, full_size, linear_head

pytest.importorskip("torch")
import torch

SIZE = (24, 20)


class Pooled(torch.nn.Module):
    """A network whose head is pool and linear."""

    def __init__(self, seed: int, channels: int = 12, gain: float = 1.0, relu: bool = True) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.features = torch.nn.Conv2d(3, channels, 5, stride=4, padding=2)
        self.last = torch.nn.ReLU() if relu else torch.nn.Identity()
        self.head = torch.nn.Linear(channels, 7)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
            self.head.weight.mul_(gain)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.head(self.maps(images).mean(dim=(2, 3)))
        return outputs

    def maps(self, images: torch.Tensor) -> torch.Tensor:
        maps: torch.Tensor = self.last(self.features(images))
        return maps


def _images(seed: int, count: int = 6) -> torch.Tensor:
    return torch.randn((count, 3, *SIZE), generator=torch.Generator().manual_seed(seed))


def _by_the_library(network: Pooled, images: torch.Tensor, method: str = "GradCAMPlusPlus") -> NDArray[np.float32]:
    from vetgate_vision import torchvision

    torchvision("explain")
    library = pytest.importorskip("pytorch_grad_cam")
    with getattr(library, method)(model=network, target_layers=[network.last]) as cam:
        return np.asarray(cam(input_tensor=images, targets=None))


def _by_closed_form(network: Pooled, images: torch.Tensor) -> NDArray[np.float32]:
    with torch.no_grad():
        maps = network.maps(images)
        classes = network(images).argmax(dim=1)
    weights = network.head.weight.detach()[classes]
    return full_size(candidate_maps(maps.numpy(), weights.numpy()), SIZE)


# a gain of 0.03 makes gradients so small that the library's epsilon decides, one of 30 makes it vanish
@pytest.mark.parametrize("gain", [0.03, 1.0, 30.0])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_closed_form_is_pytorch_grad_cam_for_pool_and_linear_heads(seed: int, gain: float) -> None:
    network, images = Pooled(seed, gain=gain).eval(), _images(seed)
    assert np.abs(_by_closed_form(network, images) - _by_the_library(network, images)).max() < 1e-5


def test_the_closed_form_is_pytorch_grad_cam_where_maps_go_below_zero() -> None:
    network, images = Pooled(5, relu=False).eval(), _images(5)
    assert np.abs(_by_closed_form(network, images) - _by_the_library(network, images)).max() < 1e-5


def test_without_the_librarys_epsilon_the_maps_would_differ() -> None:
    network, images = Pooled(0, gain=0.03).eval(), _images(0)
    with torch.no_grad():
        maps, classes = network.maps(images), network(images).argmax(dim=1)
    weights = network.head.weight.detach()[classes]
    other = full_size(delta_maps(maps.numpy(), weights.numpy()), SIZE)
    assert np.abs(other - _by_the_library(network, images)).max() > 1e-3


def test_eigen_cam_is_the_librarys_up_to_the_sign_of_the_component() -> None:
    network, images = Pooled(1).eval(), _images(1)
    with torch.no_grad():
        own = full_size(eigen_maps(network.maps(images).numpy()), SIZE)
    theirs = _by_the_library(network, images, "EigenCAM")
    same = [np.abs(ours - other).max() < 1e-4 for ours, other in zip(own, theirs, strict=True)]
    assert any(same)
    assert all(
        is_same or ours.argmax() != other.argmax() for is_same, ours, other in zip(same, own, theirs, strict=True)
    )
    assert own.min() >= 0
    assert own.max() <= 1


def test_a_tilted_eigen_component_points_to_its_largest_value() -> None:
    maps = np.zeros((1, 3, 4, 4), dtype=np.float32)
    maps[0, :, 1, 2] = (-5.0, -3.0, -1.0)
    assert eigen_maps(maps)[0].argmax() == 6


class Squeezed(torch.nn.Module):
    """DELTA's end: everything after the map is a function of its channel means, here a crooked one."""

    def __init__(self, seed: int, channels: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.narrow = torch.nn.Linear(channels, 4)
        self.branch = torch.nn.Sequential(torch.nn.Linear(4 + 3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 10))
        self.classifier = torch.nn.Linear(10, 5)

    def forward(self, pooled: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        fused = (self.branch(torch.cat([self.narrow(pooled), e], dim=1)) + e.repeat(1, 4)[:, :10]) / 2
        outputs: torch.Tensor = self.classifier(fused)
        return outputs


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_deltas_closed_form_is_grad_cam_plus_plus_by_autograd_at_every_position(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    count, channels, height, width = 5, 8, 6, 7
    before = torch.rand((count, channels, height, width), generator=generator, dtype=torch.float64)
    e = torch.rand((count, 3), generator=generator, dtype=torch.float64)
    end = Squeezed(seed, channels).double()
    scale = torch.sigmoid(before.mean(dim=(2, 3)))[:, :, None, None]
    maps = (before + before * scale).requires_grad_()

    score = end(maps.mean(dim=(2, 3)), e).max(dim=1).values.sum()
    (at_positions,) = torch.autograd.grad(score, maps)
    sums = maps.detach().sum(dim=(2, 3), keepdim=True)
    # equation 19 with the second and third derivative of exp(score), position by position
    alphas = at_positions**2 / (2 * at_positions**2 + sums * at_positions**3)
    alphas = torch.where(at_positions != 0, alphas, 0.0)
    weights = (alphas * at_positions.clamp(min=0)).sum(dim=(2, 3))
    expected = (weights[:, :, None, None] * maps.detach()).sum(dim=1).clamp(min=0)

    pooled = maps.detach().mean(dim=(2, 3)).requires_grad_()
    (gradients,) = torch.autograd.grad(end(pooled, e).max(dim=1).values.sum(), pooled)
    closed = delta_maps(maps.detach().float().numpy(), gradients.float().numpy())
    assert np.abs(closed - expected.numpy()).max() < 1e-5 * float(expected.max())


def test_a_channel_whose_expansion_breaks_down_has_no_weight() -> None:
    maps = np.stack([np.full((3, 3), -4.0), np.eye(3)]).astype(np.float32)[np.newaxis]
    found = delta_maps(maps, np.array([[1.0, 1.0]], dtype=np.float32))
    assert np.allclose(found[0], np.eye(3) / (2 + 1 / 3))


@pytest.mark.parametrize("size", [(24, 20), (3, 2), (7, 5), (1, 1)])
def test_resizing_is_that_of_bilinear_interpolation_with_half_pixel_centres(size: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).random((2, 5, 6)).astype(np.float32)
    scaled = (maps - maps.min(axis=(1, 2), keepdims=True)) / np.ptp(maps, axis=(1, 2), keepdims=True)
    other = torch.nn.functional.interpolate(torch.from_numpy(scaled)[:, None], size=size, mode="bilinear")[:, 0].numpy()
    other = other - other.min(axis=(1, 2), keepdims=True)
    other = other / (other.max(axis=(1, 2), keepdims=True) + 1e-7)
    assert np.abs(full_size(maps, size) - other).max() < 1e-5


def test_a_map_that_is_the_same_everywhere_becomes_nothing_and_one_position_is_no_place() -> None:
    assert not full_size(np.full((2, 3, 3), 4.0, dtype=np.float32), (9, 9)).any()
    assert not full_size(np.ones((1, 1, 1), dtype=np.float32), (5, 5)).any()
    assert full_size(np.zeros((0, 3, 3), dtype=np.float32), (5, 5)).shape == (0, 5, 5)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 6), channels=st.integers(1, 9))
def test_a_head_that_is_linear_is_found_to_the_fifth_digit(seed: int, classes: int, channels: int) -> None:
    random = np.random.default_rng(seed)
    pooled = np.maximum(random.normal(size=(200, channels)) * random.uniform(0.1, 3, channels), 0).astype(np.float32)
    weights, bias = random.normal(size=(classes, channels)), random.normal(size=classes)
    head = linear_head(pooled, (pooled @ weights.T + bias).astype(np.float32))
    assert head.r2 > 0.999999
    assert np.abs(head.weights - weights).max() < 1e-4
    assert np.abs(head.bias - bias).max() < 1e-4


def test_a_crooked_head_is_told_and_too_few_images_tell_nothing() -> None:
    random = np.random.default_rng(1)
    pooled = random.random((400, 10)).astype(np.float32)
    crooked = np.sin(12 * pooled) @ random.normal(size=(10, 3))
    assert linear_head(pooled, crooked).r2 < 0.9
    assert linear_head(pooled[:11], random.random((11, 3))).r2 == 0
    assert abs(linear_head(pooled, random.random((400, 3))).r2) < 0.1
    assert linear_head(pooled, np.ones((400, 3))).r2 == 0


def test_dead_channels_have_no_weight() -> None:
    random = np.random.default_rng(2)
    pooled = random.random((100, 4)).astype(np.float32)
    pooled[:, 2] = 0
    head = linear_head(pooled, pooled @ random.normal(size=(4, 3)))
    assert not head.weights[:, 2].any()
    assert head.r2 == pytest.approx(1)

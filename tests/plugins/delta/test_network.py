from __future__ import annotations

import numpy as np
import pytest
import torch
from vetgate_delta.network import (
    WIDTH,
    Delta,
    SqueezeExcite,
    Variant,
    heads_of,
    resizer,
    shape_within,
)
from vetgate_delta.ridge import fit_ridge

CHANNELS, GIVEN, FEATURES = 12, 7, 20


def _delta(variant: Variant, seed: int = 0) -> Delta:
    torch.manual_seed(seed)
    given, reference = torch.rand(50, GIVEN), torch.rand(50, FEATURES)
    resize = resizer(given, reference)
    ridge = fit_ridge(given.numpy(), (2 * reference - resize(given)).numpy()) if variant == "residual" else None
    shape = shape_within(CHANNELS, GIVEN, FEATURES, variant, 10**6)
    subgraph = torch.nn.Sequential(torch.nn.Conv2d(3, CHANNELS, 3, padding=1), torch.nn.ReLU())
    return Delta(subgraph, torch.nn.Linear(FEATURES, 5), shape, resize, 1.0, ridge).eval()


def test_the_resizer_has_no_weights_and_the_size_of_the_references_features() -> None:
    given, reference = torch.rand(100, GIVEN) * 9, torch.rand(100, FEATURES)
    resize = resizer(given, reference)
    resized = resize(given)
    assert resized.shape == reference.shape
    assert not list(resize.parameters())
    assert resized.square().mean().sqrt().item() == pytest.approx(reference.square().mean().sqrt().item(), rel=1e-5)
    ratio = resized / torch.nn.functional.adaptive_avg_pool1d(given[:, None], FEATURES)[:, 0]
    assert torch.allclose(ratio, ratio.flatten()[0].expand_as(ratio))


def test_features_that_are_all_zero_are_resized_to_zero() -> None:
    assert not resizer(torch.zeros(4, GIVEN), torch.rand(4, FEATURES))(torch.zeros(4, GIVEN)).any()


def test_attention_adds_to_what_comes_in_and_means_follow_from_means() -> None:
    attention, maps = SqueezeExcite(CHANNELS), torch.rand(6, CHANNELS, 5, 4)
    with torch.no_grad():
        out = attention(maps)
        factor = out / maps
        assert bool((factor > 1).all())
        assert bool((factor < 2).all())
        assert torch.allclose(out.mean(dim=(2, 3)), attention.pooled(maps.mean(dim=(2, 3))), atol=1e-6)


@pytest.mark.parametrize("variant", ["residual", "paper"])
def test_the_fused_features_are_half_of_both_and_go_through_the_references_classifier(variant: Variant) -> None:
    delta, images, given = _delta(variant), torch.rand(4, 3, 9, 9), torch.rand(4, GIVEN)
    with torch.no_grad():
        maps = delta.maps(images)
        pooled = maps.mean(dim=(2, 3))
        half = (delta.disparity(pooled, given) + delta.resize(given)) / 2
        assert maps.shape == (4, CHANNELS, 9, 9)
        assert torch.allclose(delta.fuse(pooled, given), delta.head(half))
    assert delta.shape.width == min(CHANNELS, WIDTH[variant])


def test_the_residual_variant_starts_from_what_the_candidate_alone_can_give() -> None:
    delta, given = _delta("residual"), torch.rand(4, GIVEN)
    with torch.no_grad():
        assert delta.ridge is not None
        assert torch.allclose(delta.disparity(torch.rand(4, CHANNELS), given), delta.ridge(given))
    assert not any(name.startswith("ridge") for name, _ in delta.named_parameters())


def test_the_references_classifier_never_learns_and_never_changes_mode() -> None:
    delta = _delta("paper").train()
    assert not delta.head.training
    assert delta.subgraph.training
    assert not any(parameter.requires_grad for parameter in delta.head.parameters())


@pytest.mark.parametrize("variant", ["residual", "paper"])
def test_costs_are_those_of_everything_but_the_shared_classifier(variant: Variant) -> None:
    delta = _delta(variant)
    own = {name: value.numel() for name, value in delta.state_dict().items() if not name.startswith("head.")}
    fixed = {"size", "resize.scale"}
    assert delta.learned() == sum(count for name, count in own.items() if name not in fixed)
    subgraph = sum(parameter.numel() for parameter in delta.subgraph.parameters())
    assert delta.learned() == subgraph + heads_of(delta.shape, variant)
    biases = sum(count for name, count in own.items() if name.endswith("bias") and not name.startswith("subgraph"))
    assert delta.head_macs() == heads_of(delta.shape, variant) - biases


def test_the_hidden_layer_shrinks_until_the_heads_keep_to_their_budget() -> None:
    whole = shape_within(CHANNELS, GIVEN, FEATURES, "residual", 10**6)
    tight = shape_within(CHANNELS, GIVEN, FEATURES, "residual", heads_of(whole, "residual") - 1)
    assert tight.hidden < whole.hidden == FEATURES
    assert heads_of(tight, "residual") < heads_of(whole, "residual")


def test_ridge_regression_finds_a_map_that_is_there() -> None:
    random = np.random.default_rng(0)
    given = random.normal(3, 2, (400, 6)).astype(np.float32)
    true = random.normal(size=(6, 4)).astype(np.float32)
    ridge = fit_ridge(given, given @ true + 2)
    assert torch.allclose(ridge(torch.from_numpy(given)), torch.from_numpy(given @ true + 2), atol=1e-2)


def test_ridge_regression_promises_nothing_of_noise() -> None:
    random = np.random.default_rng(1)
    given, target = (random.normal(size=(60, size)).astype(np.float32) for size in (40, 5))
    ridge = fit_ridge(given, target)
    fresh = random.normal(size=(500, 40)).astype(np.float32)
    assert ridge(torch.from_numpy(fresh)).square().mean() < 0.5


def test_ridge_regression_ignores_dead_channels_and_survives_constant_ones() -> None:
    given = np.zeros((20, 3), np.float32)
    given[:, 1] = 5
    target = np.random.default_rng(2).normal(size=(20, 2)).astype(np.float32)
    ridge = fit_ridge(given, target)
    assert torch.allclose(ridge(torch.from_numpy(given)).mean(dim=0), torch.from_numpy(target.mean(axis=0)), atol=1e-5)
    assert bool(torch.isfinite(ridge.weight).all())

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from vetgate_delta.loss import Weights, disagreement, group_lasso, nearness, total_loss

from vetgate.api import UsageError

# two images of three features
ADDED = [[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]]
RESIZED = [[3.0, 0.0, 2.0], [2.0, 1.0, 1.0]]
REFERENCE = [[1.0, 1.0, 0.0], [1.0, 0.0, 1.0]]


def _tensors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return (
        torch.tensor(ADDED, dtype=torch.float64, requires_grad=True),
        torch.tensor(RESIZED, dtype=torch.float64),
        torch.tensor(REFERENCE, dtype=torch.float64),
    )


def test_nearness_is_that_of_a_hand_computed_example() -> None:
    # F = [[2, 1, 1], [1, 1, 0]]; F - F_B = [[1, 0, 1], [0, 1, -1]]; (2 + 2) / 2
    added, resized, reference = _tensors()
    assert nearness((added + resized) / 2, reference).item() == 2.0


def test_disagreement_is_that_of_a_hand_computed_example() -> None:
    # (R - F)(F_D - F): [[-1, -1, -1], [-1, 0, -1]] so sums -3 and -2; |F_D - F_B|^2: 1 and 6; |R - F_B|^2: 9 and 2
    added, resized, reference = _tensors()
    for balance in (0.0, 0.5, 0.6, 2.0):
        by_hand = (2 * balance * -3 + (1 + 9) / 2 + 2 * balance * -2 + (6 + 2) / 2) / 2
        assert disagreement(added, resized, reference, balance).item() == pytest.approx(by_hand)


def test_group_lasso_is_that_of_a_hand_computed_example() -> None:
    layer = torch.nn.Conv2d(2, 2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 4.0], [0.0, 12.0]]).reshape(2, 2, 1, 1))
    # filters: 5 and 12; input channels: 3 and sqrt(16 + 144)
    assert group_lasso(torch.nn.Sequential(layer, torch.nn.Linear(2, 2))).item() == pytest.approx(20 + 160**0.5)


def test_a_removed_channel_has_no_slope_that_is_not_a_number() -> None:
    layer = torch.nn.Conv2d(2, 2, 3)
    with torch.no_grad():
        layer.weight[0] = 0
    group_lasso(layer).backward()  # type: ignore[no-untyped-call]
    assert layer.weight.grad is not None
    assert bool(torch.isfinite(layer.weight.grad).all())


def test_the_whole_is_the_weighted_sum_of_its_terms() -> None:
    added, resized, reference = _tensors()
    layer = torch.nn.Conv2d(2, 2, 1).double()
    weights = Weights(0.3, 0.7, 0.01)
    whole = total_loss(added, resized, reference, layer, weights)
    parts = nearness((added + resized) / 2, reference) + 0.3 * disagreement(added, resized, reference, 0.7)
    assert whole.item() == pytest.approx((parts + 0.01 * group_lasso(layer)).item())
    alone = total_loss(added, resized, reference, None, weights)
    assert alone.item() == pytest.approx(parts.item())


def test_gradients_are_those_worked_out_by_hand() -> None:
    # dL_MSE/dF_D = (F - F_B) / N; dL_FNC/dF_D = (-l (F_D - R) + F_D - F_B) / N
    added, resized, reference = _tensors()
    nearness((added + resized) / 2, reference).backward()  # type: ignore[no-untyped-call]
    assert added.grad is not None
    near = added.grad.clone()
    fused = (added + resized).detach() / 2
    assert torch.allclose(near, (fused - reference) / 2)
    added.grad.zero_()
    disagreement(added, resized, reference, 0.6).backward()  # type: ignore[no-untyped-call]
    assert torch.allclose(added.grad, (-0.6 * (added - resized) + added - reference).detach() / 2)


def test_autograd_agrees_with_finite_differences_in_every_term() -> None:
    added, resized, reference = _tensors()
    assert torch.autograd.gradcheck(lambda x: nearness((x + resized) / 2, reference), added)
    assert torch.autograd.gradcheck(lambda x: disagreement(x, resized, reference, 0.6), added)
    weight = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)

    def lasso(value: torch.Tensor) -> torch.Tensor:
        layer = torch.nn.Conv2d(2, 3, 3, bias=False).double()
        del layer.weight
        layer.weight = value
        return group_lasso(torch.nn.ModuleList([layer]))

    assert torch.autograd.gradcheck(lasso, weight)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 9))
def test_at_half_disagreement_is_nearness(seed: int, images: int, features: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    added, resized, reference = (
        torch.randn(images, features, generator=generator, dtype=torch.float64) for _ in range(3)
    )
    near = nearness((added + resized) / 2, reference).item()
    assert disagreement(added, resized, reference, 0.5).item() == pytest.approx(near)


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_printed_bias_is_where_the_loss_is_least(share: float) -> None:
    weights = Weights(share, 0.6, 0.0)
    added, resized, reference = _tensors()
    optimiser = torch.optim.LBFGS([added], lr=1, max_iter=200, tolerance_grad=1e-14, tolerance_change=1e-16)

    def closure() -> float:
        optimiser.zero_grad()
        loss = total_loss(added, resized, reference, None, weights)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    fused = (added + resized).detach() / 2
    assert torch.allclose(fused - reference, weights.bias * (resized - reference), atol=1e-6)


def test_at_the_bound_the_loss_has_no_minimum_and_is_refused() -> None:
    assert Weights(0.1, 0.6).bound == pytest.approx(6.0)
    Weights(0.1, 5.999)
    for balance in (6.0, 7.0):
        with pytest.raises(UsageError, match="without a minimum"):
            Weights(0.1, balance)
    added, resized, reference = _tensors()  # above it, the farther from F_B the less
    far, farther = (
        nearness((at * added + resized) / 2, reference) + 0.1 * disagreement(at * added, resized, reference, 7.0)
        for at in (1e3, 1e4)
    )
    assert farther < far < 0


def test_without_disagreement_nothing_bounds_the_balance() -> None:
    assert Weights(0.0, 100.0).bias == 0


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(UsageError, match="less than nothing"):
        Weights(0.1, 0.5, -1.0)

"""The three terms that DELTA is trained on: nearness to the reference's features, disagreement, and few filters.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks", section 3.3. All
are summed over features and averaged over images. Since (R - F)(F_D - F) = -(F_D - R)^2 / 4, the second term equals the
first where l = 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vetgate.api import UsageError


@dataclass(frozen=True)
class Weights:
    """How much each term counts.

    Raises:
        UsageError: The loss would have no minimum, or a weight is negative.
    """

    disagreement: float = 0.1
    """l_FNC."""
    balance: float = 0.6
    """l: above 1/2 it asks for more disagreement of F_D and R than the error does."""
    sparsity: float = 1e-4
    """l_SR."""

    def __post_init__(self) -> None:
        if not (self.disagreement >= 0 and self.sparsity >= 0):
            raise UsageError("a term of DELTA's loss cannot count less than nothing", hint="give weights from 0 on")
        if self.disagreement and not self.balance < self.bound:
            raise UsageError(
                f"l = {self.balance:g} leaves DELTA's loss without a minimum: at l_FNC = {self.disagreement:g} it must "
                f"stay below {self.bound:g}",
                hint="set a smaller l or a smaller l_FNC",
            )

    @property
    def bound(self) -> float:
        """Return 1 + 1 / (2 l_FNC), from which on F_D is driven away from R without end."""
        return 1 + 1 / (2 * self.disagreement) if self.disagreement else float("inf")

    @property
    def bias(self) -> float:
        """Return (F - F_B) / (R - F_B) where the loss is least: l_FNC (1 - 2 l) / (1 + 2 l_FNC (1 - l))."""
        return self.disagreement * (1 - 2 * self.balance) / (1 + 2 * self.disagreement * (1 - self.balance))


def nearness(fused: Tensor, reference: Tensor) -> Tensor:
    """Return L_MSE = sum (F - F_B)^2 of features (N, D_B)."""
    return (fused - reference).square().sum(dim=1).mean()


def disagreement(disparity: Tensor, resized: Tensor, reference: Tensor, balance: float) -> Tensor:
    """Return L_FNC = 2 l sum (R - F)(F_D - F) + 1/2 sum [(F_D - F_B)^2 + (R - F_B)^2].

    Args:
        disparity: F_D (N, D_B).
        resized: R (N, D_B).
        reference: F_B (N, D_B).
        balance: l.
    """
    fused = (disparity + resized) / 2
    apart = ((resized - fused) * (disparity - fused)).sum(dim=1)
    each = (disparity - reference).square().sum(dim=1) + (resized - reference).square().sum(dim=1)
    return (2 * balance * apart + each / 2).mean()


def group_lasso(module: nn.Module) -> Tensor:
    """Return L_SR: the l2 norms of every convolution's filters and of its input channels, summed."""
    total = torch.zeros((), device=next((parameter.device for parameter in module.parameters()), None))
    for layer in module.modules():
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            weight = layer.weight.flatten(2)
            for across in ((1, 2), (0, 2)):
                squares = weight.square().sum(dim=across)
                # a removed channel has norm 0, where the root has no slope
                total = total + torch.where(squares > 0, squares.clamp_min(1e-24).sqrt(), 0 * squares).sum()
    return total


def total_loss(
    disparity: Tensor, resized: Tensor, reference: Tensor, convolutions: nn.Module | None, weights: Weights
) -> Tensor:
    """Return L = L_MSE + l_FNC L_FNC + l_SR L_SR.

    Args:
        disparity: F_D (N, D_B).
        resized: R (N, D_B).
        reference: F_B (N, D_B).
        convolutions: Whose filters are counted; None where none of them is trained.
        weights: Of the terms.
    """
    loss = nearness((disparity + resized) / 2, reference)
    if weights.disagreement:
        loss = loss + weights.disagreement * disagreement(disparity, resized, reference, weights.balance)
    if weights.sparsity and convolutions is not None:
        loss = loss + weights.sparsity * group_lasso(convolutions)
    return loss

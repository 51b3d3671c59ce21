"""DELTA's tensors and heads: what a pruned copy of the reference adds to the candidate's features.

Z. Wang, "Characterizing Disparity Between Edge Models and High-Accuracy Base Models for Vision Tasks", section 3. The
resizer pairs the candidate's channels with the reference's by their order alone: a limit of the method.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Variant = Literal["residual", "paper"]
WIDTH: dict[Variant, int] = {"residual": 8, "paper": 16}
"""Numbers of f_S."""
_HIDDEN, _LEAST_HIDDEN = 128, 8
_SQUEEZE = 8


@dataclass(frozen=True)
class Shape:
    """Sizes of DELTA's tensors."""

    channels: int
    """C_S, of the subgraph's map."""
    given: int
    """C_E, of what the candidate gives."""
    features: int
    """D_B, of what the reference's classifier takes."""
    width: int
    """Of f_S."""
    hidden: int
    """Between the branch's two layers."""

    @property
    def parameters(self) -> int:
        """Return the numbers that the heads learn."""
        squeezed = max(self.channels // _SQUEEZE, 4)
        excite = 2 * self.channels * squeezed + squeezed + self.channels
        linear = (self.channels + 1) * self.width
        branch = (self.width + self.given + 1) * self.hidden + (self.hidden + 1) * self.features
        return excite + linear + branch

    def ridge(self) -> int:
        """Return the numbers of the residual variant's ridge regression."""
        return (self.given + 1) * self.features


def shape_within(channels: int, given: int, features: int, variant: Variant, parameters: int) -> Shape:
    """Return the sizes with the largest hidden layer that keeps all heads within a budget, if any does.

    Args:
        channels: Of the subgraph's map.
        given: Of what the candidate gives.
        features: Of what the reference's classifier takes.
        variant: Of DELTA.
        parameters: The budget of the heads.
    """
    hidden = min(features, _HIDDEN)
    while True:
        shape = Shape(channels, given, features, min(channels, WIDTH[variant]), hidden)
        if heads_of(shape, variant) <= parameters or hidden <= _LEAST_HIDDEN:
            return shape
        hidden = max(hidden // 2, _LEAST_HIDDEN)


def heads_of(shape: Shape, variant: Variant) -> int:
    """Return the numbers of all of DELTA but its subgraph."""
    return shape.parameters + (shape.ridge() if variant == "residual" else 0)


class SqueezeExcite(nn.Module):
    """x + SE(x): each channel once more, times a factor in (0, 1) that all channels' means decide.

    Because the factor is one number for a whole channel, the means of what comes out follow from the means of what
    goes in: `pooled` is that shortcut, and what makes training on stored means possible.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = max(channels // _SQUEEZE, 4)
        self.squeeze = nn.Linear(channels, squeezed)
        self.excite = nn.Linear(squeezed, channels)

    def factor(self, means: Tensor) -> Tensor:
        """Return what each channel is multiplied with (N, C), in (1, 2), of its means (N, C)."""
        return 1 + torch.sigmoid(self.excite(torch.relu(self.squeeze(means))))

    def pooled(self, means: Tensor) -> Tensor:
        """Return the means (N, C) of what comes out, of those of what goes in."""
        return means * self.factor(means)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps (N, C, h, w) of maps (N, C, h, w)."""
        return maps * self.factor(maps.mean(dim=(2, 3)))[:, :, None, None]


class Resizer(nn.Module):
    """R: the candidate's features at the reference's length and size. Fixed, without weights.

    Args:
        features: D_B.
        scale: Gives R the root mean square of F_B.
    """

    scale: Tensor

    def __init__(self, features: int, scale: float) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("scale", torch.tensor(scale))

    def forward(self, given: Tensor) -> Tensor:
        """Return R (N, D_B) of features (N, C_E)."""
        return nn.functional.adaptive_avg_pool1d(given[:, None], self.features)[:, 0] * self.scale


def resizer(given: Tensor, features: Tensor) -> Resizer:
    """Return the resizer that gives features (N, C_E) the root mean square of F_B (N, D_B), both of training images."""
    plain = Resizer(features.shape[1], 1.0)
    size = float(plain(given).double().square().mean().sqrt())
    wanted = float(features.double().square().mean().sqrt())
    return Resizer(features.shape[1], wanted / size if size > 0 else 1.0)


class Ridge(nn.Module):
    """A fixed affine map of the candidate's features, fitted in closed form."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, given: Tensor) -> Tensor:
        """Return (N, D_B) of (N, C_E)."""
        return nn.functional.linear(given, self.weight, self.bias)


class Delta(nn.Module):
    """The network.

    Args:
        subgraph: Images (N, C, H, W) to a map (N, C_S, h', w').
        head: The reference's classifier, F_B (N, D_B) to outputs (N, classes); frozen.
        shape: Sizes of the heads.
        resize: The fixed resizer.
        size: Root mean square of what the candidate gives on training images; the branch takes it divided by this.
        ridge: What the candidate's features give of F_D by themselves, for the residual variant.
    """

    size: Tensor

    def __init__(
        self, subgraph: nn.Module, head: nn.Module, shape: Shape, resize: Resizer, size: float, ridge: Ridge | None
    ) -> None:
        super().__init__()
        self.subgraph = subgraph
        self.shape = shape
        self.attention = SqueezeExcite(shape.channels)
        self.narrow = nn.Linear(shape.channels, shape.width)
        self.branch = nn.Sequential(
            nn.Linear(shape.width + shape.given, shape.hidden), nn.ReLU(), nn.Linear(shape.hidden, shape.features)
        )
        self.resize = resize
        self.ridge = ridge
        self.register_buffer("size", torch.tensor(size if size > 0 else 1.0))
        self.head = head.requires_grad_(requires_grad=False)
        if ridge is not None:  # the branch starts from nothing beside what the candidate's features give
            last = self.branch[2]
            nn.init.zeros_(last.weight)  # type: ignore[arg-type]
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def train(self, mode: bool = True) -> Delta:
        """Set the mode; the reference's classifier stays as it is used."""
        super().train(mode)
        self.head.eval()
        return self

    def maps(self, images: Tensor) -> Tensor:
        """Return x + SE(x) (N, C_S, h', w') of images (N, C, H, W)."""
        maps: Tensor = self.attention(self.subgraph(images))
        return maps

    def disparity(self, pooled: Tensor, given: Tensor) -> Tensor:
        """Return F_D (N, D_B).

        Args:
            pooled: (N, C_S), means of `maps` over positions.
            given: (N, C_E), what the candidate gives.
        """
        joined = torch.cat([self.narrow(pooled), given / self.size], dim=1)
        branch: Tensor = self.branch(joined)
        return branch if self.ridge is None else branch + self.ridge(given)

    def fused(self, pooled: Tensor, given: Tensor) -> Tensor:
        """Return F = (F_D + R) / 2 (N, D_B); arguments as for `disparity`."""
        resized: Tensor = self.resize(given)
        return (self.disparity(pooled, given) + resized) / 2

    def fuse(self, pooled: Tensor, e: Tensor) -> Tensor:
        """Return the outputs (N, classes) of the reference's classifier for F.

        Args:
            pooled: (N, C_S), means of `maps` over positions.
            e: (N, C_E), what the candidate gives.
        """
        outputs: Tensor = self.head(self.fused(pooled, e))
        return outputs

    def learned(self) -> int:
        """Return the numbers of DELTA without the reference's classifier, which it shares: subgraph, heads, ridge."""
        own = sum(parameter.numel() for name, parameter in self.named_parameters() if not name.startswith("head."))
        return own + (self.ridge.weight.numel() + self.ridge.bias.numel() if self.ridge is not None else 0)

    def head_macs(self) -> int:
        """Return the multiply-accumulates of everything after the subgraph's map but the reference's classifier."""
        linear = [module for name, module in self.named_modules() if _own_linear(name, module)]
        own = sum(module.weight.numel() for module in linear if isinstance(module, nn.Linear))
        return own + (self.ridge.weight.numel() if self.ridge is not None else 0)


def _own_linear(name: str, module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) and not name.startswith(("head", "subgraph"))

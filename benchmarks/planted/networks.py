"""The networks of the planted benchmark: a ResNet-14 (175 k parameters) and a ResNet-8 (44 k), maps of 6 x 6."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "cifar"))
from resnet import BasicBlock


class Residual(nn.Module):
    """A stem of stride 2, three stages, global average pooling and a linear classifier."""

    def __init__(self, widths: tuple[int, int, int], blocks: int, classes: int = 10) -> None:
        super().__init__()
        width = widths[0]
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        stages: list[nn.Module] = []
        for outputs in widths:
            for index in range(blocks):
                stages.append(BasicBlock(width, outputs, 2 if index == 0 and outputs != widths[0] else 1))
                width = outputs
        self.blocks = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(width, classes)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, classes) of normalised images (N, 3, H, W)."""
        features = self.pool(self.blocks(self.stem(image)))
        logits: torch.Tensor = self.classifier(torch.flatten(features, 1))
        return logits


def base() -> nn.Module:
    """Return the untrained base."""
    return Residual((16, 32, 64), 2)


def candidate() -> nn.Module:
    """Return an untrained candidate."""
    return Residual((12, 24, 48), 1)

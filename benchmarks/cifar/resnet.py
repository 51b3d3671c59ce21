"""ResNet-20 and ResNet-8 for 32x32 images.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2015), 4.2.
"""

from __future__ import annotations

import torch
from torch import nn

WIDTHS = (16, 32, 64)
BLOCKS = 3
CLASSES = 10


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, a 1x1 projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return features (N, outputs, H / stride, W / stride) of features (N, inputs, H, W)."""
        hidden = torch.relu(self.norm1(self.conv1(features)))
        return torch.relu(self.norm2(self.conv2(hidden)) + self.shortcut(features))


class ResNet(nn.Module):
    """A 3x3 stem, three stages of blocks, global average pooling and a linear classifier.

    Args:
        widths: Channels of the stages.
        deep: Blocks of each stage.
    """

    def __init__(self, widths: tuple[int, int, int] = WIDTHS, deep: int = BLOCKS) -> None:
        super().__init__()
        width = widths[0]
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        blocks: list[nn.Module] = []
        for outputs in widths:
            for _ in range(deep):
                blocks.append(BasicBlock(width, outputs, 1 if outputs == width else 2))
                width = outputs
        self.blocks = nn.Sequential(*blocks)
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 10) of normalised images (N, 3, 32, 32)."""
        features = self.blocks(self.stem(image))
        logits: torch.Tensor = self.classifier(features.mean(dim=(2, 3)))
        return logits


def resnet20() -> nn.Module:
    """Return the untrained network."""
    return ResNet()


def resnet8_half() -> nn.Module:
    """Return the untrained network of one block a stage at half the width."""
    return ResNet((8, 16, 32), 1)

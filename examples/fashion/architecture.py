"""The network of the Fashion-MNIST example: a small residual network."""

import torch
from torch import nn

WIDTHS = (16, 32, 64)
BLOCKS = (0, 1, 2)
STRIDES = (1, 2, 2)
CLASSES = 10


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, a 1x1 projection where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Take the numbers of channels of the input and the output, and the stride of the first layer."""
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
        hidden = self.norm2(self.conv2(hidden))
        return torch.relu(hidden + self.shortcut(features))


class ResNet(nn.Module):
    """A 3x3 stem, three stages of basic blocks, global average pooling and a linear classifier."""

    def __init__(self) -> None:
        """Build the layers with random weights."""
        super().__init__()
        width = WIDTHS[0]
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        stages: list[nn.Module] = []
        for outputs, blocks, first_stride in zip(WIDTHS, BLOCKS, STRIDES, strict=True):
            stage = []
            for block in range(blocks):
                stage.append(BasicBlock(width, outputs, first_stride if block == 0 else 1))
                width = outputs
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.classifier = nn.Linear(width, CLASSES)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 10) of normalised grey images (N, 1, 28, 28)."""
        features = self.stages(self.stem(image))
        logits: torch.Tensor = self.classifier(features.mean(dim=(2, 3)))
        return logits


def fashion_resnet() -> nn.Module:
    """Return the untrained network: 147,066 parameters, 9.4 M multiply-adds for a 28x28 image."""
    return ResNet()

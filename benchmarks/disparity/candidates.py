"""Train the candidates: a ResNet-8 at half width, plain and distilled from the reference, as ONNX with their cards.

    python benchmarks/disparity/candidates.py MADE OUT

MADE holds what benchmarks/cifar/train.py wrote; its 20,000 training images and its course are used, and no others.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import nn
from vetgate_compress.distil import distillation_loss
from vetgate_compress.export import to_onnx

from vetgate.artifacts.cards import parse_card

sys.path.insert(0, str(Path(__file__).parents[1] / "cifar"))
from resnet import resnet8_half, resnet20
from train import EPOCHS, Loss, card_text, plain_loss, train

ALPHA, TEMPERATURE = 0.5, 3.0
"""Weight of the labels, and the temperature of both sides; see vetgate_compress.distil."""


def taught_by(teacher: nn.Module) -> Loss:
    """Return the loss of a student of this teacher."""
    teacher.eval().requires_grad_(requires_grad=False)
    teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def loss(logits: torch.Tensor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            taught = teacher(images).float()
        return distillation_loss(logits, taught, labels, ALPHA, TEMPERATURE)

    return loss


def keeper(path: Path, classes: list[str]) -> Callable[[int, nn.Module], None]:
    """Return what writes the trained model and its card."""
    begin = time.perf_counter()

    def keep(epoch: int, model: nn.Module) -> None:
        if epoch != EPOCHS:
            return
        text = card_text(classes, time.perf_counter() - begin, epoch)
        path.with_name(f"{path.name}.yaml").write_text(text)
        model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        onnx.save(to_onnx(model, parse_card(text, str(path)).card), path)

    return keep


def main() -> None:
    """Train the candidates that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("made", type=Path, help="folder of reference.pt and train.npz")
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    data = np.load(arguments.made / "train.npz")
    teacher = resnet20()
    teacher.load_state_dict(torch.load(arguments.made / "reference.pt", weights_only=True))
    classes = [str(name) for name in data["classes"]]
    for name, loss in (("candidate", plain_loss), ("distilled", taught_by(teacher))):
        path = arguments.output / f"{name}.onnx"
        if not path.exists():
            train(data["images"], data["labels"], 10, keeper(path, classes), resnet8_half, loss)


if __name__ == "__main__":
    main()

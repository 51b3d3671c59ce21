"""Fine-tune subgraphs of the ResNet-20, searched and uniform, and say how well each answers by itself.

    python benchmarks/disparity/subgraphs.py MADE OUT [--budget 10] [--seeds 0 1 2] [--epochs 8] [--variant paper]

Accuracy is of the subgraph with the classifier that it was fine-tuned with, on all test images. MADE holds what
benchmarks/cifar/train.py wrote; OUT gets subgraphs.json, and what is there already is not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import vetgate_delta.subgraph as making
from numpy.typing import NDArray
from torch import nn
from vetgate_delta.finetune import Classifier, Course, Lesson, fine_tune
from vetgate_delta.state import Progress

sys.path.insert(0, str(Path(__file__).parents[1] / "cifar"))
from resnet import resnet20

MEAN = np.array([0.4914, 0.4822, 0.4465], np.float32)
STD = np.array([0.2470, 0.2435, 0.2616], np.float32)
HEADS = 9_000
"""Parameters that are left to DELTA's heads."""
AT_ONCE = 500


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images (N, 3, H, W) as the network takes them, of pixels (N, H, W, 3)."""
    return np.ascontiguousarray(((pixels.astype(np.float32) / 255 - MEAN) / STD).transpose(0, 3, 1, 2))


def reference(made: Path) -> nn.Module:
    """Return the ResNet-20."""
    network: nn.Module = resnet20()
    network.load_state_dict(torch.load(made / "reference.pt", weights_only=True))
    return network.eval()


def accuracy(model: nn.Module, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Return the share of images (N, H, W, 3) that a model answers right."""
    right = 0
    with torch.no_grad():
        for at in range(0, len(images), AT_ONCE):
            answers = model(torch.from_numpy(normalise(images[at : at + AT_ONCE]))).argmax(dim=1).numpy()
            right += int((answers == labels[at : at + AT_ONCE]).sum())
    return right / len(images)


def make(options: argparse.Namespace, sparsity: str, seed: int) -> dict[str, object]:
    """Make one subgraph and return what is known of it."""
    data = {split: np.load(options.made / f"{split}.npz") for split in ("train", "test")}
    kept: list[Classifier] = []

    def watched(model: Classifier, lesson: Lesson, course: Course, progress: Progress) -> None:
        kept.append(model)
        fine_tune(model, lesson, course, progress)

    making.fine_tune = watched  # type: ignore[attr-defined]  # its classifier is thrown away otherwise
    total = sum(weight.numel() for weight in reference(options.made).parameters())
    begin = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = making.build_subgraph(
            lambda: reference(options.made),
            making.Images(data["train"]["images"], data["train"]["labels"].astype(np.int64), normalise),
            parameters=int(options.budget / 100 * total) - HEADS,
            seed=seed,
            device=torch.device("cpu"),
            tell=lambda what, done, total: None,
            resume=Path(folder) / "state",
            shallow=options.variant == "residual",
            sparsity="searched" if sparsity == "searched" else "uniform",
            course=Course(epochs=options.epochs),
        )
    return {
        "budget": options.budget,
        "variant": options.variant,
        "epochs": options.epochs,
        "sparsity": sparsity,
        "seed": seed,
        "accuracy": accuracy(kept[-1], data["test"]["images"], data["test"]["labels"]),
        "parameters": found.cost.parameters,
        "macs": found.cost.macs,
        "sparsities": found.sparsities,
        "seconds": time.process_time() - begin,
    }


def told(row: Mapping[str, object]) -> str:
    """Return one row of the table."""
    shares = row["sparsities"]
    assert isinstance(shares, dict)
    spread = f"{min(shares.values()):.2f} to {max(shares.values()):.2f}"
    return (
        f"| {row['budget']:g} % | {row['variant']} | {row['epochs']} | {row['sparsity']} | {row['seed']} | {spread} | "
        f"{row['parameters']:,} | {row['macs'] / 1e6:.1f} M | {row['accuracy']:.1%} | {row['seconds']:.0f} |"  # type: ignore[operator]
    )


def main() -> None:
    """Make what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("made", type=Path, help="folder of reference.pt, train.npz and test.npz")
    parser.add_argument("output", type=Path)
    parser.add_argument("--budget", type=float, default=10, help="per cent")
    parser.add_argument("--variant", choices=("residual", "paper"), default="paper")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    place = options.output / "subgraphs.json"
    rows = json.loads(place.read_text()) if place.exists() else []
    asked = ("budget", "variant", "epochs", "sparsity", "seed")
    for seed in options.seeds:
        for sparsity in ("uniform", "searched"):
            wanted = (options.budget, options.variant, options.epochs, sparsity, seed)
            if wanted not in [tuple(row[name] for name in asked) for row in rows]:
                rows.append(make(options, sparsity, seed))
                place.write_text(json.dumps(rows, indent=1))
                print(told(rows[-1]), flush=True)
    print("| budget | variant | epochs | sparsity | seed | by group | parameters | MACs | accuracy | processor s |")
    print("|---:|---|---:|---|---:|---|---:|---:|---:|---:|")
    for row in rows:
        print(told(row))


if __name__ == "__main__":
    main()

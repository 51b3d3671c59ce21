"""Make the files of this folder from Fashion-MNIST: the test data, the models and their cards.

int8.tflite has its own script, make_tflite.py, because its converter needs an environment of its own.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from architecture import fashion_resnet
from card import write_card
from data import SOURCE, load, sample, save_split
from export import prune_weights, save_onnx, to_float16, to_int8, to_onnx
from torch import nn
from training import Recipe, initial_model, train

EPOCHS = 16
REFERENCE_SEED = 0
INDEPENDENT_SEED = 1
PEER_SEEDS = (2, 3, 4)
"""Of the models that the yardstick is made of; none of them is a candidate."""
CHECKPOINTS = (2, 6, EPOCHS)
"""Epochs after which they are kept; the last is the trained model."""


@dataclass(frozen=True)
class Workshop:
    """Where the steps read and write, and how long they train."""

    source: Path
    output: Path
    epochs: int

    def reference(self) -> nn.Module:
        """Return the trained reference in eval mode, from its file."""
        model = fashion_resnet()
        model.load_state_dict(torch.load(self.output / "reference.pt", weights_only=True))
        return model.eval()

    def train(self, seed: int, teacher: nn.Module | None = None) -> tuple[nn.Module, float]:
        """Return a network whose initial weights and order of images have this seed, and its seconds."""
        images, labels = load(self.source, "train")
        return train(images, labels, Recipe(seed, seed, self.epochs), print, teacher)


def make_data(workshop: Workshop, path: Path) -> None:
    """Write the test images and labels."""
    save_split(workshop.source, "t10k", path)


def make_reference(workshop: Workshop, path: Path) -> None:
    """Train the reference and write its state dict."""
    model, seconds = workshop.train(REFERENCE_SEED)
    torch.save(model.state_dict(), path)
    write_card(path, seconds=seconds, epochs=workshop.epochs)


def make_float16(workshop: Workshop, path: Path) -> None:
    """Write the reference with float16 weights."""
    save_onnx(to_float16(to_onnx(workshop.reference())), path)
    write_card(path)


def make_int8(workshop: Workshop, path: Path) -> None:
    """Write the reference statically quantised to eight bits."""
    save_onnx(to_int8(to_onnx(workshop.reference()), sample(workshop.source)), path)
    write_card(path)


def make_pruned(share: float) -> Callable[[Workshop, Path], None]:
    """Return the step that writes the reference without this share in [0, 1] of its weights."""

    def make(workshop: Workshop, path: Path) -> None:
        save_onnx(to_onnx(prune_weights(workshop.reference(), share)), path)
        write_card(path)

    return make


def make_distilled(workshop: Workshop, path: Path) -> None:
    """Train from the reference's initial weights with the reference as the teacher."""
    model, seconds = workshop.train(REFERENCE_SEED, teacher=workshop.reference())
    save_onnx(to_onnx(model), path)
    write_card(path, seconds=seconds, epochs=workshop.epochs)


def make_independent(workshop: Workshop, path: Path) -> None:
    """Train the same network from other initial weights, in another order."""
    model, seconds = workshop.train(INDEPENDENT_SEED)
    save_onnx(to_onnx(model), path)
    write_card(path, seconds=seconds, epochs=workshop.epochs)


def make_peers(workshop: Workshop, folder: Path) -> None:
    """Train the independent models of the yardstick and write their checkpoints, each with its card."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = load(workshop.source, "train")
    for seed in PEER_SEEDS:
        begin = time.perf_counter()

        def keep(epoch: int, model: nn.Module, seed: int = seed, begin: float = begin) -> None:
            if epoch in CHECKPOINTS:
                path = folder / f"seed{seed}-epoch{epoch:02}.pt"
                torch.save({name: value.contiguous() for name, value in model.state_dict().items()}, path)
                write_card(path, seconds=time.perf_counter() - begin, epochs=epoch)

        train(images, labels, Recipe(seed, seed, workshop.epochs), print, after=keep)


def make_train(workshop: Workshop, path: Path) -> None:
    """Write the 60,000 training images and labels, for the study's distillation."""
    save_split(workshop.source, "train", path)


def make_initial(workshop: Workshop, path: Path) -> None:
    """Write the weights that the reference's training started from, for the study's distillation."""
    torch.save(initial_model(REFERENCE_SEED).state_dict(), path)


STEPS: dict[str, Callable[[Workshop, Path], None]] = {
    "test.npz": make_data,
    "reference.pt": make_reference,
    "float16.onnx": make_float16,
    "int8.onnx": make_int8,
    "pruned50.onnx": make_pruned(0.5),
    "pruned95.onnx": make_pruned(0.95),
    "distilled.onnx": make_distilled,
    "independent.onnx": make_independent,
    "peers": make_peers,
    "train.npz": make_train,
    "initial.pt": make_initial,
}


def main() -> None:
    """Run the steps that the command line names, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of the four IDX files")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, help="folder to write to")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS), metavar="NAME", help="files to make")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="epochs of each training")
    parser.add_argument("--threads", type=int, default=2, help="threads that torch computes with")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    workshop = Workshop(arguments.source, arguments.output, arguments.epochs)
    workshop.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.only:
        begin = time.perf_counter()
        STEPS[name](workshop, workshop.output / name)
        print(f"{name}: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()

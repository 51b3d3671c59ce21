"""Layer transfer: some layers of another trained model of the same architecture are put into the reference."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from vetgate.api import Bench, Inconclusive, Made, UsageError, read_settings
from vetgate_compress.course import Course, read_course
from vetgate_compress.export import write_module
from vetgate_compress.layers import Layer, find_layers
from vetgate_compress.settings import TRANSFER
from vetgate_compress.training import blank_images, check_labels, count_classes, refuse_misfit, train

PARTS = ("stem", "classifier", "first-half", "last-half")
_LISTED = 8
"""Tensors or prefixes named in one sentence; the others are counted."""


class Transfer:
    """Takes some layers of the donor, weights and normalisation statistics; by default nothing is trained."""

    def compress(self, bench: Bench) -> Made:
        """Transfer, perhaps fine-tune, and export; see vetgate.api.Compressor."""
        module, made = transfer(bench)
        write_module(module, bench)
        return made


def transfer(bench: Bench) -> tuple[nn.Module, Made]:
    """Return the reference with layers of the donor, the others fine-tuned where epochs are asked for.

    Raises:
        Inconclusive: There is no donor, or fine-tuning is not possible.
        UsageError: A setting is unknown or out of range, or the donor does not fit or has the same values.
    """
    settings = read_settings("transfer", bench.settings, TRANSFER)
    course, part = read_course(settings), str(settings["part"])
    if bench.donor is None:
        raise Inconclusive("there is no donor to take layers from", hint="name one with --donor")
    module, donor = bench.module(), bench.donor()
    refuse_misfit("donor", donor, module)
    taken, layers = choose(module, bench, part)
    _overwrite(module, donor, taken)
    seconds = _fine_tune(module, bench, course, taken) if course.epochs else None
    return module, Made(
        notes=(_told(part, taken, layers), *_how(course)),
        training_seconds=seconds,
        epochs=course.epochs or None,
        images=len(bench.training) if course.epochs and bench.training is not None else None,
    )


def choose(module: nn.Module, bench: Bench, part: str) -> tuple[tuple[str, ...], list[Layer]]:
    """Return the names of the tensors that a part is made of, and the layers that they are from.

    Args:
        module: The reference.
        bench: Makes the blank images that tell the order of the layers.
        part: `stem` (the first layer with weights), `classifier` (the last), `first-half`, `last-half`, or the name of
            a module: all tensors below it.

    Raises:
        UsageError: There is no module of that name.
        Inconclusive: The model has one layer only, or the part is all of it.
    """
    layers = find_layers(module, blank_images(bench))
    names = list(module.state_dict())
    if part in PARTS:
        if len(layers) < 2:
            raise Inconclusive(f"the model has {len(layers)} layers with weights, so there is no part to transfer")
        middle = len(layers) // 2
        slices = {"stem": layers[:1], "classifier": layers[-1:], "first-half": layers[:middle]}
        chosen = slices.get(part, layers[middle:])
        wanted = {name for layer in chosen for name in layer.tensors}
    else:
        wanted = {name for name in names if name == part or name.startswith(f"{part}.")}
        chosen = [layer for layer in layers if wanted.intersection(layer.tensors)]
    if not wanted:
        there = dict.fromkeys(name.partition(".")[0] for name in names)
        raise UsageError(
            f"compressor 'transfer': part is {part!r}, but must be {', '.join(PARTS)} or a module of the reference,"
            f" such as {_some(list(there))}"
        )
    if len(wanted) == len(names):
        raise Inconclusive(f"the part {part!r} is the whole model, so the variant would be the donor itself")
    return tuple(name for name in names if name in wanted), chosen


def _overwrite(module: nn.Module, donor: nn.Module, names: Collection[str]) -> None:
    """Overwrite the named tensors of a module with the donor's.

    Raises:
        UsageError: The donor has the same values in all of them.
    """
    ours, theirs = module.state_dict(), donor.state_dict()
    if all(torch.equal(ours[name], theirs[name]) for name in names):
        raise UsageError(
            f"the donor has the reference's own values in {_some(list(names))}, so nothing would change",
            hint="name a donor that was trained independently",
        )
    for name in names:
        ours[name].copy_(theirs[name])


def _fine_tune(module: nn.Module, bench: Bench, course: Course, taken: Collection[str]) -> float:
    """Train the layers that are the reference's on the labels; the donor's stay as they are.

    Raises:
        UsageError: The images have no labels, or some that the model does not know.
        Inconclusive: There are no training images, no layer is left to train, or layers of an exported program cannot
            be held apart.
    """
    images = bench.training
    if images is None:
        raise Inconclusive("there are no training images to fine-tune on", hint="give some, or set epochs to 0")
    check_labels(images, count_classes(module, bench), bench.card)
    for name, parameter in module.named_parameters(remove_duplicate=False):
        if name in taken:
            parameter.requires_grad_(False)
    if not any(parameter.requires_grad for parameter in module.parameters()):
        raise Inconclusive("no layer is left to fine-tune", hint="transfer a smaller part, or set epochs to 0")
    owners = {module.get_submodule(name.rpartition(".")[0]) for name in taken}
    if any(type(owner) is nn.Module for owner in owners):
        raise Inconclusive(
            "the layers of an exported program cannot be held apart in fine-tuning",
            hint="give weights and their architecture, or set epochs to 0",
        )

    def loss(logits: torch.Tensor, _images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(logits, labels)

    return train(module, bench, images, course, loss, still=owners)


def _told(part: str, taken: tuple[str, ...], layers: list[Layer]) -> str:
    paths = [layer.path for layer in layers] or list(taken)
    return f"{part}: {len(taken)} tensors of the donor, those of {_some(paths)}"


def _how(course: Course) -> tuple[str, ...]:
    if not course.epochs:
        return ("nothing was trained after the transfer",)
    return (f"the other layers were fine-tuned for {course.epochs} epochs with the transferred ones frozen",)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more

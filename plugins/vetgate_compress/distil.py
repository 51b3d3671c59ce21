"""Self-distillation: a student of the reference's own architecture learns from labels and from the reference.

G. Hinton, O. Vinyals and J. Dean, "Distilling the Knowledge in a Neural Network" (2015), section 2. As in studies of
functional similarity, the student starts from the weights that the teacher's own training started from.
"""

from __future__ import annotations

import torch
from torch import nn

from vetgate.api import Bench, Inconclusive, Made, read_settings
from vetgate_compress.course import Course, read_course
from vetgate_compress.export import write_module
from vetgate_compress.settings import DISTIL
from vetgate_compress.training import Loss, as_logits, check_labels, count_classes, refuse_misfit, train


class Distil:
    """Trains the reference's architecture anew, beside the reference as its teacher."""

    def compress(self, bench: Bench) -> Made:
        """Train and export; see vetgate.api.Compressor."""
        student, made = distil(bench)
        write_module(student, bench)
        return made


def distil(bench: Bench) -> tuple[nn.Module, Made]:
    """Return the trained student, and what to say of it.

    Raises:
        Inconclusive: There are no training images, or no way to fresh weights.
        UsageError: A setting is unknown or out of range, or labels or initial weights do not fit.
        WorkerFailed: The training diverges.
    """
    settings = read_settings("distil", bench.settings, DISTIL)
    course, alpha, temperature = read_course(settings), float(settings["alpha"]), float(settings["temperature"])
    images = bench.training
    if images is None:
        raise Inconclusive("there are no training images to distil on", hint="give training images with labels")
    teacher = bench.module()
    if alpha > 0:
        check_labels(images, count_classes(teacher, bench), bench.card)
    student, start = _student(bench, teacher)
    seconds = train(student, bench, images, course, _loss(teacher, bench, course, alpha, temperature))
    return student, Made(
        notes=(start, _weighing(alpha, temperature), *_how(course)),
        training_seconds=seconds or None,
        epochs=course.epochs or None,
        images=len(images) if course.epochs else None,
    )


def distillation_loss(
    logits: torch.Tensor, taught: torch.Tensor | None, labels: torch.Tensor, alpha: float, temperature: float
) -> torch.Tensor:
    """Return alpha x cross-entropy + (1 - alpha) x T^2 x KL(teacher || student), both sides of the KL softened by T.

    Args:
        logits: Of the student (N, C).
        taught: Logits of the teacher (N, C) for the same images; not looked at where alpha is 1.
        labels: (N,); not looked at where alpha is 0.
        alpha: Weight of the labels, from 0 to 1.
        temperature: T, above 0. Gradients of the soft term shrink with its square, so it is multiplied by that.
    """
    total = logits.new_zeros(())
    if alpha > 0:
        total = total + alpha * nn.functional.cross_entropy(logits, labels)
    if taught is not None and alpha < 1:
        soft = nn.functional.kl_div(
            torch.log_softmax(logits / temperature, dim=1),
            torch.log_softmax(taught / temperature, dim=1),
            reduction="batchmean",
            log_target=True,
        )
        total = total + (1 - alpha) * temperature**2 * soft
    return total


def _loss(teacher: nn.Module, bench: Bench, course: Course, alpha: float, temperature: float) -> Loss:
    if alpha < 1:
        teacher.to(course.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        teacher.requires_grad_(False)

    def loss(logits: torch.Tensor, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        taught = None
        if alpha < 1:
            with torch.no_grad(), torch.autocast(course.device.type, torch.bfloat16, enabled=course.bfloat16):
                outputs = teacher(images)
            taught = as_logits(outputs, bench.card)
        return distillation_loss(logits, taught, labels, alpha, temperature)

    return loss


def _student(bench: Bench, teacher: nn.Module) -> tuple[nn.Module, str]:
    """Return the module to train, and where its weights are from."""
    if bench.initial is not None:
        student = bench.initial()
        refuse_misfit("file of initial weights", student, teacher)
        return student, "the student starts from the weights that the teacher's training started from"
    student = bench.module()
    reset(student, bench.seed)
    return student, (
        f"the student starts from fresh random weights (each layer's own initialisation, seed {bench.seed}),"
        " for the teacher's initial weights are not known"
    )


def reset(module: nn.Module, seed: int) -> None:
    """Draw new weights: each layer's own reset_parameters, in the module's order.

    Raises:
        Inconclusive: Some weights belong to no layer that can draw them; names the first.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        for path, layer in module.named_modules():
            draw = getattr(layer, "reset_parameters", None) or getattr(layer, "_reset_parameters", None)
            if callable(draw):
                draw()
                continue
            name = next((name for name, value in layer._parameters.items() if value is not None), None)
            if name is not None:
                raise Inconclusive(
                    f"{f'{path}.{name}'.lstrip('.')} cannot be drawn anew: its {type(layer).__name__} does not say how",
                    hint="give the weights that the reference's training started from",
                )


def _weighing(alpha: float, temperature: float) -> str:
    return f"loss: {alpha:g} x labels + {1 - alpha:g} x teacher at temperature {temperature:g}"


def _how(course: Course) -> tuple[str, ...]:
    precision = "bfloat16 autocast" if course.bfloat16 else "float32"
    changed = "random crops and flips" if course.crop_flip else "images unchanged"
    return (f"trained on {course.device.type} in {precision}, {changed}",) if course.epochs else ("not trained",)

"""The candidate's own maps: the closed form where its head is pool and linear, else what can still be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vetgate.api import CandidateSeen, Inconclusive, MissingExtra, TrainerContext
from vetgate_delta.cam import Floats, LinearHead, candidate_maps, eigen_maps, full_size, linear_head

if TYPE_CHECKING:
    import torch
    from torch import nn

LEAST_R2 = 0.99
"""Fit of the linear head from which on the head counts as pool and linear; a quantised one still passes."""
AT_ONCE = 256
"""Images whose maps are in memory at a time."""
BATCH = 32
"""Images at a time where gradients are needed."""
SMALLEST = 1e-12
"""Probability below which its logarithm says nothing."""
CLOSE = 1e-3
"""Largest difference, by the map's largest value, between a layer's output and the feature map that it is taken for."""


@dataclass(frozen=True)
class CandidateMaps:
    """What the candidate looked at, of the class that it predicts."""

    maps: Floats
    """(n, H, W) in [0, 1]"""
    method: str
    """Named in the report."""
    note: str = ""
    """Why it is not the first choice; empty where it is."""


def map_candidate(context: TrainerContext, rows: NDArray[np.intp]) -> CandidateMaps:
    """Return the candidate's map of each image, of the class that the candidate predicts.

    Args:
        context: Of the check.
        rows: (n,) images of context.vetted.

    Raises:
        Inconclusive: The candidate shows no feature map, or one of a single position.
    """
    seen = context.vetted.candidate
    if seen.maps is None or seen.pooled is None:
        reason = context.feature_note or "its format shows no inner tensors"
        raise Inconclusive(f"the candidate shows no feature map to explain: {reason}")
    if seen.maps.shape[2] * seen.maps.shape[3] < 2:
        raise Inconclusive(
            f"the candidate's feature map {_name(context)} has a single position, which shows no place",
            hint="name an earlier one with --feature-map",
        )
    head = _fit_head(context)
    size = (context.vetted.pixels.shape[1], context.vetted.pixels.shape[2])
    if head.r2 >= LEAST_R2 or not len(rows):
        classes = seen.probabilities[rows].argmax(axis=1)
        parts = [candidate_maps(seen.maps[part], head.weights[which]) for part, which in _parts(rows, classes)]
        kind = "logits" if seen.logits is not None else "log-probabilities less their mean over classes"
        method = f"Grad-CAM++ in closed form on {_name(context)} (linear head on {kind}, R2 {head.r2:.4f})"
        return CandidateMaps(full_size(_joined(parts, seen.maps), size), method, _cut_note(context))
    crooked = f"its head is not pool and linear (R2 {head.r2:.4f} of a linear fit, {LEAST_R2} needed)"
    why = "; ".join(filter(None, (_cut_note(context), crooked)))
    differentiable, refusal = _with_gradients(context, rows, seen.maps)
    if differentiable is not None:
        return CandidateMaps(differentiable, f"Grad-CAM++ on {_name(context)} (pytorch-grad-cam)", why)
    parts = [eigen_maps(seen.maps[part]) for part, _ in _parts(rows, rows)]
    method = f"Eigen-CAM on {_name(context)}, which knows no classes"
    return CandidateMaps(full_size(_joined(parts, seen.maps), size), method, f"{why}, and {refusal}")


def _cut_note(context: TrainerContext) -> str:
    """Say so where the two models are shown other parts of an image, so that their maps do not lie on one another."""
    ours, theirs = context.candidate_card.input, context.reference_card.input
    uncut = ours.crop == theirs.crop == "none"
    if uncut or (ours.resize, ours.crop, ours.size) == (theirs.resize, theirs.crop, theirs.size):
        return ""
    return "the two models' cards cut images differently, so that places in their maps differ by as much"


def _name(context: TrainerContext) -> str:
    return repr(context.feature_map.name) if context.feature_map is not None else "its last spatial map"


def _parts(rows: NDArray[np.intp], values: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    return [(rows[start : start + AT_ONCE], values[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)]


def _joined(parts: list[Floats], maps: Floats) -> Floats:
    return np.concatenate(parts) if parts else np.zeros((0, *maps.shape[2:]), dtype=np.float32)


def _fit_head(context: TrainerContext) -> LinearHead:
    """Return the linear head fitted on all images that the candidate answered."""
    sets = [context.vetted.candidate, *([context.training.candidate] if context.training is not None else [])]
    usable = [seen for seen in sets if seen.pooled is not None]
    pooled = np.concatenate([seen.pooled for seen in usable if seen.pooled is not None])
    return linear_head(pooled, np.concatenate([head_outputs(seen) for seen in usable]))


def head_outputs(seen: CandidateSeen) -> NDArray[np.floating]:
    """Return (N, C) outputs that a linear head makes linear: logits, or what is left of them in probabilities.

    Log-probabilities lack one number an image; less their mean over classes they are the logits less theirs.
    """
    if seen.logits is not None:
        return seen.logits
    logs = np.log(np.maximum(seen.probabilities, SMALLEST))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def _with_gradients(context: TrainerContext, rows: NDArray[np.intp], maps: Floats) -> tuple[Floats | None, str]:
    """Return the maps by pytorch-grad-cam, or None and why that cannot be."""
    if context.candidate is None:
        return None, "its format gives no gradients"
    if context.candidate_card.input != context.reference_card.input:
        return None, "it is fed otherwise than the reference"
    try:
        network: nn.Module = context.candidate()
    except Inconclusive as error:
        return None, f"no module can be made of it ({error.message})"
    example = rows[: min(4, len(rows))]
    try:
        layer = find_layer(network, _fed(context, example), maps[example])
        if layer is None:
            return None, "no layer of its module puts out that map"
        return _library(context, network, layer, rows), ""
    # of torch, where an image or a gradient does not fit; or the library is not there
    except (ImportError, MissingExtra, RuntimeError, TypeError, ValueError) as error:
        return None, f"its module fails where gradients are taken ({type(error).__name__})"


def _fed(context: TrainerContext, rows: NDArray[np.intp]) -> torch.Tensor:
    import torch

    images = np.ascontiguousarray(context.normalise(context.vetted.pixels[rows]), dtype=np.float32)
    return torch.from_numpy(images)


def _library(context: TrainerContext, network: nn.Module, layer: nn.Module, rows: NDArray[np.intp]) -> Floats:
    from vetgate_vision import torchvision

    torchvision("explain")
    from pytorch_grad_cam import GradCAMPlusPlus

    found = []
    with GradCAMPlusPlus(model=network, target_layers=[layer]) as cam:
        for start in range(0, len(rows), BATCH):
            context.tell("candidate's maps", start, len(rows))
            found.append(cam(input_tensor=_fed(context, rows[start : start + BATCH]), targets=None))
    return np.concatenate(found).astype(np.float32)


def find_layer(network: nn.Module, images: torch.Tensor, maps: Floats) -> nn.Module | None:
    """Return the module whose output is the given map, the outermost last one; None where there is none.

    A module that runs twice is no choice, for its outputs cannot be told apart later.

    Args:
        network: In eval mode.
        images: (n, C, H, W) as it takes them.
        maps: (n, C_E, h, w) what the layer put out for them.
    """
    import torch

    made: dict[nn.Module, list[torch.Tensor]] = {}

    def keep(module: nn.Module, _: Any, output: Any) -> None:  # noqa: ANN401  # a module may put out anything
        if isinstance(output, torch.Tensor) and output.shape[1:] == maps.shape[1:]:
            made.setdefault(module, []).append(output.detach())

    handles = [module.register_forward_hook(keep) for module in network.modules()]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for handle in handles:
            handle.remove()
    wanted = torch.from_numpy(np.ascontiguousarray(maps, dtype=np.float32))
    bound = CLOSE * float(wanted.abs().max())
    fitting = [
        module
        for module, outputs in made.items()
        if len(outputs) == 1 and float((outputs[0].float().cpu() - wanted).abs().max()) <= bound
    ]
    return fitting[-1] if fitting else None

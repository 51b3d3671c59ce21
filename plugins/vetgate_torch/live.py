"""Make a network that was read into a module whose weights may be changed."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.fx import GraphModule

from vetgate.api import Artifact, Card, Inconclusive, WorkerFailed
from vetgate_torch.network import Network, named_outputs
from vetgate_torch.refusal import first_sentence
from vetgate_torch.runner import output_key

WEIGHTS_INSTEAD = (
    "give the weights it was made from, saved with torch.save(model.state_dict(), FILE), and name their architecture"
)
_SWITCHED = {
    "aten.batch_norm": 5,
    "aten.instance_norm": 5,
    "aten.dropout": 2,
    "aten.dropout_": 2,
    "aten.feature_dropout": 2,
    "aten.alpha_dropout": 2,
}
"""Operator of an exported program -> position of the argument that says whether it trains."""
_FIXED = frozenset({"aten._native_batch_norm_legit_no_training", "aten.cudnn_batch_norm"})
"""Normalisations of a lowered program, which have forgotten how to train."""


class LiveProgram(GraphModule):
    """An exported program that can be switched between training and prediction.

    torch.export writes the mode into the graph, and its own module refuses train(). Normalisation and dropout are
    switched here; layers that vanish from a predicting model (stochastic depth) stay away.
    """

    def train(self, mode: bool = True) -> LiveProgram:
        """Switch normalisation and dropout.

        Raises:
            Inconclusive: The program was lowered to operators that only predict.
        """
        if mode and any(_packet(node) in _FIXED for node in self.graph.nodes):
            raise Inconclusive(
                "the exported program was lowered, so its normalisation layers cannot be trained",
                hint=f"export the model without run_decompositions(), or {WEIGHTS_INSTEAD}",
            )
        changed = False
        for node in self.graph.nodes:
            place = _SWITCHED.get(_packet(node))
            if place is not None and node.args[place] is not mode:
                node.update_arg(place, mode)
                changed = True
        if changed:
            self.recompile()
        for module in self.modules():
            module.training = mode
        return self


class Scores(nn.Module):
    """A module that returns several things, narrowed to its class scores (N, C)."""

    def __init__(self, model: nn.Module, key: str) -> None:
        super().__init__()
        self.model = model
        self.key = key

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the class scores alone."""
        return named_outputs(self.model(images))[self.key]


def module_of(artifact: Artifact, network: Network, card: Card) -> nn.Module:
    """Return the network as a float32 module in eval mode, its parameters open to change.

    Raises:
        Inconclusive: It is quantised, fixed to one batch size or to training, or returns something else than scores.
        WorkerFailed: It fails in float32.
    """
    module: Any = network.call
    if isinstance(module, GraphModule):
        module = _program(artifact, network, module)
    _refuse_whole_numbers(artifact, network, module)
    module = module.float().eval().requires_grad_()
    return _narrowed(artifact, network, card, module)


def _program(artifact: Artifact, network: Network, module: GraphModule) -> LiveProgram:
    if network.batch.least == network.batch.most:
        raise Inconclusive(
            f"{artifact.name} was exported for {network.batch.most} images at a time, and what is trained or taken "
            "apart must take any number",
            hint="export it with a dynamic batch: dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)",
        )
    trains = [node for node in module.graph.nodes if (at := _SWITCHED.get(_packet(node))) is not None and node.args[at]]
    if trains:
        raise Inconclusive(
            f"{artifact.name} was exported in training mode ({_packet(trains[0])} trains while it predicts)",
            hint="call model.eval() before torch.export.export",
        )
    return LiveProgram(module, module.graph)


def _packet(node: torch.fx.Node) -> str:
    return str(getattr(node.target, "_overloadpacket", ""))


def _refuse_whole_numbers(artifact: Artifact, network: Network, module: nn.Module) -> None:
    """Refuse quantised networks: gradients do not pass through whole numbers.

    Raises:
        Inconclusive: Learned values are whole numbers, or there are none.
    """
    learned = [entry for entry in network.stored if entry.kind != "state"]
    whole = next((entry for entry in learned if not entry.tensor.is_floating_point()), None)
    if whole is not None or not network.dtype.is_floating_point:
        what = f"{whole.name} holds" if whole is not None else "its input takes"
        raise Inconclusive(
            f"{artifact.name} is quantised ({what} whole numbers), so it cannot be trained or compressed further here",
            hint="give the floating-point model it was quantised from",
        )
    if not any(value.is_floating_point() for value in module.parameters()):
        raise Inconclusive(f"{artifact.name} has no weights that could be changed", hint=WEIGHTS_INSTEAD)


def _narrowed(artifact: Artifact, network: Network, card: Card, module: nn.Module) -> nn.Module:
    """Return the module so that it gives (N, C) for the card's images, tried on two blank ones.

    Raises:
        CardError: The card does not name one of several outputs.
        Inconclusive: The module returns something else.
        WorkerFailed: It fails in float32.
    """
    height, width = card.input.size
    sides = (
        (card.input.channels, height, width) if card.input.layout == "NCHW" else (height, width, card.input.channels)
    )
    count = max(2, network.batch.least)
    try:
        with torch.no_grad():
            result = module(torch.zeros(count, *sides))
    except Exception as error:  # third-party code may raise anything
        raise WorkerFailed(
            f"{artifact.name} failed in float32 on images of shape {(count, *sides)}: {first_sentence(error)}",
            hint=f"compare its card with the model, or {WEIGHTS_INSTEAD}",
        ) from error
    if not isinstance(result, torch.Tensor):
        outputs = named_outputs(result)
        key = output_key(artifact, network, card, outputs, type(result).__name__)
        module, result = Scores(module, key).eval(), outputs[key]
    if result.ndim != 2 or len(result) != count:
        raise Inconclusive(
            f"{artifact.name} returned the shape {tuple(result.shape)} for {count} images, where one row of class "
            "scores an image is expected",
            hint="wrap the model so that it returns (N, C)",
        )
    return module

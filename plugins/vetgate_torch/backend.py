"""The backend: describe and open what PyTorch writes."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch

from vetgate.api import (
    Artifact,
    Card,
    CardError,
    Inconclusive,
    Model,
    OpenOptions,
    Port,
    Structure,
    UnreadableArtifact,
)
from vetgate_torch import architecture, checkpoint, exported, live, script, stored
from vetgate_torch.network import Network, dtype_name
from vetgate_torch.operators import Trace, trace
from vetgate_torch.runner import TorchModel, check_values


class TorchBackend:
    """Opens weights, TorchScript and exported programs on the CPU."""

    def describe(self, artifact: Artifact, card: Card | None, options: OpenOptions) -> Structure:
        """Return signature, tensors and operators.

        Operators are counted on shapes without values. Quantised operators allow no such counting: an architecture of
        the user's own is given one image of zeros, and of the file's own code they stay unknown.

        Raises:
            UnreadableArtifact: The file is corrupt or refused.
            CardError: The weights do not fit the architecture.
        """
        with _threads(options.threads):
            network = _read(artifact, card, options)
            seen, notes = _traced(network, card)
        return Structure(
            inputs=_inputs(network, card),
            outputs=_outputs(network, seen),
            # a part of the learned values would read as fewer than there are
            tensors=() if network.uncounted else stored.records(network.stored),
            operators=seen.operators if seen is not None else (),
            metadata=dict(network.metadata or {}),
            notes=(*network.notes, *notes),
        )

    def open(self, artifact: Artifact, card: Card, options: OpenOptions) -> AbstractContextManager[Model]:
        """Open the model for prediction.

        Raises:
            UnreadableArtifact: The file is corrupt or refused, or takes more than one input.
            CardError: Nobody names the architecture of plain weights, or the card contradicts the model.
        """
        return _opened(artifact, card, options)

    def load_module(self, artifact: Artifact, card: Card, options: OpenOptions) -> torch.nn.Module:
        """Return a fresh module in eval mode whose weights may be changed, in float32 whatever the file's precision.

        It takes images as `open` feeds them, so (N, H, W, channels) where the card's layout says NHWC. An exported
        program trains its weights, normalisation and dropout, not layers that vanished when it was exported.

        Raises:
            Inconclusive: The file holds no module that could be changed: TorchScript, a quantised model, a program
                exported for one batch size or in training mode.
            UnreadableArtifact: The file is corrupt or refused, or takes more than one input.
            CardError: Nobody names the architecture of plain weights, or the card contradicts the model.
        """
        if artifact.format == "torchscript":
            raise Inconclusive(
                f"{artifact.name} is a TorchScript program, which runs as it is and cannot be trained or taken apart",
                hint=live.WEIGHTS_INSTEAD,
            )
        with _threads(options.threads):
            network, _ = _fed(artifact, card, options)
            return live.module_of(artifact, network, card)


@contextmanager
def _opened(artifact: Artifact, card: Card, options: OpenOptions) -> Iterator[Model]:
    with _threads(options.threads):
        _, model = _fed(artifact, card, options)
        with warnings.catch_warnings():
            # images arrive in shared memory that this process may only read, and no model writes to its input
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            yield model


def _fed(artifact: Artifact, card: Card, options: OpenOptions) -> tuple[Network, Model]:
    """Return the network and how it predicts, once the card is seen to fit it."""
    network = _read(artifact, card, options)
    if network.call is None:
        raise CardError(
            f"{artifact.name} holds weights alone, and nothing names their architecture",
            hint=architecture.WHAT_TO_WRITE,
        )
    if len(network.input_names) != 1:
        names = ", ".join(network.input_names) or "none"
        raise UnreadableArtifact(
            f"{artifact.name} takes {len(network.input_names)} inputs ({names}), where one batch of images is fed",
            hint="wrap the model so that it takes the images alone",
        )
    check_values(artifact.name, network.dtype, card)
    model = TorchModel(artifact, network, card)
    _check_ports(artifact, network, card)
    _check_channels(artifact, network, card, model)
    return network, model


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _read(artifact: Artifact, card: Card | None, options: OpenOptions) -> Network:
    if artifact.format == "torchscript":
        return script.read(artifact)
    if artifact.format == "torch-export":
        return exported.read(artifact)
    weights = checkpoint.read(artifact)
    name = architecture.chosen(card, options)
    if name is None:
        note = "no architecture is named, so signature and operators are unknown and kinds were told by tensor names"
        return Network(
            provider="eager",
            stored=stored.of_state(weights.state),
            metadata=weights.metadata,
            notes=(*weights.notes, note),
        )
    module = architecture.fitted(artifact, weights, name, card)
    return Network(
        provider="eager",
        stored=stored.of_state(weights.state, module),
        call=module,
        input_names=_arguments(module),
        dtype=next((value.dtype for value in module.parameters() if value.is_floating_point()), torch.float32),
        trusted=True,
        metadata=weights.metadata,
        notes=weights.notes,
    )


def _arguments(module: torch.nn.Module) -> tuple[str, ...]:
    """Return the arguments of forward that must be given."""
    required = [
        name
        for name, parameter in inspect.signature(module.forward).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    return tuple(required) or ("input",)


def _shape(card: Card, images: int | None) -> tuple[int | None, ...]:
    height, width = card.input.size
    if card.input.layout == "NCHW":
        return images, card.input.channels, height, width
    return images, height, width, card.input.channels


def _inputs(network: Network, card: Card | None) -> tuple[Port, ...]:
    if network.inputs:
        return network.inputs
    if network.call is None or card is None:
        return ()
    shape = _shape(card, None)
    # the card speaks of the images; of further inputs nothing is known but that they are there
    return tuple(
        Port(name=name, shape=shape if index == 0 else (None,), dtype=dtype_name(network.dtype))
        for index, name in enumerate(network.input_names)
    )


def _outputs(network: Network, seen: Trace | None) -> tuple[Port, ...]:
    if seen is None:
        return ()
    names = tuple(seen.outputs)
    unnamed = names == ("output",) or all(name.isdecimal() for name in names)
    if unnamed and len(network.output_names) == len(names):
        names = network.output_names
    return tuple(
        Port(name=name, shape=(None, *value.shape[1:]), dtype=dtype_name(value.dtype))
        for name, value in zip(names, seen.outputs.values(), strict=True)
    )


def _traced(network: Network, card: Card | None) -> tuple[Trace | None, tuple[str, ...]]:
    """Return what the shape of one image showed, or nothing and the reason."""
    if network.call is None:
        return None, ()
    shape = _blank_shape(network, card)
    if shape is None:
        return None, ("without a card the input's shape is unknown, so operators and outputs are, too",)
    try:
        seen = trace(network.call, shape, network.dtype, may_run=network.trusted)
    except RuntimeError as error:
        untold = "operators and outputs are unknown, for shapes alone do not pass through the model"
        why = error if network.trusted else "its operators need values, and a file's own code is given none"
        return None, (f"{untold}: {why}",)
    return seen, seen.notes


def _blank_shape(network: Network, card: Card | None) -> tuple[int, ...] | None:
    shape: tuple[int | None, ...] | None = None
    if network.inputs:
        shape = network.inputs[0].shape
    if card is not None and (shape is None or None in shape[1:]):
        shape = _shape(card, None)
    if shape is None or None in shape[1:]:
        return None
    return network.batch.least, *(size for size in shape[1:] if size is not None)


def _check_ports(artifact: Artifact, network: Network, card: Card) -> None:
    """Compare the card with the shape that the file states.

    Raises:
        CardError: They differ.
    """
    if not network.inputs:
        return
    stated, wanted = network.inputs[0].shape, _shape(card, None)
    fits = len(stated) == len(wanted) and all(
        there is None or here is None or there == here for there, here in zip(stated, wanted, strict=True)
    )
    if not fits:
        raise CardError(
            f"the card of {artifact.name} makes images of shape {_written(wanted)} ({card.input.layout}), "
            f"but the model takes {_written(stated)}",
            hint="correct `input.size`, `input.colour` or `input.layout` in the card",
        )


def _written(shape: tuple[Any, ...]) -> str:
    return "(" + ", ".join("N" if size is None else str(size) for size in shape) + ")"


def _check_channels(artifact: Artifact, network: Network, card: Card, model: Model) -> None:
    """Try the card's channels where the first convolution takes another number.

    A stem may rearrange pixels into channels first, so the numbers alone prove nothing.

    Raises:
        CardError: The model does not take them.
    """
    first = next((entry.tensor for entry in network.stored if entry.tensor.ndim == 4), None)
    channels = card.input.channels
    if network.inputs or first is None or first.shape[1] == channels:
        return
    blank = torch.zeros([size or 1 for size in _shape(card, 1)]).numpy()
    try:
        model.predict(blank)
    except CardError:
        raise
    except Inconclusive as error:
        raise CardError(
            f"the card's colour {card.input.colour} makes {channels} channels, "
            f"but {artifact.name} does not take them: {error.message}",
            hint="correct `input.colour` or `input.layout` in the card",
        ) from None

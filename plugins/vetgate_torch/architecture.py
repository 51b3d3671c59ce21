"""Find the architecture that a file of weights belongs to, and put the weights in."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from vetgate.api import Artifact, Card, CardError, OpenOptions, UsageError, VetgateError
from vetgate_torch import vision
from vetgate_torch.checkpoint import Checkpoint
from vetgate_torch.refusal import first_sentence

WHAT_TO_WRITE = (
    "write `architecture: torchvision/NAME` or `architecture: timm/NAME` in the card, "
    "or pass --architecture FILE.py:CALLABLE (or MODULE:CALLABLE, torchvision/NAME, timm/NAME)"
)
_FAMILIES = ("torchvision", "timm")
_PROBES = {"num_classes": (1000, 7), "in_chans": (3, 1)}
"""Argument -> its default and another value: the keys whose shapes differ between the two tell what the file has."""


def chosen(card: Card | None, options: OpenOptions) -> str | None:
    """Return the architecture that the card or the user names.

    Raises:
        CardError: Both name one and they differ.
    """
    named = card.architecture if card is not None else None
    if named and options.architecture and named != options.architecture:
        raise CardError(
            f"the card names the architecture {named}, but --architecture names {options.architecture}",
            hint="drop one of them, or make them agree",
        )
    return named or options.architecture


def fitted(artifact: Artifact, checkpoint: Checkpoint, name: str, card: Card | None) -> nn.Module:
    """Return the architecture `name` holding the checkpoint's weights, in their own precision, in eval mode.

    Raises:
        CardError: The architecture's keys or shapes are not the file's, or the card's channels are not.
        UsageError: There is no such architecture.
        MissingExtra: torchvision or timm is not installed.
    """
    family, _, model_name = name.partition("/")
    if family in _FAMILIES and ":" not in name:
        arguments = _arguments(artifact, checkpoint, family, model_name, card)
        model = vision.build(family, model_name, **arguments)
    else:
        model = _from_code(name)
    _compare(artifact, checkpoint, name, model)
    dtype = precision(checkpoint.state.values())
    if dtype is not None:
        # buffers that are not saved must follow; weights of another precision keep theirs by assign
        model = model.to(dtype)
    try:
        model.load_state_dict(_with_versions(checkpoint), strict=True, assign=True)
    except (RuntimeError, ValueError, KeyError, AttributeError) as error:
        raise CardError(f"{artifact.name} does not fit the architecture {name}: {first_sentence(error)}") from None
    return model.eval()


def _with_versions(checkpoint: Checkpoint) -> OrderedDict[str, Any]:
    state = OrderedDict(checkpoint.state)
    if checkpoint.versions is not None:
        state._metadata = checkpoint.versions  # type: ignore[attr-defined]  # where load_state_dict looks for them
    return state


def precision(values: Iterable[object]) -> torch.dtype | None:
    """Return the floating dtype that most elements have, or None where there is no floating tensor."""
    elements: dict[torch.dtype, int] = {}
    for value in values:
        if isinstance(value, torch.Tensor) and value.is_floating_point():
            elements[value.dtype] = elements.get(value.dtype, 0) + value.numel()
    return max(elements, key=lambda dtype: elements[dtype]) if elements else None


def _arguments(artifact: Artifact, checkpoint: Checkpoint, family: str, name: str, card: Card | None) -> dict[str, int]:
    """Return what a named architecture must be built with to have the file's shapes."""
    arguments = {}
    classes = _told(checkpoint, family, name, "num_classes")
    if classes is not None:
        arguments["num_classes"] = classes
    if family != "timm":
        return arguments
    channels = _told(checkpoint, family, name, "in_chans")
    if channels is not None and card is not None and channels != card.input.channels:
        raise _channels_differ(artifact, channels, card)
    if channels is not None and channels != _PROBES["in_chans"][0]:
        arguments["in_chans"] = channels
    return arguments


def _channels_differ(artifact: Artifact, channels: int, card: Card) -> CardError:
    return CardError(
        f"the card's colour {card.input.colour} makes {card.input.channels} channels, "
        f"but {artifact.name} takes {channels}",
        hint="correct `input.colour` in the card",
    )


def _told(checkpoint: Checkpoint, family: str, name: str, argument: str) -> int | None:
    """Return the value of `argument` that the file's shapes tell, or None where they tell none or several."""
    default, other = _PROBES[argument]
    shapes = [_shapes(family, name, {argument: value}) for value in (default, other)]
    values = set()
    for key, shape in shapes[0].items():
        changed = shapes[1].get(key, shape)
        held = checkpoint.state.get(key)
        axes = [axis for axis, sizes in enumerate(zip(shape, changed, strict=False)) if sizes == (default, other)]
        if len(axes) == 1 and isinstance(held, torch.Tensor) and held.ndim == len(shape):
            values.add(held.shape[axes[0]])
    return values.pop() if len(values) == 1 else None


def _shapes(family: str, name: str, arguments: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Return the architecture's shapes by key, without making its weights; none where it does not take the argument."""
    try:
        with torch.device("meta"):
            model = vision.build(family, name, **arguments)
    except VetgateError:
        raise
    except Exception:  # third-party constructors; what cannot be told is left at its default
        return {}
    return {key: tuple(value.shape) for key, value in model.state_dict().items() if isinstance(value, torch.Tensor)}


def _compare(artifact: Artifact, checkpoint: Checkpoint, name: str, model: nn.Module) -> None:
    """Name what does not fit.

    Raises:
        CardError: Keys are missing or unexpected, or shapes differ.
    """
    wanted = model.state_dict()
    missing = [key for key in wanted if key not in checkpoint.state]
    unexpected = [key for key in checkpoint.state if key not in wanted]
    resized = [
        f"{key} ({_shape(checkpoint.state[key])} in the file, {_shape(value)} in the architecture)"
        for key, value in wanted.items()
        if key in checkpoint.state and _shape(value) != _shape(checkpoint.state[key])
    ]
    parts = [
        f"{what} {_some(keys)}"
        for what, keys in (("it lacks", missing), ("it has in excess", unexpected), ("shapes differ:", resized))
        if keys
    ]
    if parts:
        raise CardError(
            f"{artifact.name} does not fit the architecture {name}: {'; '.join(parts)}",
            hint=f"name the architecture the weights were trained in: {WHAT_TO_WRITE}",
        )


def _shape(value: object) -> str:
    return "x".join(map(str, value.shape)) or "scalar" if isinstance(value, torch.Tensor) else ""


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(keys[:3]) + more


def _from_code(name: str) -> nn.Module:
    """Return what the user's callable builds.

    Raises:
        UsageError: The name, the module or the callable is not there, fails, or builds no module.
    """
    where, colon, attribute = name.rpartition(":")
    if not colon or not where or not attribute:
        raise UsageError(f"{name!r} names no architecture", hint=WHAT_TO_WRITE)
    module = _module_of_file(Path(where)) if where.endswith(".py") else _module_of_name(where)
    builder: Any = module
    for part in attribute.split("."):
        builder = getattr(builder, part, None)
    if not callable(builder):
        raise UsageError(f"{where} has no callable {attribute!r}", hint=WHAT_TO_WRITE)
    return _built(name, builder)


def _built(name: str, builder: Callable[[], Any]) -> nn.Module:
    try:
        model = builder()
    except VetgateError:
        raise
    except Exception as error:  # the user's own code may raise anything
        raise UsageError(
            f"{name} failed: {type(error).__name__}: {first_sentence(error)}",
            hint="it is called without arguments and must return the torch.nn.Module",
        ) from error
    if not isinstance(model, nn.Module):
        raise UsageError(f"{name} returned a {type(model).__name__}, not a torch.nn.Module")
    return model


def _module_of_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise UsageError(f"the architecture file {path} does not exist")
    name = f"vetgate_architecture_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"the architecture file {path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    # dataclasses and pickle look the module up by name
    sys.modules[name] = module
    with _importing(str(path), path.resolve().parent):
        spec.loader.exec_module(module)
    return module


def _module_of_name(name: str) -> ModuleType:
    with _importing(name, Path.cwd()):
        return importlib.import_module(name)


@contextmanager
def _importing(what: str, folder: Path) -> Iterator[None]:
    """Let the user's code import its neighbours, and name the code in its errors."""
    sys.path.insert(0, str(folder))
    try:
        yield
    except Exception as error:
        raise UsageError(
            f"the architecture {what} cannot be imported: {type(error).__name__}: {first_sentence(error)}"
        ) from error
    finally:
        sys.path.remove(str(folder))

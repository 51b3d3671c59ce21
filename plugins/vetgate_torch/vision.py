# ruff: noqa: ANN401  # timm has no types
"""Architectures of torchvision and timm, by name."""

from __future__ import annotations

import difflib
import functools
import importlib
from typing import Any

import torch
from vetgate_vision import torchvision

from vetgate.api import MissingExtra, UsageError


@functools.cache
def timm() -> Any:
    """Return the module timm.

    Raises:
        MissingExtra: It, or torchvision, which it imports, is not installed.
    """
    torchvision()
    try:
        return importlib.import_module("timm")
    except ImportError as error:
        raise _missing("timm", "timm", error) from None


def build(family: str, name: str, **arguments: int) -> torch.nn.Module:
    """Return the untrained classifier `family/name`; nothing is downloaded.

    Args:
        family: `torchvision` or `timm`.
        name: Name of an architecture of the family.
        arguments: `num_classes` and, for timm, `in_chans`.

    Raises:
        UsageError: The family has no such classifier.
        MissingExtra: The library is not installed.
    """
    model: torch.nn.Module
    if family == "timm":
        library = timm()
        # hub names (hf-hub:...) would be fetched; is_model knows registered architectures only
        if not library.is_model(name):
            raise _unknown(family, name, library.list_models())
        model = library.create_model(name, pretrained=False, **arguments)
        return model
    models = torchvision().models
    # detection and segmentation models fetch a backbone unless told otherwise; classifiers live in models itself
    known = models.list_models(module=models)
    if name not in known:
        raise _unknown(family, name, known)
    model = models.get_model(name, weights=None, **arguments)
    return model


def _unknown(family: str, name: str, known: list[str]) -> UsageError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {family}/{near[0]}?" if near else f"{family} lists its classifiers with list_models()"
    return UsageError(f"{family} has no classifier named {name!r}", hint=hint)


def _missing(package: str, extra: str, error: ImportError) -> MissingExtra:
    return MissingExtra(f"{package} cannot be imported: {error}", hint=f"pip install 'vetgate[{extra}]'")

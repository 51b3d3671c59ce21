# ruff: noqa: ANN401  # torchvision and timm have no types
"""The one door to torchvision and timm.

A torchvision built for CUDA cannot load its C extension on a machine without CUDA libraries; its import then dies with
`operator torchvision::nms does not exist`. The models need none of that extension, so the schemas it would have
registered are declared and the import is tried again.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import sys
from typing import Any

import torch

from vetgate.api import MissingExtra, UsageError

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@functools.cache
def torchvision() -> Any:
    """Return the module torchvision.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return importlib.import_module("torchvision")
    except ImportError as error:
        raise _missing("torchvision", "torchvision", error) from None
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    _declare_schemas()
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    return importlib.import_module("torchvision")


@functools.cache
def _declare_schemas() -> torch.library.Library:
    """Declare the operators; the cache keeps the library alive, without which its operators vanish."""
    fragment = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for schema in _SCHEMAS:
        fragment.define(schema)  # type: ignore[no-untyped-call]
    return fragment


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

"""Import torchvision, also where its C extension cannot be loaded."""

from __future__ import annotations

import functools
import importlib
import sys
from typing import Any

import torch

from vetgate.api import MissingExtra

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


@functools.cache
def torchvision(extra: str = "torchvision") -> Any:  # noqa: ANN401  # torchvision has no types
    """Return the module torchvision; libraries that import it can be imported afterwards.

    Args:
        extra: The extra of vetgate that brings it, for the message.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return importlib.import_module("torchvision")
    except ImportError as error:
        raise MissingExtra(f"torchvision cannot be imported: {error}", hint=f"pip install 'vetgate[{extra}]'") from None
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

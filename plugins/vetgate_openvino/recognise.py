"""Tells OpenVINO's XML by its first element, and where its weights lie. Standard library only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vetgate.api import Probe

_ROOT = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,1000}?-->\s*)*<net[\s>/]", re.DOTALL)
WEIGHTS = ".bin"


def recognise(probe: Probe) -> bool:
    """Return whether the file begins as XML whose root is `net`; a hostile one with a DOCTYPE is no model."""
    return _ROOT.match(probe.head) is not None


def members(path: Path) -> tuple[str, ...]:
    """Return the file with the weights, which has the model's name and ends in .bin; nothing of the XML is parsed."""
    return () if path.suffix == WEIGHTS else (path.with_suffix(WEIGHTS).name,)

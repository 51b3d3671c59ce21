"""The yardstick's file: the answers of independent models to known images. Written, read and held to its claims."""

from vetgate.yardstick.content import (
    FEWEST_IMAGES,
    FEWEST_INDEPENDENTS,
    Content,
    Header,
    Origin,
    probabilities,
    require_sound,
)
from vetgate.yardstick.gauge import Gauge, doubts, gauge, require_independent, require_signal
from vetgate.yardstick.read import Reading, read
from vetgate.yardstick.write import dump

__all__ = [
    "FEWEST_IMAGES",
    "FEWEST_INDEPENDENTS",
    "Content",
    "Gauge",
    "Header",
    "Origin",
    "Reading",
    "doubts",
    "dump",
    "gauge",
    "probabilities",
    "read",
    "require_independent",
    "require_signal",
    "require_sound",
]

"""Declares the carried policies; each is a YAML file beside this one."""

from __future__ import annotations

from functools import partial
from importlib import resources

from vetgate.api import PolicySpec, hookimpl

_SUMMARIES = {
    "smoke": "Is it the same model at all? For the first run and for small sample sets.",
    "edge": "For phones and small boards: as accurate within a point, smaller, and no slower.",
    "strict": "For releases that are hard to take back: half a point, half the size, no class left behind.",
    "detection": "For models that find objects: average precision within a point, the same objects found, no slower.",
    "segmentation": (
        "For models that tell what each pixel shows: classes overlap within a point, no class is lost, no slower."
    ),
    "server": "For servers: half a point, no slower, and no limit on size.",
}


def _read(name: str) -> str:
    return resources.files("vetgate_policies").joinpath(f"{name}.yaml").read_text(encoding="utf-8")


@hookimpl
def vetgate_policies() -> tuple[PolicySpec, ...]:
    """Return every carried policy."""
    return tuple(PolicySpec(name, summary, partial(_read, name)) for name, summary in _SUMMARIES.items())

"""What `--publish mlflow:KEY=VALUE,...` takes. Light: nothing of MLflow is imported for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from vetgate.api import UsageError

NAME = "mlflow"
SETTINGS = {
    "experiment": "experiment that a run is made in  [default: MLFLOW_EXPERIMENT_NAME, else vetgate]",
    "run": "id of a run to log into, in place of a new one",
    "alias": "alias that a registered model's version gets when it passes, and on no other account",
}
_ALIAS = re.compile(r"[\w\-]{1,255}", re.ASCII)
_RUN = re.compile(r"[A-Za-z0-9][\w-]{0,255}", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """What the user set."""

    experiment: str | None = None
    run: str | None = None
    alias: str | None = None


def read_settings(given: Mapping[str, str]) -> Settings:
    """Return what settings mean.

    Raises:
        UsageError: One is unknown or bad, or two contradict each other.
    """
    for name, value in given.items():
        if name not in SETTINGS:
            raise UsageError(f"publisher {NAME!r} has no setting {name!r} (known: {', '.join(SETTINGS)})")
        if not value or not value.isprintable() or len(value) > 255:
            raise UsageError(f"publisher {NAME!r}: {name} is {value[:80]!r}, which is no name")
    settings = Settings(**given)
    if settings.experiment is not None and settings.run is not None:
        raise UsageError(f"publisher {NAME!r}: a run lies in its experiment already", hint="set one of the two")
    if settings.run is not None and not _RUN.fullmatch(settings.run):
        raise UsageError(f"publisher {NAME!r}: run is {settings.run[:80]!r}, which is no run id")
    if settings.alias is not None and not _is_alias(settings.alias):
        raise UsageError(
            f"publisher {NAME!r}: alias is {settings.alias[:80]!r}, which MLflow does not take",
            hint="letters, digits, _ and -, but neither `latest` nor v and a number",
        )
    return settings


def _is_alias(text: str) -> bool:
    return bool(_ALIAS.fullmatch(text)) and text.lower() != "latest" and not re.fullmatch(r"[vV]\d+", text)

"""What this plugin offers: the check of data hygiene."""

from __future__ import annotations

from typing import Any

from vetgate.api import CheckSpec, hookimpl


@hookimpl
def vetgate_checks() -> tuple[CheckSpec[Any], ...]:
    """Offer the check of data hygiene."""
    return ()

"""What this plugin offers: scanners."""

from __future__ import annotations

from vetgate.api import ScannerSpec, hookimpl


@hookimpl
def vetgate_scanners() -> tuple[ScannerSpec, ...]:
    """Offer the scanners."""
    return ()

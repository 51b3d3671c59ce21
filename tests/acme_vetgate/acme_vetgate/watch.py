"""An observer that always fails."""

from vetgate.api import Event, hookimpl


@hookimpl
def vetgate_observe(event: Event) -> None:
    """Fail."""
    raise ValueError("acme cannot watch")

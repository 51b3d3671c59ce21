"""The walk: every room called in its order. Start reading at `walk.vet`."""

from vetgate.gate.look import Fed, Look, inspect_model, preview
from vetgate.gate.outlook import Outlook, count_images, foresee
from vetgate.gate.walk import rejudge, vet

__all__ = ["Fed", "Look", "Outlook", "count_images", "foresee", "inspect_model", "preview", "rejudge", "vet"]

"""The walk: every room called in its order. Start reading at `walk.vet`."""

from vetgate.gate.baseline import Baseline, load_baseline, parse_reports, promote
from vetgate.gate.look import Fed, Look, inspect_model, preview
from vetgate.gate.outlook import Outlook, count_images, foresee
from vetgate.gate.rank import measure_all
from vetgate.gate.walk import rejudge, vet

__all__ = [
    "Baseline",
    "Fed",
    "Look",
    "Outlook",
    "count_images",
    "foresee",
    "inspect_model",
    "load_baseline",
    "measure_all",
    "parse_reports",
    "preview",
    "promote",
    "rejudge",
    "vet",
]

"""The walk: every room called in its order. Start reading at `walk.vet`."""

from vetgate.gate.baseline import Baseline, load_baseline, promote
from vetgate.gate.diff import diff
from vetgate.gate.explain import explain, is_explained
from vetgate.gate.independents import Built, Training, build_yardstick
from vetgate.gate.landscape import Group, Lineup, Surveyed, draw_landscape, survey
from vetgate.gate.look import Fed, Look, inspect_model, preview
from vetgate.gate.outlook import Outlook, count_images, foresee
from vetgate.gate.outputs import Answered, Collected, collect
from vetgate.gate.patience import wait_for
from vetgate.gate.rank import measure_all
from vetgate.gate.recipes import list_recipes, parse_value
from vetgate.gate.saved import SavedReports, parse_reports, read_reports
from vetgate.gate.scan_file import Offered, list_rules, scan_files
from vetgate.gate.study import is_complete, make_study, read_study, reports_of, stale_files
from vetgate.gate.walk import rejudge, vet
from vetgate.gate.yardstick import LoadedYardstick, load_yardstick

__all__ = [
    "Answered",
    "Baseline",
    "Built",
    "Collected",
    "Fed",
    "Group",
    "Lineup",
    "LoadedYardstick",
    "Look",
    "Offered",
    "Outlook",
    "SavedReports",
    "Surveyed",
    "Training",
    "build_yardstick",
    "collect",
    "count_images",
    "diff",
    "draw_landscape",
    "explain",
    "foresee",
    "inspect_model",
    "is_complete",
    "is_explained",
    "list_recipes",
    "list_rules",
    "load_baseline",
    "load_yardstick",
    "make_study",
    "measure_all",
    "parse_reports",
    "parse_value",
    "preview",
    "promote",
    "read_reports",
    "read_study",
    "rejudge",
    "reports_of",
    "scan_files",
    "stale_files",
    "survey",
    "vet",
    "wait_for",
]

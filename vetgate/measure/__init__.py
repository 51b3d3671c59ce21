"""The room that decides what will run and runs it: planning is pure, a run turns one planned check into evidence."""

from vetgate.measure.baseline import against_baseline
from vetgate.measure.comparable import Setting
from vetgate.measure.plan import Given, Plan, PlannedCheck, find_holding, make_plan
from vetgate.measure.runner import run_check, skip
from vetgate.measure.saved import Saved, compare_saved

__all__ = [
    "Given",
    "Plan",
    "PlannedCheck",
    "Saved",
    "Setting",
    "against_baseline",
    "compare_saved",
    "find_holding",
    "make_plan",
    "run_check",
    "skip",
]

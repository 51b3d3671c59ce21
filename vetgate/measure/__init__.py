"""The room that decides what will run and runs it: planning is pure, a run turns one planned check into evidence."""

from vetgate.measure.plan import Plan, PlannedCheck, make_plan
from vetgate.measure.runner import run_check, skip

__all__ = ["Plan", "PlannedCheck", "make_plan", "run_check", "skip"]

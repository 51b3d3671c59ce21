"""Bounds, tests and sample sizes that decide a rule: pure arithmetic, no files, no options."""

from vetgate.statistics.bounds import Bounds
from vetgate.statistics.exact import exact_bounds, exact_unconditional_p
from vetgate.statistics.mover import mover_sum
from vetgate.statistics.paired import PairedP, mcnemar_exact_p, paired_bounds, paired_decision_p
from vetgate.statistics.percentile import percentile_bounds, runs_needed
from vetgate.statistics.planning import (
    images_needed,
    images_needed_identical,
    images_needed_proportion,
    pairs_needed,
)
from vetgate.statistics.proportion import clopper_pearson_bounds, proportion_bounds, wilson_bounds
from vetgate.statistics.ratio import median_ratio_bounds
from vetgate.statistics.tango import tango_bounds, tango_z

__all__ = [
    "Bounds",
    "PairedP",
    "clopper_pearson_bounds",
    "exact_bounds",
    "exact_unconditional_p",
    "images_needed",
    "images_needed_identical",
    "images_needed_proportion",
    "mcnemar_exact_p",
    "median_ratio_bounds",
    "mover_sum",
    "paired_bounds",
    "paired_decision_p",
    "pairs_needed",
    "percentile_bounds",
    "proportion_bounds",
    "runs_needed",
    "tango_bounds",
    "tango_z",
    "wilson_bounds",
]

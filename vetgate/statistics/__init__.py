"""Bounds, tests and sample sizes that decide a rule: pure arithmetic, no files, no options."""

from vetgate.statistics.alignment import Alignment, bounded_cka
from vetgate.statistics.betting import Capitals, betting_bounds, betting_capitals, images_expected, log_capitals
from vetgate.statistics.bootstrap import LEVELS, Resampled, attainable_levels, bootstrap, replicates_needed
from vetgate.statistics.bounds import Bounds
from vetgate.statistics.cka import cka_and_without, debiased_cka, jackknife_cka
from vetgate.statistics.distance import FARTHEST, greatest_differences, row_distances
from vetgate.statistics.exact import exact_bounds, exact_unconditional_p
from vetgate.statistics.holm import holm
from vetgate.statistics.images import bootstrap_images
from vetgate.statistics.mover import mover_sum
from vetgate.statistics.order import Reordered, find_order, renamed
from vetgate.statistics.paired import PairedP, mcnemar_exact_p, paired_bounds, paired_decision_p
from vetgate.statistics.percentile import percentile_bounds, runs_needed
from vetgate.statistics.planning import (
    images_needed,
    images_needed_identical,
    images_needed_proportion,
    pairs_needed,
)
from vetgate.statistics.proportion import proportion_bounds
from vetgate.statistics.signs import log_sign_capital, sign_bounds, sign_capitals
from vetgate.statistics.stated import stated_bounds
from vetgate.statistics.tango import tango_bounds, tango_z
from vetgate.statistics.unseen import UNSEEN, unseen_change, unseen_share, widen

__all__ = [
    "FARTHEST",
    "LEVELS",
    "UNSEEN",
    "Alignment",
    "Bounds",
    "Capitals",
    "PairedP",
    "Reordered",
    "Resampled",
    "attainable_levels",
    "betting_bounds",
    "betting_capitals",
    "bootstrap",
    "bootstrap_images",
    "bounded_cka",
    "cka_and_without",
    "debiased_cka",
    "exact_bounds",
    "exact_unconditional_p",
    "find_order",
    "greatest_differences",
    "holm",
    "images_expected",
    "images_needed",
    "images_needed_identical",
    "images_needed_proportion",
    "jackknife_cka",
    "log_capitals",
    "log_sign_capital",
    "mcnemar_exact_p",
    "mover_sum",
    "paired_bounds",
    "paired_decision_p",
    "pairs_needed",
    "percentile_bounds",
    "proportion_bounds",
    "renamed",
    "replicates_needed",
    "row_distances",
    "runs_needed",
    "sign_bounds",
    "sign_capitals",
    "stated_bounds",
    "tango_bounds",
    "tango_z",
    "unseen_change",
    "unseen_share",
    "widen",
]

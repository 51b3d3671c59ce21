"""The calibration benchmark runs, by the gate's own code, and its exit code says whether the gate held."""

import subprocess
import sys
from pathlib import Path

import pytest

CALIBRATION = Path(__file__).parents[3] / "benchmarks" / "calibration"


def calibrate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, CALIBRATION, *arguments], capture_output=True, text=True, timeout=300)


def test_every_outcome_of_100_images_is_added_up() -> None:
    done = calibrate("fixed", "--sizes", "100")
    assert done.returncode == 0, done.stderr
    assert "100       0.00  0.34   5.5" in done.stdout
    assert "worst false pass 4.431 %, worst false fail 4.460 %" in done.stdout
    assert done.stdout.endswith("fixed: held\n")


def test_runs_that_stop_early_are_simulated_at_the_gates_looks() -> None:
    done = calibrate("sequential", "--runs", "300", "--totals", "1000")
    assert done.returncode == 0, done.stderr
    assert "1,000 images, 16 looks, 300 runs a cell" in done.stdout
    assert done.stdout.endswith("sequential: held\n")


def test_a_bound_that_is_not_held_is_exit_code_1() -> None:
    # Of 20 runs two false verdicts in one cell are 10 %: this seed has them.
    done = calibrate("sequential", "--runs", "20", "--totals", "1000", "--seed", "1")
    assert done.returncode == 1
    assert done.stdout.endswith("sequential: NOT HELD\n")


@pytest.mark.parametrize("arguments", [(), ("slow",), ("all", "--runs", "3"), ("fixed", "--runs", "3")])
def test_wrong_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    done = calibrate(*arguments)
    assert done.returncode == 2
    assert "usage: calibration" in done.stderr


def test_each_part_lists_its_own_options() -> None:
    assert "--totals" in calibrate("sequential", "--help").stdout
    assert "--sizes" in calibrate("fixed", "--help").stdout

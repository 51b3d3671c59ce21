"""One network in every format gives one and the same answers, as far as the precision of its numbers goes."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.plugins.formats import networks
from tests.plugins.formats.networks import FORMATS, PRECISIONS, Format

NAMES = [kind.name for kind in FORMATS]
DOCS = Path(__file__).parents[3] / "docs" / "models.md"


@cache
def truth() -> np.ndarray:
    return networks.exact(networks.images())


@pytest.fixture(scope="session")
def answers(files: dict[str, Path]) -> dict[str, np.ndarray]:
    """Return the answers of all formats."""
    return {kind.name: networks.answers_of(kind, files[kind.name]) for kind in FORMATS}


def test_there_are_at_least_six_formats() -> None:
    assert len({kind.format for kind in FORMATS}) >= 6


@pytest.mark.parametrize("kind", FORMATS, ids=NAMES)
def test_answers_are_those_of_exact_arithmetic_within_the_precision(
    kind: Format, answers: dict[str, np.ndarray]
) -> None:
    scale = float(np.abs(truth()).max())
    assert networks.apart(answers[kind.name], truth(), scale) <= PRECISIONS[kind.precision]


@pytest.mark.parametrize("kind", FORMATS, ids=NAMES)
def test_what_runs_is_called_as_the_documentation_says(kind: Format, files: dict[str, Path]) -> None:
    with networks.opened(kind, files[kind.name]) as model:
        ran = model.execution
    row = next(line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.endswith(" |") and
               f"| `{ran.runtime}`: " in line)  # fmt: skip
    assert f"`{ran.provider}`" in row.rpartition("`: ")[2]


@pytest.mark.parametrize(
    ("one", "other"), list(itertools.combinations(FORMATS, 2)), ids=lambda kind: getattr(kind, "name", "")
)
def test_each_two_formats_agree_within_their_precisions(
    one: Format, other: Format, answers: dict[str, np.ndarray]
) -> None:
    scale = float(np.abs(truth()).max())
    bound = PRECISIONS[one.precision] + PRECISIONS[other.precision]
    assert networks.apart(answers[one.name], answers[other.name], scale) <= bound
    np.testing.assert_array_equal(answers[one.name].argmax(1), answers[other.name].argmax(1))

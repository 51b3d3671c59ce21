"""One network in every format gives one and the same answers, as far as the precision of its numbers goes."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from tests.plugins.formats import networks
from tests.plugins.formats.networks import FORMATS, PRECISIONS, Format
from vetgate.cli.app import run

NAMES = [kind.name for kind in FORMATS]


@cache
def truth() -> np.ndarray:
    return networks.exact(networks.images())


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the network in all formats."""
    return {kind.name: kind.write(tmp_path_factory.mktemp("format")) for kind in FORMATS}


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


@pytest.mark.parametrize("kind", FORMATS, ids=NAMES)
def test_a_file_that_was_cut_off_is_told_and_ends_with_exit_code_3(
    kind: Format, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copytree(files[kind.name].parent, tmp_path / "cut")
    path = folder / files[kind.name].name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert run(["inspect", str(path), "--architecture", networks.ARCHITECTURE]) == 3
    told = capsys.readouterr().err
    assert any(word in told for word in ("truncated", "too soon", "ends", "past the end", "cut off")), told

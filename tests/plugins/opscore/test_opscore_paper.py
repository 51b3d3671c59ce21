"""Tables 5 and 6 of Arı and Çamlı, as printed: decimal commas, columns separated by tabs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from vetgate_opscore.score import opscore

HERE = Path(__file__).parent
SCORE_ROUNDING = 0.005


class Printed(NamedTuple):
    """A printed number and how far rounding may have moved it."""

    value: float
    rounding: float


@dataclass(frozen=True)
class Row:
    name: str
    accuracy: Printed
    size: Printed
    training: Printed
    inference: Printed
    score: float

    def allowed(self, time: Printed) -> tuple[float, float]:
        """Return the least and greatest score that the unrounded numbers can have had, itself rounded."""
        ends = [
            opscore(1 - (self.accuracy.value - sign * self.accuracy.rounding), *ends)
            for sign, ends in (
                (-1, (time.value - time.rounding, self.size.value - self.size.rounding)),
                (1, (time.value + time.rounding, self.size.value + self.size.rounding)),
            )
        ]
        return ends[0] - SCORE_ROUNDING, ends[1] + SCORE_ROUNDING


def printed(text: str) -> Printed:
    _, _, decimals = text.partition(",")
    return Printed(float(text.replace(",", ".")), 0.5 * 10 ** -len(decimals))


def rows(number: int) -> list[Row]:
    lines = (HERE / f"table{number}.tsv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split("\t")[1:] == [
        "Accuracy",
        "Size (MB)",
        "Training Time (sec)",
        "Inference Time (sec)",
        "Score",
    ]
    found = [line.split("\t") for line in lines[1:]]
    return [
        Row(name, printed(accuracy), printed(size), printed(training), printed(inference), printed(score).value)
        for name, accuracy, size, training, inference, score in found
    ]


TABLES = [pytest.param(row, id=f"table {number} {row.name}") for number in (5, 6) for row in rows(number)]
EXCEPTION = "Resnet-50 Top-1"


def test_both_tables_are_here_in_full() -> None:
    assert (len(rows(5)), len(rows(6))) == (32, 32)


@pytest.mark.parametrize("row", [param for param in TABLES if param.id != f"table 6 {EXCEPTION}"])
def test_a_published_score_lies_where_its_row_allows(row: Row) -> None:
    least, most = row.allowed(row.inference)
    assert least <= row.score <= most
    assert most - least < 0.2  # A wide interval would prove nothing.


def test_one_published_score_was_made_from_the_training_time() -> None:
    (row,) = [row for row in rows(6) if row.name == EXCEPTION]
    assert row.score == 3.06
    least, most = row.allowed(row.inference)
    assert not least <= row.score <= most
    assert opscore(1 - row.accuracy.value, row.inference.value, row.size.value) == pytest.approx(2.37, abs=0.005)
    assert opscore(1 - row.accuracy.value, row.training.value, row.size.value) == pytest.approx(3.06, abs=0.005)


def test_the_two_worked_examples_of_section_four() -> None:
    assert opscore(1 - 0.01, 100, 1000) == pytest.approx(5.0, abs=0.005)
    assert opscore(1 - 0.99, 10, 10) == pytest.approx(0.0, abs=1e-9)

from __future__ import annotations

import pytest

from vetgate.concepts import ConceptCount, concept_table, most_missed, side_by_side
from vetgate.statistics import proportion_bounds


def test_the_most_missed_concept_comes_first_and_ties_by_name() -> None:
    counts = [ConceptCount("wheel", 2), ConceptCount("eye", 5), ConceptCount("door", 2)]
    assert [count.name for count in most_missed(counts)] == ["eye", "door", "wheel"]


def test_a_table_gives_shares_with_their_bounds_and_what_was_there_to_miss() -> None:
    counts = [ConceptCount("eye", 6, shown=20, covered=0.75), ConceptCount("wheel", 1, shown=3, covered=0.5)]
    table = concept_table(counts, 30, title="t", caption="c")
    bounds = proportion_bounds(6, 30, 0.95)
    assert table.rows[0] == ("eye", 6, 0.2, bounds.lower, bounds.upper, 20, 0.75)
    assert table.columns[-2:] == ("images that show it", "mean share covered")


def test_without_annotations_a_table_has_no_such_columns() -> None:
    table = concept_table([ConceptCount("eye", 6)], 30, title="t", caption="c")
    assert len(table.columns) == len(table.rows[0]) == 5


def test_what_a_table_leaves_out_is_told_and_names_are_harmless() -> None:
    counts = [ConceptCount(f"part {number:02d}", 1) for number in range(23)] + [ConceptCount("\x1b[31meye", 9)]
    table = concept_table(counts, 32, title="t", caption="Counted.")
    assert len(table.rows) == 20
    assert table.caption == "Counted. 4 rarer concepts are left out."
    assert table.rows[0][0] == r"\x1b[31meye"


def test_candidates_stand_side_by_side_with_the_union_of_their_most_missed() -> None:
    table = side_by_side(
        {
            "small": {"wheel": (30, 60), "eye": (6, 60), "ear": (3, 60)},
            "tiny": {"eye": (50, 100), "door": (20, 100), "wheel": (10, 100)},
        },
        most=2,
    )
    assert table.columns == ("concept", "small", "tiny")
    assert table.rows == (("eye", 0.1, 0.5), ("wheel", 0.5, 0.1), ("door", 0.0, 0.2))
    assert "small: 60; tiny: 100" in table.caption


def test_a_candidate_without_named_concepts_has_no_figures_rather_than_zeros() -> None:
    table = side_by_side({"small": {"wheel": (3, 6)}, "tiny": {}})
    assert table.rows == (("wheel", 0.5, None),)
    assert "tiny: none" in table.caption


def test_nothing_side_by_side_is_an_empty_table() -> None:
    assert side_by_side({}).rows == ()
    assert side_by_side({"small": {"wheel": (0, 6)}}).rows == ()


@pytest.mark.parametrize("most", [1, 5])
def test_rows_are_the_same_whatever_the_order_of_concepts(most: int) -> None:
    forward = {"wheel": (3, 6), "eye": (3, 6), "ear": (1, 6)}
    assert side_by_side({"a": forward}, most) == side_by_side({"a": dict(reversed(forward.items()))}, most)

"""The study on paper: what leads, what stands apart, what is said where something is missing."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from rich.cells import cell_len
from vetgate_charts.plugin import vetgate_drawings
from vetgate_charts.study_json import StudyJson
from vetgate_charts.study_markdown import StudyMarkdown
from vetgate_charts.study_terminal import StudyTable

from vetgate.reporting import Deviation, Fate, Study, StyledDrawing, deviations

HOSTILE = (
    "[red]x[/red] \x1b[31mX\x1b[0m\r\n✔ PASS\n# owned \u202egnp <script>alert(1)</script> | a | `b` **c** @octocat"
)
TEXTS = {"name", "family", "label", "problem", "because", "notes"}


def test_the_drawings_are_declared_and_the_table_can_be_styled() -> None:
    specs = {spec.name: spec for spec in vetgate_drawings()}
    assert list(specs) == ["study", "study-markdown", "study-json", "study-svg", "study-png"]
    assert all(spec.document is Study for spec in specs.values())
    assert isinstance(specs["study"].factory(), StyledDrawing)


def test_a_study_leads_with_what_it_found(studies: ModuleType) -> None:
    first = "Of 14 variants 7 are the same function as the reference, 3 have changed and 4 lost accuracy."
    assert StudyTable(140).draw(studies.canned()).startswith(first)
    assert StudyMarkdown().draw(studies.canned()).startswith(f"**{first}**")


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_no_line_of_the_table_is_wider_than_the_page(width: int, studies: ModuleType) -> None:
    assert max(map(cell_len, StudyTable(width).draw(studies.canned()).splitlines())) <= width


def test_narrower_pages_take_more_tables_and_lose_no_figure(studies: ModuleType) -> None:
    drawn = [StudyTable(width).draw(studies.canned()) for width in (80, 140, 200)]
    for figure in ("-80.24 %", "0.9925", "1,100 / 60", "1.012 to 1.188", "-0.38 to +0.07"):
        assert all(figure in text for text in drawn)
    assert [text.count("\n  Distillation\n") for text in drawn] == [3, 2, 1]


def test_independent_models_stand_apart_from_the_variants(studies: ModuleType) -> None:
    lines = StudyTable(200).draw(studies.canned()).splitlines()
    head = lines.index("  independent models")
    assert [line.split()[0] for line in lines[head + 1 : head + 7 : 2]] == ["seed4.pt", "seed5.pt", "seed6.pt"]
    assert all(line.endswith(" far") for line in lines[head + 1 : head + 7 : 2])


def test_variants_that_were_not_made_are_named_with_why(studies: ModuleType) -> None:
    text = StudyTable(140).draw(studies.canned())
    assert "Weight clustering K = 16384: cannot be made of this model: no tensor has eight times" in text
    assert "Layer transfer first half: skipped: it takes another trained model" in text


def test_a_variant_that_broke_while_measured_is_named_with_why(studies: ModuleType) -> None:
    study = studies.canned()
    broken = study.variants[0]
    report = broken.report.model_copy(update={"evidence": ()})
    report = report.model_copy(update={"verdict": report.verdict.model_copy(update={"because": "the child crashed"})})
    variants = (broken.model_copy(update={"report": report}), *study.variants[1:])
    text = StudyTable(140).draw(study.model_copy(update={"variants": variants}))
    assert "Quantisation 16-bit: not measured: the child crashed" in text
    assert text.startswith("Of 13 variants")


def test_without_a_yardstick_nothing_is_said_of_the_function(studies: ModuleType) -> None:
    text = StudyTable(140).draw(studies.study_of(independents=()))
    assert "10 kept the accuracy, and without a yardstick nothing says whether they kept the function" in text
    assert "none: --yardstick FILE tells how far an independent model is" in text
    assert "Nothing can be told of them without a yardstick" in text
    assert "same function  " not in text
    assert "accuracy kept" in text


def test_copies_that_all_kept_their_accuracy_are_no_study_without_labels(studies: ModuleType) -> None:
    kept = [making for making in studies.VARIANTS if row_of(studies, making).fate is not Fate.DAMAGED]
    first = f"All {len(kept)} variants kept the accuracy, and without a yardstick nothing says whether they kept the"
    assert StudyTable(140).draw(studies.study_of(kept, ())).startswith(first)
    assert StudyTable(140).draw(studies.study_of(kept[:2], ())).startswith("Both variants kept the accuracy, and")
    alone = StudyTable(140).draw(studies.study_of(kept[:1], ()))
    assert alone.startswith("The one variant kept the accuracy, and without a yardstick nothing says whether it kept")
    blind = StudyTable(140).draw(studies.study_of(kept, (), labelled=False))
    assert blind.startswith(f"Of {len(kept)} variants nothing can be told: there are neither labels nor a yardstick.")


def row_of(studies: ModuleType, making: Any) -> Deviation:
    """Return the row of a variant that is alone in a study without a yardstick."""
    (row,) = deviations(studies.study_of([making], ())).measured
    return row


def test_the_legend_says_that_the_distance_is_read_by_its_estimate(studies: ModuleType) -> None:
    for text in (StudyTable(140).draw(studies.canned()), StudyMarkdown().draw(studies.canned())):
        assert "The distance is read by its estimate alone, whatever its bounds." in " ".join(text.split())


def test_a_study_of_few_images_says_so_where_it_is_read(studies: ModuleType) -> None:
    study = studies.canned()
    few = study.model_copy(update={"data": study.data.model_copy(update={"images": 29})})
    assert "rests on 29 images, and takes 30 at least to say anything." in StudyTable(140).draw(few)
    assert "takes 30 at least" not in StudyTable(140).draw(study)


def test_without_labels_the_distances_are_told_and_accuracy_is_not(studies: ModuleType) -> None:
    text = StudyTable(140).draw(studies.study_of(labelled=False))
    assert "damage cannot be told from distance" in text
    assert "accuracy  deviation" not in text
    assert "7 are the same function as the reference, 3 have changed and 4 are as far from it" in text


def test_a_study_of_nothing_says_so(studies: ModuleType) -> None:
    text = StudyTable(80).draw(studies.study_of((), (), unmade=studies.UNMADE))
    assert text.startswith("No variant could be measured")
    assert "Layer transfer first half: skipped" in text


def test_an_unjudged_study_has_no_column_of_decisions(studies: ModuleType) -> None:
    text = StudyTable(200).draw(studies.canned().model_copy(update={"policy": None}))
    assert "judged" not in text
    assert "inconclusive" not in text


def test_long_labels_take_a_line_of_their_own(studies: ModuleType) -> None:
    study = studies.canned()
    recipe = study.variants[0].recipe.model_copy(update={"label": "structured 10 %, then 8-bit dynamic"})
    variants = (study.variants[0].model_copy(update={"recipe": recipe}), *study.variants[1:])
    lines = StudyTable(80).draw(study.model_copy(update={"variants": variants})).splitlines()
    assert "    structured 10 %, then 8-bit dynamic" in lines
    assert max(map(cell_len, lines)) <= 80


def test_colour_only_repeats_words(studies: ModuleType) -> None:
    import re

    drawing = StudyTable(140)
    plain, coloured = drawing.draw(studies.canned()), drawing.styled(140, colour=True).draw(studies.canned())
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.splitlines()] == plain.splitlines()


def test_the_json_reads_back_as_the_study(studies: ModuleType) -> None:
    assert Study.model_validate_json(StudyJson().draw(studies.canned())) == studies.canned()


def _poisoned(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return HOSTILE if key in TEXTS else value
    if isinstance(value, dict):
        return {name: _poisoned(entry, name) for name, entry in value.items()}
    if isinstance(value, list):
        return [_poisoned(entry, key) for entry in value]
    return value


def test_hostile_names_draw_nothing(studies: ModuleType) -> None:
    document = json.loads(studies.canned().model_dump_json())
    study = Study.model_validate_json(json.dumps(_poisoned(document)))
    text, markdown = StudyTable(140).draw(study), StudyMarkdown().draw(study)
    for drawn in (text, markdown):
        assert not any(char in drawn for char in "\x1b\u202e\r")
        assert "\n✔ PASS" not in drawn
        assert "\n# owned" not in drawn
    assert "<script" not in markdown
    assert "`" not in markdown
    assert "@octocat" not in markdown

"""Where no picture can be shown, a gallery is a short table; pictures under one title are told together."""

from __future__ import annotations

import pytest
from vetgate_reporters.markdown import MarkdownReporter
from vetgate_reporters.terminal import TerminalReporter

from vetgate.reporting import Answer, Evidence, Exhibit, Gallery, Outcome, Picture, ReportSet, Shot

TITLE = "Right by the reference, wrong by the candidate"


def _shot(number: int, label: str | None = "cat") -> Shot:
    said = Answer(name="cat", probability=0.9), Answer(name="dog", probability=0.512345)
    image = f"{number:02}.png"
    return Shot(image=image, label=label, reference=said[0], candidate=said[1], media_type="image/png", base64="eA==")


def _report(canned: ReportSet, *exhibits: Exhibit) -> ReportSet:
    found = Evidence(check="gallery", outcome=Outcome.MEASURED, exhibits=exhibits)
    return ReportSet(reports=(canned.reports[0].model_copy(update={"evidence": (found,)}),))


def _gallery(count: int, label: str | None = "cat") -> Gallery:
    return Gallery(
        title=TITLE, shots=tuple(_shot(number, label) for number in range(count)), of=99, caption="24 of 99."
    )


def test_the_terminal_shows_five_images_and_where_the_others_are(canned: ReportSet) -> None:
    text = TerminalReporter(100).render(_report(canned, _gallery(24)))
    table = text[text.index(TITLE) : text.index("24 of 99.")].splitlines()
    assert table[1].split() == ["image", "class", "reference", "candidate"]
    assert table[3].split() == ["00.png", "cat", "cat", "90.00", "%", "dog", "51.23", "%"]
    assert [line.split()[0] for line in table[3:8]] == [f"{number:02}.png" for number in range(5)]
    assert table[8].strip() == "and 19 rows more, in the JSON report"


@pytest.mark.parametrize("label", [None, "cat"])
def test_a_class_has_a_column_where_images_have_one(canned: ReportSet, label: str | None) -> None:
    text = MarkdownReporter().render(_report(canned, _gallery(2, label)))
    assert ("| image | class | reference | candidate |" in text) == (label is not None)
    assert ("| image | reference | candidate |" in text) == (label is None)
    assert "| 00.png | " in text


def test_markdown_shows_a_dozen_and_no_picture(canned: ReportSet) -> None:
    text = MarkdownReporter().render(_report(canned, _gallery(24)))
    assert text.count(".png | cat |") == 12
    assert "_12 rows left out for length" in text
    assert "eA==" not in text


def test_pictures_of_single_images_under_one_title_are_told_once(canned: ReportSet) -> None:
    pictures = [
        Picture(title="Missed: ear", media_type="image/png", base64="eA==", caption=f"{name}: seen.", image=name)
        for name in ("a", "b", "c")
    ]
    other = Picture(title="Loss", media_type="image/png", base64="eA==")
    reports = _report(canned, *pictures, other)
    for text in (TerminalReporter(100).render(reports), MarkdownReporter().render(reports)):
        assert text.count("Missed: ear") == 1
        assert text.count("3 pictures; they stand in the JSON report.") == 1
        assert text.count("A picture; it stands in the JSON report.") == 1
        assert text.index("a: seen.") < text.index("b: seen.") < text.index("c: seen.")

"""Pages hold text of strangers: it is shown, never run; and a page fetches nothing."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import unicodedata
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest
from vetgate_html.report import HtmlReporter

from vetgate.reporting import Answer, Evidence, Gallery, Outcome, ReportSet, Shot, Slice, Table

PAYLOADS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "' onfocus='alert(1)' autofocus='",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<svg onload=alert(1)>",
    "\x00\x1b[31m\x08\u202egnp.exe\u2066\u2028\x85\ufeff",
)
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}
TOLD = {"script", "style", "title", "th"}
"""Tags whose text is looked at."""
ATTRIBUTES_THAT_FETCH = {
    "src",
    "href",
    "xlink:href",
    "srcset",
    "action",
    "formaction",
    "poster",
    "data",
    "background",
    "ping",
}


@dataclass
class Tag:
    name: str
    attributes: dict[str, str]
    text: str = ""
    parents: list[str] = field(default_factory=list)


class Document(HTMLParser):
    """Reads a page as a browser does, as far as tags, attributes and text go."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.words: list[str] = []
        self._open: list[Tag] = []
        self.feed(page)
        self.close()
        assert not self._open, f"never closed: {[tag.name for tag in self._open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice: {tag} {names}"
        made = Tag(tag, {name: value or "" for name, value in attrs}, parents=[each.name for each in self._open])
        self.tags.append(made)
        if tag not in VOID:
            self._open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"closed and never opened: {tag}"
        assert self._open[-1].name == tag, f"{tag} closes {self._open[-1].name}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        for tag in self._open:
            if tag.name in TOLD:
                tag.text += data

    def all(self, name: str) -> list[Tag]:
        return [tag for tag in self.tags if tag.name == name]


def read(reports: ReportSet) -> Document:
    return Document(HtmlReporter().render(reports))


def hostile(canned: ReportSet, payload: str) -> ReportSet:
    """Return a report in which `payload` is a class, a file, an image, a rule, a slice and a line of a table."""
    report = canned.reports[0]
    answer = Answer(name=payload, probability=0.9)
    pixel = next(shown.base64 for entry in report.evidence for shown in entry.exhibits if hasattr(shown, "base64"))
    shot = Shot(image=payload, label=payload, reference=answer, candidate=answer, media_type="image/png", base64=pixel)
    shown = (
        Gallery(title=payload, shots=(shot,), of=1, caption=payload),
        Table(title=payload, columns=(payload, "images"), rows=((payload, 3),), caption=payload),
    )
    evidence = tuple(_sliced(entry, payload) for entry in report.evidence)
    evidence += (Evidence(check=payload, outcome=Outcome.MEASURED, exhibits=shown),)
    evidence += (Evidence(check=payload, outcome=Outcome.ERRORED, reason=payload),)
    rulings = tuple(
        ruling.model_copy(update={"rule": payload, "words": payload, "because": payload, "method": payload})
        for ruling in report.verdict.rulings
    )
    changed = {
        "candidate": report.candidate.model_copy(update={"name": payload}),
        "evidence": evidence,
        "verdict": report.verdict.model_copy(update={"rulings": rulings, "because": payload}),
        "command": ("vetgate", "check", payload),
        "warnings": (payload,) * 10,
    }
    return ReportSet(reports=(report.model_copy(update=changed),))


def _sliced(entry: Evidence, payload: str) -> Evidence:
    changed = tuple(
        figure.model_copy(update={"slice": Slice(by=figure.slice.by, value=payload), "note": payload})
        if figure.slice is not None and figure.slice.value == "Shirt"
        else figure
        for figure in entry.measurements
    )
    return entry.model_copy(update={"measurements": changed})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_class_with_such_a_name_is_shown_and_never_run(canned: ReportSet, payload: str) -> None:
    plain, attacked = read(canned), read(hostile(canned, payload))
    assert len(attacked.all("script")) == 1
    assert len(attacked.all("style")) == 1
    assert {tag.name for tag in attacked.tags} <= {tag.name for tag in plain.tags} | {
        "figure",
        "img",
        "figcaption",
        "wbr",
    }
    names = {name for tag in attacked.tags for name in tag.attributes}
    assert not [name for name in names if name.startswith("on")]
    assert attacked.all("script")[0].text == plain.all("script")[0].text
    if payload.isprintable():
        assert payload in "".join(attacked.words), "it is told as it is, not swallowed"


def test_reports_of_which_every_text_is_hostile_hold_no_foreign_tag_and_no_unseen_character(
    poisoned: ReportSet,
) -> None:
    page = HtmlReporter().render(poisoned)
    document = Document(page)
    assert len(document.all("script")) == 1
    assert not [name for tag in document.tags for name in tag.attributes if name.startswith("on")]
    unseen = {char for char in page if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co")} - {"\n"}
    assert not unseen, f"characters that nobody sees: {unseen}"


def test_a_drawing_of_a_stranger_is_a_picture_and_never_part_of_the_page(illustrated: ReportSet) -> None:
    document = read(illustrated)
    (drawn,) = [tag for tag in document.all("img") if "svg" in tag.attributes["src"]]
    assert drawn.attributes["src"].startswith("data:image/svg+xml;base64,")
    assert len(document.all("script")) == 1


@pytest.fixture(scope="module", params=["canned", "stopped", "illustrated", "poisoned", "thirty", "unread"])
def document(request: pytest.FixtureRequest) -> Document:
    return read(request.getfixturevalue(request.param))


def test_a_page_needs_nothing_beside_itself(document: Document) -> None:
    assert not {tag.name for tag in document.tags} & {
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "audio",
        "video",
        "source",
    }
    assert [tag.attributes["rel"] for tag in document.all("link")] == ["icon"]
    for tag in document.tags:
        for name in ATTRIBUTES_THAT_FETCH & set(tag.attributes):
            assert tag.attributes[name].startswith(("#", "data:image/")), (
                f"{tag.name} {name}={tag.attributes[name][:80]}"
            )
        assert "url(" not in tag.attributes.get("style", "").replace("url(#", "")
    (style,) = document.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text


def test_the_browser_may_run_the_one_script_and_fetch_nothing(canned: ReportSet) -> None:
    document = read(canned)
    (script,) = document.all("script")
    (policy,) = [tag for tag in document.all("meta") if tag.attributes.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.attributes["content"].split("; "))
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["img-src"] == "data:"
    before = document.tags[: document.tags.index(policy)]
    assert {tag.name for tag in before} <= {"html", "head", "meta"}, "nothing may stand before the policy"


def test_a_page_can_be_read_by_ear_and_by_keyboard(document: Document) -> None:
    assert document.all("html")[0].attributes["lang"] == "en"
    assert [len(document.all(name)) for name in ("h1", "main", "nav")] == [1, 1, 1]
    levels = [int(tag.name[1]) for tag in document.tags if re.fullmatch(r"h[1-6]", tag.name)]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(levels)), "no level is skipped"
    assert len(document.all("caption")) == len(document.all("table"))
    assert all(tag.attributes.get("alt") for tag in document.all("img"))
    assert all(tag.text.strip() for tag in document.all("th")), "no head of a column is silent"
    ids = [tag.attributes["id"] for tag in document.tags if "id" in tag.attributes]
    assert len(ids) == len(set(ids))
    for tag in document.all("a"):
        assert tag.attributes["href"].removeprefix("#") in ids


def test_without_a_script_everything_is_shown(canned: ReportSet) -> None:
    document = read(canned)
    hidden = [tag for tag in document.tags if "hidden" in tag.attributes]
    assert {tag.name for tag in hidden} == {"button", "div", "p"}, "only what the script alone can serve"
    assert not [
        tag for tag in document.all("tr") if "hidden" in tag.attributes or "out" in tag.attributes.get("class", "")
    ]

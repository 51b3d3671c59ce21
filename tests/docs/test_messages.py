"""Messages that the page on troubles quotes are messages of the program, and pages name every setting and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vetgate.cli.settings import Settings
from vetgate.domain.card import Card, Input, Output, Resize, Training
from vetgate.domain.record import Record
from vetgate.hookspecs import Hooks
from vetgate.policy.language import FindingsText, PolicyText, RequiresText, RuleText, WaiverText

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SHORTEST = 6
"""Letters of a part of a message that can be looked for."""


@pytest.fixture(scope="module")
def source() -> str:
    """Return the text of the program, texts that go over several lines joined."""
    files = [file for folder in ("vetgate", "plugins") for file in sorted((ROOT / folder).rglob("*.py"))]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(r"\"\s*\n\s*f?\"", "", text)


def _quoted() -> list[str]:
    """Return the messages of the page's tables: code in the first cell of a row."""
    lines = (DOCS / "troubleshooting.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split(" | ")[0] for line in lines if line.startswith("| ") and not line.startswith("| message")]
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell) if " " in code]


@pytest.mark.parametrize("message", _quoted())
def test_a_message_that_the_page_quotes_is_one_of_the_program(message: str, source: str) -> None:
    parts = re.split(r"\.\.\.|\b[XNLI]\b|'[^']*'|\[[^\]]*\]|\d+|\bVG\b", message)
    looked_for = [part.strip() for part in parts if len(part.strip()) >= SHORTEST]
    assert looked_for, message
    assert [part for part in looked_for if part not in source] == []


def test_the_page_quotes_messages_at_all() -> None:
    assert len(_quoted()) > 15


def _lacking(page: str, names: set[str]) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    codes = set(re.findall(r"[\w.]+", " ".join(re.findall(r"`([^`\n]+)`", text))))
    told = codes | {code.rpartition(".")[2] for code in codes}
    return sorted(names - told)


def _keys(*records: type[Record]) -> set[str]:
    return {name for record in records for name in record.model_fields}


def test_every_setting_is_told() -> None:
    assert _lacking("configuration.md", _keys(Settings)) == []


def test_every_key_of_a_policy_is_told() -> None:
    assert _lacking("policy.md", _keys(PolicyText, RuleText, RequiresText, FindingsText)) == []
    text = (DOCS / "policy.md").read_text(encoding="utf-8")
    assert [key for key in WaiverText.model_fields if f"{key}:" not in text] == []


def test_every_key_of_a_card_is_told() -> None:
    assert _lacking("models.md", _keys(Card, Input, Output, Resize, Training) - {"version", "input"}) == []


def test_every_hook_is_told() -> None:
    assert _lacking("plugins.md", {name for name in vars(Hooks) if name.startswith("vetgate_")}) == []

"""Policies, cards, configurations and code that pages show are read by what would read them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.doc_blocks import Block, blocks, pages
from vetgate.cli.settings import CONFIG, Settings, read_config
from vetgate.documents import parse, read_record
from vetgate.domain.card import Card
from vetgate.domain.errors import UsageError
from vetgate.host import Host, find_plugins
from vetgate.policy import load
from vetgate.policy.language import PolicyText

EVERY = [block for page in pages() for block in blocks(page)]
HEAD: dict[str, Any] = {"version": 1, "name": "shown"}


def _in(*languages: str) -> list[Any]:
    return [pytest.param(block, id=str(block)) for block in EVERY if block.language in languages]


@pytest.fixture(scope="module")
def host() -> Host:
    return find_plugins()


def _policy(data: Any) -> dict[str, Any] | None:  # YAML holds anything
    """Return the policy that a block shows, or a part of one made whole; None where it shows none."""
    if isinstance(data, list) and data and all(isinstance(item, dict) and "metric" in item for item in data):
        return {**HEAD, "metrics": data}
    if isinstance(data, dict) and data.keys() <= PolicyText.model_fields.keys() and data.keys() - {"version", "name"}:
        return {**HEAD, **data}
    return None


def _mistake(block: Block, host: Host, folder: Path) -> str:
    """Return what is wrong with a block of YAML; empty where it is right."""
    data = yaml.safe_load(block.text)
    policy = None if block.mark.startswith("file: ") else _policy(data)
    try:
        if block.mark == "vetgate.yaml":
            (folder / CONFIG).write_text(block.text, encoding="utf-8")
            read_config(folder)
        elif policy is not None:
            (folder / "shown.yaml").write_text(yaml.safe_dump(policy, sort_keys=False), encoding="utf-8")
            load(str(folder / "shown.yaml"), host.policies(), host.metrics())
        elif isinstance(data, dict) and data.keys() <= Card.model_fields.keys() and "input" in data:
            read_record(parse(block.text, str(block)), Card)
    except UsageError as error:
        return error.message
    return ""


@pytest.mark.parametrize("block", _in("yaml", "yml"))
def test_yaml_is_what_the_program_reads(block: Block, host: Host, tmp_path: Path) -> None:
    told = _mistake(block, host, tmp_path)
    assert bool(told) == block.mark.startswith("refused"), f"{block}: {told}"
    assert block.mark.partition(": ")[2] in told or not told


def test_a_policy_that_is_wrong_would_be_found(host: Host, tmp_path: Path) -> None:
    block = Block(Path(__file__), 1, "yaml", "", "- {metric: accuracy.top1, at_lest: 90%}\n")
    assert "at_lest" in _mistake(block, host, tmp_path)


def test_pages_show_policies_at_all() -> None:
    shown = [block for block in EVERY if block.language == "yaml" and _policy(yaml.safe_load(block.text))]
    assert len(shown) > 10


@pytest.mark.parametrize("block", _in("toml"))
def test_configuration_in_pyproject_is_read(block: Block, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(block.text, encoding="utf-8")
    assert "[tool.vetgate]" not in block.text or read_config(tmp_path) != Settings()


@pytest.mark.parametrize("block", _in("python", "py"))
def test_code_is_code(block: Block) -> None:
    ast.parse(block.text)

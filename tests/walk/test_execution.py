"""How a model is run: what card and command line ask for, what the report says of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.walk.conftest import World
from vetgate.cli.outlook import EXECUTION

CARD = """\
version: 1
input: {size: [8, 8], resize: none, colour: rgb, scale: 1/255, mean: [0], std: [1], layout: NHWC}
output: {kind: logits}
"""


@pytest.fixture
def pair(world: World) -> World:
    """Return a world with the small TFLite network twice, images, and a policy on agreement."""
    pytest.importorskip("ai_edge_litert")
    from tests.plugins.litert import tiny_tflite

    for name in ("candidate", "reference"):
        (world.folder / f"{name}.tflite").write_bytes(tiny_tflite.convolutional())
        (world.folder / f"{name}.tflite.yaml").write_text(CARD, encoding="utf-8")
    pixels = np.random.default_rng(2).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    np.savez(world.folder / "data.npz", images=pixels)
    world.policy("metric: similarity.agreement, at_least: 99%")
    return world


def vet(world: World, *more: str) -> int:
    """Vet the candidate."""
    own = ("candidate.tflite", "--reference", "reference.tflite", "--data", "data.npz", "--policy", "policy.yaml")
    return world.check(*own, *more)


def asks(world: World, name: str, execution: str) -> None:
    """Let the card of a model ask for something."""
    text = f"{CARD}execution: {execution}\n"
    (world.folder / f"{name}.tflite.yaml").write_text(text, encoding="utf-8")


def test_the_plan_tells_what_is_asked_of_how_models_run(pair: World) -> None:
    asks(pair, "candidate", "{provider: XNNPACK, threads: 2}")
    own = ("candidate.tflite", "--reference", "reference.tflite", "--data", "data.npz", "--policy", "policy.yaml")
    assert pair.run("check", *own, "--execution", "provider=builtin", "--plan") == 0, pair.err
    told = pair.out.partition(f"\n{EXECUTION}\n")[2].partition("\n\n")[0].splitlines()
    assert told == ["  candidate candidate.tflite: provider XNNPACK (card, overruled), builtin (run), threads 2 (card)"]


def test_what_the_configuration_asks_beside_the_command_line_is_in_the_plan(pair: World) -> None:
    (pair.folder / "vetgate.yaml").write_text("execution: {provider: XNNPACK, threads: 2}\n", encoding="utf-8")
    assert vet(pair, "--execution", "threads=1", "--plan") == 0, pair.err
    assert "candidate candidate.tflite: provider XNNPACK (run), threads 1 (run)" in pair.out


def test_what_the_command_line_asks_stands_over_the_card_and_both_are_in_the_report(pair: World) -> None:
    asks(pair, "candidate", "{provider: XNNPACK, threads: 2}")
    assert vet(pair, "--execution", "provider=builtin", "--threads", "1", "--report", "markdown=r.md") == 0
    candidate = pair.report()["candidate"]
    assert candidate["execution"]["provider"] == "builtin"
    assert candidate["execution"]["threads"] == 1
    assert candidate["execution"]["placed"] == [{"provider": "builtin", "operators": 3}]
    told = [(item["option"], item["value"], item["by"], item["heeded"]) for item in candidate["asked"]]
    assert told == [
        ("provider", "XNNPACK", "card", False),
        ("provider", "builtin", "run", True),
        ("threads", "2", "card", False),
        ("threads", "1", "run", True),
    ]
    assert pair.report()["reference"]["execution"]["provider"] == "XNNPACK"
    page = (pair.folder / "r.md").read_text(encoding="utf-8")
    assert "| asked: provider | XNNPACK (card, overruled), builtin (run) |" in page
    assert "3 on builtin" in page


def test_answers_of_one_way_to_run_are_not_taken_for_those_of_another(pair: World) -> None:
    def kept(*more: str) -> tuple[bool, bool]:
        assert vet(pair, *more) == 0
        return pair.report()["candidate"]["from_cache"], pair.report()["reference"]["from_cache"]

    assert kept() == (False, False)
    assert kept("--execution", "provider=builtin") == (False, True)
    assert kept("--execution", "provider=builtin", "--execution", "threads=2") == (False, True)
    assert kept("--execution", "provider=builtin") == (True, True)


def test_operators_that_run_elsewhere_than_asked_leave_the_verdict_open_unless_that_is_allowed(pair: World) -> None:
    from tests.plugins.litert import tiny_tflite
    from tests.plugins.litert.test_litert_execution import beyond_xnnpack

    for name in ("candidate", "reference"):
        (pair.folder / f"{name}.tflite").write_bytes(beyond_xnnpack(tiny_tflite))
    asks(pair, "candidate", "{provider: XNNPACK}")
    assert vet(pair) == 3
    assert "was to run on XNNPACK alone, and its operators run so: 2 on XNNPACK, 1 on builtin" in pair.reasons()
    assert pair.report()["candidate"]["execution"]["placed"][1] == {"provider": "builtin", "operators": 1}
    assert vet(pair, "--execution", "fallback=allowed") == 0
    assert vet(pair, "--execution", "fallback=allowed", "--reference-execution", "fallback=forbidden") == 3
    assert "reference reference.tflite was to run on one provider alone" in pair.reasons()


@pytest.mark.parametrize(
    ("flag", "why"),
    [
        ("--execution=provider=GPU", "candidate candidate.tflite: the run asks for execution.provider GPU"),
        ("--reference-execution=precision=float16", "and backend 'litert' can be asked for none"),
        ("--execution=threads=none", "--execution threads must be a valid integer"),
    ],
)
def test_what_nobody_can_be_asked_for_is_a_mistake_in_the_command(pair: World, flag: str, why: str) -> None:
    assert vet(pair, flag) == 2
    assert why in pair.err


def test_a_plan_tells_what_cannot_be_asked_for(pair: World) -> None:
    assert vet(pair, "--plan", "--execution", "provider=GPU") == 2
    assert "can be asked for XNNPACK, builtin" in pair.err


def test_a_rule_may_forbid_fallback(pair: World) -> None:
    text = {"metric": "latency.p50", "at_most": "10s", "requires": {"fallback": "forbidden"}}
    policy = {"version": 1, "name": "whole", "metrics": [text]}
    (pair.folder / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    assert vet(pair, "--timing-budget", "0.5") == 0
    assert "with fallback forbidden" in pair.report()["verdict"]["rulings"][0]["words"]
    saved = json.loads((pair.folder / "report.json").read_text(encoding="utf-8"))
    for evidence in saved["reports"][0]["evidence"]:
        if evidence["ran"] is not None:
            places: list[dict[str, Any]] = evidence["ran"]["candidate"]["placed"]
            places.append({"provider": "builtin", "operators": 2})
    Path("again.json").write_text(json.dumps(saved), encoding="utf-8")
    assert pair.run("judge", "again.json", "--policy", "policy.yaml") == 3
    assert "3 on XNNPACK, 2 on builtin" in pair.out


def test_inspect_says_what_can_be_asked_for(pair: World) -> None:
    assert pair.run("inspect", "candidate.tflite") == 0
    assert "execution   provider XNNPACK, builtin; threads" in pair.out
    assert pair.run("inspect", "candidate.tflite", "--execution", "provider=GPU") == 2

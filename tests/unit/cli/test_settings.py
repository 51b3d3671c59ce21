"""Flags stand over the nearest configuration, and that over VETGATE_* variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vetgate.cli.settings import Settings, bytes_of, from_flags, gather, read_config, to_request
from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.errors import UsageError


def _write(folder: Path, text: str, name: str = "vetgate.yaml") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def test_flags_stand_over_the_configuration_and_that_over_variables(tmp_path: Path) -> None:
    _write(tmp_path, "reference: from-file.pt\npolicy: strict\n")
    variables = {"VETGATE_REFERENCE": "from-variable.pt", "VETGATE_POLICY": "server", "VETGATE_LIMIT": "9"}
    settings = gather(Settings(reference="from-flag.pt"), tmp_path, variables)
    assert (settings.reference, settings.policy, settings.limit) == ("from-flag.pt", "strict", 9)


def test_the_nearest_configuration_is_taken_and_its_paths_hold_from_anywhere(tmp_path: Path) -> None:
    _write(tmp_path, "reference: far.pt\n")
    _write(tmp_path / "near", "reference: base.pt\nreports: [json=out/r.json, markdown, json=-]\noutput_dir: out\n")
    below = tmp_path / "near" / "a" / "b"
    below.mkdir(parents=True)
    settings = read_config(below)
    assert settings.reference == "../../base.pt"
    assert settings.output_dir == "../../out"
    assert settings.reports == ("json=../../out/r.json", "markdown", "json=-")


def test_a_pyproject_counts_only_with_a_table_of_ours(tmp_path: Path) -> None:
    _write(tmp_path, "[tool.vetgate]\npolicy = 'strict'\n", "pyproject.toml")
    _write(tmp_path / "package", "[project]\nname = 'x'\n", "pyproject.toml")
    assert read_config(tmp_path / "package").policy == "strict"


def test_a_policy_file_beside_the_configuration_is_found_and_a_name_stays_a_name(tmp_path: Path) -> None:
    _write(tmp_path, "policy: mine.yaml\n")
    (tmp_path / "mine.yaml").touch()
    (tmp_path / "below").mkdir()
    assert read_config(tmp_path / "below").policy == "../mine.yaml"
    _write(tmp_path, "policy: edge\n")
    assert read_config(tmp_path / "below").policy == "edge"


def test_an_unknown_key_is_told_with_line_and_suggestion(tmp_path: Path) -> None:
    _write(tmp_path, "policy: edge\nrefrence: base.pt\n")
    with pytest.raises(UsageError, match=r"vetgate\.yaml:2: refrence: unknown key; did you mean 'reference'"):
        read_config(tmp_path)


@pytest.mark.parametrize(("name", "text"), [("vetgate.yaml", "[unclosed"), ("pyproject.toml", "tool = ]")])
def test_a_malformed_configuration_is_a_usage_error(tmp_path: Path, name: str, text: str) -> None:
    _write(tmp_path, text, name)
    with pytest.raises(UsageError, match=name):
        read_config(tmp_path)


def test_a_variable_with_a_wrong_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="VETGATE_LIMIT"):
        gather(Settings(), tmp_path, {"VETGATE_LIMIT": "many"})


def test_lists_in_variables_are_separated_by_commas_and_empty_ones_say_nothing(tmp_path: Path) -> None:
    settings = gather(
        Settings(), tmp_path, {"VETGATE_REPORTS": "json,markdown", "VETGATE_LIMIT": "", "VETGATE_CACHE": "0"}
    )
    assert (settings.reports, settings.limit, settings.cache) == (("json", "markdown"), None, False)


@pytest.mark.parametrize("flags", [{"timeout": 0.0}, {"timeout": float("nan")}, {"seed": -1}, {"limit": 0}])
def test_a_flag_out_of_range_is_a_usage_error_that_names_it(flags: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(flags))}"):
        from_flags(flags)


def test_what_is_demanded_of_a_setting_is_told_in_words() -> None:
    with pytest.raises(UsageError, match=r"^--timing-budget must be greater than 0 \(got 0.0\)$"):
        from_flags({"timing_budget": 0.0})
    with pytest.raises(UsageError, match=r"^variable VETGATE_TIMING_BUDGET must be greater than 0 "):
        gather(Settings(), Path("/"), {"VETGATE_TIMING_BUDGET": "0"})


def _cards(tmp_path: Path, flags: Settings, *candidates: str) -> dict[str, str]:
    settings = gather(flags.model_copy(update={"reference": "r"}), tmp_path, {})
    return to_request(candidates, settings, ()).cards


def test_a_card_of_the_configuration_is_found_however_the_candidate_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, "cards: {int8.onnx: int8.card}\n")
    monkeypatch.chdir(tmp_path)
    for typed in ("int8.onnx", "./int8.onnx", str(tmp_path / "int8.onnx")):
        assert _cards(tmp_path, Settings(), typed) == {typed: "int8.card"}
    assert _cards(tmp_path, Settings(), "other.onnx") == {}


def test_a_card_for_all_on_the_command_line_stands_over_single_ones_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, "cards: {int8.onnx: old.card}\n")
    monkeypatch.chdir(tmp_path)
    assert _cards(tmp_path, Settings(card="new.card"), "int8.onnx") == {"": "new.card"}
    both = Settings(card="new.card", cards={"int8.onnx": "own.card"})
    assert _cards(tmp_path, both, "int8.onnx") == {"": "new.card", "int8.onnx": "own.card"}


def test_without_a_reference_nothing_is_compared(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no reference") as raised:
        to_request(("c",), gather(Settings(), tmp_path, {}), ())
    assert "--reference" in raised.value.hint


@pytest.mark.parametrize(("text", "size"), [("4GB", 4_000_000_000), ("500MB", 500_000_000), ("1024", 1024)])
def test_sizes_are_written_with_a_unit_or_in_bytes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["much", "-1GB", "0", "4GiB"])
def test_what_is_no_size_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        bytes_of(text)


def test_what_stage_two_brought_can_be_set_and_paths_of_a_configuration_are_its_own(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    lines = ["reference: ref.onnx", "sequential: true", "baseline: last.json", "timing_budget: 5"]
    lines += ["latency_reference: shipped.onnx", "latency_reference_card: shipped.yaml"]
    (tmp_path / "vetgate.yaml").write_text("\n".join(lines), encoding="utf-8")
    request = to_request(("a.onnx",), gather(Settings(), below, {}), ())
    assert request.sequential
    assert request.timing_seconds == 5
    named = (request.baseline, request.latency_reference, request.latency_reference_card)
    assert named == ("../last.json", "../shipped.onnx", "../shipped.yaml")
    assert not to_request(("a.onnx",), Settings(reference="r"), ()).sequential


def test_mappings_in_variables_are_pairs_and_what_is_none_is_told(tmp_path: Path) -> None:
    variables = {"VETGATE_PREFER": "accuracy=mine, latency=yours", "VETGATE_CARDS": "a.onnx=a.card"}
    settings = gather(Settings(), tmp_path, variables)
    assert (settings.prefer, settings.cards) == ({"accuracy": "mine", "latency": "yours"}, {"a.onnx": "a.card"})
    with pytest.raises(UsageError, match="VETGATE_PREFER"):
        gather(Settings(), tmp_path, {"VETGATE_PREFER": "mine"})


_SAID = {
    "cache": ("false", False),
    "sequential": ("true", True),
    "layers": ("true", True),
    "strict": ("1", True),
    "limit": ("7", 7),
    "seed": ("7", 7),
    "threads": ("7", 7),
    "batch_size": ("7", 7),
    "timing_budget": ("7.5", 7.5),
    "timeout": ("7.5", 7.5),
    "scan_timeout": ("5", 5.0),
    "max_unreadable": ("0.5", 0.5),
    "reports": ("json=-", ("json=-",)),
    "disable": ("charts", ("charts",)),
    "cards": ("a=b", {"a": "b"}),
    "prefer": ("a=b", {"a": "b"}),
    "budget_seconds": ("7.5", 7.5),
    "device": ("cpu", "cpu"),
    "epochs": ("7", 7),
    "examples": ("7", 7),
    "folds": ("7", 7),
    "labeller_settings": ("a=b", {"a": "b"}),
    "publish": ("mlflow:run=a,alias=b other", ("mlflow:run=a,alias=b", "other")),
    "gallery": ("7", 7),
    "ci": ("true", True),
    "subgraph_epochs": ("7", 7),
    "variant": ("paper", "paper"),
    **{
        f"{whose}execution": ("provider=CPU,options.a=1", ExecutionOptions(provider="CPU", options={"a": 1}))
        for whose in ("", "reference_", "latency_reference_")
    },
}


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_everything_that_can_be_set_can_be_set_by_a_variable_and_by_the_configuration(
    name: str, tmp_path: Path
) -> None:
    text, value = _SAID.get(name, ("text", "text"))
    assert getattr(gather(Settings(), tmp_path, {f"VETGATE_{name.upper()}": text}), name) == value
    written = value.model_dump(exclude_none=True) if isinstance(value, ExecutionOptions) else value
    _write(tmp_path, f"{name}: {json.dumps(written)}\n")
    assert getattr(read_config(tmp_path), name) == value


@pytest.mark.parametrize("name", ["reference", "data", "policy", "baseline", "latency_reference", "output_dir"])
def test_what_an_unset_variable_of_a_shell_leaves_is_refused_and_not_replaced_by_a_default(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')}"):
        from_flags({name: ""})
    _write(tmp_path, f"{name}: ''\n")
    with pytest.raises(UsageError, match=name):
        read_config(tmp_path)
    with pytest.raises(UsageError, match="empty name"):
        to_request(("a.onnx", ""), Settings(reference="r"), ())


def test_a_card_of_a_latency_reference_that_is_not_named_is_refused() -> None:
    with pytest.raises(UsageError, match="none is named"):
        to_request(("a.onnx",), Settings(reference="r", latency_reference_card="c.yaml"), ())

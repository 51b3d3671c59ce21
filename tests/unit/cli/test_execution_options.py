"""How flags, configurations and variables say how models are run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vetgate.cli import option
from vetgate.cli.execution import SETTINGS, read_execution
from vetgate.cli.settings import Settings, gather, to_request
from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.errors import UsageError


def flags(**options: Any) -> Settings:
    """Return the settings of a command line with such flags."""
    return option.read_flags(("c",), {"cards": (), "no_cache": False, "prefer": (), **options})


def test_flags_say_option_by_option_and_numbers_are_numbers() -> None:
    asked = flags(execution=("provider=XNNPACK", "threads=4", "options.device_id=1", "options.mode=fast", "batch=8"))
    assert asked.execution == ExecutionOptions(
        provider="XNNPACK", threads=4, options={"device_id": 1, "mode": "fast"}, batch=8
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("thread=4", "no execution option 'thread'; did you mean 'threads'"),
        ("options.=4", "no execution option 'options.'"),
        ("XNNPACK", "not of the form NAME=VALUE"),
        ("provider=", "not of the form NAME=VALUE"),
        ("card.threads=4", "no execution option 'card.threads'"),
    ],
)
def test_a_mistake_in_an_option_is_told_with_what_there_is(text: str, why: str) -> None:
    with pytest.raises(UsageError) as error:
        read_execution((text,), "--execution")
    assert why in error.value.message
    assert "runtime, provider, precision, threads, fallback, batch, or options.NAME" in error.value.hint


def test_an_option_that_is_given_twice_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="threads is given twice"):
        read_execution(("threads=1", "threads=2"), "--execution")
    with pytest.raises(UsageError, match=r"options\.a is given twice"):
        read_execution(("options.a=1", "options.a=2"), "--execution")


def test_an_option_out_of_range_is_told_by_its_flag() -> None:
    with pytest.raises(UsageError, match="--reference-execution threads must be greater than 0"):
        flags(reference_execution=("threads=0",))
    with pytest.raises(UsageError, match="--execution fallback must be 'forbidden' or 'allowed'"):
        flags(execution=("fallback=perhaps",))


def test_two_numbers_of_threads_for_one_model_are_a_conflict_that_is_named() -> None:
    with pytest.raises(UsageError, match="--execution threads=4 and --threads 2 disagree"):
        flags(execution=("threads=4",), threads=2)
    assert flags(execution=("threads=2",), threads=2).execution == ExecutionOptions(threads=2)


def configured(folder: Path, text: str, variable: str = "", **options: Any) -> Settings:
    """Return the settings of a command line beside a configuration and VETGATE_EXECUTION."""
    (folder / "vetgate.yaml").write_text(text, encoding="utf-8")
    return gather(flags(**options), folder, {"VETGATE_EXECUTION": variable})


def test_a_configuration_and_a_variable_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "vetgate.yaml").write_text("execution: {provider: XNNPACK, options: {a: 1}}\n", encoding="utf-8")
    variables = {"VETGATE_EXECUTION": "provider=builtin", "VETGATE_REFERENCE_EXECUTION": "provider=CPU, options.a=1"}
    found = gather(flags(), tmp_path, variables)
    assert found.execution == ExecutionOptions(provider="XNNPACK", options={"a": 1})
    assert found.reference_execution == ExecutionOptions(provider="CPU", options={"a": 1})


@pytest.mark.parametrize("setting", SETTINGS)
def test_flags_file_and_variable_are_one_option_by_option(tmp_path: Path, setting: str) -> None:
    (tmp_path / "vetgate.yaml").write_text(f"{setting}: {{threads: 2, options: {{a: 1, b: 1}}}}\n", encoding="utf-8")
    variables = {f"VETGATE_{setting.upper()}": "provider=XNNPACK,threads=8,options.b=2,options.c=2,batch=3"}
    found = gather(flags(**{setting: ("precision=float16", "options.a=0")}), tmp_path, variables)
    assert getattr(found, setting) == ExecutionOptions(
        provider="XNNPACK", precision="float16", threads=2, batch=3, options={"a": 0, "b": 1, "c": 2}
    )


def test_a_demand_of_the_file_is_not_lost_for_a_flag_that_asks_for_something_else(tmp_path: Path) -> None:
    found = configured(tmp_path, "execution: {provider: XNNPACK, fallback: forbidden}\n", execution=("threads=1",))
    assert found.execution == ExecutionOptions(provider="XNNPACK", fallback="forbidden", threads=1)


def test_a_file_allows_no_fallback_from_a_provider_that_a_flag_names(tmp_path: Path) -> None:
    text = "execution: {provider: builtin, fallback: allowed}\n"
    named = configured(tmp_path, text, execution=("provider=XNNPACK",)).execution
    assert named == ExecutionOptions(provider="XNNPACK")
    assert named.forbids_fallback
    both = configured(tmp_path, text, execution=("provider=XNNPACK", "fallback=allowed")).execution
    assert both == ExecutionOptions(provider="XNNPACK", fallback="allowed")
    strict = configured(tmp_path, "execution: {fallback: forbidden}\n", execution=("provider=XNNPACK",)).execution
    assert strict == ExecutionOptions(provider="XNNPACK", fallback="forbidden")


@pytest.mark.parametrize(
    ("text", "variable", "options", "of_all", "of_this"),
    [
        ("execution: {threads: 3}", "threads=2", {"threads": 1}, 1, None),
        ("threads: 1", "threads=2", {}, 1, None),
        ("threads: 1\nexecution: {threads: 3}", "threads=2", {}, 1, 3),
        ("threads: 1", "threads=2", {"execution": ("threads=4",)}, 1, 4),
        ("execution: {threads: 3}", "threads=2", {}, None, 3),
    ],
)
def test_threads_of_a_higher_place_count_whichever_way_they_are_said(
    tmp_path: Path, text: str, variable: str, options: dict[str, Any], of_all: int | None, of_this: int | None
) -> None:
    found = configured(tmp_path, f"{text}\n", f"provider=XNNPACK,{variable}", **options)
    assert (found.threads, found.execution) == (of_all, ExecutionOptions(provider="XNNPACK", threads=of_this))


def test_a_mistake_in_a_variable_names_the_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="variable VETGATE_EXECUTION threads must be a valid integer"):
        gather(flags(), tmp_path, {"VETGATE_EXECUTION": "threads=two"})


def test_a_list_where_options_are_due_is_told_without_names_of_ours(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"vetgate\.yaml:1: execution: expected `key: value` pairs \(got \['provider'"):
        configured(tmp_path, "execution: [provider, CPU]\n")
    with pytest.raises(UsageError, match=r"vetgate\.yaml:1: cards: expected `key: value` pairs \(got 'a\.yaml'"):
        configured(tmp_path, "cards: a.yaml\n")


def test_a_typo_in_a_configuration_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "vetgate.yaml").write_text("execution:\n  provder: XNNPACK\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"vetgate\.yaml:2: execution\.provder: unknown key; did you mean 'provider'"):
        gather(flags(), tmp_path, {})


def test_how_a_latency_reference_is_run_needs_a_latency_reference() -> None:
    with pytest.raises(UsageError, match="latency reference is run is given, but none is named"):
        to_request(("c",), flags(reference="r", latency_reference_execution=("threads=1",)), ())

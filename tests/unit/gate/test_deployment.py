"""What card and run ask of how a model runs, who can be asked for it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from vetgate.artifacts.cards import parse_card
from vetgate.domain.artifact import Artifact, Member
from vetgate.domain.card import Card
from vetgate.domain.deployment import Asked, Deployment, ExecutionOptions, told
from vetgate.domain.errors import CardError, Inconclusive
from vetgate.domain.model import Execution, OpenOptions, Placed
from vetgate.gate.deployment import (
    as_asked,
    choose_backend,
    offered_words,
    require_as_asked,
    require_unasked,
    uses_accelerator,
)
from vetgate.gate.pins import Pins
from vetgate.host import Host, Kind, Offer, find_plugins

CARD = """\
version: 1
input: {size: [8, 8], resize: none, colour: rgb, scale: 1, mean: [0], std: [1], layout: NCHW}
output: {kind: logits}
"""
PLAIN = "5f8e57ffdb11e54dd66bd03f5c0403f0508982691cd70244c3fe2a1936650506"
"""Digest of this card, and that with `execution: {runtime: openvino}`, before there were other options."""
WITH_RUNTIME = "aa01aa7bd2278da611f419349d3d17d915f5d171086a50e55f19799b9a2e1ce0"


def card(execution: str = "") -> Card:
    """Return a card that asks for something."""
    return parse_card(CARD + (f"execution: {execution}\n" if execution else ""), "a test").card


@pytest.fixture(scope="module")
def host() -> Host:
    """Return the plugins that are installed."""
    return find_plugins()


def choose(host: Host, backend: str, file_format: str, **wanted: Any) -> Offer:
    """Return who opens a file of a format as a card wants it."""
    usual = host.offer(Kind.BACKEND, backend)
    assert usual is not None
    asked = Deployment.model_validate(wanted)
    return choose_backend("candidate m", artifact(backend, file_format), usual, asked, host)


def artifact(backend: str = "onnx", file_format: str = "onnx") -> Artifact:
    """Return a file of a format."""
    member = Member(name="m", sha256="0" * 64, size=1)
    return Artifact(name="m", path="/m", format=file_format, backend=backend, members=(member,))


def ran(provider: str = "XNNPACK", threads: int = 1, **placed: int) -> Execution:
    """Return what ran, with so many operators on each provider."""
    places = tuple(Placed(provider=name, operators=count) for name, count in placed.items())
    return Execution(
        runtime="litert", version="1", provider=provider, threads=threads, precision="float32", placed=places
    )


def test_the_run_stands_over_the_card_option_by_option() -> None:
    run = ExecutionOptions(provider="builtin", options={"b": 2}, batch=4)
    both = as_asked(card("{provider: XNNPACK, threads: 3, options: {a: 1, b: 1}}"), run, None)
    assert both.execution == Deployment(provider="builtin", threads=3, options={"a": 1, "b": 2})
    assert both.batch == 4


def test_threads_of_every_model_stand_over_the_card_and_under_those_of_this_model() -> None:
    own = card("{threads: 3}")
    assert as_asked(own, ExecutionOptions(), 2).execution == Deployment(threads=2)
    assert as_asked(own, ExecutionOptions(threads=5), 2).execution == Deployment(threads=5)
    assert as_asked(card(), ExecutionOptions(), 2).execution is None


def test_what_was_asked_tells_who_asked_and_what_was_overruled() -> None:
    own = card("{provider: XNNPACK, threads: 2}").execution
    assert list(told(own, ExecutionOptions(threads=4, options={"a": 1}))) == [
        Asked(option="provider", value="XNNPACK", by="card"),
        Asked(option="threads", value="2", by="card", heeded=False),
        Asked(option="threads", value="4", by="run"),
        Asked(option="options.a", value="1", by="run"),
    ]


def test_cards_from_before_there_were_these_options_keep_their_digests() -> None:
    plain = parse_card(CARD, "a test").sha256
    assert plain == PLAIN
    assert parse_card(f"{CARD}execution: {{runtime: openvino}}\n", "a test").sha256 == WITH_RUNTIME
    threads = {parse_card(f"{CARD}execution: {{threads: {count}}}\n", "a test").sha256 for count in (1, 2)}
    assert len(threads) == 2


@pytest.mark.parametrize(
    ("backend", "file_format", "wanted", "why"),
    [
        ("litert", "tflite", {"provider": "XNNPAK"}, "can be asked for XNNPACK, builtin; did you mean 'XNNPACK'"),
        ("torch", "torchscript", {"provider": "cuda"}, "backend 'torch' can be asked for none"),
        ("onnx", "onnx", {"options": {"device": 1}}, "has the options graph_optimization, device_id"),
        ("onnx", "onnx", {"options": {"graph_optimization": "some"}}, "must be disabled, basic, extended or all"),
        ("onnx", "onnx", {"precision": "float16"}, "execution.precision float16, and backend 'onnx'"),
        ("triton", "triton", {"threads": 2}, "backend 'triton' cannot be asked for threads"),
        ("onnx", "onnx", {"runtime": "ncnn"}, "does not open onnx here; onnx and openvino can"),
    ],
)
def test_what_a_backend_cannot_be_asked_for_is_refused_with_what_it_can(
    host: Host, backend: str, file_format: str, wanted: dict[str, Any], why: str
) -> None:
    with pytest.raises(CardError) as error:
        choose(host, backend, file_format, **wanted)
    assert why in error.value.message
    assert error.value.message.startswith("candidate m: the card asks for execution.")


def test_who_asks_is_named(host: Host) -> None:
    usual = host.offer(Kind.BACKEND, "litert")
    assert usual is not None
    wanted = Deployment(provider="GPU")
    with pytest.raises(CardError, match=r"the run asks for execution\.provider GPU"):
        choose_backend("candidate m", artifact("litert", "tflite"), usual, wanted, host, wanted)


def test_a_provider_that_leaves_operators_to_others_is_refused_unless_that_is_allowed() -> None:
    partly = ran(XNNPACK=9, builtin=2)
    with pytest.raises(Inconclusive, match="XNNPACK alone, and its operators run so: 9 on XNNPACK, 2 on builtin"):
        require_as_asked("candidate m", Deployment(provider="XNNPACK"), partly)
    require_as_asked("candidate m", Deployment(provider="XNNPACK", fallback="allowed"), partly)
    require_as_asked("candidate m", Deployment(threads=1), partly)
    require_as_asked("candidate m", Deployment(provider="XNNPACK"), ran(XNNPACK=11))


def test_a_runtime_that_says_nothing_of_its_operators_is_taken_at_the_name_of_its_provider() -> None:
    require_as_asked("candidate m", Deployment(provider="CPU"), ran("CPU"))
    for elsewhere in ("unknown", "CPU, GPU", "GPU"):
        with pytest.raises(Inconclusive, match="says that it runs on"):
            require_as_asked("candidate m", Deployment(provider="CPU"), ran(elsewhere))


def test_fallback_can_be_forbidden_without_naming_a_provider() -> None:
    with pytest.raises(Inconclusive, match="one provider alone"):
        require_as_asked("candidate m", Deployment(fallback="forbidden"), ran(XNNPACK=9, builtin=2))
    require_as_asked("candidate m", Deployment(fallback="forbidden"), ran(XNNPACK=9))


def test_a_card_allows_no_fallback_from_a_provider_that_the_run_names() -> None:
    asked = ExecutionOptions(provider="XNNPACK")
    theirs = card("{provider: builtin, fallback: allowed}")
    wanted = as_asked(theirs, asked, None).execution
    assert wanted is not None
    assert wanted.forbids_fallback
    assert Asked(option="fallback", value="allowed", by="card", heeded=False) in told(theirs.execution, asked)
    wanted = as_asked(theirs, ExecutionOptions(threads=2), None).execution
    assert wanted is not None
    assert not wanted.forbids_fallback


def test_another_number_of_threads_than_asked_for_is_refused() -> None:
    with pytest.raises(Inconclusive, match="with 4 threads, and litert runs it with 1"):
        require_as_asked("candidate m", Deployment(threads=4), ran())


@pytest.mark.parametrize(
    "asked",
    [
        {"provider": "XNNPACK"},
        {"precision": "float16"},
        {"threads": 2},
        {"fallback": "allowed"},
        {"options": {"graph_optimization": "basic"}},
    ],
)
def test_answers_are_kept_apart_by_everything_that_was_asked(asked: dict[str, Any]) -> None:
    def key(execution: Deployment | None) -> str:
        return Pins(artifact(), "0" * 64, OpenOptions(), execution, "", {}).key("answers")

    assert key(Deployment.model_validate(asked)) not in (key(None), key(Deployment()))


def test_only_a_model_that_asks_for_an_accelerator_may_use_one(host: Host) -> None:
    offer = host.offer(Kind.BACKEND, "onnx")
    assert offer is not None
    assert uses_accelerator(offer, Deployment(provider="CUDAExecutionProvider"))
    for wanted in (None, Deployment(), Deployment(provider="CPUExecutionProvider"), Deployment(threads=2)):
        assert not uses_accelerator(offer, wanted)


def test_nothing_can_be_asked_of_a_candidate_that_is_loaded_into_a_server() -> None:
    require_unasked("candidate m", None, "triton")
    require_unasked("candidate m", Deployment(), "triton")
    with pytest.raises(CardError, match="triton, which it is loaded into, runs it in its own way"):
        require_unasked("candidate m", Deployment(threads=2), "triton")


def test_what_may_be_asked_for_is_told_of_the_runtime_that_opens_the_file_and_others_by_name(host: Host) -> None:
    several = offered_words(artifact(), host)
    assert several.startswith("runtime onnx, or openvino; of onnx: provider CPUExecutionProvider, ")
    assert "(those that the installed runtime and the machine have)" in several
    assert offered_words(artifact("litert", "tflite"), host) == "provider XNNPACK, builtin; threads"

"""Some 20 s of fuzzing with fixed choices; `benchmarks/fuzz` goes on where this ends, guided by coverage.

With VETGATE_FUZZ_EXAMPLES=N hypothesis draws N documents for each test, others in every run.
Whatever is read, it is taken or refused with one of the project's own errors; nothing else is raised, in 10 s each.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vetgate.domain.errors import VetgateError

EXAMPLES = os.environ.get("VETGATE_FUZZ_EXAMPLES")
LONGEST = 10.0
"""Seconds of one input."""
INPUTS = {
    "policy": 25, "report": 10, "card": 60, "attestation": 150, "statement": 150,
    "onnx": 40, "tflite": 60, "pt": 40, "pt2": 25, "safetensors": 60,
    "mnn": 60, "ncnn": 100, "ir": 60, "keras": 25, "pte": 40,
}  # fmt: skip
"""How many changed seeds each target is given, so that each takes some 2 s."""
KEYS = (
    *("version", "name", "extends", "metrics", "metric", "of", "at_least", "at_most", "by", "slice", "confidence"),
    *("findings", "halt_at", "waivers", "rule", "reason", "owner", "expires", "scan", "isolation", "input", "output"),
    *("size", "resize", "to", "interpolation", "crop", "colour", "scale", "mean", "std", "layout", "kind", "classes"),
    *("offset", "batch", "architecture"),
)
WORDS = ("accuracy.top1", "-1pp", "99%", "1%rel", "edge", "smoke", "required", "logits", "rgb", "NCHW", "1/255")
PLAIN = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=12), st.dates()),
    *(st.sampled_from(KEYS), st.sampled_from(WORDS)),
)
TREES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=20,
)
QUIET = settings(
    max_examples=int(EXAMPLES or 40),
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def _require_refused_or_read(name: str, data: bytes) -> None:
    from fuzz_targets import TARGETS

    start = time.monotonic()
    with suppress(VetgateError):
        TARGETS[name].run(data)
    assert time.monotonic() - start < LONGEST


def _require_libraries(name: str, need: Any) -> None:
    for library in _libraries(name):
        need(library, there=find_spec(library) is not None)


def _libraries(name: str) -> tuple[str, ...]:
    from fuzz_targets import TARGETS

    libraries: tuple[str, ...] = TARGETS[name].libraries
    return libraries


@pytest.mark.parametrize("name", INPUTS)
def test_every_seed_is_read(name: str, need: Any) -> None:
    """A seed that is refused early would leave what lies behind unfuzzed."""
    from fuzz_seeds import SEEDS
    from fuzz_targets import TARGETS

    _require_libraries(name, need)
    seeds = SEEDS[name]()
    assert seeds
    for seed in seeds:
        TARGETS[name].run(seed)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", INPUTS)
def test_a_changed_file_is_read_or_refused_and_raises_nothing_else(name: str, need: Any) -> None:
    from fuzz_mutation import STRUCTURED, change_bytes, change_text
    from fuzz_seeds import SEEDS

    _require_libraries(name, need)
    seeds = SEEDS[name]()
    for number in range(INPUTS[name]):
        seed = seeds[number % len(seeds)]
        most = 2 * len(seed) + 64
        if name in STRUCTURED:
            changed = STRUCTURED[name](seed, most, number, change_bytes)
        else:
            changed = (change_bytes if _libraries(name) or number % 3 == 0 else change_text)(seed, most, number)
        _require_refused_or_read(name, changed)


@pytest.mark.parametrize("name", ["policy", "card"])
@given(tree=TREES)
@QUIET
def test_any_tree_of_known_keys_is_read_or_refused(name: str, tree: Any) -> None:
    _require_refused_or_read(name, yaml.safe_dump(tree, allow_unicode=True).encode(errors="surrogatepass"))


@pytest.mark.parametrize("name", ["report", "attestation", "statement"])
@given(tree=TREES, place=st.integers(0, 10**6))
@QUIET
def test_a_document_with_any_value_anywhere_is_read_or_refused(name: str, tree: Any, place: int) -> None:
    from fuzz_seeds import SEEDS

    document = json.loads(_cached(name, SEEDS)[-1])
    holders = list(_holders(document))
    holder, key = holders[place % len(holders)]
    holder[key] = tree
    _require_refused_or_read(name, json.dumps(document, default=str, separators=(",", ":")).encode() + b"\n")


@given(data=st.binary(max_size=300))
@QUIET
def test_any_bytes_are_refused(data: bytes) -> None:
    for name in sorted(INPUTS.keys() - {"pt", "pt2", "keras"}):
        if all(find_spec(library) for library in _libraries(name)):
            _require_refused_or_read(name, data)


_SEEDS: dict[str, list[bytes]] = {}


def _cached(name: str, seeds: Any) -> list[bytes]:
    if name not in _SEEDS:
        _SEEDS[name] = seeds[name]()
    return _SEEDS[name]


def _holders(value: Any) -> Any:
    """Yield (container, key) of everything inside a document."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _holders(value[key])


def test_names_in_an_onnx_file_that_are_no_text_are_refused(need: Any) -> None:
    """Found by the fuzzer: protobuf hands them over as bytes, which sorting and records do not take."""
    from fuzz_seeds import SEEDS

    _require_libraries("onnx", need)
    seed = SEEDS["onnx"]()[2]
    assert b"own" in seed
    _require_refused_or_read("onnx", seed.replace(b"own", b"o\x88\xd1"))
    assert sys.modules["fuzz_targets"]


def test_a_policy_that_extends_a_name_longer_than_any_file_is_refused() -> None:
    """Found by the fuzzer: the system then raises instead of saying that there is no such file."""
    for name in ("a" * 5000, f"{'a' * 5000}.yaml", f"{'a/' * 3000}b"):
        _require_refused_or_read("policy", f"version: 1\nname: p\nextends: {name}\nmetrics: []\n".encode())

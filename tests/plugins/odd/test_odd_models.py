"""Odd models answer as their numbers say, and are counted for what they are: one row a kind and format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plugins.litert import tiny_tflite
from tests.plugins.odd import network, onnx_models, tflite_models
from tests.plugins.onnx import tiny_onnx
from vetgate.api import CardError, Structure

COUNT = 10
"""More than the batch of eight, and no multiple of a fixed four."""
NONE, EXACT = 0.0, 1e-4
HALF, WHOLE16, WHOLE8 = 0.05, 0.02, 0.6
"""Most that logits of up to 30 may be off: float16's 11 bits through two layers, steps of 16 and of 8 bits."""


@dataclass(frozen=True)
class Case:
    """A model, how it is fed, and what is true of it."""

    name: str
    make: Callable[[], bytes]
    off: float = EXACT
    """Most that answers may differ from what the stored weights mean in float64."""
    meant: Callable[[], dict[str, NDArray[np.float32]]] = network.weights
    card: dict[str, Any] = field(default_factory=dict)
    raw: bool = False
    """Whether the card leaves pixels at 0 to 255."""
    precision: str = "float32"
    bits: float = 32.0
    """Of the weights of the classifier."""


def _four(*, unsigned: bool = False) -> dict[str, NDArray[np.float32]]:
    return onnx_models.small_weights(4, unsigned=unsigned)[1]


SHARES = {"output": {"kind": "probabilities"}}
ONNX = (
    Case("float16 inside", lambda: onnx_models.half(ports=False), HALF, precision="float16", bits=16),
    Case("float16 throughout", lambda: onnx_models.half(ports=True), HALF, precision="float16", bits=16),
    Case("fixed batch of 4", lambda: onnx_models.plain(batch=4)),
    Case("free height and width", lambda: onnx_models.plain(height="H", width="W")),
    Case("int4 weights", lambda: onnx_models.small_weights(4)[0], 0.6, _four, bits=4),
    Case("uint4 weights", lambda: onnx_models.small_weights(4, unsigned=True)[0], 0.6, _four, bits=4),
    Case(
        "int4 weights by blocks",
        lambda: onnx_models.blocks(packed=False)[0],
        meant=lambda: onnx_models.blocks(packed=False)[1],
        bits=4,
    ),
    Case(
        "MatMulNBits",
        lambda: onnx_models.blocks(packed=True)[0],
        meant=lambda: onnx_models.blocks(packed=True)[1],
        bits=4,
    ),
    Case("int8 by channel", lambda: onnx_models.quantised("int8"), WHOLE8, precision="int8", bits=8),
    Case("uint8 in and out", lambda: onnx_models.quantised("uint8", ports=True), WHOLE8, precision="int8", bits=8),
    Case(
        "int16 activations",
        lambda: onnx_models.quantised("int16"),
        WHOLE16,
        lambda: tflite_models.meant(8),
        precision="int16 by int8",
        bits=8,
    ),
    Case(
        "int16 in and out",
        lambda: onnx_models.quantised("int16", ports=True),
        WHOLE16,
        lambda: tflite_models.meant(8),
        precision="int16 by int8",
        bits=8,
    ),
    Case("softmax inside", onnx_models.soft, card=SHARES),
    Case(
        "quantised softmax",
        lambda: onnx_models.quantised("uint8", ports=True, probabilities=True),
        0.05,
        card=SHARES,
        precision="int8",
        bits=8,
    ),
    Case("own scaling of bytes", onnx_models.own_scaling, card={"layout": "NHWC"}, raw=True),
    Case("own scaling of floats", onnx_models.float_scaling, raw=True),
    Case("one of three outputs", onnx_models.several, card={"output": {"name": "scores"}}),
)
TFLITE = (
    Case("float16 weights", lambda: tflite_models.floating(weight="float16"), HALF, bits=16),
    Case(
        "dynamic int8",
        lambda: tflite_models.floating(weight="int8"),
        WHOLE8,
        lambda: tflite_models.meant(8),
        precision="int8 weights, activations quantised as it runs",
        bits=8,
    ),
    Case(
        "dynamic int4",
        lambda: tflite_models.floating(weight="int4"),
        WHOLE8,
        lambda: tflite_models.meant(4),
        precision="int4 weights, activations quantised as it runs",
        bits=4,
    ),
    Case("int8 by channel", tflite_models.integer, WHOLE8, precision="int8", bits=8),
    Case(
        "int8 by int4",
        lambda: tflite_models.integer(weight="int4"),
        WHOLE8,
        lambda: tflite_models.meant(4),
        precision="int8 by int4",
        bits=4,
    ),
    Case(
        "int16 activations",
        lambda: tflite_models.integer("int16"),
        WHOLE16,
        lambda: tflite_models.meant(8),
        precision="int16 by int8",
        bits=8,
    ),
    Case(
        "int16 by int4",
        lambda: tflite_models.integer("int16", weight="int4"),
        WHOLE16,
        lambda: tflite_models.meant(4),
        precision="int16 by int4",
        bits=4,
    ),
    Case("uint8 in and out", lambda: tflite_models.integer(ports="uint8"), WHOLE8, precision="int8", bits=8),
    Case("int8, stored batch of 4", lambda: tflite_models.integer(batch=4), WHOLE8, precision="int8", bits=8),
    Case("fixed batch of 4", lambda: tflite_models.floating(batch=4, free=False)),
    Case("free height and width", lambda: tflite_models.floating(side=None)),
    Case("channels first", lambda: tflite_models.floating(planes=True), card={"layout": "NCHW"}),
    Case("own scaling of bytes", lambda: tflite_models.floating(before="cast"), raw=True),
    Case("own scaling of floats", lambda: tflite_models.floating(before="scale"), raw=True),
    Case("softmax inside", lambda: tflite_models.floating(softmax=True), card=SHARES),
    Case(
        "quantised softmax", lambda: tflite_models.integer(softmax=True, ports="uint8"), 0.05, card=SHARES,
        precision="int8", bits=8,
    ),
    Case(
        "one of three outputs", lambda: tflite_models.floating(several=True), card={"output": {"name": "scores"}}
    ),
)  # fmt: skip
ROWS = [
    *(pytest.param(tiny_onnx, case, id=f"onnx, {case.name}") for case in ONNX),
    *(pytest.param(tiny_tflite, case, id=f"tflite, {case.name}") for case in TFLITE),
]


def card_of(kind: ModuleType, case: Case) -> Any:
    return kind.make_card(**({"scale": 1} if case.raw else {}), **case.card)


def written(kind: ModuleType, case: Case, folder: Path) -> Path:
    path = folder / ("model.onnx" if kind is tiny_onnx else "model.tflite")
    path.write_bytes(case.make())
    return path


def fed(card: Any, *, raw: bool) -> NDArray[np.float32]:
    """Return images as the gate makes them by a card."""
    pictures = network.pixels(COUNT).astype(np.float32) / (1 if raw else 255)
    return np.ascontiguousarray(pictures if card.input.layout == "NHWC" else pictures.transpose(0, 3, 1, 2))


def truth(case: Case) -> NDArray[np.floating[Any]]:
    scores = network.logits(network.pixels(COUNT) / 255, case.meant())
    return network.softmax(scores) if case.card is SHARES else scores


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_answers_are_what_the_stored_weights_mean_and_features_are_read(
    kind: ModuleType, case: Case, tmp_path: Path
) -> None:
    path, card = written(kind, case, tmp_path), card_of(kind, case)
    images = fed(card, raw=case.raw)
    with kind.opened(path, card, batch_size=8) as model:
        answers = np.concatenate([model.predict(images[:8]), model.predict(images[8:])])
        np.testing.assert_allclose(answers, truth(case), atol=case.off)
        assert model.execution.precision == case.precision
        taps = {tap.name: tap for tap in model.taps()}
        (features,) = (tap for tap in taps.values() if tap.features)
        (spatial,) = (tap for tap in taps.values() if tap.spatial)
        assert features.shape in ((network.FILTERS,), (network.FILTERS, 1, 1))
        assert spatial.shape == (network.FILTERS, network.OUT, network.OUT)
        read = model.capture(images, [features.name, spatial.name])
        assert read[spatial.name].shape == (COUNT, *spatial.shape)
        means = read[spatial.name].mean(axis=(2, 3))
        np.testing.assert_allclose(read[features.name].reshape(COUNT, -1), means, atol=max(0.15, case.off))


@pytest.mark.parametrize(("kind", "case"), ROWS)
def test_parameters_zeros_bits_and_multiply_accumulates_are_those_of_the_network(
    kind: ModuleType, case: Case, tmp_path: Path
) -> None:
    structure: Structure = kind.describe(written(kind, case, tmp_path), card_of(kind, case))
    learned = [tensor for tensor in structure.tensors if tensor.kind != "state"]
    assert structure.macs == network.MACS
    assert sum(tensor.elements for tensor in learned) == network.PARAMS
    weights = [tensor for tensor in learned if len(tensor.shape) > 1]
    stored = sum(int(np.count_nonzero(case.meant()[name])) for name in ("conv.w", "fc.w"))
    if case.bits < 16 and case.meant is network.weights:
        stored = sum(int(np.count_nonzero(tflite_models.meant(8)[name])) for name in ("conv.w", "fc.w"))
    assert sum(tensor.nonzero for tensor in weights) == stored
    (classifier,) = (tensor for tensor in weights if tensor.elements == network.FILTERS * network.CLASSES)
    assert classifier.bits == case.bits
    assert (structure.own_scaling is not None) == case.raw


@pytest.mark.parametrize(
    ("kind", "make"),
    [(tiny_onnx, onnx_models.several), (tiny_tflite, lambda: tflite_models.floating(several=True))],
    ids=["onnx", "tflite"],
)
def test_outputs_that_the_card_does_not_settle_are_listed_with_their_shapes(
    kind: ModuleType, make: Callable[[], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "model"
    path.write_bytes(make())
    for card in (kind.make_card(), kind.make_card(output={"name": "logits"})):
        with pytest.raises(CardError) as caught, kind.opened(path, card):
            pass
        assert "scores [? x 10]" in caught.value.message
        assert "best [?]" in caught.value.message
        assert "output: {name: ...}" in (caught.value.hint or "")


def test_onnxruntime_rounds_what_small_weights_are_multiplied_with_and_the_report_says_so(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for make, rounds in ((onnx_models.small_weights(4), True), (onnx_models.blocks(packed=False), False)):
        path.write_bytes(make[0])
        images = fed(tiny_onnx.make_card(), raw=False)
        with tiny_onnx.opened(path, tiny_onnx.make_card(), batch_size=COUNT) as model:
            off = np.abs(model.predict(images) - network.logits(network.pixels(COUNT) / 255, make[1])).max()
            assert (off > 0.01) == rounds
            assert any("rounds activations to int8" in note for note in model.execution.notes) == rounds
            assert any("weights stored as int4" in note for note in model.execution.notes)


def test_without_a_card_the_arithmetic_of_a_free_size_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(tflite_models.floating(side=None))
    assert tiny_tflite.describe(path).macs is None
    assert tiny_tflite.describe(path, tiny_tflite.make_card(size=[12, 12])).macs == 5 * 5 * 8 * 27 + 80

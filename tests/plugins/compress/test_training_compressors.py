from __future__ import annotations

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn
from vetgate_compress.distil import Distil, distil, distillation_loss, reset
from vetgate_compress.layers import find_layers
from vetgate_compress.training import crop_and_flip
from vetgate_compress.transfer import Transfer, transfer

from vetgate.api import Bench, Card, Inconclusive, Setting, TrainingSet, UsageError, WorkerFailed

SIDE, CLASSES, IMAGES = 8, 3, 96
MakeBench = Callable[..., Bench]
State = dict[str, torch.Tensor]


class Tiny(nn.Module):
    """Declares its classifier first, so that only running it tells the order of its layers."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(6, CLASSES)
        self.middle = nn.Sequential(nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6))
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.middle(torch.relu(self.stem(images))))
        scores: torch.Tensor = self.classifier(features.mean((2, 3)))
        return scores


def tiny(seed: int) -> Tiny:
    """Return the network with weights and statistics that tell it from that of any other seed."""
    torch.manual_seed(seed)
    model = Tiny()
    with torch.no_grad():
        model(torch.randn(32, 1, SIDE, SIDE) * (1 + seed))
    return model.eval()


def stripes() -> TrainingSet:
    """Return images whose class is their brightness."""
    generator = np.random.default_rng(0)
    labels = generator.integers(CLASSES, size=IMAGES)
    pixels = generator.integers(60, size=(IMAGES, SIDE, SIDE, 1)) + 80 * labels[:, None, None, None]
    return TrainingSet(pixels.astype(np.uint8), labels)


def card(**output: Any) -> Card:
    content = {
        "version": 1,
        "input": {
            "size": [SIDE, SIDE],
            "resize": "none",
            "colour": "grey",
            "scale": 1 / 255,
            "mean": [0.5],
            "std": [0.25],
            "layout": "NCHW",
        },
        "output": {"kind": "logits", **output},
    }
    return Card.model_validate(content)


def normalise(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return ((pixels.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.25).astype(np.float32)


@pytest.fixture
def make_bench(tmp_path: Path) -> MakeBench:
    def make(**changes: Any) -> Bench:
        settings: dict[str, Setting] = {"epochs": 1, "batch": 32, "augment": "none", **changes.pop("settings", {})}
        bench = Bench(
            source=tmp_path / "reference.pt",
            output=tmp_path / "variant.onnx",
            card=card(),
            module=lambda: tiny(0),
            donor=None,
            initial=lambda: tiny(5),
            calibration=None,
            training=stripes(),
            normalise=normalise,
            settings=settings,
            seed=1,
            threads=1,
            tell=lambda _what, _done, _total: None,
        )
        return replace(bench, **changes)

    return make


def same(one: State, other: State) -> bool:
    return all(torch.equal(one[name], other[name]) for name in other)


def distilled(bench: Bench) -> State:
    return distil(bench)[0].state_dict()


def test_the_loss_is_that_of_a_hand_computed_example() -> None:
    # one image, two classes; at T = 3 the student says (1/2, 1/2), the teacher (3/4, 1/4)
    logits, taught = torch.zeros(1, 2), torch.tensor([[3 * math.log(3), 0.0]])

    loss = distillation_loss(logits, taught, torch.tensor([0]), alpha=0.4, temperature=3.0)

    kl = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert loss.item() == pytest.approx(0.4 * math.log(2) + 0.6 * 9 * kl, rel=1e-6)


def test_the_square_of_the_temperature_keeps_the_soft_gradient_from_vanishing() -> None:
    taught = torch.tensor([[1.0, -1.0, 0.3]])
    gradients = []
    for temperature in (20.0, 40.0):
        logits = torch.tensor([[0.5, 0.2, -0.1]], requires_grad=True)
        loss = distillation_loss(logits, taught, torch.tensor([0]), alpha=0.0, temperature=temperature)
        gradients.append(torch.autograd.grad(loss, logits)[0])

    torch.testing.assert_close(gradients[0], gradients[1], rtol=0.05, atol=1e-3)


@given(st.floats(0, 1), st.floats(0.5, 20), st.integers(0, 999))
def test_the_loss_is_least_where_student_and_teacher_agree_with_the_label(
    alpha: float, temperature: float, seed: int
) -> None:
    taught = torch.randn(4, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    labels = taught.argmax(1)

    equal = distillation_loss(taught, taught, labels, alpha, temperature)

    assert equal.item() == pytest.approx(alpha * nn.functional.cross_entropy(taught, labels).item(), abs=1e-9)
    assert distillation_loss(-taught, taught, labels, alpha, temperature) >= equal - 1e-9


def test_at_alpha_one_the_teacher_does_not_matter(make_bench: MakeBench) -> None:
    one, other = (distilled(make_bench(module=lambda seed=seed: tiny(seed), settings={"alpha": 1})) for seed in (0, 9))

    assert same(one, other)


def test_at_alpha_zero_the_labels_do_not_matter_and_may_be_missing(make_bench: MakeBench) -> None:
    images = stripes()
    assert images.labels is not None
    turned = TrainingSet(images.pixels, (images.labels + 1) % CLASSES)
    unlabelled = TrainingSet(images.pixels, None)

    states = [
        distilled(make_bench(training=training, settings={"alpha": 0})) for training in (images, turned, unlabelled)
    ]

    assert same(states[0], states[1])
    assert same(states[0], states[2])


def test_between_them_both_matter(make_bench: MakeBench) -> None:
    images = stripes()
    assert images.labels is not None
    turned = TrainingSet(images.pixels, (images.labels + 1) % CLASSES)

    plain = distilled(make_bench())

    assert not same(plain, distilled(make_bench(training=turned)))
    assert not same(plain, distilled(make_bench(module=lambda: tiny(9))))


def test_the_student_starts_from_the_teachers_initial_weights(make_bench: MakeBench) -> None:
    student, made = distil(make_bench(settings={"epochs": 0}))

    assert same(student.state_dict(), tiny(5).state_dict())
    assert "the teacher's training started from" in made.notes[0]


def test_without_initial_weights_they_are_drawn_by_the_seed_and_a_note_says_so(make_bench: MakeBench) -> None:
    bench = make_bench(initial=None, settings={"epochs": 0})
    student, made = distil(bench)
    again = distilled(bench)
    other = distilled(replace(bench, seed=2))

    assert "fresh random weights" in made.notes[0]
    assert same(student.state_dict(), again)
    assert not torch.equal(again["classifier.weight"], other["classifier.weight"])
    assert not torch.equal(again["classifier.weight"], tiny(0).state_dict()["classifier.weight"])
    assert torch.equal(again["stem.1.running_mean"], torch.zeros(4))


def test_weights_that_no_layer_can_draw_anew_are_named() -> None:
    class Token(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.token = nn.Parameter(torch.zeros(2))

    with pytest.raises(Inconclusive, match=r"inner\.token cannot be drawn anew"):
        reset(nn.ModuleDict({"inner": Token()}), 0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_same_seed_gives_the_same_weights_and_another_one_others(precision: str, make_bench: MakeBench) -> None:
    bench = make_bench(settings={"precision": precision, "augment": "crop-flip"})

    first = distilled(bench)

    assert same(first, distilled(bench))
    assert not same(first, distilled(replace(bench, seed=2)))


def test_distilling_leaves_the_random_state_alone(make_bench: MakeBench) -> None:
    bench = make_bench(initial=None)
    model = tiny(0)
    bench = replace(bench, module=lambda: deepcopy(model))
    before = torch.get_rng_state()

    distil(bench)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
def test_a_student_learns_and_reaches_the_onnx_file(alpha: float, make_bench: MakeBench) -> None:
    told: list[tuple[str, int, int]] = []
    images = stripes()
    settings: dict[str, Setting] = {"alpha": 1, "epochs": 12, "precision": "float32"}
    bench = make_bench(settings=settings)
    right = distil(bench)[0]  # a teacher that is right, trained on the labels
    bench = replace(
        bench,
        module=lambda: deepcopy(right),
        tell=lambda *word: told.append(word),
        settings={**bench.settings, "alpha": alpha},
    )

    result = Distil().compress(bench)

    session = onnxruntime.InferenceSession(str(bench.output), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: normalise(images.pixels)})
    assert np.mean(scores.argmax(1) == images.labels) > 0.8
    assert (result.epochs, result.images) == (12, IMAGES)
    assert result.training_seconds is not None
    assert result.training_seconds > 0
    steps = [(done, total) for what, done, total in told if what.startswith("epoch")]
    assert steps[-1] == (36, 36)
    assert "loss" in told[-3][0] or "loss" in told[-1][0]


def test_a_model_of_probabilities_learns_from_their_logarithms(make_bench: MakeBench) -> None:
    def with_softmax(seed: int) -> nn.Module:
        return nn.Sequential(tiny(seed), nn.Softmax(1)).eval()

    settings: dict[str, Setting] = {"precision": "float32"}
    plain = distilled(make_bench(settings=settings))
    probable = distilled(
        make_bench(
            card=card(kind="probabilities"),
            module=lambda: with_softmax(0),
            initial=lambda: with_softmax(5),
            settings=settings,
        )
    )

    for name, value in plain.items():
        torch.testing.assert_close(probable[f"0.{name}"], value, rtol=1e-3, atol=1e-4)


def test_leading_columns_that_are_no_class_are_skipped(make_bench: MakeBench) -> None:
    images = stripes()
    assert images.labels is not None
    two = TrainingSet(images.pixels, np.minimum(images.labels, 1))

    shifted = distilled(make_bench(card=card(offset=1), training=two))
    plain = distilled(make_bench(training=TrainingSet(images.pixels, np.minimum(images.labels, 1) + 1)))

    assert same(shifted, plain)


def test_a_training_that_diverges_is_named_with_its_epoch(make_bench: MakeBench) -> None:
    bench = make_bench(settings={"learning_rate": 1e30, "epochs": 2, "precision": "float32"})

    with pytest.raises(WorkerFailed, match="diverged in epoch 1 of 2") as told:
        Distil().compress(bench)

    assert "learning_rate" in told.value.hint
    assert not bench.output.exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training": TrainingSet(stripes().pixels, None)}, "have no labels"),
        ({"training": TrainingSet(stripes().pixels, np.full(IMAGES, 7))}, "96 of 96 training images have a label"),
        ({"training": TrainingSet(stripes().pixels[:1], np.zeros(1, np.int64))}, "too few"),
        ({"initial": lambda: nn.Linear(2, 2)}, "initial weights is not of the reference's architecture"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], message: str, make_bench: MakeBench) -> None:
    with pytest.raises(UsageError, match=message):
        Distil().compress(make_bench(**changes))


def test_without_training_images_nothing_is_distilled(make_bench: MakeBench) -> None:
    with pytest.raises(Inconclusive, match="no training images"):
        Distil().compress(make_bench(training=None))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": 1.5}, "alpha is 1.5, but must be a number from 0"),
        ({"temperature": 0}, "temperature is 0, but must be a number above 0"),
        ({"epochs": 1.5}, "epochs is 1.5"),
        ({"precision": "float8"}, "must be auto, float32 or bfloat16"),
        ({"rate": 0.1}, "no setting 'rate'; it takes .*alpha.*epochs.*learning_rate.*augment"),
        ({"part": "stem"}, "no setting 'part'"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Setting], message: str, make_bench: MakeBench) -> None:
    with pytest.raises(UsageError, match=message):
        Distil().compress(make_bench(settings=settings))


def test_crops_keep_shape_and_show_parts_of_the_padded_image() -> None:
    pixels = np.random.default_rng(0).integers(1, 256, size=(200, 16, 8, 3)).astype(np.uint8)

    cut = crop_and_flip(pixels, np.random.default_rng(1))

    assert cut.shape == pixels.shape
    assert cut.dtype == np.uint8
    padded = np.pad(pixels, ((0, 0), (2, 2), (1, 1), (0, 0)))
    flips = 0
    for image, whole in zip(cut, padded, strict=True):
        places = [
            flip
            for flip in (1, -1)
            for row in range(5)
            for column in range(3)
            if np.array_equal(image[:, ::flip], whole[row : row + 16, column : column + 8])
        ]
        assert len(places) == 1
        flips += places[0] == -1
    assert 70 < flips < 130


def test_layers_are_found_in_the_order_in_which_they_are_computed() -> None:
    layers = find_layers(tiny(0), torch.zeros(2, 1, SIDE, SIDE))

    assert [layer.path for layer in layers] == ["stem.0", "middle.0", "classifier"]
    assert set(layers[0].tensors) == {"stem.0.weight", *(name for name in tiny(0).state_dict() if "stem.1." in name)}
    assert sum(len(layer.tensors) for layer in layers) == len(tiny(0).state_dict())


def test_the_inside_of_an_attention_layer_stays_beside_it() -> None:
    class Seeing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 4))
            self.last = nn.Linear(4, 2)
            self.attention = nn.MultiheadAttention(4, 2)

        def forward(self, words: torch.Tensor) -> torch.Tensor:
            scores: torch.Tensor = self.last(self.attention(words, words, words)[0] + self.token)
            return scores

    layers = find_layers(Seeing(), torch.zeros(2, 4))

    assert [layer.path for layer in layers] == ["attention", "attention.out_proj", "last"]
    assert "token" in layers[0].tensors


@pytest.mark.parametrize(
    ("part", "modules"),
    [
        ("classifier", ("classifier",)),
        ("stem", ("stem",)),
        ("first-half", ("stem",)),
        ("last-half", ("middle", "classifier")),
        ("middle", ("middle",)),
        ("middle.1", ("middle.1",)),
    ],
)
def test_a_transfer_takes_exactly_the_tensors_of_its_part(
    part: str, modules: tuple[str, ...], make_bench: MakeBench
) -> None:
    module, made = transfer(make_bench(donor=lambda: tiny(7), training=None, settings={"part": part, "epochs": 0}))

    reference, donor = tiny(0).state_dict(), tiny(7).state_dict()
    for name, value in module.state_dict().items():
        taken = name.startswith(tuple(f"{module}." for module in modules))
        assert torch.equal(value, donor[name] if taken else reference[name]), name
    assert part in made.notes[0]
    assert "nothing was trained" in made.notes[1]
    assert made.training_seconds is None


def test_a_transfer_trains_nothing_unless_asked(make_bench: MakeBench) -> None:
    bench = replace(make_bench(donor=lambda: tiny(7), training=None), settings={})

    module, made = transfer(bench)

    assert made.epochs is None
    assert torch.equal(module.state_dict()["stem.0.weight"], tiny(0).state_dict()["stem.0.weight"])
    assert torch.equal(module.state_dict()["classifier.bias"], tiny(7).state_dict()["classifier.bias"])


def test_fine_tuning_moves_the_other_layers_only(make_bench: MakeBench) -> None:
    module, made = transfer(make_bench(donor=lambda: tiny(7), settings={"part": "stem", "epochs": 2}))

    reference, donor, tuned = tiny(0).state_dict(), tiny(7).state_dict(), module.state_dict()
    for name, value in tuned.items():
        if name.startswith("stem."):
            assert torch.equal(value, donor[name]), name
        else:
            assert not torch.equal(value, reference[name]), name
    assert (made.epochs, made.images) == (2, IMAGES)
    assert not module.training


class Wider(Tiny):
    """Has another classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.classifier = nn.Linear(6, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"donor": lambda: Wider().eval()}, r"classifier\.weight is 5 x 6, where the reference has 3 x 6"),
        ({"donor": lambda: tiny(7).stem}, r"it lacks classifier\.weight"),
        ({"donor": lambda: tiny(0)}, r"own values in classifier\.weight"),
        ({"donor": lambda: tiny(7), "training": TrainingSet(stripes().pixels, None)}, "have no labels"),
    ],
)
def test_a_donor_that_does_not_fit_is_named(changes: dict[str, Any], message: str, make_bench: MakeBench) -> None:
    with pytest.raises(UsageError, match=message):
        Transfer().compress(make_bench(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"donor": None}, "no donor"),
        ({"donor": lambda: tiny(7), "training": None}, "no training images to fine-tune on"),
    ],
)
def test_what_is_missing_for_a_transfer_is_said(changes: dict[str, Any], message: str, make_bench: MakeBench) -> None:
    with pytest.raises(Inconclusive, match=message):
        Transfer().compress(make_bench(**changes))


def test_layers_of_an_exported_program_are_not_fine_tuned_apart(make_bench: MakeBench) -> None:
    def program(seed: int) -> nn.Module:
        images = torch.zeros(2, 1, SIDE, SIDE)
        exported = torch.export.export(tiny(seed), (images,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
        module: nn.Module = exported.module(check_guards=False)
        return module

    bench = make_bench(module=lambda: program(0), donor=lambda: program(7), settings={"epochs": 0})

    stitched = transfer(bench)[0].state_dict()

    # the classifier is declared first and used last
    assert torch.equal(stitched["classifier.bias"], tiny(7).state_dict()["classifier.bias"])
    assert torch.equal(stitched["stem.0.weight"], tiny(0).state_dict()["stem.0.weight"])
    with pytest.raises(Inconclusive, match="cannot be held apart"):
        transfer(replace(bench, settings={"epochs": 1}))


def test_a_part_that_is_not_there_is_named(make_bench: MakeBench) -> None:
    with pytest.raises(UsageError, match=r"part is 'head', but must be stem, .* such as classifier, middle"):
        Transfer().compress(make_bench(donor=lambda: tiny(7), settings={"part": "head"}))


def test_taking_all_layers_is_refused(make_bench: MakeBench) -> None:
    def wrapped(seed: int) -> nn.Module:
        return nn.Sequential(tiny(seed)).eval()

    bench = make_bench(module=lambda: wrapped(0), donor=lambda: wrapped(7), settings={"part": "0"})

    with pytest.raises(Inconclusive, match="the donor itself"):
        Transfer().compress(bench)

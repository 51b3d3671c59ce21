"""What each compressor takes: declared with it, and read by it."""

from __future__ import annotations

from typing import Final

from vetgate.api import SettingKind, SettingSpec

PRECISIONS: Final = ("auto", "float32", "bfloat16")
AUGMENTATIONS: Final = ("crop-flip", "none")
DEVICES: Final = ("auto", "cpu", "cuda")


def _share(name: str, told: str) -> SettingSpec:
    return SettingSpec(name, SettingKind.SHARE, told, 0.0, 1.0, open=True)


def _number(name: str, told: str, default: float, *, below: float) -> SettingSpec:
    return SettingSpec(name, SettingKind.NUMBER, told, 0.0, below, open=True, default=default)


def _part(name: str, told: str, default: float) -> SettingSpec:
    """Return a number whose ends, 0 and 1, count."""
    return SettingSpec(name, SettingKind.NUMBER, told, 0.0, 1.0, default=default)


def _whole(name: str, told: str, low: int, default: int | None = None, high: float = float("inf")) -> SettingSpec:
    return SettingSpec(name, SettingKind.WHOLE, told, low, high, default=default)


def _choice(name: str, told: str, choices: tuple[str, ...]) -> SettingSpec:
    return SettingSpec(name, SettingKind.TEXT, told, choices=choices, default=choices[0])


def _course(epochs: int, learning_rate: float) -> tuple[SettingSpec, ...]:
    """Return what every training takes; see `course.Course`."""
    return (
        _whole("epochs", "rounds through the training images", 0, epochs),
        _whole("batch", "images in one step", 2, 128),
        _number("learning_rate", "at the peak of its cycle", learning_rate, below=float("inf")),
        _part("weight_decay", "shrinking of weights", 5e-4),
        _choice("augment", "how training images are varied", AUGMENTATIONS),
        _choice("precision", "what layers compute in", PRECISIONS),
        _choice("device", "where it trains", DEVICES),
    )


NONE: Final[tuple[SettingSpec, ...]] = ()
STATIC: Final = (_whole("images", "calibration images", 1, 1000),)
PRUNE: Final = (_share("rate", "of the weights to zero"),)
STRUCTURED: Final = (_share("rate", "of the channels to remove"),)
CLUSTER: Final = (_whole("clusters", "distinct values left in a tensor", 2, high=1 << 20),)
DISTIL: Final = (
    _part("alpha", "weight of the labels in the loss: 0 is the teacher alone, 1 the labels alone", 0.5),
    _number("temperature", "by which both sides are softened", 3.0, below=1e3),
    *_course(epochs=16, learning_rate=0.1),
)
TRANSFER: Final = (
    SettingSpec(
        "part",
        SettingKind.TEXT,
        "stem, classifier, first-half, last-half, or the name of a module",
        default="classifier",
    ),
    *_course(epochs=0, learning_rate=0.01),
)

"""The card: how a model is fed and read. Never guessed, never part of the policy."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from vetgate.domain.deployment import Deployment
from vetgate.domain.record import Record

Size: TypeAlias = tuple[PositiveInt, PositiveInt]


def _number(value: object) -> object:
    """Read `1/255` as the number it means."""
    if isinstance(value, str):
        above, _, below = value.partition("/")
        try:
            return float(above) / float(below or 1)
        except ZeroDivisionError:
            raise ValueError("it divides by zero") from None
    return value


class Resize(Record):
    """Bring an image to another size; give `to` or `shorter_side`."""

    to: Size | None = None
    """(height, width); the aspect ratio is not kept."""
    shorter_side: PositiveInt | None = None
    """Pixels; the aspect ratio is kept, the longer side rounds down."""
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box"]
    antialias: bool = True
    """True filters over the source area when shrinking, as Pillow does; False samples points, as cv2 does."""

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.to is None) == (self.shorter_side is None):
            raise ValueError("resize needs either `to: [height, width]` or `shorter_side: pixels`")
        if not self.antialias and self.interpolation not in ("nearest", "bilinear", "bicubic"):
            raise ValueError(f"antialias: false is not defined for {self.interpolation}")
        return self


class Input(Record):
    """What the model takes, from a decoded image of 8-bit pixels."""

    size: Size
    """(height, width) in pixels that reach the model."""
    resize: Resize | Literal["none"]
    crop: Literal["none", "center"] = "none"
    """`center` cuts `size` out of the middle after resizing; an odd pixel is cut off below or at the right."""
    colour: Literal["grey", "rgb", "bgr"]
    scale: Annotated[PositiveFloat, BeforeValidator(_number)]
    """Factor on the 8-bit pixel, applied first."""
    mean: tuple[float, ...]
    """Subtracted per channel after scaling."""
    std: tuple[PositiveFloat, ...]
    """Divided by per channel, last."""
    layout: Literal["NCHW", "NHWC"]

    @property
    def channels(self) -> int:
        """Channels that the model takes: 1 for grey, else 3."""
        return 1 if self.colour == "grey" else 3

    @model_validator(mode="after")
    def _one_value_a_channel(self) -> Self:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name} has {len(values)} values, but {self.colour} has {self.channels} channels")
        return self


class Output(Record):
    """What comes out and how to read it."""

    kind: Literal["logits", "probabilities"]
    classes: tuple[str, ...] | None = None
    """Class names in the order of the outputs; without them classes are matched by index."""
    offset: Annotated[int, Field(ge=0)] = 0
    """Leading outputs that are no class of the data, such as the background class of 1,001-class models."""
    name: str | None = None
    """Which output holds the classes, where the model has several."""

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise ValueError("classes lists a name twice")
        return self


class Training(Record):
    """What the training took, for the training OpScore."""

    seconds: PositiveFloat
    epochs: PositiveInt
    images: PositiveInt
    """Images seen in one epoch."""


class Card(Record):
    """How one model is fed and read. It travels and is digested with the model."""

    version: Literal[1]
    input: Input
    output: Output
    architecture: Annotated[str, Field(pattern=r"^(torchvision|timm)/[A-Za-z0-9_.\-]+$")] | None = None
    """`torchvision/NAME` or `timm/NAME`, for files that hold only weights. Code is named by the user alone."""
    batch: PositiveInt = 1
    """Images at a time on the device; latency is measured at it."""
    execution: Deployment | None = None
    """What it is run with; a backend that cannot do what is asked for here refuses the model.
    The user may ask for something else."""
    training: Training | None = None

"""The card: how a model is fed and read. Never guessed, never part of the policy."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from vetgate.domain.deployment import Deployment
from vetgate.domain.record import Record
from vetgate.domain.task import Task

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


class Segmentation(Record):
    """How a map of classes is read."""

    layout: Literal["NCHW", "NHWC", "NHW"]
    """Of the output: scores of every class at each place, of which the highest counts; or NHW, the class itself."""


class Detection(Record):
    """How boxes are read from a model that ends in its own suppression of overlapping boxes."""

    boxes: str
    """Output (N, D, 4); (D, 4) of a model that takes one image at a time, here and below."""
    scores: str
    """Output (N, D), in [0, 1]."""
    labels: str
    """Output (N, D), the class of each box by its number."""
    count: str | None = None
    """Output (N,) or (N, 1): how many of the D entries are boxes; the others are padding."""
    format: Literal["xyxy", "yxyx", "xywh", "cxcywh"]
    """Corners, x or y first; or a corner (`xywh`) or the middle (`cxcywh`) with width and height."""
    units: Literal["pixels", "fraction"]
    """Of the input's pixels, or of its width and height."""
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Entries whose score is no higher are no boxes."""
    most: Annotated[int, Field(ge=1, le=1000)] = 100
    """Boxes of one image that are kept, the best first."""


class Output(Record):
    """What comes out and how to read it."""

    kind: Literal["logits", "probabilities", "segmentation", "detection"]
    classes: tuple[str, ...] | None = None
    """Class names in the order of the outputs; without them classes are matched by index."""
    offset: Annotated[int, Field(ge=0)] = 0
    """Leading outputs that are no class of the data, such as the background class of 1,001-class models."""
    name: str | None = None
    """Which output holds the classes, where the model has several."""
    segmentation: Segmentation | None = None
    """Of kind segmentation alone."""
    detection: Detection | None = None
    """Of kind detection alone."""

    @property
    def task(self) -> Task:
        """What is asked of an image."""
        return Task.CLASSIFICATION if self.kind in ("logits", "probabilities") else Task(self.kind)

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        if self.classes is not None and len(set(self.classes)) != len(self.classes):
            raise ValueError("classes lists a name twice")
        return self

    @model_validator(mode="after")
    def _says_how_to_read_it(self) -> Self:
        for task, section in ((Task.SEGMENTATION, self.segmentation), (Task.DETECTION, self.detection)):
            if (self.task is task) != (section is not None):
                raise ValueError(f"kind: {task} and a section {task} go together")
        if self.task is not Task.CLASSIFICATION and not self.classes:
            raise ValueError(f"kind: {self.kind} needs the names of all classes")
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

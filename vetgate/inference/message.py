"""What parent and child say to each other: JSON, never pickle, for the child holds an untrusted model."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, NonNegativeInt, PositiveInt, TypeAdapter

from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.model import Execution, OpenOptions, ServerTimes, Tap
from vetgate.domain.record import Record
from vetgate.domain.structure import Structure
from vetgate.domain.wall import Wall

LONGEST = 64 << 20
"""Bytes of the longest message that is read; a structure of 100,000 tensors takes some 30 MB."""


class Start(Record):
    """First of all: which plugin and backend, for which artifact, within which limits."""

    kind: Literal["start"] = "start"
    plugin: str
    """Entry-point name."""
    value: str
    """Entry-point value."""
    group: str
    backend: str
    artifact: Artifact
    options: OpenOptions
    memory: int | None
    """Bytes of private memory, or None for no limit."""
    accelerators: bool = False
    """Whether it may use GPUs."""


class Describe(Record):
    """Tell what the file holds."""

    kind: Literal["describe"] = "describe"
    card: Card | None


class Open(Record):
    """Open the model for prediction."""

    kind: Literal["open"] = "open"
    card: Card


class Block(Record):
    """Images in the input buffer: 8-bit pixels (count, height, width, channels) from `offset` on."""

    offset: int
    count: int
    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, H, W, C)."""
        return self.count, self.height, self.width, self.channels

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count * self.height * self.width * self.channels


class Predict(Record):
    """Answer a block of images; the raw outputs go to the output buffer."""

    kind: Literal["predict"] = "predict"
    block: Block
    answer_offset: int
    answer_capacity: int
    """Bytes that the outputs may take."""


class Time(Record):
    """Predict one block again and again and tell how long each took."""

    kind: Literal["time"] = "time"
    block: Block
    calls: int


class ListTaps(Record):
    """Tell which inner tensors can be read."""

    kind: Literal["list_taps"] = "list_taps"


class Capture(Record):
    """Run a block of images; the named inner tensors go to the output buffer one after the other, as float32."""

    kind: Literal["capture"] = "capture"
    block: Block
    names: tuple[str, ...]
    answer_capacity: int
    """Bytes that they may take, from the start of the output buffer."""


class Rehearse(Record):
    """From nothing to the first answer: load the plugin and its runtime, open the model, predict one block.

    Comes first of all and in place of Start, so that nothing of the model's runtime is there before.
    """

    kind: Literal["rehearse"] = "rehearse"
    start: Start
    card: Card
    block: Block


class Close(Record):
    """End."""

    kind: Literal["close"] = "close"


class Started(Record):
    """The plugin and its backend are loaded."""

    kind: Literal["started"] = "started"
    walls: Annotated[tuple[Wall, ...], Field(min_length=1)]
    """Around the child, put up before it read anything of the model."""


class Described(Record):
    """What the file holds."""

    kind: Literal["described"] = "described"
    structure: Structure


class Opened(Record):
    """The model is open, and this is what really runs."""

    kind: Literal["opened"] = "opened"
    execution: Execution


class Predicted(Record):
    """Outputs (rows, columns) float32 stand in the output buffer."""

    kind: Literal["predicted"] = "predicted"
    rows: int
    columns: int
    answered: NonNegativeInt
    """Images that this process has answered since it started, these among them."""


class Timed(Record):
    """Seconds of each call."""

    kind: Literal["timed"] = "timed"
    seconds: tuple[float, ...]
    server: ServerTimes | None = None
    """What a server counted of these calls; None where none answered, or it counts nothing."""


class Tapped(Record):
    """The inner tensors that can be read."""

    kind: Literal["tapped"] = "tapped"
    taps: tuple[Tap, ...]
    notes: tuple[str, ...]
    """What a reader of them must know."""


class Captured(Record):
    """Inner tensors stand in the output buffer."""

    kind: Literal["captured"] = "captured"
    shapes: tuple[tuple[int, ...], ...]
    """(rows, *shape) of each, in the order of the names asked for."""


class Rehearsed(Record):
    """How a start from nothing went."""

    kind: Literal["rehearsed"] = "rehearsed"
    opening: Annotated[float, Field(gt=0)]
    """Seconds until the model was open."""
    first: Annotated[float, Field(gt=0)]
    """Seconds of the first prediction."""
    memory_before: PositiveInt | None
    """Bytes resident; None where the system does not tell."""
    memory_peak: PositiveInt | None
    walls: Annotated[tuple[Wall, ...], Field(min_length=1)]
    """Around the child, put up before it read anything of the model."""


class Failed(Record):
    """It did not work."""

    kind: Literal["failed"] = "failed"
    error: str
    """Name of the error class."""
    message: str
    hint: str = ""


Request: TypeAlias = Annotated[
    Start | Describe | Open | Predict | Time | ListTaps | Capture | Rehearse | Close, Field(discriminator="kind")
]
Reply: TypeAlias = Annotated[
    Started | Described | Opened | Predicted | Timed | Tapped | Captured | Rehearsed | Failed,
    Field(discriminator="kind"),
]

REQUESTS: TypeAdapter[Request] = TypeAdapter(Request)
REPLIES: TypeAdapter[Reply] = TypeAdapter(Reply)

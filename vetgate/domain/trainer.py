"""What a check is given that trains: live modules, and two models' features of the same images. Lives in a child."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import Field, PositiveFloat, PositiveInt

from vetgate.domain.card import Card
from vetgate.domain.model import Tap
from vetgate.domain.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Tuning(Record):
    """How an explanation is made, as the user asks for it."""

    budget: float = Field(default=0.1, gt=0, lt=1)
    """Parameters of DELTA, all its heads included, over those of the reference, in (0, 1)."""
    seconds: PositiveFloat | None = None
    """Wall-clock time for fitting to one candidate once the subgraph is there; fewer epochs are trained to keep it."""
    variant: Literal["residual", "paper"] = "residual"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    folds: PositiveInt = 2
    """Of cross-fitting, where DELTA is trained on a part of the data that is explained."""
    epochs: PositiveInt | None = None
    """Of fitting to a candidate; None for the variant's own."""
    subgraph_epochs: PositiveInt | None = None
    """Of fine-tuning the part of the reference that is kept; None for the trainer's own."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Share of a map's maximum from which on a pixel belongs to a region."""
    examples: int = Field(default=12, ge=0, le=100)
    """Images to show."""
    feature_map: str | None = None
    """Inner tensor of the candidate to take in place of the one that is found."""
    to_name: int = Field(default=24, ge=0, le=1000)
    """Pictures that a labeller is asked about at most."""


@dataclass(frozen=True)
class CandidateSeen:
    """What the candidate gave for N images."""

    probabilities: NDArray[np.float64]
    """(N, C), columns in the reference's class order."""
    logits: NDArray[np.float32] | None
    """(N, C) raw outputs in the same order; None where its card says that it gives probabilities."""
    pooled: NDArray[np.float32] | None
    """(N, C_E) its feature map's mean over positions; None where it shows no inner tensors."""
    maps: NDArray[np.float32] | None
    """(N, C_E, h, w) its feature map, read from a file as it is indexed; None for images that are only trained on."""


@dataclass(frozen=True)
class ImageSet:
    """N images with what the candidate gave for them."""

    name: str
    ids: tuple[str, ...]
    digests: tuple[str, ...]
    """Of the images' bytes."""
    pixels: NDArray[np.uint8]
    """(N, H, W, 1 or 3) as they reach the scaling of the reference's card; read from a file as it is indexed."""
    labels: NDArray[np.int64] | None
    """(N,) in the reference's class order."""
    candidate: CandidateSeen

    def __len__(self) -> int:
        return len(self.ids)


class ConceptMask(Record):
    """A named part of one image: pixels of what the reference's card lets through."""

    image: str
    """Id of the image."""
    name: str
    """Concept, such as `wheel`."""
    runs: tuple[int, ...]
    """Lengths of runs of pixels outside and inside by turns, outside first, row by row over (H, W)."""
    whole: bool = False
    """Whether it is the object itself, not a part of one."""


class Labeller(Protocol):
    """Names what regions of images show. Every call may fail, and none may be assumed free."""

    @property
    def about(self) -> str:
        """Say who is asked and where, for the report; never a key."""
        ...

    def name(self, images: Sequence[bytes], labels: Sequence[str]) -> tuple[str, ...]:
        """Return a concept in a word or two for each image, in order; an empty text where it cannot tell.

        Args:
            images: PNG files; the region in question is outlined.
            labels: What each image shows as a whole, or an empty text.

        Raises:
            Inconclusive: It did not answer, answered nonsense, or its limit on cost is reached.
        """
        ...


@dataclass(frozen=True)
class TrainerContext:
    """For checks that train a network beside the two models. Everything is read; only `shelf` is written."""

    reference: Callable[[], Any]
    """Returns the reference as a fresh torch.nn.Module in eval mode, images (N, C, H, W) to outputs (N, classes)."""
    reference_card: Card
    candidate: Callable[[], Any] | None
    """Returns the candidate likewise; None where its format hands none over."""
    candidate_card: Card
    candidate_name: str
    classes: tuple[str, ...]
    """(C,) names in the reference's order."""
    feature_map: Tap | None
    """The candidate's tensor that `pooled` and `maps` are of."""
    feature_note: str
    """How it was found, or why there is none."""
    vetted: ImageSet
    """The images of the run, in its order: what is explained."""
    training: ImageSet | None
    """Images to train on, none of which is among those; None where none were given."""
    concepts: Mapping[str, tuple[ConceptMask, ...]]
    """Annotated parts by image id; empty without annotations."""
    normalise: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    """Turns pixels (N, H, W, C) into what the reference takes, as its card says."""
    label: Callable[[Sequence[bytes], Sequence[str]], tuple[str, ...]] | None
    """Names what outlined regions show (PNG files, and what the whole images show); None where nobody was asked to."""
    tuning: Tuning
    shelf: Path
    """A folder that outlives the run. Entries are written whole or not at all, and are found by what made them."""
    reference_key: str
    """Digest of everything that the reference's answers depend on, besides images."""
    candidate_key: str
    """Of the candidate likewise, with its feature map."""
    candidate_parameters: int | None
    """Numbers that the candidate learned, as its footprint counts them."""
    candidate_macs: int | None
    """Multiply-accumulates of one image."""
    seed: int
    threads: int
    tell: Callable[[str, int, int], None]
    """Told (what, done, total) of progress; to be called often."""
    labeller: str = ""
    """Who is behind `label`, for the report."""

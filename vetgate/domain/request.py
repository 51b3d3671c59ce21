"""What the user asks of a run, after flags, files and variables were merged."""

from __future__ import annotations

from pydantic import Field, PositiveFloat, PositiveInt

from vetgate.domain.deployment import ExecutionOptions
from vetgate.domain.record import Record
from vetgate.domain.setting import Setting
from vetgate.domain.trainer import Tuning


class Limits(Record):
    """What a child process may take."""

    seconds: PositiveFloat = 300.0
    """Wall-clock time for one answer of a child before it counts as hung."""
    memory: PositiveInt | None = None
    """Bytes of private memory a child may take; None for three quarters of what the machine has."""
    scan_seconds: PositiveFloat = 60.0
    """Wall-clock time for the scan of one model."""
    scan_memory: PositiveInt = 2_000_000_000
    """Bytes of private memory that the scan of one model may take."""
    unreadable: float = 0.0
    """Share of images that may be unreadable before the run is inconclusive, in [0, 1]."""


MOST_SHOWN = 200
"""Images of a gallery: some 2 MB of a report."""


class RunRequest(Record):
    """One run of the gate."""

    candidates: tuple[str, ...]
    reference: str
    data: str | None = None
    policy: str = "edge"
    cards: dict[str, str] = {}
    """Card file by candidate path; the key `` means every candidate that has none of its own."""
    reference_card: str | None = None
    architecture: str | None = None
    bad_digests: str | None = None
    """File of digests that are known to be bad, beside those that scanners carry."""
    limit: PositiveInt | None = None
    seed: int = 0
    threads: PositiveInt | None = None
    """Threads of one model; None leaves it to cards, then shares the cores between the models that run at once."""
    execution: ExecutionOptions = ExecutionOptions()
    """How every model but the reference is run, over what its card says."""
    reference_execution: ExecutionOptions = ExecutionOptions()
    latency_reference_execution: ExecutionOptions = ExecutionOptions()
    batch_size: PositiveInt | None = None
    cache: bool = True
    disabled: tuple[str, ...] = ()
    """Plugins switched off, by entry-point name."""
    prefer: dict[str, str] = {}
    """Spec name -> plugin, where two plugins claim one name."""
    limits: Limits = Limits()
    sequential: bool = False
    """Whether to stop asking for images as soon as the verdict is settled."""
    baseline: str | None = None
    """A saved report, for rules `versus: baseline`."""
    yardstick: str | None = None
    """A yardstick file, for similarity.independence."""
    layers: bool = False
    """Whether to compare inner tensors of the two models, layer by layer."""
    latency_reference: str | None = None
    """The model that is timed in place of the reference: the build of it that ships."""
    latency_reference_card: str | None = None
    serve: str | None = None
    """Who loads candidates into a server of its own, which is then asked for their answers; None opens the files."""
    timing_seconds: PositiveFloat = 20.0
    """Longest time that timing one pair of models may take."""
    train_data: str | None = None
    """Images that checks which train may train on, none of them of `data`."""
    calibration_data: str | None = None
    """Images that the candidates were calibrated on, for checks of the data."""
    concepts: str | None = None
    """COCO-style annotations of parts of the images."""
    noise_floor: str | None = None
    """The report of a retrained copy of the reference, which stands beside what is explained."""
    gallery: int = Field(default=24, ge=0, le=MOST_SHOWN)
    """Most images that a report shows of those that only the reference has right; 0 shows none."""
    labeller: str | None = None
    """Who names parts that nobody annotated; None asks nobody."""
    labeller_settings: dict[str, str] = {}
    tuning: Tuning = Tuning()
    """How disparity is explained."""
    command: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Every file or folder that the run reads, as it was named; a report must not be written over one."""
        named = (
            *(self.reference, self.data, self.policy, self.reference_card, self.yardstick),
            *(self.train_data, self.calibration_data, self.concepts, self.noise_floor),
            *((self.baseline, self.baseline.rpartition("#")[0]) if self.baseline else ()),
            *(self.latency_reference, self.latency_reference_card, *self.cards.values()),
        )
        models = (*self.candidates, self.reference, *filter(None, (self.latency_reference,)))
        beside = (f"{model}.yaml" for model in models)
        return (*self.candidates, *filter(None, named), *beside)


class StudyRequest(Record):
    """A study of compressed variants of one reference."""

    run: RunRequest
    """The reference, the vetting data and how models are run; it names no candidates."""
    folder: str
    """Where variants go, and what earlier runs made of them is found."""
    judged: bool = False
    """Whether the policy of `run` is asked; else variants are measured and nothing is judged, and nothing timed."""
    train_data: str | None = None
    """Labelled images, none of them of the vetting data."""
    calibration_data: str | None = None
    """Images, none of them of the vetting data; None draws from `train_data`."""
    donor: str | None = None
    """Another trained model of the same architecture."""
    donor_card: str | None = None
    initial: str | None = None
    """The weights that the reference's training started from."""
    only: tuple[str, ...] = ()
    """Recipes to make, by name or family, with `*` and `?`; empty for all on offer."""
    skip: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    """More recipes, each `STEP[:NAME=VALUE,...][+STEP...]`."""
    settings: dict[str, dict[str, Setting]] = {}
    """Settings of steps that recipes do not state themselves, by compressor."""
    landscape: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        """Every file or folder that the study reads, as it was named."""
        named = (self.train_data, self.calibration_data, self.donor, self.donor_card, self.initial)
        return (*self.run.files, *filter(None, named))

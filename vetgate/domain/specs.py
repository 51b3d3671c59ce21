"""What plugins declare. A spec is cheap to make; the body of its factory does the heavy import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from vetgate.domain.check import Check, Need
from vetgate.domain.compress import Compressor, Recipe, Takes, Wants
from vetgate.domain.difference import Difference
from vetgate.domain.evidence import Of, Severity
from vetgate.domain.landscape import Embedder, Landscape
from vetgate.domain.model import Backend
from vetgate.domain.publish import Publisher
from vetgate.domain.report import ReportSet
from vetgate.domain.samples import SampleSet
from vetgate.domain.scan import Scanner
from vetgate.domain.setting import SettingSpec
from vetgate.domain.source import ArtifactSource
from vetgate.domain.study import Study
from vetgate.domain.task import Task
from vetgate.domain.trainer import Labeller
from vetgate.domain.unit import Better, Unit


@dataclass(frozen=True)
class Probe:
    """What may be looked at to tell a file's format: bytes and names, never the suffix."""

    path: Path
    size: int
    """Bytes."""
    head: bytes
    """The first 4 KiB, or all of a smaller file."""
    zip_members: tuple[str, ...]
    """Names inside, where the file is a zip; empty otherwise."""


@dataclass(frozen=True)
class FormatSpec:
    """One file format of a backend."""

    name: str
    """Format id in reports, such as `onnx`."""
    summary: str
    recognise: Callable[[Probe], bool]
    """Cheap, by content, never raises on garbage."""
    members: Callable[[Path], tuple[str, ...]] | None = None
    """Relative paths of further files that ship with the model file (ONNX external data). It is asked in the gate's own
    process before the scan: no format library, and bounds on what a hostile file can make of it in time and memory.
    Raises UnreadableArtifact on a malformed file or a path that leaves the folder."""
    needs_architecture: bool = False
    """Whether it holds weights alone, so that the user or the card must name the code that they belong to."""
    advice: str = ""
    """Of a format that is told but that nobody here opens: what to do with it, with the exact command."""


@dataclass(frozen=True)
class BackendSpec:
    """Opens model files."""

    name: str
    summary: str
    formats: tuple[FormatSpec, ...]
    factory: Callable[[], Backend]
    extra: str | None = None
    """The extra of the offering distribution that brings its library."""
    also: tuple[str, ...] = ()
    """Formats of other backends that it opens where the card names it as `execution.runtime`."""
    precisions: tuple[str, ...] = ()
    """What may be asked for as `execution.precision`."""
    providers: tuple[str, ...] = ()
    """What may be asked for as `execution.provider`; `Execution.provider` tells the one that runs by the same name."""
    accelerators: tuple[str, ...] = ()
    """Those of `providers` that run on a GPU or the like, which the walls then let their child use."""
    threads: bool = True
    """Whether it may be asked for `execution.threads`."""
    options: tuple[SettingSpec, ...] = ()
    """What may be asked for under `execution.options`."""
    tasks: tuple[Task, ...] = (Task.CLASSIFICATION,)
    """What kinds of models it opens; its models must be NamedModel for any other than classification."""


@dataclass(frozen=True)
class MetricSpec:
    """One figure that a check can take."""

    id: str
    summary: str
    unit: Unit
    better: Better
    roles: tuple[Of, ...]
    """Whose figures it comes as; the first is what a rule without `of` means."""
    low: float | None = None
    """Least possible value of the figure itself (not of its difference), in `unit`."""
    high: float | None = None
    sliced: bool = False
    """Whether it also comes for parts of the images or calls."""
    columns: tuple[str, ...] = ()
    """Columns that it can be sliced by; empty means any column of the images."""
    over_slices: bool = False
    """Whether it is one figure over the slices of a column (the worst, the gap), so that a rule must name one."""
    counted: tuple[Of, ...] = ()
    """Roles that are a mean over images of terms in {-1, 0, 1}, handed on as counts: a run may stop early on them."""
    unseen: tuple[Of, ...] = ()
    """Roles whose bounds lie at least 1 - a^(1/n) from the figure, for what n images do not show could change it: the
    least number of images is told before a run."""
    needs_labels: bool = False
    needs_yardstick: bool = False
    needs_other_images: bool = False
    """Whether it compares with images that models were calibrated or trained on."""
    bounded: tuple[Of, ...] = ()
    """Roles whose uncertainty the check states, so that a rule may ask for a confidence; exact ones included."""
    exact: bool = False
    """Whether it has no uncertainty in any role (a size, a count), so that a confidence adds nothing to a rule."""
    live: bool = False
    """Whether it is taken of live models, so that a rule may say what must really have run (`requires`)."""
    paired: tuple[Of, ...] = ()
    """Roles that are handed on as pairs of timings, whose number is planned."""
    source: str = ""
    """Paper, equation or standard."""


ContextT = TypeVar("ContextT")


@dataclass(frozen=True)
class CheckSpec(Generic[ContextT]):
    """Takes measures."""

    name: str
    summary: str
    needs: Need
    metrics: tuple[MetricSpec, ...]
    factory: Callable[[], Check[ContextT]]
    after: tuple[str, ...] = ()
    """Checks whose evidence it reads (needs = evidence)."""
    always: bool = False
    """Whether it runs without being named by a rule (the contract)."""
    times: bool = True
    """Of needs = session: whether it times models. One that reads inner tensors alone also runs where the build that
    was to be timed in place of the reference is refused; its `reference` is then the reference itself."""
    extra: str | None = None
    tasks: tuple[Task, ...] = (Task.CLASSIFICATION,)
    """What kinds of models it measures. Of needs = table, a check takes one: its context is that of the task."""


@dataclass(frozen=True)
class DataSourceSpec:
    """Reads sample sets."""

    name: str
    summary: str
    recognise: Callable[[Path], bool]
    """By content, of a file or folder that exists; never raises."""
    factory: Callable[[Path], SampleSet]
    """Opens it. Raises DataError."""
    extra: str | None = None


class Reporter(Protocol):
    """Writes a report in one format. Pure: no clock, no environment, no files."""

    def render(self, reports: ReportSet) -> str | bytes:
        """Return the whole document."""
        ...


@runtime_checkable
class StyledReporter(Reporter, Protocol):
    """A reporter that can also draw for a terminal."""

    def styled(self, width: int, colour: bool) -> Reporter:
        """Return the reporter that draws for `width` columns, with ANSI colours or without; as pure as this one."""
        ...


@runtime_checkable
class BoundedReporter(Reporter, Protocol):
    """A reporter that can also be had for a place with little room."""

    def within(self, size: int) -> Reporter:
        """Return the reporter for at most `size` bytes, which writes nothing where that is too little."""
        ...


@dataclass(frozen=True)
class ReporterSpec:
    """Writes one report format."""

    name: str
    summary: str
    suffix: str
    """File suffix with its dot."""
    factory: Callable[[], Reporter]
    extra: str | None = None


DocumentT_contra = TypeVar("DocumentT_contra", bound=Landscape | Study | Difference, contravariant=True)


class Drawing(Protocol[DocumentT_contra]):
    """Draws a landscape, a study or a difference of reports in one format. Pure: no clock, no environment, no files."""

    def draw(self, document: DocumentT_contra) -> str | bytes:
        """Return the whole document."""
        ...


@runtime_checkable
class StyledDrawing(Drawing[DocumentT_contra], Protocol):
    """A drawing that can also be made for a terminal."""

    def styled(self, width: int, colour: bool) -> Drawing[DocumentT_contra]:
        """Return the drawing for `width` columns, with ANSI colours or without; as pure as this one."""
        ...


@dataclass(frozen=True)
class DrawingSpec:
    """Draws one kind of document in one format."""

    name: str
    """Such as `landscape-svg`."""
    summary: str
    document: type[Landscape] | type[Study] | type[Difference]
    suffix: str
    """File suffix with its dot."""
    factory: Callable[[], Drawing[Any]]
    extra: str | None = None


@dataclass(frozen=True)
class EmbedderSpec:
    """Puts the points of a landscape into the plane."""

    name: str
    """Such as `tsne`."""
    summary: str
    factory: Callable[[], Embedder]
    extra: str | None = None


@dataclass(frozen=True)
class CompressorSpec:
    """Makes compressed variants of a reference."""

    name: str
    """Such as `prune-l1`."""
    summary: str
    takes: Takes
    factory: Callable[[], Compressor]
    recipes: tuple[Recipe, ...]
    """Variants that a study makes unasked; the steps of a sequence may name other compressors."""
    wants: tuple[Wants, ...] = ()
    extra: str | None = None
    uses: tuple[Wants, ...] = ()
    """What it does without where nobody gives it, such as images to fine-tune on where a setting asks for epochs."""
    settings: tuple[SettingSpec, ...] | None = None
    """What it takes, so that a mistake in a command is told before anything is made; None leaves that to itself."""


@dataclass(frozen=True)
class LabellerSpec:
    """Names what regions of images show."""

    name: str
    """Such as `openai-compatible`."""
    summary: str
    settings: Mapping[str, str]
    """What the user may set, each with one line of help."""
    factory: Callable[[Mapping[str, str]], Labeller]
    """Makes one of what the user set; asks nobody. Raises UsageError for a setting that is unknown, missing or bad."""
    extra: str | None = None


@dataclass(frozen=True)
class ArtifactSourceSpec:
    """Fetches models that are named with a scheme in place of a path."""

    name: str
    """Such as `mlflow`."""
    schemes: tuple[str, ...]
    """What stands before `:/` in such a name, such as `models`; two characters at least, in small letters."""
    summary: str
    factory: Callable[[], ArtifactSource]
    extra: str | None = None
    serves: tuple[str, ...] = ()
    """Formats of files that it loads into a server of its own (`check --serve NAME`); its source is a ServingSource."""


@dataclass(frozen=True)
class PublisherSpec:
    """Puts results where a team looks."""

    name: str
    """Such as `mlflow`."""
    summary: str
    settings: Mapping[str, str]
    """What the user may set, each with one line of help."""
    factory: Callable[[Mapping[str, str]], Publisher]
    """Makes one of what the user set; asks nobody. Raises UsageError for a setting that is unknown, missing or bad."""
    extra: str | None = None


@dataclass(frozen=True)
class RuleSpec:
    """One kind of thing that a scanner may find, as its documentation lists it."""

    id: str
    """Such as `VG0101`."""
    severity: Severity
    """The usual one."""
    title: str
    """Such as `pickle imports a callable that is not on the allow-list`."""
    why: str
    """What it could do, and to whom."""
    advice: str
    source: str = ""
    """Advisory, CVE or documentation."""


@dataclass(frozen=True)
class ScannerSpec:
    """Reads model files for what could harm who opens them."""

    name: str
    """Such as `onnx`."""
    summary: str
    recognise: Callable[[Probe], bool]
    """Whether there is something for it to read in a file, by content; never raises."""
    vouches: tuple[str, ...]
    """Format ids that count as scanned once it has read them; empty for one that looks for one thing in any file."""
    rules: tuple[RuleSpec, ...]
    """Everything that it may find."""
    factory: Callable[[], Scanner]
    extra: str | None = None


@dataclass(frozen=True)
class PolicySpec:
    """A named policy that a distribution carries."""

    name: str
    summary: str
    read: Callable[[], str]
    """Returns its YAML."""


@dataclass(frozen=True)
class Event:
    """Something the walk reached, told to observers and progress bars."""

    stage: str
    """Such as `identify`, `infer`, `check`."""
    detail: str
    done: int = 0
    total: int = 0
    facts: dict[str, str] = field(default_factory=dict)

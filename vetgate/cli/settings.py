"""Flags, then vetgate.yaml or [tool.vetgate] of the nearest pyproject.toml, then VETGATE_* variables: one request."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, ValidationError

from vetgate.cli.execution import SETTINGS, read_execution
from vetgate.documents import Document, Mistakes, as_usage_error, parse, read_record
from vetgate.domain.deployment import ExecutionOptions, stacked
from vetgate.domain.errors import UsageError
from vetgate.domain.record import Record
from vetgate.domain.request import MOST_SHOWN, Limits, RunRequest
from vetgate.domain.source import scheme_of
from vetgate.domain.trainer import Tuning
from vetgate.domain.unit import Unit, parse_quantity, read_quantity

CONFIG = "vetgate.yaml"


Text = Annotated[str, Field(min_length=1)]
"""What an unset variable of a shell leaves of `--policy "$POLICY"` is no policy."""


class Settings(Record):
    """Everything that can be set; None where it was not."""

    reference: Text | None = None
    data: Text | None = None
    policy: Text | None = None
    reports: tuple[Text, ...] | None = None
    """FORMAT or FORMAT=PATH."""
    output_dir: Text | None = None
    card: Text | None = None
    """Card file of every candidate that has none of its own."""
    cards: dict[str, str] | None = None
    """Card file by candidate."""
    reference_card: Text | None = None
    architecture: Text | None = None
    limit: PositiveInt | None = None
    sequential: bool | None = None
    """Whether to stop as soon as the verdict is settled."""
    baseline: Text | None = None
    """A saved report."""
    yardstick: Text | None = None
    """Answers of independent models, from `vetgate yardstick build`."""
    layers: bool | None = None
    """Whether to compare inner tensors."""
    latency_reference: Text | None = None
    """The build of the reference that ships."""
    latency_reference_card: Text | None = None
    serve: Text | None = None
    """Who loads candidates into a server of its own."""
    timing_budget: PositiveFloat | None = None
    """Seconds."""
    attest: Text | None = None
    """Private key that signs verdicts, or `sigstore`."""
    attest_to: Text | None = None
    attest_certificate: Text | None = None
    """The signer's certificate and those between it and the root."""
    publish: tuple[Text, ...] | None = None
    """NAME or NAME:KEY=VALUE,..."""
    seed: NonNegativeInt | None = None
    threads: PositiveInt | None = None
    execution: ExecutionOptions | None = None
    """How every model but the reference is run."""
    reference_execution: ExecutionOptions | None = None
    latency_reference_execution: ExecutionOptions | None = None
    batch_size: PositiveInt | None = None
    cache: bool | None = None
    strict: bool | None = None
    ci: bool | None = None
    """Whether to show a CI service what it has a place for; it does unless this is false."""
    timeout: PositiveFloat | None = None
    """Seconds."""
    memory_limit: Text | None = None
    """Such as 4GB."""
    scan_timeout: PositiveFloat | None = None
    """Seconds."""
    bad_digests: Text | None = None
    """File of digests of files that are known to be bad."""
    max_unreadable: float | None = Field(default=None, ge=0, le=1)
    train_data: Text | None = None
    """Images that what explains disparity trains on; none of them of `data`."""
    calibration_data: Text | None = None
    """Images that candidates were calibrated on; checked for copies of what they are vetted on."""
    concepts: Text | None = None
    """COCO-style annotations of parts of the images."""
    noise_floor: Text | None = None
    """A saved explanation of a retrained copy of the reference."""
    budget: Text | None = None
    """Parameters of what is trained over those of the reference, such as 10%."""
    budget_seconds: PositiveFloat | None = None
    """Longest time to fit to one candidate."""
    variant: Literal["residual", "paper"] | None = None
    device: Literal["auto", "cpu", "cuda", "mps"] | None = None
    folds: PositiveInt | None = None
    epochs: PositiveInt | None = None
    """Of fitting to one candidate."""
    subgraph_epochs: PositiveInt | None = None
    """Of fine-tuning the part of the reference that is kept."""
    feature_map: Text | None = None
    """Inner tensor of the candidate."""
    examples: NonNegativeInt | None = None
    """Images to show."""
    gallery: int | None = Field(default=None, ge=0, le=MOST_SHOWN)
    """Most images that a report shows of those that only the reference has right."""
    labeller: Text | None = None
    """Who is asked what regions show; nobody unless this is set."""
    labeller_settings: dict[str, str] | None = None
    disable: tuple[Text, ...] | None = None
    prefer: dict[str, str] | None = None


_PATHS = (
    *("reference", "data", "output_dir", "card", "reference_card"),
    *("baseline", "yardstick", "latency_reference", "latency_reference_card", "train_data", "concepts", "noise_floor"),
    "calibration_data",
    *("attest_to", "attest_certificate"),
)
_PATHS_OR_WORDS = ("policy", "attest")


def gather(flags: Settings, start: Path, variables: Mapping[str, str]) -> Settings:
    """Return the settings of a run; for each the first that says something, of how models are run option by option.

    Args:
        flags: From the command line.
        start: Where the search for a configuration begins, going up.
        variables: The environment.

    Raises:
        UsageError: The configuration or a variable is malformed.
    """
    layers = (flags, read_config(start), _from_variables(variables))
    merged: dict[str, Any] = {}
    for name in Settings.model_fields:
        given = (getattr(layer, name) for layer in layers)
        merged[name] = next((value for value in given if value is not None), None)
    merged |= {name: _execution(name, layers) for name in SETTINGS}
    for layer in layers:
        if layer.card is not None or layer.cards is not None:
            merged |= {"card": layer.card, "cards": layer.cards}  # a card for all stands over single ones further down
            break
    return Settings.model_validate(merged)


def _execution(name: str, layers: Sequence[Settings]) -> ExecutionOptions | None:
    """Return how models are run, as all places say it together; None where none does.

    Args:
        name: Of the setting.
        layers: The places, the highest first. Its `threads` of every model stand over those of one further down.
    """
    said: ExecutionOptions | None = None
    for layer in reversed(layers):
        if said is not None and layer.threads is not None:
            said = said.model_copy(update={"threads": None})
        own: ExecutionOptions | None = getattr(layer, name)
        if own is not None:
            said = stacked(said or ExecutionOptions(), own)
    return said


def from_flags(given: Mapping[str, object]) -> Settings:
    """Return the settings that flags give.

    Raises:
        UsageError: A value is out of range.
    """
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        flag = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{flag}{_inner(first['loc'])} {_demand(first['msg'])} (got {first['input']!r})") from None


def read_config(start: Path) -> Settings:
    """Return what the nearest configuration at or above a folder says; its paths are relative to its own folder."""
    for folder in (start, *start.parents):
        yaml_file, toml_file = folder / CONFIG, folder / "pyproject.toml"
        document = None
        if yaml_file.is_file():
            document = _parse_yaml(yaml_file)
        elif toml_file.is_file():
            document = _parse_toml(toml_file)
        if document is not None:
            return _anchor(_settings(document), folder, start)
    return Settings()


def _parse_yaml(path: Path) -> Document:
    try:
        document = parse(path.read_text(encoding="utf-8"), str(path))
    except Mistakes as error:
        raise as_usage_error(error, UsageError, str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return document if document.data is not None else Document(str(path), {})


def _parse_toml(path: Path) -> Document | None:
    try:
        tool = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    return Document(f"{path} [tool.vetgate]", tool["vetgate"]) if "vetgate" in tool else None


def _settings(document: Document) -> Settings:
    try:
        return read_record(document, Settings)
    except Mistakes as error:
        raise as_usage_error(error, UsageError, document.source) from None


def _anchor(settings: Settings, folder: Path, start: Path) -> Settings:
    """Return the settings with paths that are right from the working directory."""

    def from_here(path: str) -> str:
        if scheme_of(path) is not None:
            return path
        whole = folder / Path(path).expanduser()
        return os.path.relpath(whole, start) if not Path(path).is_absolute() else path

    changes: dict[str, Any] = {}
    for name in (*_PATHS, *_PATHS_OR_WORDS):
        value = getattr(settings, name)
        if value is not None and (name in _PATHS or (folder / value).is_file()):
            changes[name] = from_here(value)
    if settings.cards is not None:
        changes["cards"] = {from_here(model): from_here(card) for model, card in settings.cards.items()}
    if settings.reports is not None:
        changes["reports"] = tuple(_anchor_report(text, from_here) for text in settings.reports)
    file, colon, attribute = (settings.architecture or "").rpartition(":")
    if colon and file.endswith(".py"):
        changes["architecture"] = f"{from_here(file)}:{attribute}"
    return settings.model_copy(update=changes)


def _anchor_report(text: str, from_here: Callable[[str], str]) -> str:
    name, equals, path = text.partition("=")
    return f"{name}={from_here(path)}" if equals and path not in ("", "-") else text


def _from_variables(variables: Mapping[str, str]) -> Settings:
    """Return what VETGATE_DATA, VETGATE_POLICY and the like say: `a,b` is a list, `name=a,other=b` a mapping."""
    given: dict[str, object] = {}
    for name, info in Settings.model_fields.items():
        text = variables.get(f"VETGATE_{name.upper()}")
        if text:  # CI sets what it does not know to nothing
            if name in SETTINGS:
                given[name] = read_execution(text.split(","), f"variable VETGATE_{name.upper()}")
                continue
            # the settings of a publisher are parted by commas themselves
            given[name] = tuple(text.split()) if name == "publish" else _read_variable(text, str(info.annotation))
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        variable = f"VETGATE_{str(first['loc'][0]).upper()}{_inner(first['loc'])}"
        raise UsageError(f"variable {variable} {_demand(first['msg'])} (got {first['input']!r})") from None


def _inner(place: Sequence[int | str]) -> str:
    """Return which option of how a model is run a mistake is about; empty for other settings."""
    return f" {place[1]}" if len(place) > 1 and place[0] in SETTINGS else ""


def _demand(message: str) -> str:
    """Return pydantic's `Input should be greater than 0` as what is demanded of a name before it."""
    told = message.removeprefix("Input should ").removeprefix("String should ")
    return f"must {told}" if told != message else f"is malformed: {message}"


def _read_variable(text: str, kind: str) -> object:
    """Return what a variable says, as far as its text alone tells; a mapping that is none is left as it is."""
    if "dict" not in kind and "tuple" not in kind:
        return text
    items = [item.strip() for item in text.split(",")]
    if "tuple" in kind:
        return tuple(items)
    pairs = [item.partition("=") for item in items]
    return {name: value for name, _, value in pairs} if all(equals for _, equals, _ in pairs) else text


def to_request(candidates: tuple[str, ...], settings: Settings, command: tuple[str, ...]) -> RunRequest:
    """Return the run that settings ask for.

    Raises:
        UsageError: There is no reference, a candidate has no name, or a value is malformed or of no use.
    """
    if settings.reference is None:
        raise UsageError(
            "no reference is given: what shall the candidate be compared with?",
            hint=f"--reference MODEL, or `reference: MODEL` in {CONFIG}",
        )
    if not all(candidates):
        raise UsageError("a candidate has an empty name", hint="name its file; is a variable of the shell unset?")
    if settings.latency_reference_card is not None and settings.latency_reference is None:
        raise UsageError("a card of a latency reference is given, but none is named", hint="--latency-reference MODEL")
    if settings.latency_reference_execution is not None and settings.latency_reference is None:
        raise UsageError("how a latency reference is run is given, but none is named", hint="--latency-reference MODEL")
    named = {os.path.realpath(model): card for model, card in (settings.cards or {}).items()}
    cards = {path: named[os.path.realpath(path)] for path in candidates if os.path.realpath(path) in named}
    if settings.card is not None:
        cards[""] = settings.card
    return RunRequest(
        candidates=candidates,
        reference=settings.reference,
        data=settings.data,
        policy=settings.policy or "edge",
        cards=cards,
        reference_card=settings.reference_card,
        architecture=settings.architecture,
        limit=settings.limit,
        seed=settings.seed or 0,
        threads=settings.threads,
        execution=settings.execution or ExecutionOptions(),
        reference_execution=settings.reference_execution or ExecutionOptions(),
        latency_reference_execution=settings.latency_reference_execution or ExecutionOptions(),
        batch_size=settings.batch_size,
        cache=settings.cache is not False,
        disabled=settings.disable or (),
        prefer=settings.prefer or {},
        limits=_limits(settings),
        sequential=bool(settings.sequential),
        bad_digests=settings.bad_digests,
        baseline=settings.baseline,
        yardstick=settings.yardstick,
        layers=bool(settings.layers),
        latency_reference=settings.latency_reference,
        latency_reference_card=settings.latency_reference_card,
        serve=settings.serve,
        timing_seconds=settings.timing_budget or RunRequest.model_fields["timing_seconds"].default,
        train_data=settings.train_data,
        calibration_data=settings.calibration_data,
        concepts=settings.concepts,
        noise_floor=settings.noise_floor,
        gallery=RunRequest.model_fields["gallery"].default if settings.gallery is None else settings.gallery,
        labeller=settings.labeller,
        labeller_settings=settings.labeller_settings or {},
        tuning=_tuning(settings),
        command=command,
    )


def _tuning(settings: Settings) -> Tuning:
    """Return how disparity is explained; what is not set is as it is by itself.

    Raises:
        UsageError: A value is out of range.
    """
    given = {
        "budget": _share(settings.budget) if settings.budget is not None else None,
        "seconds": settings.budget_seconds,
        "variant": settings.variant,
        "device": settings.device,
        "folds": settings.folds,
        "epochs": settings.epochs,
        "subgraph_epochs": settings.subgraph_epochs,
        "feature_map": settings.feature_map,
        "examples": settings.examples,
    }
    try:
        return Tuning.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(f"--{first['loc'][0]} {_demand(first['msg'])} (got {first['input']!r})") from None


def _share(text: str) -> float:
    """Return the share that `10%` or `0.1` means."""
    try:
        return read_quantity(text, Unit.FRACTION)
    except ValueError as error:
        raise UsageError(f"--budget: {error}", hint="write 10%") from None


def _limits(settings: Settings) -> Limits:
    return Limits(
        seconds=settings.timeout or Limits().seconds,
        memory=bytes_of(settings.memory_limit) if settings.memory_limit else None,
        scan_seconds=settings.scan_timeout or Limits().scan_seconds,
        unreadable=settings.max_unreadable or 0.0,
    )


def bytes_of(text: str) -> int:
    """Return the bytes that `4GB`, `500MB` or a plain number of bytes mean.

    Raises:
        UsageError: It is no size.
    """
    try:
        size = int(text) if text.isdigit() else round(parse_quantity(text, Unit.MEGABYTES) * 1e6)
    except ValueError as error:
        raise UsageError(f"{error}", hint="write 4GB or 500MB") from None
    if size <= 0:
        raise UsageError(f"{text!r} is no size", hint="write 4GB or 500MB")
    return size

"""The walk of a study: make a family of compressed variants, vet each, and set them beside independent models."""

from __future__ import annotations

import datetime
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from vetgate import environment
from vetgate.domain.check import Need
from vetgate.domain.errors import DataError, UsageError, VetgateError
from vetgate.domain.evidence import Outcome
from vetgate.domain.report import Report, ReportSet
from vetgate.domain.request import StudyRequest
from vetgate.domain.study import Study, Variant
from vetgate.gate.comparison import set_beside
from vetgate.gate.material import Stock
from vetgate.gate.recipes import choose
from vetgate.gate.run import Run, Watch, prepare
from vetgate.gate.shelf import Shelf
from vetgate.gate.walk import vet_all
from vetgate.gate.workshop import Models, Workshop, admit
from vetgate.host import Host
from vetgate.inference.cache import Cache
from vetgate.inference.seal import Seal

FIGURES = ("accuracy.top1", "similarity.", "footprint.")
"""What is measured of every variant, by metric id or its beginning; figures that need live models are left out."""


_LEFT_ASIDE: dict[str, object] = {
    "candidates": (),
    "cards": {},
    "sequential": False,
    "baseline": None,
    "layers": False,
    "gallery": 0,
}
"""What a run may ask for, and a study does not do."""


@contextmanager
def make_study(request: StudyRequest, host: Host, *, now: datetime.datetime, watch: Watch) -> Iterator[Study]:
    """Make variants of a reference, vet each, set them beside independent models, and hold the folder meanwhile.

    The folder is held until the caller is done with the study, for its drawings belong to its variants. Variants that
    an earlier study in the same folder made of the same things are not made again. Nothing is judged and nothing is
    timed, unless the request asks for its policy: a study of 30 variants would spend most of its time on that, and
    thresholds are what it is to find.

    Args:
        request: What the user asks.
        host: The plugins.
        now: When the run started.
        watch: Told of every step.

    Raises:
        UsageError: Something that the person who typed the command can mend; told before anything is made.
        Inconclusive: The reference, or a model that steps may take, cannot be read.
    """
    start = time.perf_counter()
    if not request.run.data:
        raise UsageError("variants are vetted on images, and no data set was given", hint="--data PATH")
    recipes = choose(host, only=request.only, skip=request.skip, variants=request.variants, settings=request.settings)
    own = request.run.model_copy(update=_LEFT_ASIDE)
    with Shelf(request.folder) as shelf:
        with ExitStack() as stack:
            cache = None if own.cache else _fleeting(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            more = (request.donor, request.initial)
            wanted = figures(host)
            prepared = prepare(own, host, now, watch, wanted=wanted, judged=request.judged, cache=cache, more=more)
            run = stack.enter_context(prepared)
            models, stock = _gather(request, run)
            made = Workshop(request, run, models, stock, shelf).make_all(recipes)
            variants = _vet(request, made, run, now)
            study = _written(request, variants, models, run, now, start)
        yield study


def _fleeting(folder: Path) -> Cache:
    """Return a cache that goes with the study, whatever is wrong with the user's."""
    return Cache(folder, seal=Seal.fresh())


def figures(host: Host) -> tuple[str, ...]:
    """Return the metrics that a study measures: those of FIGURES that need no live model."""
    return tuple(
        metric.id
        for check in host.checks()
        for metric in check.metrics
        if check.needs in (Need.STRUCTURE, Need.TABLE) and metric.id.startswith(FIGURES)
    )


def _gather(request: StudyRequest, run: Run) -> tuple[Models, Stock]:
    """Return what variants are made of, made sure to fit."""
    models = admit(request, run)
    if run.yardstick is not None:
        run.yardstick.require_reference(models.reference)
    if run.sitting is None:
        raise UsageError("variants are vetted on images, and no data set was given", hint="--data PATH")
    run.sitting.require_labels_fit(models.reference)
    folder = run.house.vault.folder / "stock"
    folder.mkdir(mode=0o700)
    stock = Stock(request, run.sitting.images, run.host, folder)
    stock.require_labels_fit(models.reference.require_card().card, models.reference.structure)
    return models, stock


def _vet(request: StudyRequest, made: Sequence[Variant], run: Run, now: datetime.datetime) -> tuple[Variant, ...]:
    """Return the variants with their reports; the reference answers once for all of them."""
    paths = [str(Path(request.folder) / variant.file) for variant in made if variant.file is not None]
    if not paths:
        return tuple(made)
    request_of_all = run.request.model_copy(update={"candidates": tuple(paths)})
    try:
        reports = list(vet_all(replace(run, request=request_of_all), now).reports)
    except UsageError as error:
        if isinstance(error, DataError) or len(paths) > 1:
            raise
        # with a single candidate the walk takes what contradicts its card for a mistake in the command
        return tuple(_failed(variant, error) if variant.file is not None else variant for variant in made)
    left = iter(reports)
    return tuple(variant if variant.file is None else _vetted(variant, next(left)) for variant in made)


def _failed(variant: Variant, error: VetgateError) -> Variant:
    return variant.model_copy(update={"problem": error.message})


def _vetted(variant: Variant, report: Report) -> Variant:
    stopped = [item.reason for item in report.evidence if item.check in ("models", "data")]
    wrong = [item for item in report.evidence if item.outcome is Outcome.ERRORED and item.reason in stopped]
    problem = wrong[0].reason if wrong else ""
    return variant.model_copy(update={"report": report, "problem": problem})


def _written(
    request: StudyRequest, variants: tuple[Variant, ...], models: Models, run: Run, now: datetime.datetime, start: float
) -> Study:
    reports = [variant.report for variant in variants if variant.report is not None]
    judged = run.policy.summary
    if run.sitting is None:
        raise RuntimeError("a study has images")
    independents, landscape = set_beside(request, variants, run, now)
    packages = {name: version for report in reports for name, version in report.environment.packages.items()}
    return Study(
        reference=reports[-1].reference if reports else models.reference.summary(),
        data=(reports[-1].data if reports else None) or run.sitting.summary(),
        policy=judged if request.judged else None,
        variants=variants,
        independents=independents,
        yardstick=run.yardstick.summary if run.yardstick else None,
        landscape=landscape,
        environment=environment.describe(packages or models.reference.versions),
        seed=request.run.seed,
        command=request.run.command,
        started=now,
        seconds=time.perf_counter() - start,
    )


def reports_of(study: Study) -> ReportSet | None:
    """Return the reports of every variant that was vetted; None where none was."""
    reports = tuple(variant.report for variant in study.variants if variant.report is not None)
    return ReportSet(reports=reports) if reports else None


def stale_files(study: Study, folder: Path, written: Iterable[Path], drawings: Iterable[str]) -> tuple[str, ...]:
    """Return the variants and drawings in a study's folder that an earlier study left and this one is not of.

    Args:
        study: This one.
        folder: Where it lies.
        written: Files that it wrote.
        drawings: Names of the files that a study may write.
    """
    own = {variant.file for variant in study.variants if variant.file is not None}
    fresh = {path.resolve() for path in written}
    left = {path.name for path in folder.glob("*.onnx") if path.name not in own}
    left |= {name for name in drawings if (folder / name).is_file() and (folder / name).resolve() not in fresh}
    return tuple(sorted(left))


def is_complete(study: Study) -> bool:
    """Return whether every variant was measured, skipped for want of something, or refused for what the model is.

    A study of which nothing was measured has found nothing out.
    """
    measured = [variant for variant in study.variants if variant.report is not None and not variant.problem]
    return bool(measured) and all(each.skipped or each.refused or not each.problem for each in study.variants)


def read_study(place: str) -> Study:
    """Return the study that a file, or the `study.json` of a folder, holds.

    Raises:
        UsageError: There is none, or it is no study of this version.
    """
    path = Path(place) / "study.json" if Path(place).is_dir() else Path(place)
    try:
        return Study.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror or error}", hint="vetgate study compress writes a study"
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(f"{path} is no study: {where}{': ' if where else ''}{first['msg']}") from None

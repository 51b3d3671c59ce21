"""The walk of one run, from paths to verdicts. `vet` reads like the list in vetgate/README.md."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Sequence

from vetgate import environment
from vetgate.domain.check import EvidenceContext, Need, StructureContext, TableContext
from vetgate.domain.errors import (
    DataError,
    Inconclusive,
    PolicyError,
    UsageError,
    VetgateError,
    WallMissing,
    YardstickError,
)
from vetgate.domain.evidence import Evidence, Outcome, Versus
from vetgate.domain.predictions import PredictionTable
from vetgate.domain.report import Report, ReportSet
from vetgate.domain.request import RunRequest
from vetgate.domain.task import Task
from vetgate.gate.answers import Sitting
from vetgate.gate.disparity import explain_disparity
from vetgate.gate.entrant import Entrant
from vetgate.gate.gallery import show_worst
from vetgate.gate.isolation import unwalled
from vetgate.gate.offset import look_for_offset
from vetgate.gate.repeat import ask_again
from vetgate.gate.run import Run, Watch, judge_by, part_of, prepare
from vetgate.gate.scan import keeps_closed, scan_models, scan_unopened
from vetgate.gate.scenes import scenes
from vetgate.gate.sequence import take_looks
from vetgate.gate.task import require_data, require_fit, require_task, task_of
from vetgate.gate.timing import time_models
from vetgate.host import Host
from vetgate.measure import Setting, run_check, skip
from vetgate.policy import LoadedPolicy, tell_waivers, without_waivers


def vet(request: RunRequest, host: Host, *, now: datetime.datetime, watch: Watch) -> ReportSet:
    """Vet every candidate against the reference.

    Args:
        request: What the user asks.
        host: The plugins.
        now: When the run started; its date decides about waivers.
        watch: Told of every step.

    Raises:
        UsageError: Something that the person who typed the command can mend.
    """
    with prepare(request, host, now, watch) as run:
        return vet_all(run, now)


def vet_all(run: Run, now: datetime.datetime) -> ReportSet:
    """Vet every candidate of a run that is prepared."""
    request = run.request
    reference = Entrant("reference", request.reference, request.reference_card, request.architecture, run.house)
    with reference:
        return ReportSet(reports=tuple(_vet_one(path, reference, run, now) for path in request.candidates))


def _vet_one(path: str, reference: Entrant, run: Run, now: datetime.datetime) -> Report:
    """Return the report of one candidate; what goes wrong with it is in its report, not in the others'."""
    start = time.perf_counter()
    card = run.request.cards.get(path, run.request.cards.get(""))
    candidate = Entrant("candidate", path, card, run.request.architecture, run.house)
    if run.sitting is not None:
        run.sitting.begin()
    with candidate:
        evidence = list(_gather(candidate, reference, run))
    evidence += _beside_baseline(evidence, reference, run)
    stopping = run.sitting.stopping if run.sitting else None
    timed = run.timed.summary() if run.timed else None
    lacking = tuple(unwalled(candidate.summary(), reference.summary(), timed))
    verdict = run.judge(evidence, part_of(stopping, run.policy.policy, run.host), lacking)
    versions = reference.versions | candidate.versions
    return Report(
        candidate=candidate.summary(),
        reference=reference.summary(),
        data=run.sitting.summary() if run.sitting else None,
        policy=run.policy.summary,
        verdict=verdict,
        evidence=(*evidence, *tell_waivers(run.policy.policy, verdict, run.today)),
        stopping=stopping,
        timed_reference=timed,
        baseline=run.baseline.summary if run.baseline else None,
        yardstick=run.yardstick.summary if run.yardstick else None,
        environment=environment.describe(versions),
        warnings=(
            *run.warnings,
            *_same_file(candidate, reference),
            *_doubts(candidate, run),
            *lacking,
        ),
        seed=run.request.seed,
        command=run.request.command,
        started=now,
        seconds=time.perf_counter() - start,
    )


def _beside_baseline(evidence: Sequence[Evidence], reference: Entrant, run: Run) -> Iterator[Evidence]:
    """Yield how the candidate stands to that of the saved report, where one was named."""
    if run.baseline is not None:
        timed = (run.timed or reference).summary()
        stopping = run.sitting.stopping if run.sitting else None
        data = run.sitting.summary() if run.sitting else None
        setting = Setting(data, reference.summary(), timed, stopping, environment.describe({}))
        yield run.baseline.compare(evidence, setting, run.host, run.policy.policy.rules)


def _same_file(candidate: Entrant, reference: Entrant) -> Iterator[str]:
    mine, theirs = candidate.artifact, reference.artifact
    if mine is not None and theirs is not None and mine.sha256 == theirs.sha256:
        yield "candidate and reference are the same file: nothing was vetted but the gate"


def _doubts(candidate: Entrant, run: Run) -> Iterator[str]:
    """Yield what makes a baseline doubtful, where rules compare with one, or the yardstick."""
    digest = candidate.artifact.sha256 if candidate.artifact else None
    if run.baseline is not None and any(rule.versus is Versus.BASELINE for rule in run.policy.policy.rules):
        yield from run.baseline.doubts(digest)
    if run.yardstick is not None:
        yield from run.yardstick.doubts(digest)


def _gather(candidate: Entrant, reference: Entrant, run: Run) -> Iterator[Evidence]:
    """Yield the evidence of every planned check; whatever stops a model becomes evidence too.

    Raises:
        UsageError: Nothing can be vetted before somebody mends the command, the data, or a card: that of the
            reference, or of the only candidate.
    """
    gathered: list[Evidence] = []
    try:
        _admit(candidate, reference, run)
        gathered.append(_scan(candidate, reference, run))
        yield gathered[0]
        closed = keeps_closed(gathered[0], run.house.strictness)
        if closed:
            yield from (skip(check, closed) for check in run.plan.checks)
            return
        context = _describe(candidate, reference, run)
        for evidence in _measure(candidate, reference, context, run, gathered):
            gathered.append(evidence)
            yield evidence
    except VetgateError as error:
        concerns_all = isinstance(error, DataError | PolicyError | YardstickError) or error is reference.failure
        if isinstance(error, UsageError) and (concerns_all or len(run.request.candidates) == 1):
            raise
        unopened = list(_scan_unopened(candidate, reference, run))
        gathered += unopened
        yield from unopened
        yield _stopped("isolation" if isinstance(error, WallMissing) else "models", error)
        done = {evidence.check for evidence in gathered}
        left = (check for check in run.plan.checks if check.spec.name not in done)
        yield from (skip(check, "the models could not be compared") for check in left)


def _admit(candidate: Entrant, reference: Entrant, run: Run) -> None:
    run.tell("identify", f"{candidate.path} and {reference.path}")
    reference.admit()
    _require_yardstick_of(reference, run)
    if reference.card is not None:
        _require_fit(reference, run)
    candidate.admit()


def _scan(candidate: Entrant, reference: Entrant, run: Run) -> Evidence:
    run.tell("scan", f"{candidate.path} and {reference.path}")
    timed = [run.timed] if run.timed is not None and run.timed.artifact is not None else []
    return scan_models((candidate, reference, *timed), run.host, lambda what, done, total: run.tell("scan", what))


def _scan_unopened(candidate: Entrant, reference: Entrant, run: Run) -> Iterator[Evidence]:
    """Yield what scanners find in files that were not admitted: an unknown format may still hold known harm."""
    return scan_unopened((candidate, reference), run.host, lambda what, done, total: run.tell("scan", what))


def _describe(candidate: Entrant, reference: Entrant, run: Run) -> StructureContext:
    for entrant in (reference, candidate):
        entrant.recall()
    run.tell("describe", f"{candidate.path} and {reference.path}")
    reference.describe()
    _require_yardstick_of(reference, run)  # a card inside the file is known by now
    _require_fit(reference, run)
    candidate.describe()
    for entrant in (reference, candidate):
        require_task(entrant, reference, run.host)
        entrant.require_servable()
    return StructureContext(candidate.subject(), reference.subject())


def _require_fit(reference: Entrant, run: Run) -> None:
    require_fit(reference, run.plan, run.policy.policy, sequential=run.request.sequential)
    if run.sitting is not None:
        require_data(run.sitting.images.samples, task_of(reference))


def _require_yardstick_of(reference: Entrant, run: Run) -> None:
    if run.yardstick is not None:
        run.yardstick.require_reference(reference)


def _measure(
    candidate: Entrant, reference: Entrant, context: StructureContext, run: Run, gathered: list[Evidence]
) -> Iterator[Evidence]:
    """Yield evidence in the order of the walk; `gathered` holds what was yielded before."""
    for check in run.plan.by_need(Need.STRUCTURE):
        run.tell("check", check.spec.name)
        yield run_check(check, context)
    halt = run.policy.policy.halt_at
    halting = [found.rule for evidence in gathered for found in evidence.findings if found.severity >= halt]
    if halting:
        reason = f"no model was compared, because of {', '.join(halting)}"
        yield from look_for_offset(candidate, reference, run, halting)
        yield from (skip(check, reason) for check in run.plan.checks if check.spec.needs is not Need.STRUCTURE)
        return
    yield from _run_models(candidate, reference, run, gathered)
    timed = run.timed.path if run.timed else None
    for check in run.plan.by_need(Need.EVIDENCE):
        run.tell("check", check.spec.name)
        yield run_check(check, EvidenceContext(context.candidate, context.reference, tuple(gathered), timed))


def _run_models(candidate: Entrant, reference: Entrant, run: Run, gathered: Sequence[Evidence]) -> Iterator[Evidence]:
    """Yield the evidence of checks on the prediction table, on the images, on live models, then of those that train."""
    needs = (Need.TABLE, Need.IMAGES, Need.SESSION, Need.TRAINER)
    live = tuple(check for need in needs for check in run.plan.by_need(need))
    if not live:
        return
    if run.sitting is None:
        yield from (skip(check, "no data set was given; --data PATH") for check in live)
        return
    if task_of(reference) is not Task.CLASSIFICATION:
        yield from _run_on_scenes(candidate, reference, run, run.sitting)
        return
    tally = take_looks(candidate, reference, run, gathered) if run.request.sequential else None
    table = _table_context(candidate, reference, run.sitting, run)
    try:
        run.require_readable()
    except Inconclusive as error:
        yield _stopped("data", error)
    run.caution(reference)
    for check in run.plan.by_need(Need.TABLE):
        run.tell("check", check.spec.name)
        found = run_check(check, table)
        yield found if tally is None else tally.close(found, run.sitting.stopping)
    yield from show_worst(table.table, candidate, run)
    yield from run.sets.evidence(run) if run.sets is not None else ()
    yield from ask_again(run, run.sitting)
    yield from time_models(candidate, reference, table.table, run)
    for found in explain_disparity(candidate, reference, table.table, run):
        yield found if tally is None else tally.close(found, run.sitting.stopping)


def _run_on_scenes(candidate: Entrant, reference: Entrant, run: Run, sitting: Sitting) -> Iterator[Evidence]:
    """Yield the evidence of checks on maps or boxes, on the images, then on live models."""
    try:
        context = scenes(candidate, reference, sitting, run.tell)
    finally:
        sitting.keep()
    try:
        run.require_readable()
    except Inconclusive as error:
        yield _stopped("data", error)
    for check in run.plan.by_need(Need.TABLE):
        run.tell("check", check.spec.name)
        yield run_check(check, context)
    yield from run.sets.evidence(run) if run.sets is not None else ()
    yield from ask_again(run, sitting)
    yield from time_models(candidate, reference, None, run)


def _table_context(candidate: Entrant, reference: Entrant, sitting: Sitting, run: Run) -> TableContext:
    table = _table(candidate, reference, sitting, run)
    if run.yardstick is None:
        return TableContext(table)
    run.warn(run.yardstick.reference_moved(table, sitting.images))
    return TableContext(table, run.yardstick.beside(table, sitting.images))


def _table(candidate: Entrant, reference: Entrant, sitting: Sitting, run: Run) -> PredictionTable:
    """Return the table that checks work on; what was answered for it is kept, however that ends."""
    try:
        return sitting.table(candidate, reference, run.tell, most=sitting.used)
    finally:
        sitting.keep()


def _stopped(where: str, error: VetgateError) -> Evidence:
    """Return the evidence that a step of the walk failed; the judge never lets a run pass that holds it."""
    hint = f"; {error.hint}" if error.hint else ""
    return Evidence(check=where, outcome=Outcome.ERRORED, reason=f"{error.message}{hint}")


def rejudge(reports: ReportSet, policy: LoadedPolicy, host: Host, today: datetime.date) -> ReportSet:
    """Return saved reports with the verdicts that another policy gives on their evidence; no model runs."""
    judged = []
    for report in reports.reports:
        part = part_of(report.stopping, policy.policy, host)
        evidence = without_waivers(report.evidence)
        lacking = tuple(unwalled(report.candidate, report.reference, report.timed_reference))
        verdict = judge_by(policy.policy, evidence, host, today, part, lacking)
        told = (*evidence, *tell_waivers(policy.policy, verdict, today))
        judged.append(report.model_copy(update={"verdict": verdict, "policy": policy.summary, "evidence": told}))
    return ReportSet(reports=tuple(judged))

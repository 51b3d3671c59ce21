"""The walk of `vetgate explain`: what each candidate lost against its reference; nothing is judged."""

from __future__ import annotations

import datetime

from vetgate.domain.check import Need
from vetgate.domain.errors import MissingExtra, UsageError
from vetgate.domain.evidence import Outcome
from vetgate.domain.report import Report, ReportSet
from vetgate.domain.request import RunRequest
from vetgate.gate.floor import load_floor
from vetgate.gate.run import Watch, prepare
from vetgate.gate.walk import vet_all
from vetgate.host import Host, Kind

STOPS = ("models", "data")
"""Evidence of a step of the walk that failed."""


def explain(request: RunRequest, host: Host, *, now: datetime.datetime, watch: Watch) -> ReportSet:
    """Return what every check that trains finds of every candidate; the reference's part is made once for all.

    The verdicts in it are inconclusive, for no policy was asked. The same reports can be judged later.

    Args:
        request: What the user asks; its policy is left aside.
        host: The plugins.
        now: When the run started.
        watch: Told of every step.

    Raises:
        UsageError: Something that the person who typed the command can mend.
        MissingExtra: What explains is not installed.
    """
    wanted = _metrics(host)
    if not request.data:
        raise UsageError("what a candidate lost shows on images, and no data set was given", hint="--data PATH")
    floor = load_floor(request.noise_floor) if request.noise_floor is not None else None
    with prepare(request, host, now, watch, wanted=wanted) as run:
        found = vet_all(run, now)
    if floor is None:
        return found
    return found.model_copy(update={"reports": tuple(floor.beside(each, _trainers(host)) for each in found.reports)})


def _metrics(host: Host) -> tuple[str, ...]:
    """Return the figures of every check that trains, those left out that lack a library unless all do.

    Raises:
        MissingExtra: No plugin offers one, or what they need is not installed.
    """
    offers = [host.offer(Kind.CHECK, check.name) for check in host.checks() if check.needs is Need.TRAINER]
    known = [offer for offer in offers if offer is not None]
    if not known:
        raise MissingExtra("no plugin explains disparity", hint="vetgate plugins shows what is out of order")
    ready = [offer for offer in known if not offer.missing]
    if not ready:
        known[0].require()
    return tuple(metric.id for offer in ready for metric in offer.spec.metrics)


def is_explained(report: Report, host: Host) -> bool:
    """Return whether every check that trains measured one candidate."""
    trains = _trainers(host)
    found = [item for item in report.evidence if item.check in trains]
    stopped = any(item.check in STOPS and item.outcome is not Outcome.MEASURED for item in report.evidence)
    return bool(found) and not stopped and all(item.outcome is Outcome.MEASURED for item in found)


def _trainers(host: Host) -> tuple[str, ...]:
    return tuple(check.name for check in host.checks() if check.needs is Need.TRAINER)

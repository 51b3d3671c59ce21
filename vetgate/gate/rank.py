"""Measures every candidate for a ranking; nothing is judged."""

from __future__ import annotations

import datetime

from vetgate.domain.errors import DataError, UsageError
from vetgate.domain.report import ReportSet
from vetgate.domain.request import RunRequest
from vetgate.gate.run import Watch, prepare
from vetgate.gate.walk import vet_all
from vetgate.host import Host
from vetgate.ranking import METRICS


def measure_all(request: RunRequest, host: Host, *, now: datetime.datetime, watch: Watch) -> ReportSet:
    """Return what accuracy, size, time and score every candidate and the reference have.

    The verdicts in it are inconclusive, for no policy was asked. The same reports can be judged later.

    Args:
        request: What the user asks; its policy is left aside.
        host: The plugins.
        now: When the run started.
        watch: Told of every step.

    Raises:
        UsageError: Something that the person who typed the command can mend: no data set, or one without labels.
    """
    if not request.data:
        raise UsageError("a ranking needs images, and no data set was given", hint="--data PATH")
    with prepare(request, host, now, watch, wanted=METRICS) as run:
        if run.sitting is not None and run.sitting.images.samples.labels is None:
            raise DataError(
                f"the data set {request.data} has no labels, so no accuracy can be measured and nothing can be ranked",
                hint="give labelled images",
            )
        return vet_all(run, now)

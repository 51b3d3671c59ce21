"""Publishes verdicts to MLflow: a run with figures and files for each candidate, tags, and last the alias."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vetgate.api import (
    Decision,
    Inconclusive,
    ModelSummary,
    PublishContext,
    Report,
    ReportSet,
    UsageError,
    WrittenFile,
)
from vetgate_mlflow.client import address, asking, connect, require_named
from vetgate_mlflow.figures import LONGEST_VALUE, metrics, parameters, tags
from vetgate_mlflow.names import registered_name
from vetgate_mlflow.settings import NAME, Settings, read_settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "vetgate"
MOST_AT_ONCE = 1000
"""Metrics that one request takes."""
FOLDER = "vetgate"
"""Where files lie among a run's artifacts."""


@dataclass(frozen=True)
class MlflowPublisher:
    """Implements Publisher."""

    settings: Settings

    @property
    def about(self) -> str:
        """Say where results go; see vetgate.api.Publisher."""
        return f"MLflow at {address()}"

    def require(self, candidates: Sequence[str]) -> None:
        """Make sure that the settings suit the candidates, and a server is named; see vetgate.api.Publisher."""
        require_named()
        if self.settings.run is not None and len(candidates) > 1:
            raise UsageError(
                f"publisher {NAME!r}: one run takes the figures of one candidate, and {len(candidates)} are given",
                hint="set experiment in place of run, and each gets a run of its own",
            )
        if self.settings.alias is None:
            return
        names = [registered_name(candidate) for candidate in candidates]
        for candidate, name in zip(candidates, names, strict=True):
            if name is None:
                raise UsageError(
                    f"publisher {NAME!r}: an alias is of a registered model's version, and {candidate} is none",
                    hint="name it models:/NAME/VERSION, or leave alias out",
                )
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise UsageError(
                f"publisher {NAME!r}: {self.settings.alias!r} can be one version of {twice!r}, and several are given",
                hint="vet them one by one, or leave alias out",
            )

    def publish(self, reports: ReportSet, files: Sequence[WrittenFile], context: PublishContext) -> tuple[str, ...]:
        """Log, tag, and set the alias last; see vetgate.api.Publisher."""
        if not files or files[0].kind != "json":
            raise Inconclusive("there is no JSON report to log", hint="vetgate plugins shows what is out of order")
        client = connect()
        digest = hashlib.sha256(files[0].content).hexdigest()
        said = []
        for report in reports.reports:
            run_id = self._log(report, digest, files, client, context)
            said.append(f"{report.candidate.name} is logged in run {run_id} at {address()}")
            said += _tag_version(report, digest, run_id, client, context)
        for report in reports.reports:  # whatever fails above leaves every alias where it was
            said += self._set_alias(report, client, context)
        return tuple(said)

    def _log(
        self,
        report: Report,
        digest: str,
        files: Sequence[WrittenFile],
        client: MlflowClient,
        context: PublishContext,
    ) -> str:
        from mlflow.entities import Metric, Param, RunTag

        context.require_wanted()
        with asking("the experiment" if self.settings.run is None else f"run {self.settings.run}"):
            run = self._run(report, client)
        run_id, now = str(run.info.run_id), int(report.started.timestamp() * 1000)
        figures = [Metric(key, value, now, 0) for key, value in metrics(report).items()]
        with asking(f"run {run_id}"):
            client.log_batch(run_id, params=[Param(key, value) for key, value in parameters(report).items()])
            for start in range(0, len(figures), MOST_AT_ONCE):
                client.log_batch(run_id, metrics=figures[start : start + MOST_AT_ONCE])
            _log_files(files, run_id, client, context)
            marks = {"vetgate.because": report.verdict.because[:LONGEST_VALUE], **tags(report, digest)}
            client.log_batch(run_id, tags=[RunTag(key, value) for key, value in marks.items()])
            if self.settings.run is None:
                client.set_terminated(run_id)
        return run_id

    def _run(self, report: Report, client: MlflowClient) -> Run:
        if self.settings.run is not None:
            return client.get_run(self.settings.run)
        wanted = self.settings.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
        found = client.get_experiment_by_name(wanted)
        experiment = found.experiment_id if found is not None else client.create_experiment(wanted)
        return client.create_run(experiment, run_name=f"vetgate {report.candidate.name}"[:LONGEST_VALUE])

    def _set_alias(self, report: Report, client: MlflowClient, context: PublishContext) -> list[str]:
        """Set the alias of a version that passed; a warning is no pass."""
        alias, version = self.settings.alias, _version(report.candidate)
        if alias is None or version is None or report.verdict.decision is not Decision.PASS:
            return []
        name, number = version
        asked = f"alias {alias!r} of {name!r}"
        with asking(asked):
            now = client.get_registered_model(name).aliases.get(alias)
        was = _stood_for(alias, name, report)
        if was is not None and now is not None and str(now) not in (was, number):
            raise Inconclusive(
                f"{asked} was moved to version {now} meanwhile, and {number} was compared with {was}",
                hint="vet it against what the alias stands for now",
            )
        context.require_wanted()
        with asking(asked):
            client.set_registered_model_alias(name, alias, number)
        return [f"{name} version {number} has the alias {alias!r}" + (f" (was version {now})" if now else "")]


def make_publisher(settings: Mapping[str, str]) -> MlflowPublisher:
    """Return the publisher that settings describe; nobody is asked yet.

    Raises:
        UsageError: A setting is unknown or bad.
    """
    return MlflowPublisher(read_settings(settings))


def _version(model: ModelSummary) -> tuple[str, str] | None:
    """Return name and version of what was vetted, whatever an alias stands for by now; None for a plain file."""
    origin = model.origin
    if origin is None or origin.source != NAME or not {"name", "version"} <= origin.facts.keys():
        return None
    return origin.facts["name"], origin.facts["version"]


def _stood_for(alias: str, name: str, report: Report) -> str | None:
    """Return the version that the alias stood for when the run began, where the reference was named by it."""
    origin, version = report.reference.origin, _version(report.reference)
    named = origin is not None and version is not None and version[0] == name and origin.facts.get("alias") == alias
    return version[1] if named and version is not None else None


def _tag_version(report: Report, digest: str, run_id: str, client: MlflowClient, context: PublishContext) -> list[str]:
    version = _version(report.candidate)
    if version is None:
        return []
    name, number = version
    marks = {"vetgate.run": run_id, **tags(report, digest)}
    with asking(f"version {number} of {name!r}"):
        for key, value in marks.items():
            context.require_wanted()
            client.set_model_version_tag(name, number, key, value)
    return [f"{name} version {number} is tagged vetgate.decision={marks['vetgate.decision']}"]


def _log_files(files: Sequence[WrittenFile], run_id: str, client: MlflowClient, context: PublishContext) -> None:
    with tempfile.TemporaryDirectory(prefix="vetgate-publish-") as folder:
        for file in files:
            place = Path(folder) / file.name
            place.write_bytes(file.content)
            context.require_wanted()
            client.log_artifact(run_id, str(place), FOLDER)

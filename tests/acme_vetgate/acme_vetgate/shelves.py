"""Fetches from the depot and writes to it, and misbehaves where a name or a setting says so."""

import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from vetgate.api import (
    Decision,
    FetchContext,
    FetchedFile,
    Inconclusive,
    PublishContext,
    ReportSet,
    UnreadableArtifact,
    UsageError,
    WrittenFile,
)

DEPOT = "ACME_DEPOT"


class AcmeSource:
    """Implements ArtifactSource."""

    def fetch(self, name: str, context: FetchContext) -> FetchedFile:
        """Copy a model and what lies beside it, or do what the name says."""
        what = name.removeprefix("acme:/")
        if what.startswith("bad-"):
            return _misbehave(what.removeprefix("bad-"), context)
        folder = Path(os.environ[DEPOT], what)
        if not what.isidentifier() or not folder.is_dir():
            raise UsageError(f"{name} is not in the depot")
        done = 0
        for file in sorted(folder.iterdir()):
            done += file.stat().st_size
            context.tell(done, done)
            if done > context.most_bytes:
                raise Inconclusive(f"{name} is larger than {context.most_bytes} bytes")
            shutil.copyfile(file, context.folder / file.name)
        models = [file for file in sorted(context.folder.iterdir()) if context.recognise(file)]
        if len(models) != 1:
            raise UnreadableArtifact(f"{name} holds {len(models)} models")
        return FetchedFile(models[0], {"shelf": what})


def _misbehave(how: str, context: FetchContext) -> FetchedFile:
    inside = context.folder / "model.toy"
    match how:
        case "outside":
            return FetchedFile(Path("/etc/hostname"))
        case "link":
            inside.symlink_to("/etc/hostname")
        case "raise":
            raise ValueError("no way to https://anna:open-sesame@depot.example/models")
        case "hang":
            time.sleep(3600)
        case "flood":
            with inside.open("wb") as file:
                while True:
                    file.write(bytes(1 << 16))
                    file.flush()
                    context.tell(0, 0)
        case "nothing":
            return None  # type: ignore[return-value]  # what a stranger may hand over
    return FetchedFile(inside)


class AcmePublisher:
    """Implements Publisher."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        unknown = sorted(set(settings) - {"shelf", "misbehave"})
        if unknown:
            raise UsageError(f"publisher 'acme' has no setting {unknown[0]!r}")
        self._shelf, self._how = settings.get("shelf", "notes"), settings.get("misbehave", "")

    @property
    def about(self) -> str:
        """Say where notes go."""
        return f"shelf {self._shelf} of the depot"

    def require(self, candidates: Sequence[str]) -> None:
        """Refuse a crowd."""
        if len(candidates) > 2:
            raise UsageError("the depot takes two notes at a time")

    def publish(self, reports: ReportSet, files: Sequence[WrittenFile], context: PublishContext) -> tuple[str, ...]:
        """Write files, a note on each candidate, and last which may be used."""
        match self._how:
            case "raise":
                raise ValueError("no way to https://anna:open-sesame@depot.example/notes")
            case "refuse":
                raise Inconclusive("the depot is closed")
            case "hang":
                time.sleep(3600)
        shelf = Path(os.environ[DEPOT], self._shelf)
        shelf.mkdir(exist_ok=True)
        for file in files:
            (shelf / file.name).write_bytes(file.content)
        (shelf / "kinds").write_text(" ".join(file.kind for file in files), encoding="utf-8")
        decisions = [report.verdict.decision for report in reports.reports]
        (shelf / "decisions").write_text(" ".join(decisions), encoding="utf-8")
        context.require_wanted()
        if all(decision is Decision.PASS for decision in decisions):
            (shelf / "in-use").write_text(reports.reports[0].candidate.name, encoding="utf-8")
        return (f"noted on shelf {self._shelf}",)

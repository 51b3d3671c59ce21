"""Results on their way to where a team looks, after reports were written and verdicts signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vetgate.cli import streams
from vetgate.cli.output import JSON, STDOUT, Target
from vetgate.documents import suggest
from vetgate.domain.errors import Inconclusive, UsageError, VetgateError
from vetgate.domain.publish import PublishContext, Publisher, WrittenFile
from vetgate.domain.report import ReportSet
from vetgate.domain.request import Limits
from vetgate.domain.source import without_login
from vetgate.gate import wait_for
from vetgate.host import Host, Kind

REPORT = "report.json"
"""What the JSON report is called where nobody asked for its file."""


@dataclass(frozen=True)
class Publishing:
    """Who publishes the verdicts of one run."""

    publishers: Mapping[str, Publisher]
    """By name."""
    targets: Sequence[Target]
    host: Host
    seconds: float = Limits().seconds
    """Patience with each."""

    def publish(self, reports: ReportSet, written: Mapping[str, bytes], signed: Mapping[str, bytes]) -> None:
        """Have everyone publish, also where another failed.

        Args:
            reports: Of the run.
            written: Whole reports by format.
            signed: Attestations by the name of their file.

        Raises:
            Inconclusive: Not all of it could be published.
        """
        files = (*self._reports(reports, written), *(_attestation(*item) for item in signed.items()))
        lost = []
        for name, publisher in self.publishers.items():
            try:
                for line in self._publish(publisher, reports, files):
                    streams.tell(f"{name}: {_visible(line)}")
            except VetgateError as error:
                lost.append(f"{name}: {_visible(error.message)}{f' ({error.hint})' if error.hint else ''}")
            except Exception as error:  # a stranger's publisher may raise anything
                lost.append(f"{name}: {_visible(without_login(f'{type(error).__name__}: {error}'))[:400]}")
        if lost:
            raise Inconclusive(f"the result was not published: {'; '.join(lost)}")

    def _publish(self, publisher: Publisher, reports: ReportSet, files: Sequence[WrittenFile]) -> tuple[str, ...]:
        late = f"it was not done within {self.seconds:g} s"
        return wait_for(
            lambda wanted: publisher.publish(reports, files, PublishContext(self.seconds, wanted)), self.seconds, late
        )

    def _reports(self, reports: ReportSet, written: Mapping[str, bytes]) -> list[WrittenFile]:
        """Return the JSON report, also where nobody asked for its file, then the other files."""
        places = {target.format: Path(target.path).name for target in self.targets if target.path != STDOUT}
        files = [WrittenFile(form, places[form], content) for form, content in written.items()]
        files.sort(key=lambda file: file.kind != JSON)
        offer = self.host.offer(Kind.REPORTER, JSON)
        if JSON not in written and offer is not None:
            content = offer.spec.factory().render(reports)
            files.insert(0, WrittenFile(JSON, REPORT, content if isinstance(content, bytes) else content.encode()))
        return files


def choose_publishing(
    texts: Sequence[str], candidates: Sequence[str], host: Host, targets: Sequence[Target], seconds: float | None
) -> Publishing | None:
    """Return who publishes, making sure before the run that their settings are sound; None where nobody asked.

    Args:
        texts: NAME or NAME:KEY=VALUE,KEY=VALUE.
        candidates: As typed.
        host: Who is on offer.
        targets: Where reports go.
        seconds: Patience with each; None for the usual.

    Raises:
        UsageError: A publisher or a setting is unknown, named twice, or does not suit the candidates.
        MissingExtra: One lacks a library.
    """
    publishers: dict[str, Publisher] = {}
    for text in texts:
        name, _, listed = text.partition(":")
        if name in publishers:
            raise UsageError(f"--publish {name} is given twice")
        offer = host.offer(Kind.PUBLISHER, name)
        if offer is None:
            known = host.names(Kind.PUBLISHER)
            told = ", ".join(known) or "none"
            raise UsageError(f"there is no publisher {name!r}{suggest(name, known)} (known: {told})")
        offer.require()
        publishers[name] = offer.spec.factory(_settings(listed, text))
        publishers[name].require(candidates)
    return Publishing(publishers, targets, host, seconds or Limits().seconds) if publishers else None


def _settings(listed: str, whole: str) -> dict[str, str]:
    pairs = [item.partition("=") for item in listed.split(",")] if listed else []
    names = [name.strip() for name, _, _ in pairs]
    if any(not name.strip() or not equals for name, equals, _ in pairs):
        raise UsageError(f"--publish {whole}: write NAME:KEY=VALUE,KEY=VALUE")
    if len(set(names)) < len(names):
        raise UsageError(f"--publish {whole}: {next(name for name in names if names.count(name) > 1)} is set twice")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _attestation(name: str, content: bytes) -> WrittenFile:
    return WrittenFile("attestation", name, content)


def _visible(text: str) -> str:
    """Return what a server said without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else " " for sign in text)

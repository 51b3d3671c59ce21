"""Models that are named with a scheme: fetched into the private folder of the run, within limits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vetgate import environment
from vetgate.artifacts import Vault, recognised_as, require_file
from vetgate.artifacts.vault import MOST_PARTS
from vetgate.documents import suggest
from vetgate.domain.errors import Inconclusive, UnreadableArtifact, UsageError, VetgateError
from vetgate.domain.request import Limits
from vetgate.domain.source import (
    ArtifactSource,
    FetchContext,
    FetchedFile,
    ModelOrigin,
    Served,
    Sourced,
    scheme_of,
    without_login,
)
from vetgate.domain.specs import Event
from vetgate.gate.patience import RequireWanted, wait_for
from vetgate.host import Host, Offer

LONGEST_FACT = 300
"""Characters; more is shortened."""


@dataclass(frozen=True)
class Place:
    """Where the file of a model lies that was named on the command line."""

    name: str
    """As typed."""
    folder: Path | None = None
    """What was fetched; None for a path."""
    origin: ModelOrigin | None = None
    served: Served | None = None
    """Who answers for it, where that is no file."""

    @property
    def file(self) -> Path | None:
        """The model file that was fetched; None for a path."""
        fetched = self.folder is not None and self.origin is not None and self.origin.file
        return self.folder / self.origin.file if fetched and self.folder and self.origin else None

    def told(self, text: str) -> str:
        """Return a text for readers: files that were fetched are told by the name as typed."""
        return text if self.folder is None else text.replace(f"{self.folder}/", f"{self.name}#")


@dataclass
class Sources:
    """Finds the file of each model of a run; each name is fetched once.

    Args:
        host: The plugins.
        vault: Holds what is fetched.
        limits: Patience with one model, and bytes that a process may take: a larger model could not be opened.
        watch: Told of what comes in.
    """

    host: Host
    vault: Vault
    limits: Limits = field(default_factory=Limits)
    watch: Callable[[Event], None] = lambda event: None
    _found: dict[str, Place | VetgateError] = field(default_factory=dict, init=False)

    def gather(self, names: Iterable[str]) -> None:
        """Fetch models before anything else runs; what could not be is told where the model is needed.

        Raises:
            UsageError: A path or name does not exist, or nobody knows its scheme.
        """
        for name in names:
            found = self._find(name)
            if isinstance(found, UsageError):
                raise found
            if isinstance(found, Place) and found.folder is None:
                require_file(name)

    def place(self, name: str) -> Place:
        """Return where a model lies.

        Raises:
            UsageError: It is a name that means nothing, or whose scheme nobody knows.
            Inconclusive: It could not be fetched, or holds no single model.
        """
        found = self._find(name)
        if isinstance(found, VetgateError):
            raise found
        return found

    def _find(self, name: str) -> Place | VetgateError:
        scheme = scheme_of(name)
        if scheme is None:
            return Place(name)
        if name not in self._found:
            try:
                self._found[name] = self._look(name, scheme)
            except VetgateError as error:
                self._found[name] = error
        return self._found[name]

    def _look(self, name: str, scheme: str) -> Place:
        known = self.host.sources()
        if scheme in known:
            return self._fetch(name, known[scheme])
        if Path(name).exists():
            return Place(name)
        raise UsageError(
            f"{name} is no file, and no plugin fetches models by {scheme}:/{suggest(scheme, sorted(known))} "
            f"(known: {', '.join(f'{each}:/' for each in sorted(known)) or 'none'})",
            hint="vetgate plugins shows what is installed and what is out of order",
        )

    def _fetch(self, name: str, offer: Offer) -> Place:
        offer.require()
        folder = self.vault.folder / f"fetched{len(self._found) + 1}"
        folder.mkdir(mode=0o700)
        most = min(self.limits.memory or environment.memory() * 3 // 4, shutil.disk_usage(folder).free)
        source: ArtifactSource = offer.spec.factory()

        def work(require_wanted: RequireWanted) -> Sourced:
            return source.fetch(name, self._context(name, folder, most, require_wanted))

        late = f"{name} could not be fetched within {self.limits.seconds:g} s"
        try:
            sourced = wait_for(work, self.limits.seconds, late, lambda: _require_bounded(name, folder, most))
        except VetgateError:
            raise
        except Exception as error:  # a stranger's source may raise anything
            told = without_login(f"{type(error).__name__}: {' '.join(str(error).split())[:LONGEST_FACT]}")
            raise Inconclusive(f"{name} could not be fetched by {offer.name}: {told}") from None
        _require_bounded(name, folder, most)
        return _placed(name, sourced, folder, offer.name)

    def _context(self, name: str, folder: Path, most: int, require_wanted: RequireWanted) -> FetchContext:
        def tell(done: int, total: int) -> None:
            require_wanted()
            self.watch(Event("fetch", f"{name} ({done / 1e6:,.4g} of {total / 1e6:,.4g} MB)"))

        def recognise(file: Path) -> str | None:
            return recognised_as(file, self.host.backends())

        return FetchContext(folder, self.limits.seconds, most, MOST_PARTS, recognise, tell)


def _require_bounded(name: str, folder: Path, most: int) -> None:
    """Refuse what takes more room than it may, while it comes in and afterwards."""
    files = 0
    size = 0
    for entry in _entries(folder):
        files, size = files + 1, size + entry.lstat().st_size
        if files > MOST_PARTS or size > most:
            what = f"{MOST_PARTS:,} files" if files > MOST_PARTS else f"{most / 1e6:,.4g} MB"
            raise Inconclusive(
                f"{name} holds more than {what}, which is the most that is fetched",
                hint="name a smaller artifact; --memory-limit sets how large a model may be, and TMPDIR where it goes",
            )


def _entries(folder: Path) -> Iterator[Path]:
    try:
        yield from (entry for entry in folder.rglob("*") if entry.is_symlink() or not entry.is_dir())
    except OSError:  # a file that was put in its place meanwhile
        return


def _placed(name: str, sourced: Sourced, folder: Path, source: str) -> Place:
    """Return where a fetched model lies, made sure that nothing of it leads out of its folder."""
    if isinstance(sourced, Served):
        return Place(name, folder, ModelOrigin(source=source, file="", facts=_told(sourced.facts)), sourced)
    if not isinstance(sourced, FetchedFile):
        raise Inconclusive(f"{name}: {source} handed over neither a file nor a service")
    file, inside = sourced.file, folder.resolve()
    if any(entry.is_symlink() for entry in folder.rglob("*")):
        raise UnreadableArtifact(f"{name}: what was fetched holds links", hint="replace them by the files")
    if not file.resolve().is_relative_to(inside) or not file.is_file():
        raise UnreadableArtifact(f"{name}: {source} names a file that is not among what it fetched")
    within = file.resolve().relative_to(inside).as_posix()
    return Place(name, folder, ModelOrigin(source=source, file=within, facts=_told(sourced.facts)))


def _told(facts: Mapping[str, str]) -> dict[str, str]:
    return {key[:LONGEST_FACT]: str(value)[:LONGEST_FACT] for key, value in facts.items()}

"""A candidate in a server of its own (`check --serve`): the file that was scanned is loaded there and asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from vetgate.domain.artifact import Artifact
from vetgate.domain.deployment import Deployment
from vetgate.domain.errors import Inconclusive, UsageError, VetgateError, WallMissing
from vetgate.domain.source import Door, ServeContext, Served, ServingSource, without_login
from vetgate.domain.structure import Structure
from vetgate.domain.wall import Wall
from vetgate.gate.deployment import require_unasked
from vetgate.host import Host, Kind, Offer

if TYPE_CHECKING:
    from vetgate.gate.house import House

OPEN = Wall(
    name="server",
    stood=False,
    how="the server that held the model is a program of its own, which runs with your rights; the file was scanned",
)
_LONGEST = 300


def require_serving(name: str | None, host: Host) -> None:
    """Make sure that somebody starts servers of this name.

    Raises:
        UsageError: Nobody does.
        MissingExtra: Its plugin lacks a library.
    """
    if name is not None:
        _offer(name, host).require()


class OwnServer:
    """The server that holds one model's file, once it was loaded there.

    Args:
        name: What the model is called in messages.
        path: As typed.
        house: What the run shares.
        wanted: Whether the user asks for one for this model.
    """

    def __init__(self, name: str, path: str, house: House, *, wanted: bool) -> None:
        self._name, self._path, self._house = name, path, house
        self.wanted = wanted
        self.held: tuple[Artifact, Offer] | None = None
        """Who answers in place of the file."""
        self._ending = ExitStack()

    def require_unwanted(self) -> None:
        """Make sure that none is asked for a model that is a service already.

        Raises:
            UsageError: One is.
        """
        if self.wanted:
            raise UsageError(
                f"{self._path} is on a server already, so none is started for it", hint="leave out --serve"
            )

    def require_loadable(self, artifact: Artifact, asked: Deployment | None) -> None:
        """Make sure that nothing that is known of a file keeps it from being loaded; starts nothing.

        Args:
            artifact: The private copy.
            asked: How card and run ask for it to be run.

        Raises:
            WallMissing: The policy requires isolation, and a server has no walls.
            CardError: It is asked for in a way that a server of this kind is not.
            Inconclusive: Its format is not one that the server loads.
        """
        require_unasked(self._name, asked, self._house.serve or "")
        if self._house.walled:
            raise WallMissing(
                f"{self._name}: {OPEN.how}", hint="leave out --serve, or ask for `isolation: preferred` in the policy"
            )
        offer = _offer(self._house.serve or "", self._house.host)
        if artifact.format not in offer.spec.serves:
            able = ", ".join(offer.spec.serves)
            raise Inconclusive(
                f"{self._name}: {artifact.format} files cannot be loaded into {offer.name} (it takes: {able})"
            )

    def load(self, artifact: Artifact, describe: Callable[[], Structure], asked: Deployment | None) -> Door | None:
        """Let the server hold the file from now on; return where the model's child is let to.

        Args:
            artifact: The private copy, which was scanned and may be opened.
            describe: Returns what it takes and gives.
            asked: How card and run ask for it to be run.

        Raises:
            VetgateError: There is no server, it does not load the file, or the policy requires walls.
        """
        house = self._house
        self.require_loadable(artifact, asked)
        served = self._ending.enter_context(_serve(self._name, artifact, describe(), house))
        offer = house.host.offer(Kind.BACKEND, served.backend)
        if offer is None:
            raise Inconclusive(f"{self._name}: backend {served.backend!r} is not on offer")
        self.held = house.vault.note(self._path, served.service, served.backend, served.format), offer
        return served.door

    @property
    def walls(self) -> tuple[Wall, ...]:
        """What to tell of it among the walls around the model."""
        return (OPEN,) if self.held is not None else ()

    def close(self) -> None:
        """End the server."""
        self._ending.close()


@contextmanager
def _serve(name: str, artifact: Artifact, structure: Structure, house: House) -> Iterator[Served]:
    """Yield the server that holds a model; it is ended afterwards.

    Args:
        name: What the model is called in messages.
        artifact: The private copy, which was scanned and may be opened.
        structure: What it takes and gives.
        house: What the run shares.

    Raises:
        Inconclusive: The server does not load it.
    """
    offer = _offer(house.serve or "", house.host)
    source: ServingSource = offer.spec.factory()
    folder = house.vault.make_folder()
    files = tuple(artifact.file.parent / member.name for member in artifact.members)
    context = ServeContext(files, structure, folder, house.threads, house.seconds)
    try:
        manager = source.serve(context)
        served = manager.__enter__()
    except VetgateError:
        raise
    except Exception as error:  # a stranger's source may raise anything
        told = without_login(f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST]}")
        raise Inconclusive(f"{name} could not be served by {offer.name}: {told}") from None
    try:
        yield served
    finally:
        manager.__exit__(None, None, None)


def _offer(name: str, host: Host) -> Offer:
    offer = host.offer(Kind.ARTIFACT_SOURCE, name)
    able = sorted({each.name for each in host.sources().values() if each.spec.serves})
    if offer is None or not offer.spec.serves:
        known = ", ".join(able) or "none"
        raise UsageError(f"nobody loads models into a server called {name!r} (known: {known})", hint="vetgate plugins")
    return offer

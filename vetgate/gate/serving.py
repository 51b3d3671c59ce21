"""A candidate in a server of its own (`check --serve`): the file that was scanned is loaded there and asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vetgate.domain.artifact import Artifact
from vetgate.domain.errors import Inconclusive, UsageError, VetgateError, WallMissing
from vetgate.domain.source import ServeContext, Served, ServingSource, without_login
from vetgate.domain.structure import Structure
from vetgate.domain.wall import Wall
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


@contextmanager
def serve(name: str, artifact: Artifact, structure: Structure, house: House) -> Iterator[Served]:
    """Yield the server that holds a model; it is ended afterwards.

    Args:
        name: What the model is called in messages.
        artifact: The private copy, which was scanned and may be opened.
        structure: What it takes and gives.
        house: What the run shares.

    Raises:
        WallMissing: The policy requires isolation, and a server has no walls.
        Inconclusive: Its format is not one that the server loads, or the server does not load it.
    """
    if house.walled:
        raise WallMissing(
            f"{name}: {OPEN.how}", hint="leave out --serve, or ask for `isolation: preferred` in the policy"
        )
    offer = _offer(house.serve or "", house.host)
    if artifact.format not in offer.spec.serves:
        able = ", ".join(offer.spec.serves)
        raise Inconclusive(f"{name}: {artifact.format} files cannot be loaded into {offer.name} (it takes: {able})")
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

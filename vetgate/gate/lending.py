"""Lending models to children that take them as live modules."""

from __future__ import annotations

from vetgate.domain.errors import Inconclusive
from vetgate.gate.entrant import Entrant
from vetgate.gate.house import House, entry_of
from vetgate.host import Kind
from vetgate.inference.commission import Loan


def lend(model: Entrant, house: House, architecture: str | None, threads: int) -> Loan:
    """Return what a child needs to take a model as a live module.

    Args:
        model: Admitted, its card known.
        house: What the run shares.
        architecture: Code for files that hold only weights, as the user named it.
        threads: That the module may use.

    Raises:
        Unsafe: The scan found something at or over the limit.
        Inconclusive: Nobody opens it, or it could not be scanned and must be.
    """
    model.require_safe()
    artifact, card = model.require_artifact(), model.require_card().card
    offer = house.host.offer(Kind.BACKEND, artifact.backend)
    if offer is None:
        raise Inconclusive(f"{model.name}: backend {artifact.backend!r} is not on offer")
    options = house.options_for(card, architecture).model_copy(update={"threads": threads})
    entry = entry_of(house.host, offer)
    return Loan(entry=entry, backend=artifact.backend, artifact=artifact, card=card, options=options)

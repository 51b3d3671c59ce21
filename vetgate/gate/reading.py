"""By which card a model is read, and how it is run: what was found, and what the run asks for over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from vetgate.artifacts import CardSource, find_card
from vetgate.domain.card import Card
from vetgate.domain.deployment import Asked, Deployment, ExecutionOptions, overlaid, told
from vetgate.domain.errors import CardError
from vetgate.gate.deployment import as_asked

if TYPE_CHECKING:
    from vetgate.gate.house import House


class Reading:
    """The card of one model.

    Args:
        role: What the model is in its run; the user asks by it.
        path: As typed.
        explicit: The card file that the user named, if any.
        house: What the run shares.
        matters: Whether a malformed card is an error; else `problem` tells it.
    """

    def __init__(self, role: str, path: str, explicit: str | None, house: House, *, matters: bool) -> None:
        self._path, self._explicit, self._house, self._matters = path, explicit, house, matters
        self.run = house.asked_of(role)
        """What the run asks for."""
        self.problem = ""
        self.found: CardSource | None = None
        """The card as it was found."""
        self.card: CardSource | None = None
        """The same with what the run asks for in place of what it says."""

    @property
    def wanted(self) -> Deployment | None:
        """How the model is to be run, as card and run ask together; None where nobody asks."""
        return self.card.card.execution if self.card is not None else overlaid(None, self.run.deployment)

    def take(self, found: CardSource | None) -> None:
        """Read the model by a card from now on."""
        card: Card | None = None
        if found is not None:
            card = as_asked(found.card, self.run, self._house.threads_asked)
        self.found = found
        self.card = replace(found, card=card) if found is not None and card is not None else None

    def find(self, metadata: Mapping[str, str] | None) -> CardSource | None:
        """Return the card; where only the file is looked at, a malformed one is noted instead of raised.

        Args:
            metadata: What the file says about itself; None while that is not known.

        Raises:
            CardError: It is malformed, or two disagree.
        """
        try:
            return self._find(metadata)
        except CardError as error:
            if self._matters:
                raise
            self.problem = error.message
            return None

    def _find(self, metadata: Mapping[str, str] | None) -> CardSource | None:
        """Return the card of its file; what was fetched is told by the model's name, not by where it lies now."""
        place = self._house.sources.place(self._path)
        try:
            found = find_card(str(place.file or self._path), self._explicit, metadata)
        except CardError as error:
            raise CardError(place.told(error.message), hint=error.hint) from None
        if found is None or place.folder is None:
            return found
        files = tuple(file.model_copy(update={"name": place.told(file.name)}) for file in found.files)
        return replace(found, source=place.told(found.source), files=files)

    def asked(self, *, threads: bool) -> tuple[Asked, ...]:
        """Return everything that card and run ask of how the model is run.

        Args:
            threads: Whether its backend can be asked for them; else `--threads`, which is of every model, is not of it.
        """
        general = self._house.threads_asked if threads else None
        every: ExecutionOptions = self.run.model_copy(update={"threads": self.run.threads or general})
        return tuple(told(self.found.card.execution if self.found is not None else None, every))

"""How a model is to be run: what its card or the user asks for, and what that comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, PositiveInt, StrictFloat, StrictInt, StrictStr

from vetgate.domain.record import Record

Option: TypeAlias = StrictInt | StrictFloat | StrictStr
Asker: TypeAlias = Literal["card", "run"]


class Deployment(Record):
    """On what a model runs where it is deployed, and so in the gate; None leaves it to the backend."""

    runtime: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]*$")] | None = None
    """Name of the backend that opens the file, where it is not the one that its format goes with."""
    provider: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")] | None = None
    """Execution provider, delegate or device, as the backend calls it."""
    precision: Annotated[str, Field(pattern=r"^[a-z0-9]+$")] | None = None
    """Precision that the runtime is asked to compute floating-point operators in, such as float16."""
    threads: PositiveInt | None = None
    """Threads of one inference."""
    fallback: Literal["forbidden", "allowed"] | None = None
    """Whether operators may run elsewhere than on the provider; forbidden where one is asked for, unless said here."""
    options: dict[str, Option] = {}
    """Of the backend, by name, as it declares them."""

    @property
    def forbids_fallback(self) -> bool:
        """Whether every operator must run on the provider."""
        return self.fallback == "forbidden" or (self.provider is not None and self.fallback is None)


class ExecutionOptions(Deployment):
    """What the user asks of a run; it stands over the card."""

    batch: PositiveInt | None = None
    """Images at a time on the device, in place of the card's."""

    @property
    def deployment(self) -> Deployment:
        """Return it without what no backend is asked for."""
        return Deployment.model_validate(self.model_dump(exclude={"batch"}))


class Asked(Record):
    """One thing that was asked of how a model runs."""

    option: str
    """Such as `provider` or `options.device_id`."""
    value: str
    by: Asker
    """The card, or the run: the command line, the configuration, a variable."""
    heeded: bool = True
    """False where the run asked for something else."""


def overlaid(card: Deployment | None, run: Deployment) -> Deployment | None:
    """Return what both ask for together; what the run asks for stands over the card. None where nobody asks."""
    both = Deployment.model_validate(_together(card or Deployment(), run))
    return both if card is not None or both != Deployment() else None


def stacked(below: ExecutionOptions, above: ExecutionOptions) -> ExecutionOptions:
    """Return what two places ask of a run together, such as a file and flags; what the higher one asks for counts."""
    return ExecutionOptions.model_validate(_together(below, above))


def told(card: Deployment | None, run: Deployment) -> Iterator[Asked]:
    """Yield everything that a card and a run ask for, by option; of two that differ, that of the card is not heeded."""
    theirs, ours = _listed(card or Deployment()), _listed(run)
    for option in dict.fromkeys((*theirs, *ours)):
        if option in theirs:
            heeded = option not in ours or ours[option] == theirs[option]
            heeded = heeded and not (option == "fallback" and theirs[option] == "allowed" and _names_anew(run))
            yield Asked(option=option, value=theirs[option], by="card", heeded=heeded)
        if option in ours:
            yield Asked(option=option, value=ours[option], by="run")


def _together(lower: Deployment, higher: Deployment) -> dict[str, object]:
    """Return what both ask for, option by option; the higher one counts."""
    below, above = lower.model_dump(exclude_none=True), higher.model_dump(exclude_none=True)
    if _names_anew(higher) and lower.fallback == "allowed":
        del below["fallback"]
    return {**below, **above, "options": {**lower.options, **higher.options}}


def _names_anew(run: Deployment) -> bool:
    """Return whether a run names a provider and no fallback: what a card says of its own provider's is not meant."""
    return run.provider is not None and run.fallback is None


def _listed(asked: Deployment) -> dict[str, str]:
    plain = asked.model_dump(exclude={"options"}, exclude_none=True)
    return {
        **{name: str(value) for name, value in plain.items()},
        **{f"options.{name}": str(value) for name, value in asked.options.items()},
    }

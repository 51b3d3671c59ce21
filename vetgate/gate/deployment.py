"""How a model is run: what its card and the user ask for, who can do that, and whether it was done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vetgate.documents import suggest
from vetgate.domain.artifact import Artifact
from vetgate.domain.card import Card
from vetgate.domain.deployment import Deployment, ExecutionOptions, overlaid
from vetgate.domain.errors import CardError, Inconclusive
from vetgate.domain.model import Execution
from vetgate.domain.specs import BackendSpec
from vetgate.host import Host, Kind, Offer

_MEND = "mend it in the card's `execution`, or in --execution or --reference-execution; docs: models.md"

_MANY = 6


def as_asked(card: Card, run: ExecutionOptions, threads: int | None) -> Card:
    """Return a card with what the run asks for in place of what the card says.

    Args:
        card: As it was found.
        run: What is asked of this model.
        threads: What is asked of every model (`--threads`); it stands over a card's, too.
    """
    own, ours = card.execution, run.deployment
    if ours.threads is None and own is not None and own.threads is not None:
        ours = ours.model_copy(update={"threads": threads})
    return card.model_copy(update={"execution": overlaid(own, ours), "batch": run.batch or card.batch})


def choose_backend(
    name: str, artifact: Artifact, usual: Offer, wanted: Deployment, host: Host, run: Deployment | None = None
) -> Offer:
    """Return the offer of the backend that opens a model as it is wanted to be run.

    Args:
        name: What the model is called in messages.
        artifact: The model.
        usual: Who opens its format unasked.
        wanted: What card and run ask for together.
        host: The plugins.
        run: What the run asks for, so that messages say who asks.

    Raises:
        CardError: A backend is named that does not open this format, or something that it cannot be asked for.
    """
    asking = _Asking(name, run or Deployment())
    chosen = usual
    if wanted.runtime is not None and wanted.runtime != artifact.backend:
        chosen = _named(asking, artifact, wanted.runtime, host)
    _require_able(asking, chosen.spec, wanted)
    return chosen


def offered_words(artifact: Artifact, host: Host) -> str:
    """Return what may be asked of how a model is run: `provider XNNPACK, builtin; threads`.

    Where several runtimes open its format: `runtime onnx, or openvino; of onnx: provider ...`.
    """
    offer = host.offer(Kind.BACKEND, artifact.backend)
    if offer is None:
        return "nothing"
    spec: BackendSpec = offer.spec
    others = [name for name in _able(artifact, host) if name != spec.name]
    parts = [
        _providers(spec),
        (f"precision {', '.join(spec.precisions)}" if spec.precisions else ""),
        "threads" if spec.threads else "",
        *(f"options.{option.name} {option.allowed}" for option in spec.options),
    ]
    told = "; ".join(filter(None, parts)) or "nothing"
    return f"runtime {spec.name}, or {', '.join(others)}; of {spec.name}: {told}" if others else told


def _providers(spec: BackendSpec) -> str:
    everywhere = [name for name in spec.providers if name not in spec.accelerators]
    elsewhere = [name for name in spec.providers if name in spec.accelerators]
    told = ", ".join(filter(None, (_some(everywhere), _some(elsewhere))))
    there = " (those that the installed runtime and the machine have)" if elsewhere else ""
    return f"provider {told}{there}" if told else ""


def uses_accelerator(offer: Offer, wanted: Deployment | None) -> bool:
    """Return whether a model is to be run on a GPU or the like."""
    spec: BackendSpec = offer.spec
    return wanted is not None and wanted.provider in spec.accelerators


def require_as_asked(name: str, wanted: Deployment | None, ran: Execution) -> None:
    """Make sure that what runs is what was asked for.

    Args:
        name: What the model is called in messages.
        wanted: What card and run ask for together; None for nothing.
        ran: What the runtime says.

    Raises:
        Inconclusive: It runs elsewhere, in part or as a whole, or with another number of threads.
    """
    if wanted is None:
        return
    told = ", ".join(f"{place.operators:,} on {place.provider}" for place in ran.placed)
    where = f"its operators run so: {told}" if told else f"{ran.runtime} says that it runs on {ran.provider}"
    elsewhere = wanted.provider is not None and ran.provider != wanted.provider
    if wanted.forbids_fallback and (elsewhere or not ran.whole):
        what = f"{wanted.provider} alone" if wanted.provider is not None else "one provider alone"
        raise Inconclusive(
            f"{name} was to run on {what}, and {where}",
            hint="ask for another provider, or write `fallback: allowed` beside it",
        )
    if wanted.threads is not None and wanted.threads != ran.threads:
        raise Inconclusive(
            f"{name} was to run with {wanted.threads} threads, and {ran.runtime} runs it with {ran.threads}",
            hint="ask for a number of threads that this machine and runtime have",
        )


def require_unasked(name: str, wanted: Deployment | None, server: str) -> None:
    """Refuse what cannot be asked of a server that a candidate is loaded into.

    Raises:
        CardError: Card or run ask for something.
    """
    if wanted is not None and wanted != Deployment():
        raise CardError(
            f"{name}: execution options are asked for, and {server}, which it is loaded into, runs it in its own way",
            hint="leave out --serve, or `execution` in the card and --execution",
        )


class _Asking:
    """Words for who asks for what.

    Args:
        name: What the model is called.
        run: What the run asks for; the rest is the card's.
    """

    def __init__(self, name: str, run: Deployment) -> None:
        self._name, self._run = name, run

    def says(self, option: str, value: object) -> str:
        """Return how a message begins."""
        first, _, inner = option.partition(".")
        ours = inner in self._run.options if inner else getattr(self._run, first) is not None
        return f"{self._name}: {'the run' if ours else 'the card'} asks for execution.{option} {value}"


def _require_able(asking: _Asking, spec: BackendSpec, wanted: Deployment) -> None:
    for option, value, offered in (
        ("precision", wanted.precision, spec.precisions),
        ("provider", wanted.provider, spec.providers),
    ):
        if value is not None and value not in offered:
            raise CardError(
                f"{asking.says(option, value)}, and backend {spec.name!r} can be asked for {_listed(offered)}"
                f"{suggest(value, list(offered))}",
                hint=f"leave execution.{option} out, or name another runtime there",
            )
    if wanted.threads is not None and not spec.threads:
        raise CardError(
            f"{asking.says('threads', wanted.threads)}, and backend {spec.name!r} cannot be asked for threads",
            hint=_MEND,
        )
    known = {option.name: option for option in spec.options}
    for name, given in wanted.options.items():
        if name not in known:
            raise CardError(
                f"{asking.says(f'options.{name}', given)}, and backend {spec.name!r} has the options {_listed(known)}"
                f"{suggest(name, list(known))}",
                hint=_MEND,
            )
        if not known[name].holds(given):
            raise CardError(
                f"{asking.says(f'options.{name}', given)}, but it must be {known[name].allowed}", hint=_MEND
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def _able(artifact: Artifact, host: Host) -> list[str]:
    """Return the backends that open files of this format."""
    return sorted(
        spec.name
        for spec in host.backends()
        if artifact.format in spec.also or any(known.name == artifact.format for known in spec.formats)
    )


def _some(names: Sequence[str]) -> str:
    """Return names, of many the first and how many more."""
    few = names if len(names) <= _MANY else names[: _MANY - 1]
    more = f" and {len(names) - len(few)} more" if len(few) < len(names) else ""
    return f"{', '.join(few)}{more}"


def _named(asking: _Asking, artifact: Artifact, runtime: str, host: Host) -> Offer:
    able = _able(artifact, host)
    offer = host.offer(Kind.BACKEND, runtime)
    if offer is None or runtime not in able:
        raise CardError(
            f"{asking.says('runtime', runtime)}, which does not open {artifact.format} here; {' and '.join(able)} can"
            f"{suggest(runtime, able)}",
            hint=f"{_MEND}; vetgate plugins lists what is installed",
        )
    return offer

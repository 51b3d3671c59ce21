"""Declares toy models with inner tensors, a check that trains, and a labeller."""

from collections.abc import Iterable, Mapping
from typing import Any

from vetgate.api import (
    Backend,
    BackendSpec,
    Better,
    Check,
    CheckSpec,
    FormatSpec,
    Labeller,
    LabellerSpec,
    MetricSpec,
    Need,
    Of,
    Probe,
    TrainerContext,
    Unit,
    hookimpl,
)


def _metric(name: str, summary: str, *, sliced: bool = False) -> MetricSpec:
    return MetricSpec(
        id=f"acme.{name}",
        summary=summary,
        unit=Unit.FRACTION,
        better=Better.HIGHER,
        roles=(Of.CANDIDATE,),
        low=0.0,
        high=1.0,
        bounded=(Of.CANDIDATE,),
        sliced=sliced,
        columns=("concept",) if sliced else (),
    )


FUSED = _metric("fused", "accuracy of the reference's answers fitted to the candidate's features")
CONCEPTS = _metric("concepts", "share of images that show a concept", sliced=True)


def _recognise(probe: Probe) -> bool:
    return probe.head.startswith(b"ACMD{")


def _backend() -> Backend:
    from acme_vetgate.deep import DeepBackend

    return DeepBackend()


def _check() -> Check[TrainerContext]:
    from acme_vetgate.lesson import AcmeLesson

    return AcmeLesson()


def _labeller(settings: Mapping[str, str]) -> Labeller:
    from acme_vetgate.naming import AcmeLabeller

    return AcmeLabeller(settings)


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """A check that trains."""
    summary = "what the candidate's features tell of the reference's answers"
    return [CheckSpec[TrainerContext]("acme-lesson", summary, Need.TRAINER, (FUSED, CONCEPTS), _check)]


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """Toy models with inner tensors."""
    deep = FormatSpec("acme-deep", "acme's toy models with maps", _recognise)
    return [BackendSpec("acme-deep", "opens acme's toy models with maps", (deep,), _backend)]


@hookimpl
def vetgate_labellers() -> Iterable[LabellerSpec]:
    """A labeller that asks nobody."""
    return [LabellerSpec("acme-names", "says what it is told to", {"word": "what it says"}, _labeller)]

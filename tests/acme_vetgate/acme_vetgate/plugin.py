"""Declares the toy format (`ACME` and a line of JSON, then the weights of one linear layer in float32) and a check."""

from collections.abc import Iterable
from typing import Any

from vetgate.api import (
    Backend,
    BackendSpec,
    Better,
    Check,
    CheckSpec,
    Compressor,
    CompressorSpec,
    FormatSpec,
    MetricSpec,
    Need,
    Of,
    Probe,
    Recipe,
    RuleSpec,
    Scanner,
    ScannerSpec,
    Severity,
    Step,
    TableContext,
    Takes,
    Unit,
    Wants,
    hookimpl,
)

SURE = MetricSpec(
    id="acme.sure",
    summary="share of images whose most probable class has a probability of at least 0.9",
    unit=Unit.FRACTION,
    better=Better.HIGHER,
    roles=(Of.CANDIDATE,),
    low=0.0,
    high=1.0,
    bounded=(Of.CANDIDATE,),
    counted=(Of.CANDIDATE,),
)


def _recognise(probe: Probe) -> bool:
    return probe.head.startswith(b"ACME{")


def _backend() -> Backend:
    from acme_vetgate.backend import AcmeBackend

    return AcmeBackend()


def _check() -> Check[TableContext]:
    from acme_vetgate.check import AcmeCheck

    return AcmeCheck()


@hookimpl
def vetgate_checks() -> Iterable[CheckSpec[Any]]:
    """A toy check on the prediction table."""
    return [CheckSpec[TableContext]("acme", "how sure the candidate is", Need.TABLE, (SURE,), _check)]


@hookimpl
def vetgate_backends() -> Iterable[BackendSpec]:
    """The toy format."""
    toy = FormatSpec("acme", "acme's toy models", _recognise)
    return [BackendSpec("acme", "opens acme's toy models", (toy,), _backend)]


CODE = RuleSpec(
    id="ACME01",
    severity=Severity.HIGH,
    title="a toy model names code",
    why="acme's runtime runs what a model file names.",
    advice="export the model without code",
    source="acme's release notes",
)
NOTE = RuleSpec("ACME02", Severity.LOW, "a toy model has a note", "Nobody reads notes.", "drop the note")


def _scanner() -> Scanner:
    from acme_vetgate.scan import AcmeScanner

    return AcmeScanner()


def _readable(probe: Probe) -> bool:
    return _recognise(probe) and b'"scan": "hide"' not in probe.head


@hookimpl
def vetgate_scanners() -> Iterable[ScannerSpec]:
    """A scanner of the toy format, which knows nothing of files that hide from it."""
    return [ScannerSpec("acme", "reads the first line of toy models", _readable, ("acme",), (CODE, NOTE), _scanner)]


def _trim() -> Compressor:
    from acme_vetgate.trim import AcmeTrim

    return AcmeTrim()


def _fit() -> Compressor:
    from acme_vetgate.trim import AcmeFit

    return AcmeFit()


def _trimmed(decimals: int) -> Recipe:
    step = Step(compressor="acme-trim", settings={"decimals": decimals})
    return Recipe(name=f"acme-trim-{decimals}", family="Trimming", label=f"{decimals} decimals", steps=(step,))


@hookimpl
def vetgate_compressors() -> Iterable[CompressorSpec]:
    """Toy compressors of the toy format, which look at the reference's file and never at a module."""
    fit = Recipe(name="acme-fit", family="Fitting", label="anew", steps=(Step(compressor="acme-fit"),))
    return [
        CompressorSpec("acme-trim", "rounds weights", Takes.MODULE, _trim, (_trimmed(2), _trimmed(0))),
        CompressorSpec("acme-fit", "fits weights anew", Takes.MODULE, _fit, (fit,), wants=(Wants.TRAINING,)),
    ]

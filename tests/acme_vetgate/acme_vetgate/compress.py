"""Declares a toy compressor: weights rounded to a few decimals."""

from collections.abc import Iterable

from vetgate.api import Compressor, CompressorSpec, Recipe, SettingKind, SettingSpec, Step, Takes, hookimpl

NAME = "acme-round"
SETTINGS = (SettingSpec("digits", SettingKind.WHOLE, "decimals that are kept", low=0, high=6, default=2),)


def _rounding() -> Compressor:
    from acme_vetgate.rounding import Rounding

    return Rounding()


@hookimpl
def vetgate_compressors() -> Iterable[CompressorSpec]:
    """Rounded weights."""
    recipes = tuple(
        Recipe(
            name=f"{NAME}-{digits}",
            family="Rounding",
            label=f"{digits} decimals",
            steps=(Step(compressor=NAME, settings={"digits": digits}),),
        )
        for digits in (1, 2)
    )
    summary = "rounds weights to `digits` decimals"
    return [CompressorSpec(NAME, summary, Takes.ONNX, _rounding, recipes, extra="onnx", settings=SETTINGS)]

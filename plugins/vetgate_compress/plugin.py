"""Declares the compressors."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from vetgate.api import Compressor, CompressorSpec, Recipe, SettingSpec, Takes, Wants, hookimpl
from vetgate_compress import recipes, settings


def _float32() -> Compressor:
    from vetgate_compress.export import Float32

    return Float32()


def _float16() -> Compressor:
    from vetgate_compress.float16 import Float16

    return Float16()


def _dynamic() -> Compressor:
    from vetgate_compress.quantise import Dynamic

    return Dynamic()


def _static() -> Compressor:
    from vetgate_compress.quantise import Static

    return Static()


def _l1() -> Compressor:
    from vetgate_compress.prune import l1

    return l1()


def _at_random() -> Compressor:
    from vetgate_compress.prune import at_random

    return at_random()


def _structured() -> Compressor:
    from vetgate_compress.structured import Structured

    return Structured()


def _cluster() -> Compressor:
    from vetgate_compress.cluster import Cluster

    return Cluster()


def _distil() -> Compressor:
    from vetgate_compress.distil import Distil

    return Distil()


def _transfer() -> Compressor:
    from vetgate_compress.transfer import Transfer

    return Transfer()


def _spec(
    name: str,
    summary: str,
    takes: Takes,
    factory: Callable[[], Compressor],
    made: tuple[Recipe, ...],
    declared: tuple[SettingSpec, ...],
    *wants: Wants,
    uses: tuple[Wants, ...] = (),
) -> CompressorSpec:
    return CompressorSpec(name, summary, takes, factory, made, wants, extra="compress", uses=uses, settings=declared)


@hookimpl
def vetgate_compressors() -> Iterable[CompressorSpec]:
    """Declare them in the order of the deviation table."""
    return (
        _spec(
            "float32",
            "the reference as it is, exported to ONNX",
            Takes.MODULE,
            _float32,
            recipes.FLOAT32,
            settings.NONE,
        ),
        _spec(
            "float16",
            "weights and arithmetic in float16, input and output in float32",
            Takes.ONNX,
            _float16,
            recipes.FLOAT16,
            settings.NONE,
        ),
        _spec(
            "int8-dynamic",
            "8-bit weights, ranges of activations measured at each run",
            Takes.ONNX,
            _dynamic,
            recipes.INT8_DYNAMIC,
            settings.NONE,
        ),
        _spec(
            "int8-static",
            "8-bit weights for each channel and 8-bit activations, ranges from `images` calibration images",
            Takes.ONNX,
            _static,
            recipes.INT8_STATIC,
            settings.STATIC,
            Wants.CALIBRATION,
        ),
        _spec(
            "prune-l1",
            "zeroes the share `rate` of weights that is least in magnitude, over all layers together",
            Takes.MODULE,
            _l1,
            recipes.PRUNE_L1 + recipes.L1_THEN,
            settings.PRUNE,
        ),
        _spec(
            "prune-random",
            "zeroes the share `rate` of weights drawn at random, over all layers together",
            Takes.MODULE,
            _at_random,
            recipes.PRUNE_RANDOM,
            settings.PRUNE,
        ),
        _spec(
            "prune-structured",
            "removes the share `rate` of channels, those of least group norm",
            Takes.MODULE,
            _structured,
            recipes.PRUNE_STRUCTURED + recipes.STRUCTURED_THEN,
            settings.STRUCTURED,
        ),
        _spec(
            "cluster",
            "leaves `clusters` distinct values in each tensor that has more than 8 weights for each",
            Takes.ONNX,
            _cluster,
            recipes.CLUSTER,
            settings.CLUSTER,
        ),
        _spec(
            "distil",
            "trains the architecture anew on labels, which weigh `alpha` of the loss, and on the reference's answers",
            Takes.MODULE,
            _distil,
            recipes.DISTIL,
            settings.DISTIL,
            Wants.TRAINING,
        ),
        _spec(
            "transfer",
            "puts a `part` of the donor's layers in the place of the reference's",
            Takes.MODULE,
            _transfer,
            recipes.TRANSFER,
            settings.TRANSFER,
            Wants.DONOR,
            uses=(Wants.TRAINING,),
        ),
    )

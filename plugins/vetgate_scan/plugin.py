"""What this plugin offers: scanners."""

from __future__ import annotations

from vetgate_runtime import content

from vetgate.api import Probe, Scanner, ScannerSpec, hookimpl
from vetgate_scan import (
    ir_rules,
    keras_rules,
    mnn_rules,
    ncnn_rules,
    onnx_rules,
    other_rules,
    pte_rules,
    safetensors_rules,
    tflite_rules,
)
from vetgate_scan.archive_rules import ARCHIVE_RULES
from vetgate_scan.pickle_rules import PICKLE_RULES
from vetgate_scan.torch_rules import TORCH_RULES


def _pickle() -> Scanner:
    from vetgate_scan.scanner import PickleScanner

    return PickleScanner()


def _holds_members(probe: Probe) -> bool:
    from vetgate_scan.content import is_known

    return is_known(memoryview(probe.head))


def _onnx() -> Scanner:
    from vetgate_scan.onnx_scanner import OnnxScanner

    return OnnxScanner()


def _is_onnx(probe: Probe) -> bool:
    from vetgate_scan.onnx_scanner import recognise

    return recognise(probe)


def _tflite() -> Scanner:
    from vetgate_scan.tflite_scanner import TfliteScanner

    return TfliteScanner()


def _is_tflite(probe: Probe) -> bool:
    return probe.head[4:8] == b"TFL3"


def _ir() -> Scanner:
    from vetgate_scan.ir_scanner import IrScanner

    return IrScanner()


def _is_ir(probe: Probe) -> bool:
    return content.is_ir(probe.head)


def _ncnn() -> Scanner:
    from vetgate_scan.ncnn_scanner import NcnnScanner

    return NcnnScanner()


def _is_ncnn(probe: Probe) -> bool:
    return content.is_ncnn(probe.head)


def _mnn() -> Scanner:
    from vetgate_scan.mnn_scanner import MnnScanner

    return MnnScanner()


def _is_mnn(probe: Probe) -> bool:
    return content.is_mnn(probe.head)


def _pte() -> Scanner:
    from vetgate_scan.pte_scanner import PteScanner

    return PteScanner()


def _is_pte(probe: Probe) -> bool:
    return content.is_executorch(probe.head)


def _safetensors() -> Scanner:
    from vetgate_scan.safetensors_scanner import SafetensorsScanner

    return SafetensorsScanner()


def _is_safetensors(probe: Probe) -> bool:
    from vetgate_scan.safetensors_scanner import recognise

    return recognise(probe)


def _keras() -> Scanner:
    from vetgate_scan.keras_scanner import KerasScanner

    return KerasScanner()


def _is_keras(probe: Probe) -> bool:
    from vetgate_scan.keras_scanner import recognise

    return recognise(probe)


def _polyglot() -> Scanner:
    from vetgate_scan.polyglot_scanner import PolyglotScanner

    return PolyglotScanner()


def _digest() -> Scanner:
    from vetgate_scan.digest_scanner import DigestScanner

    return DigestScanner()


def _card() -> Scanner:
    from vetgate_scan.card_scanner import CardScanner

    return CardScanner()


def _is_any(probe: Probe) -> bool:
    return probe.size > 0


@hookimpl
def vetgate_scanners() -> tuple[ScannerSpec, ...]:
    """Offer the scanners."""
    return (
        ScannerSpec(
            name="pickle",
            summary="PyTorch's files, pickles, arrays and archives, with every member of them",
            recognise=_holds_members,
            vouches=("torch-weights", "torchscript", "torch-export"),
            rules=(*PICKLE_RULES, *ARCHIVE_RULES, *TORCH_RULES),
            factory=_pickle,
        ),
        ScannerSpec(
            name="onnx",
            summary="ONNX models: external data, operators, functions, loops, sizes",
            recognise=_is_onnx,
            vouches=("onnx",),
            rules=onnx_rules.RULES,
            factory=_onnx,
        ),
        ScannerSpec(
            name="tflite",
            summary="TFLite models: offsets, operators, calls, shapes, packed files",
            recognise=_is_tflite,
            vouches=("tflite",),
            rules=tflite_rules.RULES,
            factory=_tflite,
        ),
        ScannerSpec(
            name="openvino",
            summary="OpenVINO IR: entities, offsets of weights, extensions, nested bodies, sizes",
            recognise=_is_ir,
            vouches=("openvino",),
            rules=ir_rules.RULES,
            factory=_ir,
        ),
        ScannerSpec(
            name="ncnn",
            summary="ncnn models: layers, blobs, parameters, the weights by what layers take",
            recognise=_is_ncnn,
            vouches=("ncnn",),
            rules=ncnn_rules.RULES,
            factory=_ncnn,
        ),
        ScannerSpec(
            name="mnn",
            summary="MNN models: offsets, operators, plugins, weights, other files, sizes",
            recognise=_is_mnn,
            vouches=("mnn",),
            rules=mnn_rules.RULES,
            factory=_mnn,
        ),
        ScannerSpec(
            name="executorch",
            summary="ExecuTorch programs: offsets, operators, delegates, constants, sizes",
            recognise=_is_pte,
            vouches=("executorch",),
            rules=pte_rules.RULES,
            factory=_pte,
        ),
        ScannerSpec(
            name="safetensors",
            summary="safetensors: header, offsets, shapes, metadata",
            recognise=_is_safetensors,
            vouches=("safetensors",),
            rules=safetensors_rules.RULES,
            factory=_safetensors,
        ),
        ScannerSpec(
            name="keras",
            summary="Keras' archives, HDF5 and SavedModel: code that they name, files that they reach for",
            recognise=_is_keras,
            vouches=("keras",),
            rules=keras_rules.RULES,
            factory=_keras,
        ),
        ScannerSpec(
            name="polyglot",
            summary="programs and second formats in any file",
            recognise=_is_any,
            vouches=(),
            rules=other_rules.POLYGLOT_RULES,
            factory=_polyglot,
        ),
        ScannerSpec(
            name="digest",
            summary="files that are known to be bad, by a list of digests",
            recognise=_is_any,
            vouches=(),
            rules=other_rules.DIGEST_RULES,
            factory=_digest,
        ),
        ScannerSpec(
            name="card",
            summary="cards and configurations beside the model that name code",
            recognise=_is_any,
            vouches=(),
            rules=other_rules.CARD_RULES,
            factory=_card,
        ),
    )

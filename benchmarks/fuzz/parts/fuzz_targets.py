"""What is fuzzed: everything of the gate that reads bytes which somebody else wrote, each as one function of bytes.

A target may refuse what it reads with a VetgateError. Anything else that it raises is a mistake of the project's.
"""

from __future__ import annotations

import datetime
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fuzz_mutation import SECOND_FILE

from vetgate.artifacts.cards import find_card
from vetgate.artifacts.vault import tell_format
from vetgate.domain.artifact import Artifact, Member
from vetgate.domain.card import Card
from vetgate.domain.errors import VetgateError
from vetgate.domain.evidence import Finding, Severity
from vetgate.domain.model import OpenOptions
from vetgate.domain.scan import ScanContext
from vetgate.gate import parse_reports, rejudge
from vetgate.host import Host, Kind, find_plugins
from vetgate.policy import load
from vetgate.probing import probe
from vetgate.testing.toy import toy_card

SECONDS = 10
"""Longest that one input may take."""
MEMORY = 2 << 30
"""Most bytes that the process may take."""
_RENDERED = ("json", "markdown", "terminal")


@dataclass(frozen=True)
class Target:
    """One function of bytes."""

    run: Callable[[bytes], None]
    suffix: str
    libraries: tuple[str, ...] = ()
    """Without which there is nothing to fuzz."""


@cache
def host() -> Host:
    """Return the plugins, found once."""
    return find_plugins()


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="vetgate-fuzz-"))


def _file(data: bytes, suffix: str) -> Path:
    path = _folder() / f"input{suffix}"
    path.write_bytes(data)
    return path


def read_policy(data: bytes) -> None:
    """Read a policy as `vetgate check --policy FILE` does."""
    load(str(_file(data, ".yaml")), host().policies(), host().metrics())


def read_report(data: bytes) -> None:
    """Read a saved report, judge it again and draw it, as `vetgate judge` does."""
    policy = load("smoke", host().policies(), host().metrics())
    judged = rejudge(parse_reports(data, Path("report.json")), policy, host(), datetime.date(2026, 1, 1))
    for name in _RENDERED:
        offer = host().offer(Kind.REPORTER, name)
        if offer is not None:
            offer.spec.factory().render(judged)


def read_card(data: bytes) -> None:
    """Read a card that lies beside a model."""
    find_card("model.onnx", str(_file(data, ".yaml")), None)


def read_attestation(data: bytes) -> None:
    """Read an attestation as far as that goes without any key."""
    from vetgate.attestation.envelope import parse_envelope
    from vetgate.attestation.statement import parse_statement

    parse_statement(parse_envelope(data).payload)


def read_statement(data: bytes) -> None:
    """Read what an attestation says, as after its signature was found right."""
    from vetgate.attestation.statement import parse_statement

    parse_statement(data)


def _model(suffix: str) -> Callable[[bytes], None]:
    """Return what scans a model file and, where nothing grave was found, describes it."""

    def run(data: bytes) -> None:
        path = _file(data, suffix)
        look = probe(path)
        member = Member(name=path.name, sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        try:
            backend, known = tell_format(look, path.name, host().backends())
        except VetgateError:
            backend, known = None, None
        artifact = Artifact(
            path=str(path),
            name=path.name,
            format=known.name if known else "",
            backend=backend.name if backend else "",
            members=(member,),
        )
        if _grave(artifact) or backend is None:
            return
        backend.factory().describe(artifact, _card(), OpenOptions())

    return run


def _scanned(suffix: str, known: str) -> Callable[[bytes], None]:
    """Return what scans a model of one file or two; libraries that are not Python open it behind walls alone."""

    def run(data: bytes) -> None:
        first, _, second = data.partition(SECOND_FILE)
        path = _file(first, suffix)
        if SECOND_FILE in data:
            _file(second, ".bin")
        else:  # that of an earlier input
            path.with_suffix(".bin").unlink(missing_ok=True)
        member = Member(name=path.name, sha256=hashlib.sha256(first).hexdigest(), size=len(first))
        _grave(Artifact(path=str(path), name=path.name, format=known, backend=known, members=(member,)))

    return run


def _grave(artifact: Artifact) -> bool:
    """Return whether a scanner finds what keeps a model from being opened, or cannot read it."""
    found: list[Finding] = []
    context = ScanContext(artifact, artifact.format, SECONDS, MEMORY)
    for spec in host().scanners():
        if spec.recognise(probe(artifact.file)):
            found += spec.factory().scan(context)
    return any(finding.severity >= Severity.HIGH for finding in found)


@cache
def _card() -> Card:
    return toy_card()


TARGETS: Mapping[str, Target] = {
    "policy": Target(read_policy, ".yaml"),
    "report": Target(read_report, ".json"),
    "card": Target(read_card, ".yaml"),
    "attestation": Target(read_attestation, ".json"),
    "statement": Target(read_statement, ".json"),
    "onnx": Target(_model(".onnx"), ".onnx", ("onnx", "onnxruntime")),
    "tflite": Target(_model(".tflite"), ".tflite", ("ai_edge_litert",)),
    "pt": Target(_model(".pt"), ".pt", ("torch",)),
    "pt2": Target(_model(".pt2"), ".pt2", ("torch",)),
    "mnn": Target(_scanned(".mnn", "mnn"), ".mnn", ("MNN", "onnx")),
    "ncnn": Target(_scanned(".param", "ncnn"), ".param", ("ncnn",)),
    "ir": Target(_scanned(".xml", "openvino"), ".xml", ("openvino",)),
    "keras": Target(_scanned(".keras", "keras"), ".keras", ("keras", "torch", "h5py")),
    "pte": Target(_model(".pte"), ".pte", ("executorch",)),
    "safetensors": Target(_model(".safetensors"), ".safetensors", ("torch", "safetensors")),
}
"""By name."""

"""What a server says of itself and of a model, made sure to be what it must be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vetgate.api import Port, ServerTimes, UnreadableArtifact

DTYPES = {
    "FP16": "float16", "FP32": "float32", "FP64": "float64", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32",
    "UINT64": "uint64", "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64", "BOOL": "bool",
}  # fmt: skip
"""Name that the protocol has -> that of numpy."""
CODES = {dtype: code for code, dtype in DTYPES.items()}
_MOST_PORTS = 1000
_LONGEST = 300
_OURS = "vetgate."


@dataclass(frozen=True)
class ServerFacts:
    """The server."""

    name: str
    version: str
    extensions: tuple[str, ...]


@dataclass(frozen=True)
class ModelFacts:
    """One model of it."""

    platform: str
    """What runs it there, such as `python` or `onnxruntime_onnx`."""
    versions: tuple[str, ...]
    """That can be asked for; empty where the server knows none."""
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


@dataclass(frozen=True)
class ConfigFacts:
    """How the server was told to run it."""

    sha256: str
    most: int
    """Images of one request; 0 where its tensors have no axis of their own for a batch."""
    instances: str
    """Such as `2 x CPU`; empty where it says nothing."""
    labelled: frozenset[str]
    """Outputs that the server has class names for."""
    parameters: Mapping[str, str]
    """That are vetgate's; what others are is the server's own affair, and may be a secret of it."""


def read_server(told: Mapping[str, Any]) -> ServerFacts:
    """Return what a server says of itself."""
    extensions = told.get("extensions")
    return ServerFacts(
        name=text(told.get("name")) or "server",
        version=text(told.get("version")),
        extensions=tuple(text(each) for each in extensions[:100]) if isinstance(extensions, list) else (),
    )


def read_model(told: Mapping[str, Any]) -> ModelFacts:
    """Return what a server says of a model.

    Raises:
        UnreadableArtifact: It names no inputs or outputs, or not as the protocol has it.
    """
    versions = told.get("versions")
    return ModelFacts(
        platform=text(told.get("platform")),
        versions=tuple(text(each) for each in versions) if isinstance(versions, list) else (),
        inputs=_ports(told.get("inputs"), "inputs"),
        outputs=_ports(told.get("outputs"), "outputs"),
    )


def read_config(told: Mapping[str, Any]) -> ConfigFacts:
    """Return how a server was told to run a model, with the digest of all that it says of it."""
    canonical = json.dumps(told, sort_keys=True, separators=(",", ":"))
    outputs, groups = told.get("output"), told.get("instance_group")
    parameters = told.get("parameters")
    named = parameters.items() if isinstance(parameters, dict) else ()
    return ConfigFacts(
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
        most=max(0, _number(told.get("max_batch_size"))),
        instances=", ".join(_group(each) for each in groups[:10] if isinstance(each, dict))
        if isinstance(groups, list)
        else "",
        labelled=frozenset(
            text(each.get("name"))
            for each in (outputs if isinstance(outputs, list) else ())
            if isinstance(each, dict) and each.get("label_filename")
        ),
        parameters={
            key: str(value.get("string_value", ""))
            for key, value in named
            if isinstance(value, dict) and key.startswith(_OURS)
        },
    )


def read_times(told: Mapping[str, Any] | None) -> ServerTimes | None:
    """Return what a server counted of a model; None where it counts nothing."""
    every = told.get("inference_stats") if told is not None else None
    if not isinstance(every, dict):
        return None

    def seconds(*names: str) -> float:
        parts = (every.get(name) for name in names)
        return sum(max(0, _number(part.get("ns"))) for part in parts if isinstance(part, dict)) / 1e9

    success = every.get("success")
    return ServerTimes(
        requests=max(0, _number(success.get("count"))) if isinstance(success, dict) else 0,
        queue=seconds("queue"),
        compute=seconds("compute_input", "compute_infer", "compute_output"),
    )


def _group(group: Mapping[str, Any]) -> str:
    return f"{_number(group.get('count')) or 1} x {text(group.get('kind')).removeprefix('KIND_') or 'AUTO'}"


def _ports(told: object, what: str) -> tuple[Port, ...]:
    if not isinstance(told, list) or not told or len(told) > _MOST_PORTS:
        raise UnreadableArtifact(f"the server names no {what} of the model")
    return tuple(_port(each, what) for each in told)


def _port(told: object, what: str) -> Port:
    kind = text(told.get("datatype")) if isinstance(told, dict) else ""
    shape = told.get("shape") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(shape, list) or len(shape) > 16:
        raise UnreadableArtifact(f"the server tells the model's {what} in no form that the protocol knows")
    lengths = [_number(length) for length in shape]
    return Port(
        name=text(told.get("name")),
        shape=tuple(length if length >= 0 else None for length in lengths),
        dtype=DTYPES.get(kind, kind or "unknown"),
    )


def _number(value: object) -> int:
    """Return a whole number of JSON; 64-bit ones may come as text."""
    try:
        return int(value) if isinstance(value, int | str) else 0
    except ValueError:
        return 0


def text(value: object) -> str:
    """Return a short text of a stranger's; empty for what is none."""
    return "".join(sign for sign in value if sign.isprintable())[:_LONGEST] if isinstance(value, str) else ""

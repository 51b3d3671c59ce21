"""Read exported programs (.pt2)."""

from __future__ import annotations

import contextlib
import importlib
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch.export.graph_signature import InputKind, InputSpec, OutputKind

from vetgate.api import Artifact, Port, UnreadableArtifact
from vetgate_torch.archive import harmless
from vetgate_torch.network import Batch, Kind, Network, Stored, dtype_name
from vetgate_torch.refusal import reading

_NORM_ARGUMENTS = {
    "aten.batch_norm": (1, 2),
    "aten.native_batch_norm": (1, 2),
    "aten._native_batch_norm_legit_no_training": (1, 2),
    "aten.layer_norm": (2, 3),
    "aten.native_layer_norm": (2, 3),
    "aten.group_norm": (2, 3),
    "aten.native_group_norm": (1, 2),
    "aten.instance_norm": (1, 2),
    "aten.rms_norm": (2,),
}
"""Operator -> positions of its learned scale and shift."""


def read(artifact: Artifact) -> Network:
    """Return the program.

    Raises:
        UnreadableArtifact: It is corrupt, or loading it could run code.
    """
    # before the check, which asks whether operators exist
    _register_operators()
    buffer, metadata = harmless(artifact)
    with reading(artifact), _quiet():
        program = torch.export.load(buffer)
        call = program.module(check_guards=False)
    inputs = _ports(program, program.graph_signature.user_inputs)
    if not inputs:
        raise UnreadableArtifact(f"{artifact.name} takes no tensor")
    batch, ports = _batch(program, inputs)
    stored = _stored(program)
    whole = any(entry.kind == "parameter" and not entry.tensor.is_floating_point() for entry in stored)
    return Network(
        provider="exported",
        stored=stored,
        call=call,
        input_names=tuple(port.name for port in ports),
        inputs=ports,
        output_names=_output_names(program),
        dtype=_dtype(artifact, ports[0]),
        batch=batch,
        metadata=metadata,
        notes=("integer weights count as zero where the stored value is 0",) if whole else (),
    )


def _dtype(artifact: Artifact, port: Port) -> torch.dtype:
    dtype = getattr(torch, port.dtype, None)
    if not isinstance(dtype, torch.dtype):
        raise UnreadableArtifact(f"{artifact.name} takes {port.dtype}; vetgate feeds tensors of numbers")
    return dtype


def _register_operators() -> None:
    """Register the operators of quantised programs; a PyTorch without them refuses those programs by name."""
    with contextlib.suppress(ImportError):
        importlib.import_module("torch.ao.quantization.fx._decomposed")


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep torch.export from logging a traceback beside the error it raises."""
    logger = logging.getLogger("torch.export")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _ports(program: torch.export.ExportedProgram, names: Iterable[str]) -> tuple[Port, ...]:
    """Return the ports of the named placeholders; symbolic lengths are free."""
    nodes = {node.name: node for node in program.graph.nodes}
    ports = []
    for name in names:
        value = nodes[name].meta.get("val") if name in nodes else None
        if isinstance(value, torch.Tensor):
            shape = tuple(size if isinstance(size, int) else None for size in value.shape)
            ports.append(Port(name=name, shape=shape, dtype=dtype_name(value.dtype)))
    return tuple(ports)


def _batch(program: torch.export.ExportedProgram, ports: tuple[Port, ...]) -> tuple[Batch, tuple[Port, ...]]:
    """Return how many images go at a time, and the ports with a free batch: others are padded or split."""
    first = ports[0]
    if not first.shape:
        return Batch(), ports
    static = first.shape[0]
    free = Port(name=first.name, shape=(None, *first.shape[1:]), dtype=first.dtype)
    if static is not None:
        return Batch(static, static), (free, *ports[1:])
    node = next(node for node in program.graph.nodes if node.name == first.name)
    limits = program.range_constraints.get(node.meta["val"].shape[0].node.expr)
    if limits is None:
        return Batch(), ports
    # export proves its guards for two and more only, but states a lower limit of 0 or 2 for what runs with one, too
    least = int(limits.lower)
    return Batch(1 if least <= 2 else least, int(limits.upper) if limits.upper.is_Integer else None), ports


def _output_names(program: torch.export.ExportedProgram) -> tuple[str, ...]:
    return tuple(
        str(spec.arg.name)
        for spec in program.graph_signature.output_specs
        if spec.kind is OutputKind.USER_OUTPUT and hasattr(spec.arg, "name")
    )


def _stored(program: torch.export.ExportedProgram) -> tuple[Stored, ...]:
    norms = _norm_names(program)
    result = []
    for spec in program.graph_signature.input_specs:
        target = spec.target
        if target is None:
            continue
        value = program.state_dict[target] if target in program.state_dict else program.constants.get(target)
        if isinstance(value, torch.Tensor):
            result.append(Stored(target, value, _kind(spec, spec.arg.name in norms, value)))
    return tuple(result)


def _kind(spec: InputSpec, is_norm: bool, value: torch.Tensor) -> Kind:
    if is_norm:
        return "normalisation"
    if spec.kind is InputKind.PARAMETER:
        return "parameter"
    # quantised programs keep their weights as int8 buffers or constants of two dimensions and more
    return "parameter" if value.ndim >= 2 and value.dtype in (torch.int8, torch.uint8) else "state"


def _norm_names(program: torch.export.ExportedProgram) -> frozenset[str]:
    names = set()
    for node in program.graph.nodes:
        packet = str(getattr(node.target, "_overloadpacket", ""))
        for position in _NORM_ARGUMENTS.get(packet, ()):
            argument = node.args[position] if position < len(node.args) else None
            if isinstance(argument, torch.fx.Node):
                names.add(argument.name)
    return frozenset(names)

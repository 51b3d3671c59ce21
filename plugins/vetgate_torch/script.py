# ruff: noqa: ANN401  # TorchScript's graph classes have no types
"""Read TorchScript programs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import torch

from vetgate.api import Artifact, UnreadableArtifact
from vetgate_torch import written
from vetgate_torch.architecture import precision
from vetgate_torch.network import Kind, Network, Stored
from vetgate_torch.packed import unpack
from vetgate_torch.refusal import reading
from vetgate_torch.stored import is_norm

_NORM_INPUTS = {"aten::batch_norm": (1, 2), "aten::layer_norm": (2, 3), "aten::group_norm": (2, 3)}
_STATE_INPUTS = {"aten::batch_norm": (3, 4)}


def read(artifact: Artifact) -> Network:
    """Return the program.

    Raises:
        UnreadableArtifact: It is corrupt, or its code reaches outside of its tensors.
    """
    _refuse_reaching_out(artifact)
    with reading(artifact), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program: Any = torch.jit.load(artifact.path, map_location="cpu")  # type: ignore[no-untyped-call]
        if hasattr(program, "training"):
            program.eval()
        graph = program.inlined_graph
    stored, unread = _stored(program, graph)
    first = next(program.parameters(), None)
    names = tuple(value.debugName().rpartition(".")[0] or value.debugName() for value in list(graph.inputs())[1:])
    return Network(
        provider="torchscript",
        stored=stored,
        call=program,
        input_names=names,
        dtype=first.dtype if first is not None and first.is_floating_point() else _constant_dtype(stored),
        uncounted=bool(unread),
        notes=tuple(
            f"the packed parameters {name} cannot be read, so no learned values are counted" for name in unread
        ),
    )


def _constant_dtype(stored: tuple[Stored, ...]) -> torch.dtype:
    """Return the precision of a frozen program, which has no parameters left; quantised ones take float32."""
    if any(entry.tensor.is_quantized for entry in stored):
        return torch.float32
    return precision(entry.tensor for entry in stored) or torch.float32


def _refuse_reaching_out(artifact: Artifact) -> None:
    with reading(artifact):
        # the reader that loading uses, so that no second zip parser can see another file
        reader = torch._C.PyTorchFileReader(artifact.path)
        records = {
            name: reader.get_record(name)
            for name in reader.get_all_records()
            if name == "model.json" or name.endswith((".py", ".pkl"))
        }
    try:
        written.check(records)
    except written.Unsafe as error:
        raise UnreadableArtifact(
            f"{artifact.name} {error}, which reaches outside of the model, so it is not loaded",
            hint="remove the call from the model's code and save it again",
        ) from None


def _stored(program: Any, graph: Any) -> tuple[tuple[Stored, ...], tuple[str, ...]]:
    """Return what the program stores, and the names of what cannot be read."""
    classes = {name: getattr(module, "original_name", "") for name, module in program.named_modules()}
    result = []
    for name, value in program.named_parameters():
        owner = classes.get(name.rpartition(".")[0], "")
        result.append(Stored(name, value, "normalisation" if is_norm(owner) else "parameter"))
    result += [Stored(name, value, "state") for name, value in program.named_buffers()]
    unread = []
    for name, value in _hidden(program, graph):
        if isinstance(value, Stored):
            result.append(value)
        else:
            unread.append(name)
    return tuple(result), tuple(unread)


def _hidden(program: Any, graph: Any) -> Iterator[tuple[str, Stored | None]]:
    """Yield what parameters() does not list: packed weights of quantised modules, and constants of frozen programs."""
    seen = set()
    for node in _nodes(graph):
        output = next(iter(node.outputs()), None)
        if output is None or "PackedParamsBase" not in str(output.type()):
            if node.kind() == "prim::Constant" and str(output.type() if output else "") == "Tensor":
                yield from _constant(node)
            continue
        name = _path(node) if node.kind() == "prim::GetAttr" else output.debugName()
        if name in seen:
            continue
        seen.add(name)
        holder = _attribute(program, name) if node.kind() == "prim::GetAttr" else output.toIValue()
        yield from _packed(name, holder)


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _path(node: Any) -> str:
    """Return the dotted name that a chain of attribute look-ups spells."""
    parts = []
    while node.kind() == "prim::GetAttr":
        parts.append(node.s("name"))
        node = next(iter(node.inputs())).node()
    return ".".join(reversed(parts))


def _attribute(program: Any, path: str) -> Any:
    value = program
    for part in path.split("."):
        value = getattr(value, part)
    return value


def _packed(name: str, holder: Any) -> Iterator[tuple[str, Stored | None]]:
    held = unpack(holder) if isinstance(holder, torch.ScriptObject) else None
    if held is None:
        yield name, None
        return
    prefix = name.removesuffix("_packed_params").rstrip(".").removesuffix("_packed_params").rstrip(".") or name
    for part, tensor in zip(("weight", "bias"), held, strict=True):
        if tensor is not None:
            yield name, Stored(f"{prefix}.{part}", tensor, "parameter")


def _constant(node: Any) -> Iterator[tuple[str, Stored]]:
    tensor = node.t("value")
    if tensor.ndim == 0:
        return
    name = node.output().debugName()
    yield name, Stored(name, tensor, _constant_kind(node, tensor))


def _constant_kind(node: Any, tensor: torch.Tensor) -> Kind:
    for use in node.output().uses():
        kind = use.user.kind()
        if use.offset in _NORM_INPUTS.get(kind, ()):
            return "normalisation"
        if use.offset in _STATE_INPUTS.get(kind, ()):
            return "state"
    return "parameter" if tensor.is_floating_point() or tensor.is_quantized else "state"

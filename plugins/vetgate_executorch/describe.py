"""What an ExecuTorch program holds."""

from __future__ import annotations

import mmap
from collections import Counter
from pathlib import Path
from typing import Literal

import numpy as np
from vetgate_runtime.flatbuffer import FlatBufferError
from vetgate_runtime.pte import Method, Program, TensorInfo, read

from vetgate.api import Operator, Port, Structure, Tensor, UnreadableArtifact

FORWARD = "forward"
_BATCH_NORM = "native_batch_norm"


def load(path: Path) -> Program:
    """Return what a file holds.

    Raises:
        UnreadableArtifact: Truncated or damaged.
    """
    with path.open("rb") as file:
        try:
            return read(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
        except (FlatBufferError, ValueError, RecursionError, OverflowError) as error:
            raise UnreadableArtifact(
                f"is a truncated or damaged ExecuTorch program: {error}", hint="copy or export it again"
            ) from None


def method_of(program: Program) -> Method:
    """Return the method that answers.

    Raises:
        UnreadableArtifact: There is none.
    """
    found = next((method for method in program.methods if method.name == FORWARD), None)
    if found is None:
        names = ", ".join(method.name for method in program.methods)
        raise UnreadableArtifact(f"has no method {FORWARD!r} but {names}", hint="export the model's forward")
    return found


def describe(path: Path) -> Structure:
    """Return ports, tensors and operators; what delegates hold is not taken apart.

    Raises:
        UnreadableArtifact: Truncated or damaged.
    """
    program = load(path)
    method = method_of(program)
    try:
        given, out = ports(method, method.inputs, "input"), ports(method, method.outputs, "output")
    except FlatBufferError as error:
        raise UnreadableArtifact(f"is a damaged ExecuTorch program: {error}") from None
    calls = Counter(f"delegate {method.delegates[call.number]}" if call.delegated else method.operators[call.number]
                    for call in method.calls)  # fmt: skip
    notes = []
    if method.delegates:
        size = sum(length for _, length in program.named)
        notes.append(
            f"Weights and multiply-accumulates inside of delegates ({', '.join(sorted(set(method.delegates)))}; "
            f"{size:,} bytes in {len(program.named)} parts) are not counted."
        )
    stored = () if method.delegates else stored_tensors(program, method)
    return Structure(
        inputs=given,
        outputs=out,
        tensors=stored,
        operators=tuple(Operator(type=kind, count=count, macs=None) for kind, count in sorted(calls.items())),
        metadata={"executorch.methods": ", ".join(method.name for method in program.methods)},
        notes=tuple(notes),
    )


def ports(method: Method, indices: tuple[int, ...], what: str) -> tuple[Port, ...]:
    """Return inputs or outputs, by number: programs name none; a batch that may be smaller is free."""
    found = [method.port(index) for index in indices]
    return tuple(Port(name=f"{what}{place}", shape=_shape(info), dtype=info.dtype) for place, info in enumerate(found))


def _shape(info: TensorInfo) -> tuple[int | None, ...]:
    return (None, *info.shape[1:]) if info.free and info.shape else info.shape


def stored_tensors(program: Program, method: Method) -> tuple[Tensor, ...]:
    """Return the constants of a method; those of more than one number but running figures are taken for learned."""
    stored = []
    told = _of_normalisation(method)
    seen: set[int] = set()
    for value in method.values:
        if value is None or not 0 < value.buffer < len(program.constants) or value.buffer in seen or not value.bits:
            continue
        seen.add(value.buffer)
        elements = int(np.prod(value.shape, dtype=np.int64))
        data = program.constants[value.buffer][: elements * value.bits // 8]
        if len(data) != elements * value.bits // 8:
            raise UnreadableArtifact(f"is a damaged ExecuTorch program: constant {value.buffer} is too short")
        dtype = np.uint16 if value.dtype == "bfloat16" else np.dtype(value.dtype)
        numbers = np.frombuffer(data, dtype)
        floating = value.dtype.startswith(("float", "bfloat"))
        stored.append(
            Tensor(
                name=f"constant{value.buffer}",
                shape=value.shape,
                dtype=value.dtype,
                kind=told.get(value.buffer) or ("parameter" if floating and elements > 1 else "state"),
                elements=elements,
                nonzero=int(np.count_nonzero(numbers)),
                distinct=int(np.unique(numbers).size),
                bits=float(value.bits),
            )
        )
    return tuple(stored)


def _of_normalisation(method: Method) -> dict[int, Literal["normalisation", "state"]]:
    """Return what constants of batch normalisations are: scale and shift first, then running mean and variance."""
    found: dict[int, Literal["normalisation", "state"]] = {}
    for call in method.calls:
        if call.delegated or _BATCH_NORM not in method.operators[call.number]:
            continue
        for value, kind in zip(call.values[1:5], ("normalisation", "normalisation", "state", "state"), strict=False):
            info = method.values[value]
            if info is not None:
                found[info.buffer] = kind  # type: ignore[assignment]  # the words above
    return found

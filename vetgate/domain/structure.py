"""What a model file holds, told without running it."""

from __future__ import annotations

from typing import Literal

from vetgate.domain.record import Record


class Port(Record):
    """An input or an output of the model."""

    name: str
    shape: tuple[int | None, ...]
    """None where the length is free, such as the batch."""
    dtype: str
    """numpy's name: float32, uint8, ..."""
    scale: float | None = None
    """Quantisation scale of the port itself, where it is quantised."""
    zero_point: int | None = None


class Tensor(Record):
    """One stored tensor, figures taken after de-quantisation."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """As stored: int8, float16, ..."""
    kind: Literal["parameter", "normalisation", "state"]
    """Learned values; norm scale and shift (learned, shown apart); the rest (running statistics, scales, shapes)."""
    elements: int
    nonzero: int
    """A quantised zero point is a zero."""
    distinct: int
    """Distinct values."""
    bits: float
    """Storage bits of one element."""


class Operator(Record):
    """Operators of one type."""

    type: str
    count: int
    macs: int | None
    """Multiply-accumulates of one image; 0 for operators that multiply no weights, None where it cannot be told."""


class OwnScaling(Record):
    """What a model does to its input before its first layer: preprocessing that somebody put inside."""

    operators: tuple[str, ...]
    """Types, in their order."""
    factor: float
    """By what a difference of two values is multiplied; the greatest of all channels."""


class Structure(Record):
    """A model's signature, tensors and operators."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    own_scaling: OwnScaling | None = None
    """None where the model does not scale its input, or nothing tells."""
    metadata: dict[str, str] = {}
    """Free text that the file carries about itself; untrusted."""
    notes: tuple[str, ...] = ()
    """What could not be told, one sentence each."""

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of one image, or None where an operator's could not be told."""
        if not self.operators:
            return None
        total = 0
        for operator in self.operators:
            if operator.macs is None:
                return None
            total += operator.macs
        return total

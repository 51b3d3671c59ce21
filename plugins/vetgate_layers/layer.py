"""The layers of a model: each that multiplies weights, with what follows up to the next; and who is whose partner."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from vetgate.api import Inconclusive, Tap

_QUANTISER = re.compile(r"(_QuantizeLinear_(Input|Output)|_DequantizeLinear_Output|_quantized|_dequantized)+$")
"""What quantisers append to the names of the tensors that they take over."""
_LINEAR = re.compile(r"linear|gemm|matmul|addmm|\.mm|fully", re.IGNORECASE)


@dataclass(frozen=True)
class Pair:
    """A tensor of the candidate and the one of the reference that it is held against."""

    candidate: Tap
    reference: Tap
    how: str


@dataclass(frozen=True)
class Layer:
    """What one layer makes."""

    number: int
    """Layers that multiply weights up to it; 0 is what comes before the first."""
    taps: tuple[Tap, ...]
    """In the order in which they are computed."""

    @property
    def weighted(self) -> Tap | None:
        """The output of the multiplication itself; None before the first, or where it cannot be read."""
        return next((tap for tap in self.taps if tap.weighted), None)

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        """Kind and shape: layers that differ in it cannot be partners."""
        tap = self.weighted or self.taps[0]
        kind = "linear" if _LINEAR.search(tap.operator) else "convolution"
        return (kind if tap.weighted else "none", tap.shape)

    @property
    def names(self) -> frozenset[tuple[str, tuple[int, ...]]]:
        """Names without what quantisers append, with shapes."""
        return frozenset((bare(tap.name), tap.shape) for tap in self.taps)


@dataclass(frozen=True)
class Partners:
    """One layer of each model."""

    candidate: Layer
    reference: Layer
    how: str
    """What made them partners: `name` or `order`."""


def bare(name: str) -> str:
    """Return a tensor's name without what quantisers append."""
    return _QUANTISER.sub("", name) or name


def layers_of(taps: Iterable[Tap]) -> tuple[Layer, ...]:
    """Return the layers of a model in order."""
    groups: dict[int, list[Tap]] = {}
    for tap in taps:
        groups.setdefault(tap.layer, []).append(tap)
    return tuple(Layer(number, tuple(found)) for number, found in sorted(groups.items()))


def align(candidate: Sequence[Layer], reference: Sequence[Layer]) -> tuple[Partners, ...]:
    """Return the layers that are partners, in the candidate's order: by name where names agree, else by their order.

    Names agree where at least half of either model's layers share one with another's.

    Raises:
        Inconclusive: Fewer than half of the layers have a partner: this is another architecture.
    """
    named = _by_name(candidate, reference)
    most = max(_weighted(candidate), _weighted(reference))
    if 2 * _weighted([pair.candidate for pair in named]) < most:
        named = ()
    rest = _by_order(
        [layer for layer in candidate if all(layer is not pair.candidate for pair in named)],
        [layer for layer in reference if all(layer is not pair.reference for pair in named)],
    )
    found = sorted((*named, *rest), key=lambda pair: pair.candidate.number)
    matched = _weighted([pair.candidate for pair in found])
    if not matched or 2 * matched < most:
        raise Inconclusive(
            f"no matching inner tensors: {matched} of {_weighted(candidate)} layers of the candidate and of "
            f"{_weighted(reference)} of the reference agree in kind and shape, so they are of different architectures",
            hint="layers are compared between a model and compressed copies of it",
        )
    return tuple(found)


def _weighted(layers: Iterable[Layer]) -> int:
    return sum(layer.weighted is not None for layer in layers)


def _by_name(candidate: Sequence[Layer], reference: Sequence[Layer]) -> tuple[Partners, ...]:
    """Return layers that share a tensor's name and shape with exactly one layer that is not yet taken."""
    owners = {entry: layer for layer in reference for entry in layer.names}
    taken: set[int] = set()
    found = []
    for layer in candidate:
        sharing = {owners[entry].number: owners[entry] for entry in layer.names if entry in owners}
        if len(sharing) == 1 and not taken & set(sharing):
            taken |= set(sharing)
            found.append(Partners(layer, next(iter(sharing.values())), "name"))
    return tuple(found)


def _by_order(candidate: Sequence[Layer], reference: Sequence[Layer]) -> tuple[Partners, ...]:
    """Return layers of equal kind and shape, in sequence."""
    matcher = SequenceMatcher(None, [one.key for one in candidate], [one.key for one in reference], autojunk=False)
    return tuple(
        Partners(candidate[block.a + step], reference[block.b + step], "order")
        for block in matcher.get_matching_blocks()
        for step in range(block.size)
    )

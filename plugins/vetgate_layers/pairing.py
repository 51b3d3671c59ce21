"""Which tensor of one layer is which of its partner's: batch normalisation may be folded in, activations fused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vetgate.api import Inner, Tap
from vetgate_layers.layer import Layer, Pair, Partners, bare
from vetgate_layers.power import decibels

AT_ONCE = 128 << 20
"""Bytes of inner tensors of one model that are held at once."""
MOST_PROBES = 8
"""Images that partners are told by."""
MUCH = 10.0
"""Decibels by which values must speak against names or order before they are believed."""
POOR = 10.0
"""Decibels below which a layer may have been taken for another one."""
LEAST = 1000.0
"""Decibels, negative, that stand for no ratio at all."""
NEAR = 4
"""Layers up to which exporters change the order, as in the two branches of a residual block."""

Captured = Mapping[str, NDArray[np.float32]]
Ratio = Callable[[Tap, Tap], float]


def bytes_of(taps: Sequence[Tap]) -> int:
    """Return the bytes of the tensors of one image."""
    return sum(4 * int(np.prod(tap.shape)) for tap in taps)


def pair_tensors(partners: Sequence[Partners], candidate: Inner, reference: Inner) -> tuple[Pair, ...]:
    """Return tensors that correspond, in the candidate's order.

    Within partners, tensors of one name are held against each other, others of equal shape by whose values are nearest.
    Layers of equal kind and shape that stand near each other in another order, as exporters write the branches of a
    residual block, are told by their values likewise.
    """
    ratio = _ratio(partners, candidate, reference)
    pairs = [pair for couple in _in_order(partners, ratio) for pair in _within(couple, ratio)]
    return tuple(sorted(pairs, key=lambda pair: pair.candidate.layer))


def _ratio(partners: Sequence[Partners], candidate: Inner, reference: Inner) -> Ratio:
    """Return what gives the ratio of two tensors on a few of the probes, captured once."""
    sides: list[Captured] = []
    taps = [[tap for couple in partners for tap in layer(couple).taps] for layer in (_candidate, _reference)]
    shapes = {tap.shape for tap in taps[0]} & {tap.shape for tap in taps[1]}
    wanted = [[tap for tap in side if tap.shape in shapes] for side in taps]
    heaviest = max(map(bytes_of, wanted))
    count = max(1, min(MOST_PROBES, AT_ONCE // max(heaviest, 1), candidate.probes))
    for inner, side in zip((candidate, reference), wanted, strict=True):
        sides.append(inner.capture([tap.name for tap in side], 0, count))
    known: dict[tuple[str, str], float] = {}

    def ratio(ours: Tap, theirs: Tap) -> float:
        if (ours.name, theirs.name) not in known:
            mine, base = sides[0][ours.name], sides[1][theirs.name]
            signal, noise = (float(np.square(part, dtype=np.float64).sum()) for part in (base, mine - base))
            known[ours.name, theirs.name] = decibels(signal, noise)
        return known[ours.name, theirs.name]

    return ratio


def _candidate(couple: Partners) -> Layer:
    return couple.candidate


def _reference(couple: Partners) -> Layer:
    return couple.reference


def _best(ours: Layer, theirs: Layer, ratio: Ratio) -> float:
    """Return the best ratio of the output of one layer to any tensor of another; -inf where none has its shape."""
    made = ours.weighted or ours.taps[0]
    return max((ratio(made, other) for other in theirs.taps if other.shape == made.shape), default=-np.inf)


def _in_order(partners: Sequence[Partners], ratio: Ratio) -> list[Partners]:
    """Return the partners; where values say plainly that some stand in another order, their tensors in one pool."""
    poor = [place for place, couple in enumerate(partners) if _best(couple.candidate, couple.reference, ratio) < POOR]
    settled: dict[int, Partners | None] = dict(enumerate(partners))
    for chain in _chains([partners[place] for place in poor], poor):
        for cycle in _exchanged([partners[place] for place in chain], ratio):
            pooled = [partners[chain[member]] for member in sorted(cycle)]
            settled |= dict.fromkeys((chain[member] for member in cycle), None)
            settled[chain[min(cycle)]] = Partners(
                _merged([couple.candidate for couple in pooled]),
                _merged([couple.reference for couple in pooled]),
                "values",
            )
    return [couple for couple in settled.values() if couple is not None]


def _merged(layers: Sequence[Layer]) -> Layer:
    ordered = sorted(layers, key=lambda layer: layer.number)
    return Layer(ordered[0].number, tuple(tap for layer in ordered for tap in layer.taps))


def _chains(couples: Sequence[Partners], places: Sequence[int]) -> list[list[int]]:
    """Return the places of couples of one kind and shape, each near the one before it."""
    chains: list[list[int]] = []
    ends: dict[object, int] = {}
    for couple, place in zip(couples, places, strict=True):
        key, number = couple.candidate.key, couple.candidate.number
        open_chain = next(
            (chain for chain in reversed(chains) if ends.get((key, id(chain)), -NEAR) >= number - NEAR), None
        )
        if open_chain is None:
            open_chain = []
            chains.append(open_chain)
        open_chain.append(place)
        ends[key, id(open_chain)] = number
    return [chain for chain in chains if len(chain) > 1]


def _exchanged(couples: Sequence[Partners], ratio: Ratio) -> Iterator[list[int]]:
    """Yield the cycles in which couples exchange partners, those for which much speaks in every one of their layers."""
    from scipy.optimize import linear_sum_assignment

    gain = np.asarray([[_best(one.candidate, other.reference, ratio) for other in couples] for one in couples])
    gain = np.maximum(gain, -LEAST)
    _, order = linear_sum_assignment(-gain)
    left = set(range(len(couples)))
    while left:
        cycle, place = [min(left)], int(order[min(left)])
        while place != cycle[0]:
            cycle.append(place)
            place = int(order[place])
        left -= set(cycle)
        if len(cycle) > 1 and all(gain[member, order[member]] >= gain[member, member] + MUCH for member in cycle):
            yield cycle


def _within(couple: Partners, ratio: Ratio) -> list[Pair]:
    """Return the tensors of two layers that correspond, each used once."""
    options = [
        (ratio(ours, theirs) + (MUCH if bare(ours.name) == bare(theirs.name) else 0.0), ours, theirs)
        for ours in couple.candidate.taps
        for theirs in couple.reference.taps
        if ours.shape == theirs.shape
    ]
    options.sort(key=lambda option: -option[0])
    pairs: dict[str, Pair] = {}
    taken: set[str] = set()
    for _, ours, theirs in options:
        if ours.name not in pairs and theirs.name not in taken:
            taken.add(theirs.name)
            how = "name" if bare(ours.name) == bare(theirs.name) else couple.how
            pairs[ours.name] = Pair(ours, theirs, how)
    return [pairs[tap.name] for tap in couple.candidate.taps if tap.name in pairs]

"""What DELTA must reach on planted truth, and what it reached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

SHARE, TIMES, BALANCE = 0.65, 2.0, 0.15
NAMED, OVERLAP = 0.9, 8.0
RECOVERY = {"residual": 0.65, "paper": 0.8}
FLIP_IMAGES = 1000


@dataclass(frozen=True)
class Row:
    """One seed, candidate and variant. Pairs are of part A and part B."""

    seed: int
    candidate: str
    variant: str
    images: int
    """In the flip test: those that show both parts and that the base gets right."""
    maxima: tuple[float, float]
    """Share of maxima of DELTA's maps on each part."""
    maxima_base: tuple[float, float]
    maxima_difference: dict[str, tuple[float, float]]
    figures: dict[str, float]
    findings: tuple[str, ...]
    missed: int = 0
    """Explained images that show the part that the candidate is blind to."""
    reached: dict[str, dict[str, float]] = field(default_factory=dict)
    """By map: overlap and union over chance, pointing, named."""
    least: dict[str, float] = field(default_factory=dict)
    """Lower bound at 95 % of DELTA's gain over the strongest difference of maps."""

    def explained(self, missed: int, reached: dict[str, dict[str, float]], least: dict[str, float]) -> Row:
        """Return it with what was found on explained images."""
        return replace(self, missed=missed, reached=reached, least=least)

    @property
    def name(self) -> str:
        """Return it for tables."""
        return f"seed {self.seed}, {self.candidate}, {self.variant}"

    def told(self) -> str:
        """Return it in lines."""
        figures = {name: self.figures.get(name, float("nan")) for name in ("recovery", "fused_accuracy")}
        control = [self.figures.get(name, float("nan")) for name in ("permuted_accuracy", "subgraph_accuracy")]
        strongest = " ".join(f"{form} {a:.2f}/{b:.2f};" for form, (a, b) in self.maxima_difference.items())
        lines = [
            f"{self.name}: maxima on A/B {self.maxima[0]:.3f}/{self.maxima[1]:.3f} of {self.images:,} images "
            f"(base {self.maxima_base[0]:.2f}/{self.maxima_base[1]:.2f}; {strongest})",
            f"  recovery {figures['recovery']:.3f}, fused {figures['fused_accuracy']:.4f}, permuted {control[0]:.4f}, "
            f"subgraph alone {control[1]:.4f}, {self.figures.get('params_to_reference', float('nan')):.3f} of the "
            f"base's parameters, {self.figures.get('macs_to_reference', float('nan')):.3f} of its MACs, correlation "
            f"{self.figures.get('correlation', float('nan')):.3f}",
        ]
        for form, values in self.reached.items():
            lines.append(f"  {form}: " + ", ".join(f"{figure} {value:.3f}" for figure, value in values.items()))
        if self.least:
            gains = ", ".join(f"{figure} {value:+.4f}" for figure, value in self.least.items())
            lines.append(f"  least gain over the strongest difference on {self.missed:,} images: {gains}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Target:
    """One target of one row."""

    what: str
    reached: bool
    how: str

    def told(self) -> str:
        """Return it in a line."""
        return f"{'reached' if self.reached else 'MISSED '}  {self.what}: {self.how}"


def judged(rows: Sequence[Row]) -> list[Target]:
    """Return every target with what was reached."""
    return [target for row in rows for target in _of(row)]


def _of(row: Row) -> Iterator[Target]:
    yield Target(f"{row.name}: flip test on {FLIP_IMAGES:,} images", row.images >= FLIP_IMAGES, f"{row.images:,}")
    if row.candidate == "all":
        ours, theirs = (first / max(first + second, 1e-9) for first, second in (row.maxima, row.maxima_base))
        how = f"{ours:.3f} of those on a part are on A, base {theirs:.3f}"
        yield Target(f"{row.name}: balance within {BALANCE:g} of the base's", abs(ours - theirs) <= BALANCE, how)
        return
    missed, other = row.maxima if row.candidate == "blind-a" else row.maxima[::-1]
    yield Target(
        f"{row.name}: maxima on the missed part at least {SHARE:g} and {TIMES:g} x the other",
        missed >= SHARE and missed >= TIMES * other,
        f"{missed:.3f} against {other:.3f}",
    )
    yield from _of_explained(row)
    recovery = row.figures.get("recovery", float("nan"))
    wanted = RECOVERY[row.variant]
    yield Target(f"{row.name}: recovery at least {wanted:g}", recovery >= wanted, f"{recovery:.3f}")


def _of_explained(row: Row) -> Iterator[Target]:
    ours = row.reached["DELTA"]
    yield Target(f"{row.name}: part named in {NAMED:.0%}", ours["named"] >= NAMED, f"{ours['named']:.3f}")
    for figure, how in (("union", "intersection over union"), ("overlap", "share of the top 5 %; 9 is the most")):
        told = f"{ours[figure]:.2f} ({how})"
        yield Target(f"{row.name}: overlap at least {OVERLAP:g} x random", ours[figure] >= OVERLAP, told)
    for figure in ("union", "overlap", "pointing"):
        best = max(values[figure] for form, values in row.reached.items() if form not in ("DELTA", "base"))
        told = f"{ours[figure]:.3f} against {best:.3f}, gain at least {row.least[figure]:+.4f}"
        yield Target(f"{row.name}: {figure} above the strongest difference of maps", row.least[figure] > 0, told)

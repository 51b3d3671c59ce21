"""What the report says of DELTA in words and tables: its controls, how it was made, and what was not done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vetgate.api import Ask, Chart, Finding, Mark, Measurement, Severity, Table, TrainerContext, Unit
from vetgate.statistics import Bounds
from vetgate_delta.category import Category
from vetgate_delta.figures import FEWEST, LEVEL, Sizes, Verdicts, beyond
from vetgate_delta.fit import HEADS_EPOCHS, Course
from vetgate_delta.material import Base
from vetgate_delta.network import Delta
from vetgate_delta.subgraph import Subgraph


def note(rule: str, message: str, severity: Severity = Severity.INFO, advice: str = "") -> Finding:
    """Return a finding of this check."""
    return Finding(rule=f"disparity.{rule}", severity=severity, message=message, advice=advice)


def too_little(explained: int, right: int, among: int) -> tuple[Finding, ...]:
    """Say that there is not enough to explain; the second finding is what a rule on recovery quotes."""
    few = "not enough disparity to explain"
    counts = f"the reference gets {right:,} of {among:,} images right, and the candidate misses {explained} of these"
    return (
        note("little", f"{few}: {counts}; {FEWEST} are needed"),
        note("recovery", f"disparity.recovery was not measured, for there is {few}"),
    )


def summary(right: Verdicts, shares: Mapping[Category, int], failed: Sequence[Finding]) -> Finding:
    """Return the explanation in one sentence, with which reports lead.

    Args:
        right: Of both models, the fused one and the controls.
        shares: Explained images by category; empty where no map was looked at.
        failed: Controls that failed.
    """
    lost, gap = int((right.reference & ~right.candidate).sum()), int(right.reference.sum() - right.candidate.sum())
    parts = [f"of {len(right):,} images the reference alone gets {lost:,} right"]
    if gap > 0:
        back = int(right.fused.sum() - right.candidate.sum()) / gap
        parts.append(f"DELTA brings back {back:.0%} of the accuracy that was lost")
    named = {category: count for category, count in shares.items() if category is not Category.NONE and count}
    if failed:
        parts.append("but a control failed, so its maps do not tell what the candidate lost")
    elif named:
        most, count = max(named.items(), key=lambda item: item[1])
        parts.append(
            f"what it adds is most often '{most.value}', in {count / sum(shares.values()):.0%} of these images"
        )
    return note("summary", "; ".join(parts))


def unlabelled() -> Finding:
    """Say what stands in for labels."""
    return note(
        "unlabelled",
        "the data has no labels: the reference's own answers stand in for them, so that it gets every image right and "
        "accuracies are agreement with it",
    )


@dataclass(frozen=True)
class Control:
    """One way in which DELTA could do without the candidate."""

    title: str
    fault: str
    """What it means where the fused model is not better."""
    difference: Bounds
    """Accuracy of the fused model minus the control's."""

    @property
    def passed(self) -> bool:
        """Return whether the fused model exceeds it."""
        return self.difference.lower > 0


def controls(right: Verdicts) -> tuple[Control, ...]:
    """Return both controls beside the fused model."""
    return (
        Control(
            "control: features permuted",
            "what the candidate sees makes no difference to it",
            beyond(right, right.permuted),
        ),
        Control(
            "control: subgraph alone",
            "its subgraph does as well without the candidate",
            beyond(right, right.alone),
        ),
    )


def replaced(found: Sequence[Control]) -> list[Finding]:
    """Say so where DELTA does not need the candidate."""
    failed = [control for control in found if not control.passed]
    if not failed:
        return []
    why = "; ".join(
        f"{control.title}: fused is better by {100 * control.difference.estimate:+.2f} pp, at least "
        f"{100 * control.difference.lower:+.2f} pp at {LEVEL:.0%}, so {control.fault}"
        for control in failed
    )
    return [
        note(
            "replaces",
            f"DELTA replaces the candidate rather than complements it, and its maps do not tell what the candidate "
            f"lost: {why}",
            Severity.MEDIUM,
            "Try a smaller budget, or more training images. Concepts are not named.",
        )
    ]


def powerless(right: Verdicts) -> list[Finding]:
    """Say so where the fused model is not better than the candidate by its interval: then its maps mean nothing."""
    gain = beyond(right, right.candidate)
    if gain.lower > 0:
        return []
    return [
        note(
            "powerless",
            "it is not sure that DELTA brings anything back, so its maps do not tell what the candidate lost: fused is "
            f"better than the candidate by {100 * gain.estimate:+.2f} pp, at least {100 * gain.lower:+.2f} pp at "
            f"{LEVEL:.0%}",
            Severity.MEDIUM,
            "Try more training images, or a larger budget. Concepts are not named.",
        )
    ]


def withheld(
    found: Sequence[Measurement], ask: Ask, failed: Sequence[Finding]
) -> tuple[list[Measurement], list[Finding]]:
    """Return what may be judged of the figures of an explanation, and what is told of the others.

    Where DELTA failed a control its maps mean nothing, and no rule may pass on them; who only looks still sees them.

    Args:
        found: Figures of the maps.
        ask: What rules want.
        failed: Controls that failed.
    """
    void = {figure.metric for figure in found if failed and figure.metric in ask.metrics}
    rules = ", ".join(finding.rule for finding in failed)
    told = [note("void", f"{metric} was not measured, for a control failed: {rules}") for metric in sorted(void)]
    return [figure for figure in found if figure.metric not in void], told


def accuracy_table(right: Verdicts, found: Sequence[Control], split: str) -> Table:
    """Return accuracies of both models, of the fused one and of the controls."""
    n = len(right)

    def row(name: str, hits: int, difference: Bounds | None = None) -> tuple[str | float | int | None, ...]:
        told = (difference.estimate, difference.lower) if difference is not None else (None, None)
        return (name, hits, hits / n, *told)

    return Table(
        title="What DELTA brings back, and its controls",
        columns=("model", "right", "accuracy", "fused is better by", f"at least, at {LEVEL:.0%}"),
        rows=(
            row("candidate", int(right.candidate.sum()), beyond(right, right.candidate)),
            row("candidate and DELTA (fused)", int(right.fused.sum())),
            row("reference", int(right.reference.sum())),
            row(found[0].title, int(right.permuted.sum()), found[0].difference),
            row(found[1].title, int(right.alone.sum()), found[1].difference),
        ),
        caption=(
            f"Of {n:,} images. {split} Shares in [0, 1]. Features permuted: DELTA is given the candidate's features of "
            f"another image. Subgraph alone: before the reference's classifier, its heads trained for {HEADS_EPOCHS} "
            "epochs without the candidate."
        ),
        chart=Chart(mark=Mark.BARS, label="model", values=("accuracy",), unit=Unit.FRACTION),
    )


def making_table(
    context: TrainerContext, base: Base, subgraph: Subgraph, delta: Delta, course: Course, taken: str
) -> Table:
    """Return how DELTA was made."""
    own = sizes_of(delta, subgraph)
    trained = "with its subgraph" if course.path == "full" else "heads alone"
    weights = course.weights
    removed = [share for share in subgraph.sparsities.values() if share]
    channels = f"{min(removed):.0%} to {max(removed):.0%} of {len(removed)} groups' channels removed" if removed else ""
    rows: list[tuple[str | float | int | None, ...]] = [
        ("variant", course.variant),
        ("parameters", own.parameters),
        ("share of the reference's", _over(own.parameters, base.cost.parameters)),
        ("share asked for", context.tuning.budget),
        ("MACs", own.macs),
        ("share of the reference's MACs", _over(own.macs, base.cost.macs)),
        ("its map", f"{subgraph.channels} x {subgraph.size[0]} x {subgraph.size[1]}"),
        ("width of f_S", delta.shape.width),
        ("trained", f"{course.epochs} epochs, {trained}"),
        ("l_FNC", weights.disagreement),
        ("l", weights.balance),
        ("l_SR", weights.sparsity),
        ("(F - F_B) / (R - F_B)", weights.bias),
    ]
    how = "; ".join(filter(None, (f"without {', '.join(subgraph.dropped)}", channels, *subgraph.notes)))
    return Table(
        title="How DELTA was made",
        columns=("what", "how"),
        rows=tuple(rows),
        caption=(
            f"The subgraph: {how}. Taken of the candidate: {taken}. DELTA was trained without augmentation. The last "
            "row is the bias that the second term of the loss leaves in the fused features where the loss is least. "
            "Costs are with all heads, without the reference's classifier, which is shared. The resizer pairs the "
            "candidate's channels with the reference's by their order alone: a limit of the method."
        ),
    )


def sizes_of(delta: Delta, subgraph: Subgraph) -> Sizes:
    """Return the costs of DELTA with all its heads."""
    return Sizes(delta.learned(), subgraph.cost.macs + delta.head_macs())


def _over(own: int | None, other: int) -> float | None:
    return own / other if own is not None and other else None

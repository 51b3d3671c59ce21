"""Which concept was missed on each explained image: by annotated parts, else by a labeller, else by nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vetgate.api import ConceptCount, Finding, Severity, Table, TrainerContext, concept_table
from vetgate_delta.category import Category
from vetgate_delta.concepts import Annotated, Missed, ask_labeller, most_covered
from vetgate_delta.examples import Scene
from vetgate_delta.ground import Ground
from vetgate_delta.pictures import outlined


def name_concepts(
    ground: Ground, scenes: list[Scene], annotated: Sequence[tuple[Annotated, ...]]
) -> tuple[list[Scene], dict[int, set[str]], tuple[Finding, ...]]:
    """Return scenes with what was missed, the names on each image that could be told of, and what is to be said."""
    told = [index for index, scene in enumerate(scenes) if scene.category is not Category.NONE]
    if any(annotated[index] for index in told):
        return _by_masks(ground, scenes, annotated, told)
    if ground.context.label is not None and told:
        return _by_labeller(ground, scenes, told)
    reason = "no labeller was asked" if told else "no explained image has regions and is corrected"
    finding = Finding(
        rule="disparity.unnamed",
        severity=Severity.INFO,
        message=f"concepts were not named: the explained images have no annotated parts, and {reason}",
        advice="give masks of parts in a COCO-style file (--concepts FILE), or name a labeller (--labeller NAME)",
    )
    return scenes, {}, (finding,)


def _by_masks(
    ground: Ground, scenes: list[Scene], annotated: Sequence[tuple[Annotated, ...]], told: Sequence[int]
) -> tuple[list[Scene], dict[int, set[str]], tuple[Finding, ...]]:
    named, shown = list(scenes), {}
    for index in told:
        if annotated[index]:
            shown[index] = {part.name for part in annotated[index]}
            found = most_covered(annotated[index], ground.regions(index)[1].mask)
            named[index] = replace(scenes[index], missed=found)
    bare = len(told) - len(shown)
    finding = Finding(
        rule="disparity.unannotated",
        severity=Severity.INFO,
        message=f"{bare:,} of {len(told):,} explained images with a category have no annotated part to name",
    )
    return named, shown, (finding,) if bare else ()


def _by_labeller(
    ground: Ground, scenes: list[Scene], told: Sequence[int]
) -> tuple[list[Scene], dict[int, set[str]], tuple[Finding, ...]]:
    """Ask about images drawn at random, so that shares of them estimate shares of all."""
    context = ground.context
    count = min(context.tuning.to_name, len(told))
    asked = [int(index) for index in np.random.default_rng(context.seed).choice(told, count, replace=False)]
    pictures = [lambda index=index: outlined(ground.pixels(index), ground.regions(index)[1].mask) for index in asked]
    answer = ask_labeller(context, pictures, [ground.label(index) for index in asked])
    named = list(scenes)
    for index, name in zip(asked, answer.names, strict=False):
        if name:
            named[index] = replace(scenes[index], missed=Missed(name, 1.0), named=True)
    who = context.labeller or "a labeller"
    told_names = sum(1 for name in answer.names if name)
    findings = [
        Finding(
            rule="disparity.labeller",
            severity=Severity.INFO,
            message=f"{who} named {told_names:,} of {len(asked):,} pictures of explained images",
        )
    ]
    if answer.trouble:
        left = len(asked) - len(answer.names)
        message = f"concepts of {left:,} of {len(asked):,} pictures were not named: {answer.trouble}"
        findings.append(Finding(rule="disparity.unnamed", severity=Severity.LOW, message=message))
    return named, {index: set() for index in asked[: len(answer.names)]}, tuple(findings)


def table_of(concepts: Sequence[ConceptCount], images: int, context: TrainerContext, scenes: Sequence[Scene]) -> Table:
    """Return the table of missed concepts; shares are of `images`."""
    asked = any(scene.named for scene in scenes)
    if asked:
        who = context.labeller or "a labeller"
        caption = (
            f"Named by {who}, not by annotations, on {images:,} explained images drawn at random. A labeller can be "
            "wrong, and two words for one thing count apart."
        )
    else:
        caption = (
            f"Of {images:,} explained images with annotated parts: how often each is the part that DELTA's regions "
            "cover the largest share of. What many images show is missed more often; compare with how many show it."
        )
    return concept_table(concepts, images, title="Most missed concepts", caption=caption)

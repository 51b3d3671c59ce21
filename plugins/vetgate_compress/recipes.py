"""The variants that a study makes unasked, in the families of the paper's tables.

I. F. Mason-Williams, "Bro changed :( Compression: A Functional Perspective", tables 1 to 3: quantisation to 16 and 8
bits, L1 pruning at 10 to 90 %, distillation at three weights of the labels.
"""

from __future__ import annotations

from vetgate.api import Recipe, Setting, Step

RATES = (10, 30, 50, 70, 90)
"""Per cent."""
CLUSTERS = (4, 16, 64, 256, 1024, 4096, 16384)
ALPHAS = (10, 50, 90)
"""Per cent of the loss that the labels weigh; the teacher weighs the rest."""


def _one(name: str, family: str, label: str, compressor: str, **settings: Setting) -> Recipe:
    return Recipe(name=name, family=family, label=label, steps=(Step(compressor=compressor, settings=settings),))


FLOAT32 = (_one("float32", "Uncompressed", "32-bit", "float32"),)
FLOAT16 = (_one("float16", "Quantisation", "16-bit", "float16"),)
INT8_DYNAMIC = (_one("int8-dynamic", "Quantisation", "8-bit dynamic", "int8-dynamic"),)
INT8_STATIC = (_one("int8-static", "Quantisation", "8-bit static", "int8-static"),)
PRUNE_L1 = tuple(_one(f"prune-l1-{rate}", "L1 pruning", f"{rate} %", "prune-l1", rate=rate / 100) for rate in RATES)
PRUNE_RANDOM = tuple(
    _one(f"prune-random-{rate}", "Random pruning", f"{rate} %", "prune-random", rate=rate / 100) for rate in RATES
)
PRUNE_STRUCTURED = tuple(
    _one(f"prune-structured-{rate}", "Structured pruning", f"{rate} %", "prune-structured", rate=rate / 100)
    for rate in (10, 30, 50)
)
CLUSTER = tuple(
    _one(f"cluster-{clusters}", "Weight clustering", f"K = {clusters}", "cluster", clusters=clusters)
    for clusters in CLUSTERS
)
DISTIL = tuple(
    _one(f"distil-{alpha}", "Distillation", f"α = {alpha / 100:g}", "distil", alpha=alpha / 100) for alpha in ALPHAS
)
TRANSFER = tuple(
    _one(f"transfer-{part}", "Layer transfer", label, "transfer", part=part)
    for part, label in (
        ("stem", "first layer"),
        ("classifier", "classifier"),
        ("first-half", "first half"),
        ("last-half", "last half"),
    )
)


def _then(first: Recipe, second: Recipe, label: str) -> Recipe:
    steps = first.steps + second.steps
    return Recipe(name=f"{first.name}+{second.name}", family="In sequence", label=label, steps=steps)


STRUCTURED_THEN = (
    _then(PRUNE_STRUCTURED[0], INT8_DYNAMIC[0], "structured 10 %, then 8-bit dynamic"),
    _then(PRUNE_STRUCTURED[2], INT8_DYNAMIC[0], "structured 50 %, then 8-bit dynamic"),
)
L1_THEN = (_then(PRUNE_L1[2], INT8_STATIC[0], "L1 50 %, then 8-bit static"),)

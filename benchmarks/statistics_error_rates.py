"""Print how often the paired rule is wrong and how often it settles, from every outcome's exact chance.

For `at_least -margin` a false pass is a pass, and a false fail a fail, of a candidate that loses exactly the
margin. Power is the chance that an equal candidate passes. Rows are images, columns discordances.

    python benchmarks/statistics_error_rates.py --confidence 0.99 --score-only
"""

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtri, xlogy

from vetgate.statistics import images_needed, paired_decision_p
from vetgate.statistics.paired import FEW_DISCORDANT, FEW_ON_ONE_SIDE, MANY_DISCORDANT
from vetgate.statistics.tango import tango_scores

SIZES = (100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 4_000, 5_000)
DISCORDANCES = (0.01, 0.0105, 0.0125, 0.015, 0.02, 0.03, 0.05, 0.1, 0.2)

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Verdicts:
    """Which outcomes of n images pass and which fail, indexed [b, c]."""

    n: int
    passes: Mask
    fails: Mask

    def chances(self, discordance: float, difference: float) -> tuple[float, float]:
        """Return the chances in [0, 1] of a pass and of a fail in a population."""
        size = np.arange(len(self.passes), dtype=np.float64)
        b, c = np.meshgrid(size, size, indexing="ij")
        rest = np.maximum(self.n - b - c, 0.0)
        log = gammaln(self.n + 1.0) - gammaln(b + 1.0) - gammaln(c + 1.0) - gammaln(rest + 1.0)
        log += xlogy(b, (discordance - difference) / 2.0) + xlogy(c, (discordance + difference) / 2.0)
        chance = np.where(b + c <= self.n, np.exp(log + xlogy(rest, 1.0 - discordance)), 0.0)
        return float(chance[self.passes].sum()), float(chance[self.fails].sum())


def verdicts(n: int, margin: float, confidence: float, most: float, score_only: bool) -> Verdicts:
    """Return the verdicts on every outcome that a discordance up to `most` makes likely."""
    mean = n * (most + margin) / 2.0
    size = np.arange(int(min(n, mean + 8.0 * np.sqrt(mean) + 10.0)) + 1.0)
    b, c = np.meshgrid(size, size, indexing="ij")
    critical = float(ndtri(confidence))
    z = np.where(b + c <= n, tango_scores(b, c, n, -margin), 0.0)
    passes, fails = z >= critical, z <= -critical
    exact = (b + c < FEW_DISCORDANT) | ((np.minimum(b, c) < FEW_ON_ONE_SIDE) & (b + c < MANY_DISCORDANT))
    # The two tests were seen to differ only from 0.08 below to 0.27 above the critical value.
    doubtful = exact & (np.abs(z) > critical - 0.2) & (np.abs(z) < critical + 0.5) & (not score_only)
    for losses, gains in np.argwhere(doubtful):
        p = paired_decision_p(int(losses), int(gains), n, -margin, confidence)
        passes[losses, gains] = p.greater <= 1.0 - confidence
        fails[losses, gains] = p.less <= 1.0 - confidence
    return Verdicts(n, passes, fails)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--margin", type=float, default=0.01, help="as a fraction (default: 0.01, one point)")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of images")
    parser.add_argument("--score-only", action="store_true", help="Tango's score for every outcome")
    options = parser.parse_args()
    # Discordances scale with the margin: below it no candidate can lose that much.
    scale = options.margin / DISCORDANCES[0]
    shares = [share * scale for share in DISCORDANCES if share * scale < 1.0]
    print(f"at_least -{100 * options.margin:g}pp at {100 * options.confidence:g} %: false pass / false fail / power, %")
    print("images " + "".join(f"{100 * share:>17.4g} %" for share in shares))
    worst = [0.0, 0.0]
    for n in options.sizes:
        found = verdicts(n, options.margin, options.confidence, max(shares), options.score_only)
        row = []
        for share in shares:
            false_pass, false_fail = found.chances(share, -options.margin)
            worst = [max(worst[0], false_pass), max(worst[1], false_fail)]
            row.append((false_pass, false_fail, found.chances(share, 0.0)[0]))
        print(
            f"{n:<7,}" + "".join(f"{100 * p:>7.2f} {100 * f:5.2f} {100 * w:5.1f}" for p, f, w in row),
            flush=True,
        )
    print(f"worst false pass {100 * worst[0]:.3f} %, worst false fail {100 * worst[1]:.3f} %")
    planned = [images_needed(share, options.margin, options.confidence) for share in shares]
    print("images for 80 % power by the plan: " + ", ".join(f"{n:,}" for n in planned))


if __name__ == "__main__":
    main()

"""Print rows.json, which run.py wrote, as the tables of the README.

python benchmarks/disparity/table.py OUT/rows.json [--label cifar]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Figures = dict[str, tuple[float, float | None, float | None]]
CATEGORIES = ("complement_local", "complement_global", "enhance_local", "enhance_global", "mix_local", "mix_global")


def percent(figures: Figures, name: str) -> str:
    """Return a share in per cent with its bounds."""
    if name not in figures:
        return "–"
    value, lower, upper = figures[name]
    if lower is None or upper is None:
        return f"{value:.1%}"
    return f"{100 * value:.1f} % ({100 * lower:.1f} to {100 * upper:.1f})"


def ratio(figures: Figures, name: str) -> str:
    """Return a ratio."""
    return f"{figures[name][0]:.2f}" if name in figures else "–"


def accuracy(row: dict[str, Any], model: str) -> str:
    """Return the accuracy of a model of the report's own table."""
    return f"{row['right'][model] / row['explained_among']:.2%}" if model in row["right"] else "–"


def lines(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the tables, line by line."""
    title = (
        "| budget | variant | candidate | alone | + DELTA | base | recovery | parameters, of base | of candidate "
        "| MACs, of base | of candidate | correlation | permuted | subgraph alone | epochs |"
    )
    found = [title, "|---:|---|---|---:|---:|---:|---:|" + "---:|" * 8]
    for row in rows:
        figures: Figures = row["figures"]
        cells = (
            f"{row['budget']:g} %",
            row["variant"],
            row["candidate"],
            accuracy(row, "candidate"),
            percent(figures, "fused_accuracy"),
            accuracy(row, "reference"),
            percent(figures, "recovery"),
            ratio(figures, "params_to_reference"),
            ratio(figures, "params_to_candidate"),
            ratio(figures, "macs_to_reference"),
            ratio(figures, "macs_to_candidate"),
            f"{figures['correlation'][0]:+.3f}" if "correlation" in figures else "–",
            percent(figures, "permuted_accuracy"),
            percent(figures, "subgraph_accuracy"),
            str(row["made"].get("trained", "–")).partition(" ")[0],
        )
        found.append(f"| {' | '.join(cells)} |")
    names = "".join(f" {name.replace('_', ', ')} |" for name in CATEGORIES)
    found += [
        "",
        f"| budget | variant | candidate | explained |{names} none | overlap |",
        "|---:|---|---|" + "---:|" * 9,
    ]
    for row in rows:
        figures = row["figures"]
        shares = [
            f"{100 * figures[f'share_{name}'][0]:.1f} %" if f"share_{name}" in figures else "–"
            for name in (*CATEGORIES, "none")
        ]
        explained = f"{figures['explained'][0]:,.0f}" if "explained" in figures else "–"
        cells = (
            f"{row['budget']:g} %",
            row["variant"],
            row["candidate"],
            explained,
            *shares,
            percent(figures, "overlap"),
        )
        found.append(f"| {' | '.join(cells)} |")
    return found


def times(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return where time went and what was noted, line by line."""
    found = []
    for row in rows:
        steps = ", ".join(f"{step.split(': ')[-1]} {took:.0f} s" for step, took in row["steps"].items() if took >= 1)
        found.append(
            f"- {row['budget']:g} %, {row['variant']}, {row['candidate']}: {steps}; peak {row['peak'] / 1e9:.2f} GB, "
            f"run of {row['seconds']:.0f} s, {row.get('cpu', 0):.0f} of a processor"
        )
        found.append(f"  - map {row['made'].get('its map', '–')}; {row['made'].get('caption', '')}")
        found += [f"  - {text}" for text in row["findings"]]
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--label", default="cifar")
    parser.add_argument("--times", action="store_true", help="print where time went, too")
    options = parser.parse_args()
    rows = [row for row in json.loads(options.rows.read_text()) if row["label"] == options.label]
    rows.sort(key=lambda row: (row["budget"], row["variant"], row["candidate"]))
    for line in (*lines(rows), *(times(rows) if options.times else ())):
        print(line)


if __name__ == "__main__":
    main()

"""How long commands that open no model take, as whole processes: median of several runs, beside a bare Python.

python benchmarks/start_up.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

COMMANDS = (("--version",), ("--help",), ("policy", "lint", "edge"), ("plugins",))
RUNS = 11


def median_seconds(command: list[str]) -> float:
    """Return the median wall time of a whole process, the first run not counted."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def main() -> None:
    """Print the table."""
    bare = median_seconds([sys.executable, "-c", "pass"])
    print(f"| command | ms | of a bare Python ({1000 * bare:.0f} ms) |\n|---|---:|---:|")
    script = str(Path(sys.executable).parent / "vetgate")
    for arguments in COMMANDS:
        seconds = median_seconds([script, *arguments])
        print(f"| vetgate {' '.join(arguments)} | {1000 * seconds:.0f} | {seconds / bare:.1f} × |")


if __name__ == "__main__":
    main()

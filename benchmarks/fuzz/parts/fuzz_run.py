"""The command line of the fuzzer: starts the engine until the time is up, and tells what came of it."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from fuzz_seeds import SEEDS
from fuzz_targets import MEMORY, SECONDS, TARGETS

LONGEST = 262_144
"""Bytes of an input, where no seed is longer."""
HERE = Path(__file__).parent


@dataclass
class Tally:
    """What came of one target."""

    name: str
    executions: int = 0
    edges_before: int | None = None
    edges: int = 0
    corpus: int = 0
    restarts: int = 0
    seconds: float = 0.0
    found: set[str] = field(default_factory=set)

    def row(self) -> str:
        """Return a row of README's table."""
        before = self.edges_before or 0
        told = "; ".join(sorted(self.found)) or "none"
        return (
            f"| {self.name} | {self.seconds:.0f} | {self.executions:,} | {before:,} | {self.edges - before:+,} | "
            f"{self.corpus:,} | {told} |"
        )


def main(description: str | None) -> int:
    """Fuzz, and print one row for each target; return 1 where something was found.

    Args:
        description: For the help text.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seconds", type=int, default=600, help="of each target")
    parser.add_argument("--work", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if find_spec("atheris") is None:
        print("atheris is not installed: pip install 'vetgate[fuzz]'", file=sys.stderr)
        return 2
    names = [name for name in TARGETS if given.target in ("all", name)]
    found = False
    print("| target | seconds | executions | edges of the seeds | new edges | corpus | found |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        lacking = [library for library in TARGETS[name].libraries if find_spec(library) is None]
        if lacking:
            print(f"| {name} | not run: {', '.join(lacking)} not installed | | | | | |")
            continue
        tally = fuzz(name, given.seconds, given.work / name, given.seed)
        print(tally.row(), flush=True)
        found = found or bool(tally.found)
    return 1 if found else 0


def fuzz(name: str, seconds: int, work: Path, seed: int) -> Tally:
    """Return what came of fuzzing one target.

    Args:
        name: Of the target.
        seconds: To fuzz.
        work: Where the corpus and what is found go; made where it is not there.
        seed: Of the fuzzer's choices.
    """
    corpus = work / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    seeds = SEEDS[name]()
    for place, content in enumerate(seeds):
        (corpus / f"seed-{place:02}").write_bytes(content)
    notes = work / "notes.jsonl"
    notes.write_text("", encoding="utf-8")
    before = set(work.iterdir())
    tally, start = Tally(name), time.monotonic()
    while (left := int(seconds - (time.monotonic() - start))) > 0:
        log = work / "log.txt"
        command = [
            sys.executable, str(HERE / "fuzz_engine.py"), name, str(notes), str(corpus), f"-max_total_time={left}",
            f"-timeout={SECONDS}", f"-rss_limit_mb={MEMORY >> 20}", f"-seed={seed + tally.restarts}",
            f"-artifact_prefix={work}/native-", "-print_final_stats=1",
            f"-max_len={max(LONGEST, 2 * max(map(len, seeds)))}",
        ]  # fmt: skip
        with log.open("wb") as file:
            code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
        _read(log.read_text(encoding="utf-8", errors="replace"), tally)
        tally.restarts += 1
        if code == 0 or tally.restarts > 50:
            break
    tally.seconds = time.monotonic() - start
    tally.corpus = len(list(corpus.iterdir()))
    tally.found |= {json.loads(line)["where"] for line in notes.read_text(encoding="utf-8").splitlines()}
    tally.found |= {path.name for path in set(work.iterdir()) - before if path.name.startswith("native-")}
    return tally


def _read(log: str, tally: Tally) -> None:
    """Take in what libFuzzer tells: `#123 NEW cov: 45 ft: 67 ...`."""
    steps = re.findall(r"^#(\d+)\s+(\w+)\s+cov: (\d+)", log, re.MULTILINE)
    if not steps:
        return
    started = [int(edges) for _, what, edges in steps if what == "INITED"]
    if tally.edges_before is None and started:
        tally.edges_before = started[0]
    tally.edges = max(tally.edges, *(int(edges) for _, _, edges in steps))
    counted = re.search(r"stat::number_of_executed_units:\s*(\d+)", log)
    tally.executions += int(counted[1]) if counted else int(steps[-1][0])

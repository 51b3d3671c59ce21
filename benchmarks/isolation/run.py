"""What walls cost: a child's start until it has answered, with and without them, and inference behind them.

    python benchmarks/isolation/run.py [--pairs 15] [--calls 400]

Pairs are interleaved, and which comes first alternates. The child of a pair loads numpy and multiplies matrices; the
one without walls does the same but for `put_up`. Starts are wall-clock times of the whole child as the gate starts it
(with its private folder and whoever looks after it); the walls' own share is told by processor time inside the child,
which a busy machine does not change. Inference is timed inside the child, in blocks of both kinds by turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vetgate.inference.process import environment
from vetgate.inference.walls import Enclosure, put_up
from vetgate.inference.ward import Ward, at_home


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--child", choices=["walled", "open"])
    given = parser.parse_args()
    if given.child:
        work(given.child, given.calls)
        return
    _starts(given.pairs)
    _inference(given.pairs, given.calls)


def _starts(pairs: int) -> None:
    """Time children that end at once."""
    plain, walled, share = [], [], []
    for count in range(pairs):
        for kind in ("open", "walled") if count % 2 else ("walled", "open"):
            if kind == "open":
                plain.append(_plain())
            else:
                seconds, inside = _walled()
                walled.append(seconds)
                share.append(inside)
    differences = [with_walls - without for with_walls, without in zip(walled, plain, strict=True)]
    ratio = statistics.median(one / other for one, other in zip(walled, plain, strict=True))
    print(f"start of a child, {pairs} pairs: without {_ms(plain)}, with {_ms(walled)}")
    print(f"  ratio {ratio:.3f}, walls add {_ms(differences)} (median of differences)")
    print(
        f"  processor time of putting the walls up, inside the child: {_ms(share)}, at most {max(share) * 1e3:.3g} ms"
    )


def _plain() -> float:
    """Return the seconds of a child as it was before there were walls."""
    start = time.perf_counter()
    with tempfile.TemporaryFile() as log:
        subprocess.run([*_command("open"), "--calls", "0"], stdout=log, stderr=log, env=environment(1), check=True)
    return time.perf_counter() - start


def _walled() -> tuple[float, float]:
    """Return the seconds of a child behind walls, and the processor time of putting them up."""
    start = time.perf_counter()
    ward = Ward("vetgate_isolation_child", (), {**environment(1), "PYTHONPATH": str(Path(__file__).parent)})
    code = ward.process.wait()
    took = time.perf_counter() - start
    ward._watch.join()
    said = ward._last.decode()
    ward.close()
    if code:
        raise SystemExit(f"the child ended with exit code {code}: {said}")
    return took, float(said.split()[-1])


def _command(kind: str) -> list[str]:
    return [sys.executable, __file__, "--child", kind]


def _inference(pairs: int, calls: int) -> None:
    ratios = []
    for count in range(pairs):
        times = {}
        for kind in ("open", "walled") if count % 2 else ("walled", "open"):
            with tempfile.TemporaryDirectory() as home:
                variables = {**environment(1), **at_home(Path(home))}
                command = [*_command(kind), "--calls", str(calls)]
                told = subprocess.run(command, capture_output=True, text=True, env=variables, check=True).stdout
                times[kind] = float(told.split()[0])
        ratios.append(times["walled"] / times["open"])
    low, high = min(ratios), max(ratios)
    print(
        f"inference of {calls} batches, {pairs} pairs: ratio {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"
    )


def work(kind: str, calls: int) -> None:
    """Put walls up if asked to; print the processor seconds of a loop like a small network, and of the walls."""
    before = time.process_time()
    if kind == "walled":
        walls = put_up(Enclosure(own=os.environ["HOME"], memory=8 << 30))
        fallen = [wall.name for wall in walls if not wall.stood]
        if fallen:
            raise SystemExit(f"these walls do not stand: {', '.join(fallen)}")
    put = time.process_time() - before
    import numpy as np

    images = np.random.default_rng(0).random((64, 784), dtype=np.float32)
    weight = np.random.default_rng(1).random((784, 784), dtype=np.float32)
    start = time.process_time()
    for _ in range(calls):
        images = np.tanh(images @ weight / 784)
        time.perf_counter()
    print(time.process_time() - start, put)


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.3g} ms"


if __name__ == "__main__":
    main()

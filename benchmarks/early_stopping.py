"""How many of 10,000 images `check --sequential` sends to each worker, as the workers count them.

    python benchmarks/early_stopping.py

The rule is `accuracy.top1 of delta at least -1pp at 95 %`. Both models are real ONNX files in real children; each
answers what is written in one pixel of the image, so that accuracy and discordance are known. Every case is run for
several seeds, that is orders of the images. A full run afterwards must ask only for what the first left open.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
SIDE = 4
POLICY = """\
version: 1
name: one-point
metrics:
  - {metric: accuracy.top1, of: delta, at_least: -1pp, confidence: 95%}
"""
CARD = f"""\
version: 1
input: {{size: [{SIDE}, {SIDE}], resize: none, colour: grey, scale: 1, mean: [0], std: [1], layout: NCHW}}
output: {{kind: logits}}
"""


@dataclass(frozen=True)
class Case:
    """One candidate of known behaviour."""

    name: str
    lost: float
    """Share of images that only the reference has right."""
    won: float
    most: int | None
    """Images allowed in the mean, or None where the issue is how many there are."""


CASES = (
    Case("identical", 0.0, 0.0, 600),
    Case("2 % discordance, equal", 0.01, 0.01, None),
    Case("5 % discordance, equal", 0.025, 0.025, None),
    Case("10 points worse", 0.105, 0.005, 400),
)


def write_model(path: Path, pixel: int) -> None:
    """Write an ONNX model that answers the class written in one pixel."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    select = np.zeros((SIDE * SIDE, 1), dtype=np.float32)
    select[pixel] = 1.0
    constants: dict[str, NDArray[Any]] = {
        "flat": np.asarray([-1, SIDE * SIDE], dtype=np.int64),
        "select": select,
        "ids": np.arange(CLASSES, dtype=np.float32)[np.newaxis],
    }
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "select"], ["answer"]),
        helper.make_node("Sub", ["answer", "ids"], ["distance"]),
        helper.make_node("Mul", ["distance", "distance"], ["squared"]),
        helper.make_node("Neg", ["squared"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "pixel",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path))
    Path(f"{path}.yaml").write_text(CARD, encoding="utf-8")


def images_of(case: Case, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (N, 4, 4), each with both models' answers and a number of its own in its pixels, and labels."""
    random = np.random.default_rng(1)
    labels = random.integers(0, CLASSES, size=count)
    lost, won = round(case.lost * count), round(case.won * count)
    both_wrong = round(0.08 * count)
    wrong = (labels + 1) % CLASSES
    reference, candidate = labels.copy(), labels.copy()
    candidate[:lost] = wrong[:lost]
    reference[lost : lost + won] = wrong[lost : lost + won]
    missed = slice(lost + won, lost + won + both_wrong)
    reference[missed] = candidate[missed] = wrong[missed]
    pixels = np.zeros((count, SIDE * SIDE), dtype=np.uint8)
    pixels[:, 0], pixels[:, 1] = reference, candidate
    number = np.arange(count)
    pixels[:, 2], pixels[:, 3] = number // 256, number % 256
    return pixels.reshape(count, SIDE, SIDE), labels


def check(folder: Path, *options: str) -> dict[str, Any]:
    """Run the gate in a process of its own; return the report."""
    command = [sys.executable, "-m", "vetgate", "check", "candidate.onnx", "--reference", "reference.onnx"]
    command += ["--data", "data.npz", "--policy", "policy.yaml", "--report", "json=report.json", *options]
    environment = os.environ | {"XDG_CACHE_HOME": str(folder / "cache")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        sys.exit(done.stdout + done.stderr)
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))["reports"][0]
    return report


def measure(case: Case, count: int, seeds: int) -> bool:
    """Print one line of the table; return whether it holds."""
    sent, decisions, continued = [], [], []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            images, labels = images_of(case, count)
            np.savez(folder / "data.npz", images=images, labels=labels)
            (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
            write_model(folder / "reference.onnx", 0)
            write_model(folder / "candidate.onnx", 1)
            stopped = check(folder, "--sequential", "--seed", str(seed))
            answered = {stopped[role]["answered"] for role in ("candidate", "reference")}
            assert len(answered) == 1, f"the workers answered {answered}"
            sent.append(answered.pop())
            assert sent[-1] == stopped["stopping"]["images"]
            decisions.append(stopped["verdict"]["decision"])
            if seed == 0:
                continued.append(check(folder)["candidate"]["answered"] or 0)
    assert continued == [count - sent[0]], f"{continued} images asked for after {sent[0]}"
    told = ", ".join(f"{decisions.count(each)} {each}" for each in dict.fromkeys(decisions))
    mean = float(np.mean(sent))
    held = case.most is None or mean <= case.most
    limit = "" if case.most is None else f"{case.most:,}"
    print(f"| {case.name} | {mean:,.0f} | {min(sent):,} to {max(sent):,} | {limit} | {told} |", flush=True)
    return held


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    print(f"of {options.images:,} images, {options.seeds} orders\n")
    print("| candidate | images to each worker, mean | range | allowed | verdicts |\n|---|---:|---:|---:|---|")
    held = [measure(case, options.images, options.seeds) for case in CASES]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

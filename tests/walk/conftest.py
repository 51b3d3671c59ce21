"""A small world to vet in: toy models of a stranger's format, 60 images, and the gate's own command line."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CARD = """\
version: 1
input: {size: [4, 4], resize: none, colour: grey, scale: 1/255, mean: [0.5], std: [0.25], layout: NCHW}
output: {kind: logits}
"""


@dataclass
class World:
    """Files of one test, and how to run the gate on them."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    weight: np.ndarray = field(default_factory=lambda: np.random.default_rng(5).normal(size=(16, 3)))
    out: str = ""
    err: str = ""

    def toy(self, name: str, *, noise: float = 0.0, card: str | None = CARD, classes: int = 3, **more: Any) -> str:
        """Write a toy model (the reference's weights plus noise) and its card; return its path."""
        from acme_vetgate.backend import write_toy

        if more.pop("metadata", False):
            more["card"] = CARD
        shape = more.pop("shape", (1, 4, 4))
        rows = int(np.prod(shape))
        weight = np.random.default_rng(1).normal(size=(rows, classes))
        if (rows, classes) == self.weight.shape:
            weight = self.weight + noise * weight
        path = write_toy(self.folder / name, weight, shape=shape, **more)
        if card is not None:
            Path(f"{path}.yaml").write_text(card, encoding="utf-8")
        return str(path)

    def data(
        self,
        name: str = "data.npz",
        *,
        images: int = 60,
        labels: Any = "reference",
        size: int = 4,
        columns: dict[str, list[str]] | None = None,
    ) -> str:
        """Write images; labels are the reference's own answers unless given."""
        pixels = np.random.default_rng(2).integers(0, 256, size=(images, size, size), dtype=np.uint8)
        arrays: dict[str, Any] = {"images": pixels}
        if isinstance(labels, str):
            fed = (pixels.reshape(images, -1) / 255 - 0.5) / 0.25
            labels = (fed @ self.weight).argmax(axis=1) if size == 4 else np.zeros(images, dtype=np.int64)
        if labels is not None:
            arrays["labels"] = np.asarray(labels, dtype=np.int64)
        arrays |= {column: np.asarray(values) for column, values in (columns or {}).items()}
        path = self.folder / name
        np.savez(path, **arrays)
        return str(path)

    def policy(self, *rules: str, name: str = "policy.yaml") -> str:
        """Write a policy of rules in the short form; return its path."""
        listing = "".join(f"  - {{{rule}}}\n" for rule in rules)
        path = self.folder / name
        path.write_text(f"version: 1\nname: {Path(name).stem}\nmetrics:\n{listing}", encoding="utf-8")
        return str(path)

    def check(self, *arguments: str) -> int:
        """Run `vetgate check` with a JSON report; return the exit code."""
        return self.run("check", *arguments, "--report", f"json={self.folder / 'report.json'}")

    def run(self, *arguments: str) -> int:
        """Run the command line; return the exit code."""
        from vetgate.cli.app import run

        code = run(list(arguments))
        self.out, self.err = self.capsys.readouterr()
        return code

    def report(self, index: int = 0) -> dict[str, Any]:
        """Return one report of the last run."""
        saved: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        report: dict[str, Any] = saved["reports"][index]
        return report

    def reasons(self, index: int = 0) -> str:
        """Return why the verdict is what it is, with every reason that evidence gives."""
        report = self.report(index)
        told = [ruling["because"] for ruling in report["verdict"]["rulings"]]
        return "\n".join([report["verdict"]["because"], *told, *(item["reason"] for item in report["evidence"])])


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], acme: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Return a world with nothing in it; it is the working directory."""
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, capsys)

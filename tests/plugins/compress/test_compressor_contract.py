from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from vetgate_compress.plugin import vetgate_compressors

from tests.plugins.compress.conftest import MakeBench, specs
from vetgate.api import Bench, CompressorSpec, Setting, Takes, Wants
from vetgate.testing import CompressorContract

SETTINGS: dict[str, dict[str, Setting]] = {
    "float32": {},
    "float16": {},
    "int8-dynamic": {},
    "int8-static": {"images": 20},
    "prune-l1": {"rate": 0.5},
    "prune-random": {"rate": 0.5},
    "prune-structured": {"rate": 0.5},
    "cluster": {"clusters": 16},
}


@pytest.mark.parametrize("name", sorted(SETTINGS))
class TestOurs(CompressorContract):
    @pytest.fixture(autouse=True)
    def _laid_out(self, name: str, workbench: MakeBench, onnx_bench: MakeBench) -> None:
        self.name = name
        self.lay = onnx_bench if specs()[name].takes is Takes.ONNX else workbench

    def spec(self) -> CompressorSpec:
        return specs()[self.name]

    def bench(self, folder: Path) -> Bench:
        return self.lay(settings=SETTINGS[self.name], output=folder / "variant.onnx")

    def images(self) -> NDArray[np.float32]:
        return np.random.default_rng(0).normal(size=(3, 3, 8, 8)).astype(np.float32)


def test_declaring_imports_no_model_library() -> None:
    code = (
        "import sys; from vetgate_compress.plugin import vetgate_compressors; list(vetgate_compressors());"
        "print([name for name in ('torch', 'onnx', 'onnxruntime', 'sklearn', 'numpy') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_recipes_are_the_papers_families_and_no_two_share_a_name() -> None:
    recipes = [recipe for spec in vetgate_compressors() for recipe in spec.recipes]
    assert len({recipe.name for recipe in recipes}) == len(recipes)
    families: dict[str, list[str]] = {}
    for recipe in recipes:
        families.setdefault(recipe.family, []).append(recipe.label)
    assert families["Quantisation"] == ["16-bit", "8-bit dynamic", "8-bit static"]
    assert families["L1 pruning"] == ["10 %", "30 %", "50 %", "70 %", "90 %"]
    assert families["Weight clustering"] == [f"K = {4**power}" for power in range(1, 8)]
    assert families["Distillation"] == ["α = 0.1", "α = 0.5", "α = 0.9"]


def test_every_step_of_a_recipe_is_on_offer_and_modules_come_first() -> None:
    offered = specs()
    for spec in offered.values():
        for recipe in spec.recipes:
            assert [offered[step.compressor].takes for step in recipe.steps[1:]] == [Takes.ONNX] * (
                len(recipe.steps) - 1
            )


def test_what_a_compressor_cannot_do_without_is_declared() -> None:
    wants: dict[str, Any] = {name: spec.wants for name, spec in specs().items() if spec.wants}
    assert wants == {
        "int8-static": (Wants.CALIBRATION,),
        "distil": (Wants.TRAINING,),
        "transfer": (Wants.DONOR,),
    }

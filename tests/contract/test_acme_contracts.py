"""The contract tests that we hand to strangers hold for a stranger's backend, and notice one that lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.check import TableContext
from vetgate.domain.predictions import Predictions, PredictionTable
from vetgate.domain.specs import BackendSpec, CheckSpec
from vetgate.testing import BackendContract, CheckContract, Example, LinearModel, toy_card

RNG = np.random.default_rng(3)
WEIGHT = RNG.normal(size=(16, 3)).astype(np.float32)
IMAGES = RNG.normal(size=(5, 1, 4, 4)).astype(np.float32)


class _Acme:
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> BackendSpec:
        from acme_vetgate import plugin

        (spec,) = plugin.vetgate_backends()
        return spec

    def write(self, folder: Path, misbehave: str = "") -> Example:
        from acme_vetgate.backend import write_toy

        path = write_toy(folder / "model.toy", WEIGHT, misbehave=misbehave)
        expected = LinearModel(WEIGHT, np.zeros(3, dtype=np.float32)).predict(IMAGES)
        return Example(path, toy_card(), IMAGES, expected)


class TestAcme(_Acme, BackendContract):
    def example(self, folder: Path) -> Example:
        return self.write(folder)


class TestAcmeCheck(CheckContract):
    @pytest.fixture(autouse=True)
    def _installed(self, acme: Path) -> None:
        """Let every inherited test see the plugin."""

    def spec(self) -> CheckSpec[Any]:
        from acme_vetgate import plugin

        (spec,) = plugin.vetgate_checks()
        return spec

    def context(self) -> TableContext:
        probabilities = np.asarray([[0.95, 0.05], [0.5, 0.5], [0.1, 0.9]])
        model = Predictions(np.log(probabilities).astype(np.float32), probabilities, probabilities.argmax(axis=1))
        return TableContext(PredictionTable(("a", "b", "c"), None, ("cat", "dog"), model, model))


class _Wrong(_Acme, BackendContract):
    def example(self, folder: Path) -> Example:
        return self.write(folder, "lie")


def test_a_backend_that_answers_for_more_images_than_it_got_breaks_the_contract(acme: Path, tmp_path: Path) -> None:
    wrong: Any = _Wrong()
    with pytest.raises(AssertionError):
        wrong.test_it_answers_as_the_model_does(tmp_path)

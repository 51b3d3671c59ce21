"""The contract tests that we hand to strangers hold for a stranger's backend, and notice one that lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vetgate.domain.specs import BackendSpec
from vetgate.testing import BackendContract, Example, LinearModel, toy_card

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


class _Wrong(_Acme, BackendContract):
    def example(self, folder: Path) -> Example:
        return self.write(folder, "lie")


def test_a_backend_that_answers_for_more_images_than_it_got_breaks_the_contract(acme: Path, tmp_path: Path) -> None:
    wrong: Any = _Wrong()
    with pytest.raises(AssertionError):
        wrong.test_it_answers_as_the_model_does(tmp_path)
